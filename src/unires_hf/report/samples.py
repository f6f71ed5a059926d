# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A gallery of a data set's pictures with masks and what is said about them, after supplementary figures 3 and 4."""

import math
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
from PIL import ImageDraw, ImageFilter, ImageFont
from PIL.Image import Image

from unires_hf.data import masks
from unires_hf.data.brief import line
from unires_hf.data.pictures import open_picture
from unires_hf.data.schema import Row

from .overlay import COLORS, FAINT, INK, PAPER
from .statistics import damage_of, open_shard, shards

COLUMNS, WIDTH, HEIGHT, GAP = 3, 440, 340, 26
TARGETS = 4
"""More masks on one picture hide one another."""
EXPRESSIONS = 2
"""At most so many of a target are shown."""
_LINE, _KIND_WIDTH = 21, 54


def draw_samples(
    folder: str | Path, path: str | Path, *, splits: Collection[str] | None = None, count: int = 12
) -> Path:
    """Draws pictures from all over a converted folder.

    Args:
        folder (`str` or `Path`): what `unires convert` made.
        path (`str` or `Path`): of the PNG.
        splits (`Collection[str]`, *optional*): only these.
        count (`int`, defaults to 12): number of pictures, evenly spaced over the rows.

    Returns:
        `Path`: the PNG.

    Raises:
        ValueError: if the folder has no shards, or not those splits.
    """
    cells = [
        draw_row(row) for row in _spread([it for paths in shards(folder, splits).values() for it in paths], count)
    ]
    _columns(cells).save(path, format="PNG")
    return Path(path)


def draw_row(row: Row) -> Image:
    """One picture with the masks of up to four targets, and below it what is said about them.

    Args:
        row (`dict`): a row of the schema with the picture's bytes.

    Returns:
        `Image`: 440 pixels wide.
    """
    targets = _chosen(row)
    with open_picture(row["image"]["bytes"]) as opened:
        try:
            picture = PIL.ImageOps.exif_transpose(opened).convert("RGB")
        except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
            raise ValueError(f"the picture of image {row['image_id']} is damaged: {line(error)}.") from error
    # Large masks first, so that a part lies on its object.
    order = sorted(range(len(targets)), key=lambda it: -masks.area(targets[it]["mask"]))
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    fitting = [max(1, round(side * scale)) for side in picture.size]
    picture = picture.resize(fitting, PIL.Image.Resampling.LANCZOS)
    for number in order:
        picture = _painted(picture, masks.decode(targets[number]["mask"]), COLORS[number])
    lines = [line for number, target in enumerate(targets) for line in _lines(target, COLORS[number])]
    cell = PIL.Image.new("RGB", (WIDTH, picture.height + 10 + _LINE * len(lines)), PAPER)
    cell.paste(picture, ((WIDTH - picture.width) // 2, 0))
    pen, font = ImageDraw.Draw(cell), ImageFont.load_default(15)
    for number, (swatch, kind, text) in enumerate(lines):
        top = picture.height + 10 + _LINE * number
        if swatch:
            pen.rectangle((1, top + 4, 12, top + 15), fill=swatch)
        pen.text((20, top), kind, fill=FAINT, font=font)
        pen.text((20 + _KIND_WIDTH, top), text, fill=INK, font=font)
    return cell


def _spread(paths: list[Path], count: int) -> Iterator[Row]:
    """Rows evenly spaced over the shards; only their row groups are read."""
    groups = []
    for path in paths:
        metadata = open_shard(path).metadata
        groups += [(path, group, metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]
    total = sum(rows for *_, rows in groups)
    wanted = sorted({int((number + 0.5) * total / count) for number in range(count)})
    start = 0
    for path, group, rows in groups:
        here = [it - start for it in wanted if start <= it < start + rows]
        if here:
            with damage_of(path):
                chosen = open_shard(path).read_row_group(group).take(here).to_pylist()
            yield from chosen
        start += rows


def _chosen(row: Row) -> list[Row]:
    """Targets with something to show, objects and parts in turn."""
    seen = [it for it in row["targets"] if it["expressions"] and it["mask"] is not None and masks.area(it["mask"])]
    kinds = [[it for it in seen if it["granularity"] == kind] for kind in ("object", "part")]
    longest = max(map(len, kinds))
    in_turn = [kind[number] for number in range(longest) for kind in kinds if number < len(kind)]
    return in_turn[:TARGETS]


def _painted(picture: Image, mask: np.ndarray, color: tuple[int, int, int]) -> Image:
    """The picture with the mask tinted and outlined."""
    shown = PIL.Image.fromarray(mask).convert("L").resize(picture.size, PIL.Image.Resampling.BOX)
    inside = (
        shown.point(lambda cover: 255 * (cover > 127)) if mask.sum() > 400 else shown.point(lambda it: 255 * (it > 0))
    )
    paint = PIL.Image.new("RGB", picture.size, color)
    tinted = PIL.Image.composite(PIL.Image.blend(picture, paint, 0.38), picture, inside)
    around = np.asarray(inside.filter(ImageFilter.MaxFilter(3))) > np.asarray(inside.filter(ImageFilter.MinFilter(3)))
    tinted.paste(paint, mask=PIL.Image.fromarray(around))
    return tinted


def _lines(target: Row, color: tuple[int, int, int]) -> Iterator[tuple[tuple[int, int, int] | None, str, str]]:
    """Swatch, granularity and text; the first two stand on a target's first line only."""
    font = ImageFont.load_default(15)
    first = True
    for expression in target["expressions"][:EXPRESSIONS]:
        for text in _wrapped(f"“{expression['text']}”", WIDTH - 20 - _KIND_WIDTH, font):
            yield (color, target["granularity"], text) if first else (None, "", text)
            first = False


def _wrapped(text: str, room: float, font: ImageFont.FreeTypeFont) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= 2 else [lines[0], lines[1] + " …”"]


def _columns(cells: list[Image]) -> Image:
    """Each cell goes where the column is shortest."""
    columns = min(COLUMNS, math.ceil(len(cells) ** 0.5)) or 1
    heights = [GAP] * columns
    places = []
    for cell in cells:
        column = heights.index(min(heights))
        places.append((GAP + column * (WIDTH + GAP), heights[column]))
        heights[column] += cell.height + GAP
    page = PIL.Image.new("RGB", (GAP + columns * (WIDTH + GAP), max(heights)), PAPER)
    for cell, place in zip(cells, places, strict=True):
        page.paste(cell, place)
    return page
