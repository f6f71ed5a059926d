# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest

from unires_hf.data.photo_expressions.color_names import NEXT_TO, TERMS, oklch, shares


@pytest.mark.parametrize(
    ("rgb", "term"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "gray"),
        ((220, 20, 30), "red"),
        ((255, 150, 30), "orange"),
        ((255, 230, 50), "yellow"),
        ((30, 140, 50), "green"),
        ((40, 90, 200), "blue"),
        ((120, 40, 150), "purple"),
        ((255, 150, 190), "pink"),
        ((110, 65, 35), "brown"),
        ((220, 200, 165), None),  # beige
        ((0, 128, 128), None),  # teal
        ((110, 10, 30), None),  # maroon
        ((190, 190, 190), None),  # light gray, or white in the shade
    ],
)
def test_colors_that_speakers_agree_on_have_a_name(rgb, term):
    found = shares(np.array([rgb], np.uint8))
    assert found == ({term: 1.0} if term else {})


def test_shares_are_of_all_pixels():
    pixels = np.array([(255, 255, 255)] * 3 + [(220, 200, 165)], np.uint8)
    assert shares(pixels) == {"white": 0.75}
    assert shares(pixels[:0]) == {}


def test_oklch_of_srgb_red():
    lightness, chroma, hue = oklch(np.array([[255, 0, 0]]))  # by Ottosson's own table
    assert (lightness[0], chroma[0], hue[0]) == pytest.approx((0.628, 0.2577, 29.23), abs=1e-2)


def test_neighbors_are_mutual_enough_to_deny_neither():
    assert set(NEXT_TO) == set(TERMS)
    assert all(term not in near and near <= set(TERMS) for term, near in NEXT_TO.items())
