# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Mirrors a row, left to right: its picture, its masks, and the words that tell left from right."""

import re

import numpy as np
from PIL import ImageOps

from . import masks
from .schema import Row

# Whole words: not "bright", "alright", "leftover"; but those of "front_left_door".
_SIDE = re.compile(r"(?<![^\W_])(left|right)(?=(most|ward|wards|hand|side)?(?![^\W_]))", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}


def mirror_words(text: str) -> str:
    """
    Exchanges left and right: "leftmost truck" becomes "rightmost truck", "right-hand door" "left-hand door".

    Words are not understood: "the one left" (that remains), "right behind it" and "turn right sign" are turned as
    well, which is why mirroring is off by default.
    """
    return _SIDE.sub(lambda found: _OTHER.get(found[1]) or _OTHER[found[1].lower()], text)


def flip_row(row: Row) -> Row:
    """
    The row as seen in a mirror.

    Args:
        row (`Row`): of `FEATURES`, its picture decoded.

    Returns:
        `Row`: a new one. `image_id`, `target_id` and `expression_id` stay; `part` changes side as the words do, since
        a mirrored left arm is a right arm, and a mirrored car's own left door its own right one.
    """
    return {
        **row,
        "image": ImageOps.mirror(row["image"]),
        "targets": [_flip_target(target, row["width"]) for target in row["targets"]],
    }


def _flip_target(target: Row, width: int) -> Row:
    x, y, w, h = target["bbox"]
    mask = target["mask"]
    return {
        **target,
        "part": None if target["part"] is None else mirror_words(target["part"]),
        "bbox": [width - x - w, y, w, h],
        "mask": None if mask is None else masks.resample(mask, np.arange(mask["size"][0]), np.arange(width)[::-1]),
        "expressions": [{**it, "text": mirror_words(it["text"])} for it in target["expressions"]],
    }
