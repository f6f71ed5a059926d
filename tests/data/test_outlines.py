# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Outlines cover exactly the pixels of their mask, whatever holes and pieces it has."""

import numpy as np
import scipy.ndimage

from unires_hf.data.outlines import one_outline, outlines


def filled(corners: list, height: int, width: int) -> np.ndarray:
    """The pixels whose centers lie inside by the even-odd rule."""
    inside = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        for y in range(min(y0, y1), max(y0, y1)):
            inside[y] ^= np.arange(width) + 0.5 > x0 + (x1 - x0) * (y + 0.5 - y0) / (y1 - y0)
    return inside


def test_a_square_with_a_hole_is_one_polygon() -> None:
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    (corners,) = outlines(mask)
    assert len(corners) == 10, "four corners outside, four inside, and the slit's two ends once more"
    assert np.array_equal(filled(corners, 5, 5), mask)


def test_random_masks_come_back_to_the_pixel() -> None:
    noise = np.random.default_rng(0)
    for _ in range(200):
        height, width = noise.integers(1, 16, 2)
        mask = noise.random((height, width)) < noise.choice([0.2, 0.5, 0.8, 0.95])
        pieces = [filled(corners, height, width) for corners in outlines(mask)]
        assert len(pieces) == scipy.ndimage.label(mask)[1]
        assert np.array_equal(np.sum([np.zeros((height, width)), *pieces], axis=0), mask), (
            "none covers another's pixel"
        )
        if mask.any():
            assert np.array_equal(filled(one_outline(mask), height, width), mask)


def test_an_empty_mask_has_no_outline() -> None:
    assert outlines(np.zeros((4, 4), bool)) == []
