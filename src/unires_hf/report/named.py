# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A photograph in its own colors, each expression's mask in one color, and the words beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .overlay import COLORS, FAINT, INK, PAPER

_SIDE = 700  # pixels; a smaller photograph is enlarged by a whole number, so that words fit beside it
_GAP = 24


def draw_named(picture: Image.Image, results: Sequence[dict[str, Any]]) -> Image.Image:
    """
    The photograph with all masks, small ones over large ones, and a line from each to its words on the right.

    Args:
        picture (`PIL.Image.Image`): upright; it keeps its size unless it is small.
        results: what the pipeline returns for the picture: dicts with `label`, `mask`, `score` and `is_empty`. What
            was not found is named at the foot.

    Returns:
        `PIL.Image.Image`: mode "RGB", wider than the photograph.
    """
    times = max(1, -(-_SIDE // max(picture.size)))
    size = (picture.width * times, picture.height * times)
    shown = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    found = [
        (Image.fromarray(np.asarray(it["mask"]) > 0).convert("L").resize(size, Image.Resampling.BILINEAR), it["label"])
        for it in results
        if not it["is_empty"]
    ]
    found.sort(key=lambda pair: -np.count_nonzero(np.asarray(pair[0]) > 127))
    place, names = np.full(size[::-1], -1), []
    for number, (mask, name) in enumerate(found):
        inside, color = mask.point(lambda value: 255 * (value > 127)), COLORS[number % len(COLORS)]
        shown.paste(Image.blend(shown, Image.new("RGB", size, color), 0.45), mask=inside)
        thin = inside.filter(ImageFilter.MinFilter(5))
        edge = (np.asarray(inside) > 0) & (np.asarray(thin) == 0)
        shown.paste(color, mask=Image.fromarray(edge))
        place[np.asarray(inside) > 0] = number
        names.append((name, color))

    font = ImageFont.load_default(max(18, max(size) // 34))
    step = int(font.size * 1.8)
    missing = [f"{it['label']}: nothing found" for it in results if it["is_empty"]]
    margin = int(max(font.getlength(words) for words in [*(name for name, _ in names), *missing])) + 3 * _GAP
    height = max(size[1], step * (len(names) + len(missing)) + 2 * _GAP)
    sheet = Image.new("RGB", (size[0] + margin, height), PAPER)
    sheet.paste(shown, (0, 0))
    pen = ImageDraw.Draw(sheet)
    points = {number: _middle(place == number) for number in range(len(names)) if (place == number).any()}
    bottom = height - _GAP - step * len(missing)
    left = step * len(points)
    top = _GAP
    for number, (x, y) in sorted(points.items(), key=lambda pair: pair[1][1]):
        name, color = names[number]
        top = min(max(top, y - step // 2), bottom - left)
        pen.line((x, y, size[0] + _GAP, top + step // 2), fill=PAPER, width=5)
        pen.line((x, y, size[0] + _GAP, top + step // 2), fill=color, width=3)
        pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=color, outline=PAPER, width=2)
        pen.text((size[0] + _GAP + 8, top + step // 2), name, fill=INK, font=font, anchor="lm")
        top, left = top + step, left - step
    for number, words in enumerate(missing):
        pen.text((size[0] + _GAP + 8, bottom + step * number + step // 2), words, fill=FAINT, font=font, anchor="lm")
    return sheet


def _middle(mask: np.ndarray) -> tuple[int, int]:
    """The pixel (x, y) of a mask that is nearest to the mean of all, shifted to the right."""
    y, x = np.nonzero(mask)
    nearest = np.argmin((x - x.mean() - x.std() / 2) ** 2 + (y - y.mean()) ** 2)
    return int(x[nearest]), int(y[nearest])
