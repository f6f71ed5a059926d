# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The worst and the best cases of an evaluation as one picture, to see what the numbers mean."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from unires_hf.data import masks

from .results import Results

Row = dict[str, Any]
_SIDE, _GAP, _CAPTION, _HEADING = 260, 12, 36, 44
_COLOURS = {"object": (0, 130, 240), "part": (230, 97, 0)}  # told apart by colour-blind readers too
_INK, _FAINT, _PAPER = (25, 25, 25), (110, 110, 110), (255, 255, 255)


def draw_gallery(results: Results, rows: Iterable[Row], path: str | Path, count: int = 6) -> Path:
    """Draws the `count` worst cases on the left, the `count` best on the right, each as truth and prediction.

    One case an image at most, so that one hard photograph does not fill the page (our choice). Among equal IoUs the
    larger union comes first: the greater mistake, the greater success.

    Args:
        results: of [`evaluate_model`] with `keep_masks=True`.
        rows: the rows that were evaluated, for their pictures.
        path: of the PNG.
        count (`int`, *optional*, defaults to 6): cases a side.

    Raises:
        ValueError: if the results hold no masks, or the pictures of the cases are not among the rows.
    """
    records = results.records.to_pylist()
    if records[0]["prediction"] is None:
        raise ValueError("The records hold no predicted masks; evaluate with keep_masks=True.")
    worst = _one_an_image(sorted(records, key=lambda it: (it["iou"], -it["union"])))[:count]
    best = _one_an_image(sorted(records, key=lambda it: (-it["iou"], -it["union"])))[:count]
    found = _find(rows, {_key(record) for record in worst + best})

    cases = [[_draw_case(record, found[_key(record)]) for record in side] for side in (worst, best)]
    tops = _HEADING + np.cumsum([0] + [max(a.height, b.height) + _GAP for a, b in zip(*cases, strict=True)])
    width = 2 * _SIDE + _GAP
    page = Image.new("RGB", (2 * width + 5 * _GAP, int(tops[-1])), _PAPER)
    pen = ImageDraw.Draw(page)
    for left, title, side in ((_GAP, "Worst", cases[0]), (width + 4 * _GAP, "Best", cases[1])):
        pen.text((left, 10), title, fill=_INK, font=ImageFont.load_default(20))
        pen.text((left + 80, 16), "truth left, prediction right", fill=_FAINT, font=ImageFont.load_default(13))
        for top, case in zip(tops.tolist(), side, strict=False):
            page.paste(case, (left, top))
    _legend(pen, page.width - _GAP)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)
    return path


def _one_an_image(records: list[Row]) -> list[Row]:
    first: dict[tuple[str, str], Row] = {}
    for record in records:
        first.setdefault(_key(record), record)
    return list(first.values())


def _key(record: Row) -> tuple[str, str]:
    return record["source"], record["image_id"]


def _find(rows: Iterable[Row], keys: set[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    if isinstance(rows, datasets.Dataset):  # read the pictures of these rows only
        named = rows.select_columns(["source", "image_id"])
        rows = rows.select([index for index, row in enumerate(named) if _key(row) in keys])
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        if _key(row) in keys:
            found[_key(row)] = row
        if len(found) == len(keys):
            return found
    missing = sorted(keys - found.keys())[0]
    raise ValueError(f"The image {missing} is not among the rows; pass those that were evaluated.")


def _draw_case(record: Row, row: Row) -> Image.Image:
    image = datasets.Image().decode_example(row["image"]) if isinstance(row["image"], dict) else row["image"]
    target = next(target for target in row["targets"] if target["target_id"] == record["target_id"])
    colour = _COLOURS[record["granularity"]]
    shown = [
        _overlay(image.convert("RGB"), masks.decode(rle), colour) for rle in (target["mask"], record["prediction"])
    ]
    height = shown[0].height
    case = Image.new("RGB", (2 * _SIDE + _GAP, height + _CAPTION), _PAPER)
    for left, picture in zip((0, _SIDE + _GAP), shown, strict=True):
        case.paste(picture, (left + (_SIDE - picture.width) // 2, 0))
    pen = ImageDraw.Draw(case)
    font = ImageFont.load_default(16)
    iou = f"IoU {100 * record['iou']:.0f}"
    pen.text((case.width, height + 5), iou, fill=_INK, font=font, anchor="ra")
    room = case.width - pen.textlength(iou, font) - 2 * _GAP
    pen.text((0, height + 5), _shorten(f"“{record['text']}”", room, font), fill=_INK, font=font)
    return case


def _overlay(image: Image.Image, mask: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    """The picture scaled into a square, paler outside of the mask, tinted and outlined inside."""
    image = image.copy()
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    inside = Image.fromarray(mask).convert("L").resize(image.size, Image.Resampling.BOX).point(lambda x: 255 * (x > 0))
    paint = Image.new("RGB", image.size, colour)
    pale = Image.blend(image, Image.new("RGB", image.size, _PAPER), 0.35)
    shown = Image.composite(Image.blend(image, paint, 0.45), pale, inside)
    core = np.asarray(inside.filter(ImageFilter.MinFilter(3)))
    edge = Image.fromarray((np.asarray(inside) > 0) & (core == 0))
    shown.paste(paint, mask=edge)
    return shown


def _shorten(text: str, room: float, font: ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= room:
        return text
    while font.getlength(text + "…”") > room:
        text = text[:-1]
    return text.rstrip() + "…”"


def _legend(pen: ImageDraw.ImageDraw, right: int) -> None:
    font = ImageFont.load_default(13)
    for kind, colour in reversed(_COLOURS.items()):
        pen.text((right, 16), kind, fill=_INK, font=font, anchor="ra")
        right -= int(font.getlength(kind)) + 18
        pen.rectangle((right, 17, right + 12, 29), fill=colour)
        right -= 14
