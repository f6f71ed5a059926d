# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Colors as people name them, measured on pixels: the eleven basic terms, and no term where two could be said.

A pixel's color in Oklab (Ottosson, 2020) lies in the middle of a term's region, or gets no term. The regions are our
choice, with gaps between them in which speakers differ: beige, teal, navy, maroon.
"""

from functools import cache

import numpy as np

TERMS = ("black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
# Each: lightness, chroma and hue (degrees, from the first to the second) in Oklab.
_REGIONS = {
    "black": ((0.0, 0.32), (0.0, 0.03), (0, 360)),
    "white": ((0.80, 1.0), (0.0, 0.018), (0, 360)),
    "gray": ((0.42, 0.72), (0.0, 0.025), (0, 360)),
    "red": ((0.30, 0.68), (0.13, 0.4), (8, 38)),
    "orange": ((0.62, 0.85), (0.12, 0.4), (47, 74)),
    "yellow": ((0.74, 1.0), (0.11, 0.4), (88, 114)),
    "green": ((0.28, 0.95), (0.06, 0.4), (124, 170)),
    "blue": ((0.30, 0.85), (0.055, 0.4), (235, 278)),
    "purple": ((0.25, 0.62), (0.07, 0.4), (292, 328)),
    "pink": ((0.66, 0.95), (0.07, 0.4), (338, 375)),
    "brown": ((0.20, 0.52), (0.035, 0.135), (32, 85)),
}
NEXT_TO = {
    "black": {"gray", "brown", "blue", "purple", "green"},
    "white": {"gray", "yellow", "pink"},
    "gray": {"black", "white", "blue", "brown", "green", "purple"},
    "red": {"orange", "pink", "brown", "purple"},
    "orange": {"red", "yellow", "brown", "pink"},
    "yellow": {"orange", "green", "white", "brown"},
    "green": {"yellow", "blue", "gray", "black", "brown"},
    "blue": {"green", "purple", "gray", "black"},
    "purple": {"blue", "pink", "red", "black", "gray"},
    "pink": {"red", "purple", "white", "orange"},
    "brown": {"red", "orange", "black", "gray", "yellow", "green"},
}
"""Terms that somebody may use where another one fits."""
MAIN, HARDLY = 0.5, 0.1
"""A thing has a color that this share of its pixels have, and has none that fewer than the second share have."""


def shares(pixels: np.ndarray) -> dict[str, float]:
    """The share of pixels that surely have each color; what has none is missing.

    Args:
        pixels (`np.ndarray`): uint8 of shape (pixels, 3), RGB.
    """
    steps = pixels.astype(np.int64) >> 3
    counts = np.bincount(_terms()[steps[:, 0] << 10 | steps[:, 1] << 5 | steps[:, 2]], minlength=len(TERMS) + 1)
    return {term: count / max(len(pixels), 1) for term, count in zip(TERMS, counts.tolist(), strict=False) if count}


@cache
def _terms() -> np.ndarray:
    """The term of each color at 5 bits a channel, as an index; `len(TERMS)` for none."""
    steps = np.arange(2**15)
    lightness, chroma, hue = oklch(np.stack([steps >> 10, steps >> 5 & 31, steps & 31], 1) * 8 + 4)
    terms = np.full(len(steps), len(TERMS))
    for index, (low_high, chromas, hues) in enumerate(_REGIONS[term] for term in TERMS):
        inside = (lightness >= low_high[0]) & (lightness <= low_high[1])
        inside &= (chroma >= chromas[0]) & (chroma <= chromas[1])
        inside &= (hue - hues[0]) % 360 <= hues[1] - hues[0]
        terms[inside] = index
    return terms


def oklch(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lightness in [0, 1], chroma, and hue in degrees, of sRGB colors of shape (n, 3) in [0, 255]."""
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    lightness, a, b = (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 1.9779984951, 0.0259040371],
                [0.7936177850, -2.4285922050, 0.7827717662],
                [-0.0040720468, 0.4505937099, -0.8086757660],
            ]
        )
    ).T
    return lightness, np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
