# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Big pictures of which everything is known: photographs side by side, those that are spoken of unlike all others."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from random import Random

import datasets
import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from unires_hf.data import masks
from unires_hf.data.photo_expressions import kind_of
from unires_hf.data.schema import Row
from unires_hf.evaluation.cost import PeakMemory
from unires_hf.evaluation.score import overlap
from unires_hf.inference.segmenter import Segmenter
from unires_hf.markdown import table_of

SIZE = (3000, 4000)
"""Height and width in pixels: 12 megapixels, as telephones take them."""
SHELVES = 5
WAYS = ("off", "auto")
SMALL = 3e-4
"""Of the picture: a part that is smaller has fewer than 60 pixels of 448 x 448."""
ASKED = 6
UNMOVED = {
    *("class", "attribute", "several", "part_attribute", "no_target", "no_target_hard"),
    *("part", "part_side", "part_merged", "part_color"),
}
"""Kinds of expressions that stay true in a mosaic: they name no place, size, neighbor or wider class."""


def mosaics(rows: Sequence[Row], count: int, size: tuple[int, int] = SIZE, seed: int = 0) -> Iterator[Row]:
    """
    Yields big pictures as rows of the schema: `SHELVES` rows of photographs, all of one height.

    `ASKED` photographs of each are spoken of, from as many sources as there are. None of them shows a class that
    another photograph of the mosaic shows, so "the car" means in the mosaic what it meant in its photograph.

    Args:
        rows (`Sequence[Row]`): photographs with words of known kinds, see [`kind_of`]; of sources with unlike classes.
        count (`int`): how many mosaics.
        size (`tuple[int, int]`, *optional*, defaults to `SIZE`): (height, width) in pixels.
        seed (`int`, *optional*, defaults to 0): another one mixes other photographs.

    Raises:
        ValueError: if the photographs have too few classes to fill a mosaic.
    """
    rng = Random(seed)
    silent = rows.remove_columns("image") if isinstance(rows, datasets.Dataset) else rows
    sources = [row["source"] for row in silent]
    seen = [{it["category"] for it in row["targets"] if it["mask"] and masks.area(it["mask"])} for row in silent]
    for number in range(count):
        order = rng.sample(range(len(seen)), len(seen))
        met = Counter[str]()
        turns = {place: met.update([sources[place]]) or met[sources[place]] for place in order}
        asked: list[int] = []
        for place in sorted(order, key=turns.get):  # one of each source, then the second ones
            if len(asked) < ASKED and all(seen[place].isdisjoint(seen[other]) for other in asked):
                asked.append(place)
        classes = set().union(*(seen[place] for place in asked))
        others = [place for place in order if seen[place].isdisjoint(classes)]
        if len(asked) < ASKED or not others:
            raise ValueError(f"There are no {ASKED} photographs of unlike classes and more of others: add a source.")
        yield _laid(f"mosaic-{number}", rows, seen, asked, others, size, rng)


def _laid(
    name: str,
    rows: Sequence[Row],
    seen: Sequence[set[str]],
    asked: Sequence[int],
    others: Sequence[int],
    size: tuple[int, int],
    rng: Random,
) -> Row:
    """Shelf by shelf, those that are spoken of at shelves and turns drawn by lot, the others around them."""
    side = size[0] // SHELVES
    shelves: list[list[int]] = [[] for _ in range(SHELVES)]
    for place, shelf in zip(asked, cycle(rng.sample(shelves, SHELVES)), strict=False):
        shelf.append(place)
    canvas, targets, fillers = Image.new("RGB", size[::-1]), [], cycle(others)
    laid: Counter[str] = Counter()
    for number, spoken in enumerate(shelves):
        pictures = [(place, _at_height(rows[place]["image"], side)) for place in spoken]
        room = size[1] - sum(picture.width for _, picture in pictures)
        for place in islice(fillers, 4 * SHELVES):
            picture = _at_height(rows[place]["image"], side)
            if picture.width <= room:
                pictures.insert(rng.randint(0, len(pictures)), (place, picture))
                room -= picture.width
        left = 0
        for place, picture in pictures:
            laid.update(seen[place])
            canvas.paste(picture, (left, number * side))
            if place in spoken:
                found = _moved(rows[place], picture, (number * side, left), size)
                targets += [(it, seen[place]) for it in found]
            left += picture.width
    about = {"image_id": name, "source": "mosaics", "width": size[1], "height": size[0]}
    absent = [it["category"] not in own and laid[it["category"]] > 0 for it, own in targets]
    return {
        "image": canvas,
        **about,
        "targets": [it for (it, _), lies in zip(targets, absent, strict=True) if not lies],
    }


def _at_height(picture: Image.Image, height: int) -> Image.Image:
    width = round(picture.width * height / picture.height)
    return picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def _moved(row: Row, picture: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> list[Row]:
    """The targets of a photograph in the mosaic, with those of their expressions that stay true."""
    targets = []
    down = (np.arange(picture.height) + 0.5) * row["height"] // picture.height
    across = (np.arange(picture.width) + 0.5) * row["width"] // picture.width
    for target in row["targets"]:
        said = [it for it in target["expressions"] if kind_of(it["expression_id"]) in UNMOVED]
        if target["mask"] is None or not said:
            continue
        mask = np.zeros(size, bool)
        small = masks.decode(target["mask"])[down.astype(int)[:, None], across.astype(int)]
        mask[corner[0] : corner[0] + picture.height, corner[1] : corner[1] + picture.width] = small
        moved = masks.encode(mask)
        named = {"target_id": f"{row['image_id']}/{target['target_id']}"}
        targets.append({**target, **named, "parent_id": None, "mask": moved, "bbox": masks.bbox(moved)})
        targets[-1]["expressions"] = said
    return targets


def measure_tiles(segmenter: Segmenter, rows: Iterable[Row]) -> list[Row]:
    """
    Asks for everything in big pictures without tiles and with them.

    Returns:
        `list[dict]`: one an expression and way: `tiles` ("off" or "auto"), `image_id`, `text`, `granularity`, `share`
        of the picture that is meant (0 for nothing), `iou`, `denied`; and of its picture `views`, `seconds`, and
        `mib`, the memory of the model and of the call ([`PeakMemory`]), masks included.
    """
    records = []
    for row in tqdm(rows, desc="mosaics", unit=" pictures"):
        said = [(target, it["text"]) for target in row["targets"] for it in target["expressions"]]
        for way in WAYS:
            started = time.perf_counter()
            with PeakMemory(segmenter.model) as peak:
                results = segmenter.segment(row["image"], [text for _, text in said], way)
            of_picture = {
                "tiles": way,
                "image_id": row["image_id"],
                "views": 1 + len(segmenter.tiles_of(row["image"], way)),
                "seconds": time.perf_counter() - started,
                "mib": peak.mib,
            }
            for (target, text), result in zip(said, results, strict=True):
                truth = masks.decode(target["mask"])
                counts = overlap(result["mask"].numpy(), truth)
                records.append(
                    {
                        **of_picture,
                        "text": text,
                        "granularity": target["granularity"],
                        "share": counts.gt_area / truth.size,
                        "iou": counts.intersection / max(counts.union, 1),
                        "denied": result["is_empty"],
                    }
                )
    return records


def tiles_table(records: Sequence[Row]) -> str:
    """The table of [`measure_tiles`] in Markdown: mIoU and the share found (IoU above 0.5), in percent."""
    groups = {
        "objects": lambda it: it["granularity"] == "object" and it["share"] > 0,
        "parts": lambda it: it["granularity"] == "part" and it["share"] >= SMALL,
        "small parts": lambda it: it["granularity"] == "part" and 0 < it["share"] < SMALL,
    }
    head = ["tiles"]
    lines = {way: [f"`{way}`"] for way in WAYS}
    for name, belongs in groups.items():
        head += [f"{name}: mIoU", "found"]
        for way, line in lines.items():
            ious = np.array([it["iou"] for it in records if it["tiles"] == way and belongs(it)])
            head[-2] = f"{name} ({len(ious)}): mIoU"
            line += [f"{100 * ious.mean():.1f}", f"{100 * (ious > 0.5).mean():.1f}"] if len(ious) else ["–", "–"]
    head += ["denied", "views", "s", "MiB"]
    for way, line in lines.items():
        own = [it for it in records if it["tiles"] == way]
        absent = [it["denied"] for it in own if it["share"] == 0]
        head[-4] = f"nothing ({len(absent)}): denied"
        line.append(f"{100 * np.mean(absent):.1f}" if absent else "–")
        pictures = {it["image_id"]: it for it in own}.values()
        line += [f"{np.median([it[key] or 0 for it in pictures]):.{digits}f}" for key, digits in _COSTS]
    return table_of([head, *(lines[way] for way in ("off", "auto"))])


_COSTS = (("views", 0), ("seconds", 1), ("mib", 0))
