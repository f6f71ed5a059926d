# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Masks over their picture, for people: one panel an expression, with its words, and the truth beside it if known."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# Told apart by color-blind readers too (after Okabe and Ito).
COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
BY_GRANULARITY = {"object": COLORS[0], "part": COLORS[1]}
INK, PAPER, FAINT = (25, 25, 25), (255, 255, 255), (110, 110, 110)
SIDE, GAP, LINE = 300, 10, 20


def tint(picture: Image.Image, mask: np.ndarray, color: tuple[int, int, int]) -> Image.Image:
    """
    The picture in gray, pale outside of the mask, tinted and outlined inside.

    Args:
        picture (`PIL.Image.Image`): of any size.
        mask (`np.ndarray` of shape `(height, width)`): bool, of any size; it is laid over the whole picture.
        color (`tuple[int, int, int]`): of the tint.
    """
    # Without its colors, or a blue bird would look like a mask, and a green one under an orange mask like neither.
    picture = picture.convert("L").convert("RGB")
    share = Image.fromarray(np.asarray(mask, bool)).convert("L").resize(picture.size, Image.Resampling.BOX)
    inside = share.point(lambda value: 255 * (value > 0))  # a part of one pixel stays to be seen
    pale = Image.blend(picture, Image.new("RGB", picture.size, PAPER), 0.4)
    shown = Image.composite(Image.blend(picture, Image.new("RGB", picture.size, color), 0.5), pale, inside)
    edge = (np.asarray(inside) > 0) & (np.asarray(inside.filter(ImageFilter.MinFilter(3))) == 0)
    shown.paste(color, mask=Image.fromarray(edge))
    return shown


def fit(picture: Image.Image, side: int) -> Image.Image:
    """The picture in RGB, scaled up or down until its longer side is `side` pixels."""
    scale = side / max(picture.size)
    fitting = [max(1, round(length * scale)) for length in picture.size]
    return picture.convert("RGB").resize(fitting, Image.Resampling.LANCZOS)


def draw_legend(pen: ImageDraw.ImageDraw, right: int, top: int) -> None:
    """Says which color is which granularity, ending at `right`."""
    font = ImageFont.load_default(13)
    for kind, color in reversed(BY_GRANULARITY.items()):
        pen.text((right, top), kind, fill=INK, font=font, anchor="ra")
        right -= int(font.getlength(kind)) + 18
        pen.rectangle((right, top + 1, right + 12, top + 13), fill=color)
        right -= 14


def draw_overlays(
    picture: Image.Image,
    results: Sequence[dict[str, Any]],
    truths: Sequence[np.ndarray] | None = None,
    columns: int = 3,
) -> Image.Image:
    """
    A sheet: the picture, then a panel for each expression.

    Args:
        picture (`PIL.Image.Image`): upright.
        results: what the pipeline returns for the picture: dicts with `label`, `mask`, `score` and `is_empty`.
        truths (*optional*): the true masks (height, width), bool, in the order of the results; each then stands beside
            its prediction, with the intersection over union.
        columns (`int`, *optional*, defaults to 3): panels in a row of the sheet.

    Returns:
        `PIL.Image.Image`: mode "RGB".
    """
    small = fit(picture, SIDE)
    panels = []
    for index, result in enumerate(results):
        color, mask = COLORS[index % len(COLORS)], np.asarray(result["mask"]) > 0
        note = "nothing found" if result["is_empty"] else f"score {result['score']:.2f}"
        shown = [tint(small, mask, color)]
        if truths is not None:
            shown.append(tint(small, truths[index], color))
            note += f", IoU {100 * _iou(mask, truths[index]):.0f} %"
        panels.append(_panel(shown, result["label"], note))
    width, height = max((panel.width for panel in panels), default=SIDE), small.height + 2 * LINE
    # The picture in the middle of a cell as wide as the others.
    scene = Image.new("RGB", (width, height), PAPER)
    scene.paste(small, ((width - small.width) // 2, 0))
    panels.insert(0, scene)
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), PAPER)
    for place, panel in enumerate(panels):
        sheet.paste(panel, (GAP + place % columns * (width + GAP), GAP + place // columns * (height + GAP)))
    return sheet


def _panel(pictures: list[Image.Image], label: str, note: str) -> Image.Image:
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    panel = Image.new("RGB", (max(width, SIDE), pictures[0].height + 2 * LINE), PAPER)
    for place, picture in enumerate(pictures):
        panel.paste(picture, (place * (picture.width + GAP), 0))
    pen = ImageDraw.Draw(panel)
    if len(pictures) == 2:
        note += "   (left: predicted, right: true)"
    pen.text((0, pictures[0].height + 3), shorten(label, panel.width, 15), fill=INK, font=ImageFont.load_default(15))
    pen.text((0, pictures[0].height + LINE + 2), note, fill=FAINT, font=ImageFont.load_default(12))
    return panel


def shorten(text: str, width: float, size: int) -> str:
    """As much of the text as fits into `width` pixels at this font size."""
    font = ImageFont.load_default(size)
    if len(text) <= width and font.getlength(text) <= width:
        return text
    ends = range(min(len(text), int(width)))  # a letter takes a pixel at least
    end = bisect_right(ends, width, key=lambda end: font.getlength(text[: end + 1] + "…"))
    return text[:end].rstrip() + "…"


def _iou(mask: np.ndarray, truth: np.ndarray) -> float:
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0
