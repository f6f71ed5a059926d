# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The worst and the best cases of an evaluation as one picture, to see what the numbers mean."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from unires_hf.data import masks
from unires_hf.evaluation import Results

from .cases import Case, extreme_cases
from .overlay import BY_GRANULARITY, FAINT, INK, PAPER, draw_legend, fit, shorten, tint

_SIDE, _GAP, _CAPTION, _HEADING = 200, 12, 36, 44
_WIDTH = 3 * _SIDE + 2 * _GAP


def draw_gallery(results: Results, rows: Iterable[dict[str, Any]], path: str | Path, count: int = 6) -> Path:
    """Draws the `count` worst cases on the left, the `count` best on the right, each as picture, truth and prediction.

    Args:
        results: of [`evaluate_model`] with `keep_masks=True`.
        rows: the rows that were evaluated, for their pictures.
        path: of the PNG.
        count (`int`, *optional*, defaults to 6): cases a side; see [`extreme_cases`].

    Raises:
        ValueError: if the results hold no masks, or the pictures of the cases are not among the rows.
    """
    cases = extreme_cases(results, rows, count)
    worst, best = ([_draw_case(case) for case in cases if case.rule == rule] for rule in ("worst", "best"))
    tops = [_HEADING]
    for left, right in zip(worst, best, strict=True):
        tops.append(tops[-1] + max(left.height, right.height) + _GAP)
    page = Image.new("RGB", (2 * _WIDTH + 5 * _GAP, tops[-1]), PAPER)
    pen = ImageDraw.Draw(page)
    for left, title, side in ((_GAP, "Worst", worst), (_WIDTH + 4 * _GAP, "Best", best)):
        pen.text((left, 10), title, fill=INK, font=ImageFont.load_default(20))
        pen.text((left + 80, 16), "picture, truth, prediction", fill=FAINT, font=ImageFont.load_default(13))
        for top, case in zip(tops, side, strict=False):
            page.paste(case, (left, top))
    draw_legend(pen, page.width - _GAP, 16)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path)
    return path


def _draw_case(case: Case) -> Image.Image:
    picture = fit(case.picture, _SIDE)
    sheet = Image.new("RGB", (_WIDTH, picture.height + _CAPTION), PAPER)
    color = BY_GRANULARITY[case.granularity]
    shown = [picture, *(tint(picture, masks.decode(rle), color) for rle in (case.truth, case.predictions[0]))]
    for column, one in enumerate(shown):
        sheet.paste(one, (column * (_SIDE + _GAP) + (_SIDE - picture.width) // 2, 0))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    verdict = case.verdict(0)
    pen.text((_WIDTH, picture.height + 5), verdict, fill=INK, font=font, anchor="ra")
    room = _WIDTH - pen.textlength(verdict, font) - 2 * _GAP
    pen.text((0, picture.height + 5), shorten(f"“{case.text}”", room, 16), fill=INK, font=font)
    return sheet
