# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The eleven colors that expressions name, the natural ones that they never name, and the patterns."""

from random import Random

RGB = tuple[int, int, int]

COLORS: dict[str, RGB] = {
    "red": (208, 38, 40),
    "orange": (244, 134, 28),
    "yellow": (247, 212, 50),
    "green": (62, 158, 62),
    "blue": (44, 92, 206),
    "purple": (128, 56, 168),
    "pink": (246, 146, 188),
    "brown": (124, 76, 42),
    "black": (38, 36, 42),
    "white": (244, 243, 238),
    "gray": (138, 141, 146),
}
PATTERNS = ("plain", "striped", "dotted", "checked")

NATURAL: dict[str, tuple[RGB, ...]] = {
    "skin": ((247, 214, 184), (234, 188, 150), (198, 142, 104), (146, 96, 66), (98, 64, 46)),
    "hair": ((44, 32, 28), (92, 58, 34), (150, 98, 50), (218, 178, 98), (178, 178, 176)),
    "glass": ((186, 220, 236), (164, 204, 224), (206, 230, 234)),
    "tyre": ((52, 52, 58), (70, 68, 72)),
    "metal": ((182, 186, 192), (160, 164, 172)),
    "wood": ((156, 108, 66), (134, 90, 54), (176, 130, 84)),
    "leaf": ((84, 150, 66), (108, 168, 78), (66, 128, 72)),
    "beak": ((240, 160, 44), (226, 136, 36)),
    "ivory": ((246, 240, 220),),
    "lamp": ((252, 230, 130),),
    "ink": ((32, 28, 32),),
    "coffee": ((92, 58, 40), (70, 44, 32)),
    "shine": ((252, 252, 250),),
}


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """`first` moved towards `second` by `share` of the way (0 to 1)."""
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))


def shade(rgb: RGB, amount: float) -> RGB:
    """A lighter (`amount` > 0) or darker (< 0) tone of the same color."""
    return mix(rgb, (255, 255, 255), amount) if amount > 0 else mix(rgb, (0, 0, 0), -amount)


def tint(name: str, rng: Random) -> RGB:
    """One shade of a named color: jittered, but so little that nobody would give it another name."""
    common = rng.uniform(-9, 9)
    return tuple(min(255, max(0, round(c + common + rng.uniform(-7, 7)))) for c in COLORS[name])


def second_tone(name: str, rgb: RGB, rng: Random) -> RGB:
    """The other color of a pattern: of the same hue, and for the grays so that none looks like another of them."""
    lighter = {"white": -0.26, "gray": -0.48, "black": 0.68, "yellow": -0.36, "pink": -0.36, "orange": 0.7}
    return shade(rgb, lighter[name] if name in lighter else rng.choice((0.7, -0.45)))
