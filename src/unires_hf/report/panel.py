# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models side by side on some expressions, after supplementary figure 2: image, each model, ground truth."""

from collections.abc import Sequence
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

from unires_hf.data import masks

from .cases import Case
from .overlay import BY_GRANULARITY, FAINT, INK, PAPER, draw_legend, fit, shorten, tint

_SIDE, _GAP, _TITLE, _LINE = 200, 10, 34, 24


def draw_panel(cases: Sequence[Case], names: Sequence[str], subject: int = 0) -> Image.Image:
    """One row a case, under the rule by which it was chosen; the expression above, each model's IoU below.

    Args:
        cases: of [`compared_cases`].
        names (`Sequence[str]`): of the models, in the order of the predictions.
        subject (`int`, *optional*, defaults to 0): which model gains and loses.

    Returns:
        `PIL.Image.Image`: mode "RGB".
    """
    others = [name for place, name in enumerate(names) if place != subject]
    other = others[0] if len(others) == 1 else "the best of the others"
    titles = {
        "random": "Chosen at random",
        "gain": f"Largest gains of {names[subject]} over {other}",
        "loss": f"Largest losses of {names[subject]} against {other}",
    }
    width = (len(names) + 2) * (_SIDE + _GAP) + _GAP
    strips = [_heads(["image", *names, "ground truth"], width)]
    for rule, of_rule in groupby(cases, key=lambda case: case.rule):
        strips += [_title(titles[rule], width), *(_strip(case, width) for case in of_rule)]
    panel = Image.new("RGB", (width, sum(strip.height for strip in strips) + _GAP), PAPER)
    top = 0
    for strip in strips:
        panel.paste(strip, (0, top))
        top += strip.height
    return panel


def _heads(names: Sequence[str], width: int) -> Image.Image:
    strip = Image.new("RGB", (width, 2 * _LINE + 8), PAPER)
    pen = ImageDraw.Draw(strip)
    draw_legend(pen, width - _GAP, 8)
    for column, name in enumerate(names):
        middle = _GAP + column * (_SIDE + _GAP) + _SIDE // 2
        pen.text((middle, _LINE + 6), shorten(name, _SIDE, 16), fill=INK, font=ImageFont.load_default(16), anchor="ma")
    return strip


def _title(text: str, width: int) -> Image.Image:
    strip = Image.new("RGB", (width, _TITLE), PAPER)
    pen = ImageDraw.Draw(strip)
    pen.text((_GAP, 8), shorten(text, width - 2 * _GAP, 18), fill=INK, font=ImageFont.load_default(18))
    pen.line((_GAP, _TITLE - 2, width - _GAP, _TITLE - 2), fill=FAINT)
    return strip


def _strip(case: Case, width: int) -> Image.Image:
    picture = fit(case.picture, _SIDE)
    strip = Image.new("RGB", (width, picture.height + 2 * _LINE + 6), PAPER)
    pen = ImageDraw.Draw(strip)
    text = shorten(f"“{case.text}”", width - 2 * _GAP, 16)
    pen.text((_GAP, 3), text, fill=INK, font=ImageFont.load_default(16))
    color = BY_GRANULARITY[case.granularity]
    drawn = [tint(picture, masks.decode(rle), color) for rle in (*case.predictions, case.truth)]
    verdicts = [
        "",
        *(case.verdict(model) for model in range(len(case.predictions))),
        "no referent" if case.no_target else "",
    ]
    for column, (shown, verdict) in enumerate(zip([picture, *drawn], verdicts, strict=True)):
        left = _GAP + column * (_SIDE + _GAP)
        strip.paste(shown, (left + (_SIDE - shown.width) // 2, _LINE))
        below = (left + _SIDE // 2, _LINE + shown.height + 3)
        pen.text(below, verdict, fill=INK, font=ImageFont.load_default(14), anchor="ma")
    return strip
