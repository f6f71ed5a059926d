# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A sheet of samples to look at and read: scenes, some of what is said about them, and what that means."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .dataset import PartScenes
from .expressions import NO_TARGET, Expression
from .render import View

_SIDE, _LINE, _EXPRESSIONS = 256, 17, 6
_INKS = ((214, 40, 40), (24, 110, 200), (30, 140, 60), (170, 60, 190), (220, 120, 0), (0, 140, 150))
_PAPER, _GRAY = (255, 255, 255), (110, 110, 110)


def sample_sheet(scenes: PartScenes, rows: int = 4, columns: int = 3, start: int = 0) -> Image.Image:
    """Scenes from number `start` on, each as it is and with some of its expressions marked in color."""
    width, height = 2 * _SIDE + 12, _SIDE + _EXPRESSIONS * _LINE + 14
    sheet = Image.new("RGB", (columns * width, rows * height), _PAPER)
    for place in range(rows * columns):
        cell = _cell(*scenes.draw(start + place))
        sheet.paste(cell, (place % columns * width, place // columns * height))
    return sheet


def _cell(view: View, expressions: list[Expression]) -> Image.Image:
    cell = Image.new("RGB", (2 * _SIDE + 12, _SIDE + _EXPRESSIONS * _LINE + 14), _PAPER)
    draw, font = ImageDraw.Draw(cell), ImageFont.load_default(size=13)
    step = max(1, len(expressions) // _EXPRESSIONS)
    chosen = expressions[::step][:_EXPRESSIONS]
    marked = view.pixels // 3 + 150
    for line, (expression, ink) in enumerate(zip(chosen, _INKS, strict=False)):
        nothing = expression.kind == NO_TARGET
        if not nothing:
            mask = view.mask(things=expression.things, pieces=expression.pieces)
            marked[mask] = (0.35 * marked[mask] + 0.65 * np.array(ink)).astype(np.uint8)
        text = f"{expression.text}  ({expression.kind.replace('_', ' ')})"
        draw.text((6, _SIDE + 8 + line * _LINE), text, fill=_GRAY if nothing else ink, font=font)
    for column, pixels in enumerate((view.pixels, marked)):
        picture = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        cell.paste(picture, (4 + column * (_SIDE + 2), 4))
    return cell
