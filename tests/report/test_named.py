# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The photograph keeps its size and its colors; masks are drawn over it, and words beside it."""

import numpy as np
from PIL import Image

from unires_hf.report.named import draw_named

GREEN = (30, 160, 60)


def result(label: str, box: tuple[int, int, int, int] | None, size: tuple[int, int]) -> dict:
    mask = np.zeros(size[::-1], bool)
    if box:
        left, top, right, bottom = box
        mask[top:bottom, left:right] = True
    return {"label": label, "mask": Image.fromarray(mask), "score": 0.8, "is_empty": box is None}


def test_a_large_photograph_keeps_its_pixels_outside_the_masks():
    picture = Image.new("RGB", (800, 600), GREEN)
    shown = draw_named(
        picture,
        [result("part", (120, 120, 180, 180), picture.size), result("whole", (100, 100, 300, 300), picture.size)],
    )
    assert shown.height == 600 and shown.width > 800
    assert shown.getpixel((50, 500)) == GREEN
    part, whole = shown.getpixel((130, 130)), shown.getpixel((110, 290))
    assert len({part, whole, GREEN}) == 3  # the part lies over the whole, whatever the order


def test_what_is_not_found_is_named_and_leaves_the_photograph_alone():
    picture = Image.new("RGB", (100, 70), GREEN)
    shown = np.asarray(draw_named(picture, [result("the dog", None, picture.size)]))
    assert shown.shape[0] == 7 * 70
    assert (shown[:, :700] == GREEN).all() and (shown[:, 700:] < 200).any()
