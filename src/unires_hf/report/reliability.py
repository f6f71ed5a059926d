# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The reliability diagram: how many masks are right of those that the model is so sure of."""

from pathlib import Path

import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from unires_hf.evaluation.calibration import BINS, calibration_error, reliability

from .overlay import COLORS, FAINT, INK, PAPER

_SIDE, _LEFT, _TOP, _BOTTOM = 400, 70, 60, 60
_RIGHT_FROM = 0.5


def draw_reliability(records: pa.Table, path: str | Path) -> Path:
    """
    Draws for each tenth of the score the share of masks that are right (IoU above 0.5), beside the line of one that
    says what it is; the darker a column, the more answers it is of.

    Args:
        records (`pa.Table`): of the model, see [`Results`].
        path: of the PNG.
    """
    scores = records["score"].to_numpy(zero_copy_only=False).astype(float)
    iou, no_target = (records[name].to_numpy(zero_copy_only=False) for name in ("iou", "no_target"))
    answered = scores > 0
    scores, right = scores[answered], ((iou > _RIGHT_FROM) & ~no_target.astype(bool))[answered]
    page = Image.new("RGB", (_LEFT + _SIDE + 30, _TOP + _SIDE + _BOTTOM), PAPER)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    steps = reliability(scores, right)
    most = max((count for count, _, _ in steps), default=1)
    for count, score, share in steps:
        left = _LEFT + _SIDE * min(int(score * BINS), BINS - 1) // BINS
        top = _TOP + round(_SIDE * (1 - share))
        color = tuple(round(255 + (tone - 255) * (0.25 + 0.75 * count / most)) for tone in COLORS[0])
        pen.rectangle((left + 2, top, left + _SIDE // BINS - 2, _TOP + _SIDE), fill=color)
        small = ImageFont.load_default(11)
        pen.text((left + _SIDE // BINS // 2, top - 2), f"{count:,}", fill=FAINT, font=small, anchor="mb")
    pen.line((_LEFT, _TOP + _SIDE, _LEFT + _SIDE, _TOP), fill=COLORS[1], width=2)
    pen.rectangle((_LEFT, _TOP, _LEFT + _SIDE, _TOP + _SIDE), outline=INK)
    for tenth in range(0, 11, 2):
        place = _SIDE * tenth // 10
        pen.text((_LEFT + place, _TOP + _SIDE + 6), f"{tenth / 10:g}", fill=INK, font=font, anchor="mt")
        pen.text((_LEFT - 8, _TOP + _SIDE - place), f"{10 * tenth} %", fill=INK, font=font, anchor="rm")
    pen.text((_LEFT + _SIDE // 2, _TOP + _SIDE + 30), "score", fill=INK, font=font, anchor="mt")
    error = f"calibration error {100 * calibration_error(scores, right):.1f} %" if len(scores) else "no answer"
    pen.text(
        (_LEFT, 12), f"Right masks of {len(scores):,} answers; {error}", fill=INK, font=ImageFont.load_default(16)
    )
    path = Path(path)
    page.save(path)
    return path
