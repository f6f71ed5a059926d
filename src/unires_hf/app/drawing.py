# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the page shows and gives away: all masks in one picture, a legend to it, and an archive of them."""

import re
import secrets
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from PIL import Image

from unires_hf.inference.origin import png_note
from unires_hf.inference.segmenter import mask_picture
from unires_hf.report.overlay import COLORS, PAPER, tint


def color(number: int) -> tuple[int, int, int]:
    """The color of expression `number`; after the report's colors come darker ones of them."""
    turn, place = divmod(number, len(COLORS))
    red, green, blue = (round(value * 0.6**turn) for value in COLORS[place])
    return red, green, blue


def lay_over(picture: Image.Image, results: Sequence[dict[str, Any]]) -> Image.Image:
    """The picture in gray with every mask in its color, small ones above large ones, so that parts stay to be seen.

    Args:
        picture (`PIL.Image.Image`): of any size.
        results: dicts with "mask" (height, width), bool, of any size.
    """
    masks = [np.asarray(result["mask"]) for result in results]
    shown = tint(picture, np.zeros_like(masks[0]), PAPER)  # pale all over
    for number in sorted(range(len(masks)), key=lambda number: -np.count_nonzero(masks[number])):
        inside = Image.fromarray(masks[number]).convert("L").resize(picture.size, Image.Resampling.BOX)
        inside = inside.point(lambda value: 255 * (value > 0))
        shown.paste(tint(picture, masks[number], color(number)), mask=inside)
    return shown


def legend(results: Sequence[dict[str, Any]]) -> str:
    """A list in HTML: each expression beside its color, with its score or that nothing was found."""
    lines = []
    for number, result in enumerate(results):
        note = "nothing found" if result["is_empty"] else f"{result['score']:.2f}"
        lines.append(
            f'<li><span class="swatch" style="background: rgb{color(number)}"></span>'
            f'<span class="expression">{escape(result["label"])}</span><span class="score">{note}</span></li>'
        )
    return f'<ol class="legend">{"".join(lines)}</ol>'


def write_archive(results: Iterable[dict[str, Any]], folder: Path, origin: dict[str, Any]) -> Path:
    """`masks.zip` in a folder: one PNG an expression, named by its number and words; returns its path.

    Each carries in its text what made it, see [`made_by`].
    """
    draft, path = folder / f"{secrets.token_hex(8)}.zip", folder / "masks.zip"
    with ZipFile(draft, "w") as archive:
        for number, result in enumerate(results, 1):
            words = re.sub(r"\W+", "-", result["label"].lower()).strip("-")[:60]
            png = BytesIO()
            mask_picture(result).save(png, "PNG", pnginfo=png_note(origin, [result["label"]]))
            archive.writestr(f"{number:02}-{words}.png", png.getvalue())
    return draft.replace(path)  # at once, since the slider may be moved meanwhile
