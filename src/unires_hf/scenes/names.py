# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the pixels of a scene are called: the names of classes, families, colors, patterns, parts, places and sizes,
and pairs of these, each with the share of every patch that it covers. The encoders warm up on it, before they meet
whole expressions."""

from random import Random
from typing import NamedTuple

import numpy as np

from .dataset import PartScenes
from .objects import KINDS
from .palette import COLORS, PATTERNS
from .render import View
from .scene import every_part
from .splits import UNSEEN_PARTS

GROUPS: dict[str, tuple[str, ...]] = {
    "class": tuple(KINDS),
    "color": tuple(COLORS),
    "pattern": PATTERNS,
    "part": tuple(sorted({part for kind in KINDS for part in every_part(kind)})),
    "part_color": tuple(COLORS),
    "family": tuple(sorted({family for kind in KINDS.values() for family in kind.families})),
    "across": ("left", "right"),
    "down": ("top", "bottom"),
    "size": ("small", "big"),
}
"""Names by what they tell. Those of a group exclude each other, but for families, of which the thing is one."""
EXCLUSIVE = ("class", "color", "pattern", "part", "part_color", "across", "down", "size")
NAMES = tuple((group, name) for group, names in GROUPS.items() for name in names)
_PLACE = {name: place for place, name in enumerate(NAMES)}
_NOUNS = ("class", "class", "family")
_ADDED = ("color", "pattern", "part", "part", "across", "down", "size")
_SMALL, _BIG = 0.26, 0.35  # side of a square as large as the box, of the picture's; each is three in ten


class Named(NamedTuple):
    """A scene with the names of its pixels.

    Args:
        pixels (`np.ndarray`): uint8 (size, size, 3).
        pieces (`np.ndarray`): float32 (pieces, grid, grid), the share of each cell that a piece covers.
        names (`np.ndarray`): bool (pieces, names), which of `NAMES` each has.
        known (`np.ndarray`): float32 (grid, grid): 0 where a cell shows a part that training must not name, else 1.
    """

    pixels: np.ndarray
    pieces: np.ndarray
    names: np.ndarray
    known: np.ndarray

    def shares(self, called: np.ndarray) -> np.ndarray:
        """How much of each cell is called so: from bool (pieces, phrases) to float32 (phrases, grid, grid)."""
        return np.tensordot(called.T.astype(np.float32), self.pieces, 1)


class NamedScenes:
    """The scenes of a split with the names of their pixels: a sequence of [`Named`], drawn when asked for.

    Args:
        scenes (`PartScenes`): what to draw.
        grid (`int`): cells a side; it must divide the size of the pictures.

    Raises:
        ValueError: if the grid does not divide the picture.
    """

    def __init__(self, scenes: PartScenes, grid: int) -> None:
        if grid < 1 or scenes.size % grid:
            raise ValueError(f"A grid of {grid} cells does not divide pictures of {scenes.size} pixels.")
        self.scenes, self.grid = scenes, grid

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Named:
        view = self.scenes.look(index)
        pieces = _pooled(view.labels == np.arange(1, 1 + len(view.pieces))[:, None, None], self.grid)
        names = _named_pieces(view)
        secret = ~names[:, [group == "part" for group, _ in NAMES]].any(axis=1)
        return Named(view.pixels, pieces, names, (~pieces[secret].any(axis=0)).astype(np.float32))


def draw_pair(scene: Named, rng: Random) -> tuple[int, int] | None:
    """Two of `NAMES` that a piece of the scene has, a noun and what is added to it; None where the draw fails."""
    piece = np.flatnonzero(scene.names[rng.randrange(len(scene.names))])
    noun, added = rng.choice(_NOUNS), rng.choice(_ADDED)
    nouns = [place for place in piece if NAMES[place][0] == noun]
    more = [place for place in piece if NAMES[place][0] == added]
    return (rng.choice(nouns), rng.choice(more)) if nouns and more else None


def say_name(group: str, name: str, rng: Random) -> str:
    """The words for a name, in one of the ways in which expressions say it."""
    if group == "class":
        return rng.choice(KINDS[name].names)[0]
    if group == "part_color":
        return f"{name} part"
    if group in ("part", "family"):
        return name
    return say_pair("thing", group, name, rng) if group in ("across", "down", "size") or rng.random() < 0.5 else name


def say_pair(noun: str, group: str, name: str, rng: Random) -> str:
    """The words for a noun with another name added."""
    if group == "part":
        return rng.choice((f"{noun}'s {name}", f"{name} of the {noun}"))
    if group == "across" and rng.random() < 0.4:
        return f"{noun} on the {name}"
    if group == "down" and rng.random() < 0.4:
        return f"{noun} at the {name}"
    return f"{name} {noun}"


def _named_pieces(view: View) -> np.ndarray:
    """Which names each piece has, bool (pieces, names); a part that training must not name lacks its own."""
    table = np.zeros((len(view.pieces), len(NAMES)), dtype=bool)
    of_things = [_named_thing(view, index) for index in range(len(view.scene.things))]
    for row, piece in zip(table, view.pieces, strict=True):
        thing = view.scene.things[piece.thing]
        named = list(of_things[piece.thing])
        named += [("part", piece.part)] if (thing.kind.name, piece.part) not in UNSEEN_PARTS else []
        named += [("part_color", thing.own[piece.part])] if piece.part in thing.own else []
        row[[_PLACE[it] for it in named]] = True
    return table


def _named_thing(view: View, index: int) -> list[tuple[str, str]]:
    """The names that all pieces of an object share."""
    thing = view.scene.things[index]
    left, top, right, bottom = (edge / view.scene.size for edge in view.boxes[index])
    return [
        *(("class", thing.kind.name), ("color", thing.color), ("pattern", thing.pattern)),
        *(("family", family) for family in thing.kind.families),
        *_side("across", (left + right) / 2, 0.4, 0.6),
        *_side("down", (top + bottom) / 2, 0.4, 0.6),
        *_side("size", ((right - left) * (bottom - top)) ** 0.5, _SMALL, _BIG),
    ]


def _side(group: str, value: float, low: float, high: float) -> list[tuple[str, str]]:
    """The first name of a group below `low`, the second above `high`, none between."""
    first, second = GROUPS[group]
    return [(group, first)] if value < low else [(group, second)] if value > high else []


def _pooled(masks: np.ndarray, grid: int) -> np.ndarray:
    """The mean of each cell of a `grid` x `grid` raster over the last two axes."""
    cell = masks.shape[-1] // grid
    return masks.reshape(*masks.shape[:-2], grid, cell, grid, cell).mean(axis=(-3, -1), dtype=np.float32)
