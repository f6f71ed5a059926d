# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the pixels of a scene are called: the names of classes, families, colours, patterns and parts, each with the
share of every patch that it covers. The encoders warm up on it, before they meet whole expressions."""

from random import Random

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
}
"""Names by what they tell. Those of a group exclude each other, but for families, of which the thing is one."""
EXCLUSIVE = ("class", "color", "pattern", "part", "part_color")
NAMES = tuple((group, name) for group, names in GROUPS.items() for name in names)
_PLACE = {name: place for place, name in enumerate(NAMES)}


class NamedScenes:
    """The scenes of a split with the names of their pixels: a sequence of dicts, drawn when asked for.

    Args:
        scenes (`PartScenes`): what to draw.
        grid (`int`): cells a side; it must divide the size of the pictures.

    Each item has `pixels`, uint8 (size, size, 3); `shares`, float32 (names, grid, grid), in the order of `NAMES`; and
    `known`, float32 (grid, grid): 0 where a cell shows a part that training must not name, otherwise 1.

    Raises:
        ValueError: if the grid does not divide the picture.
    """

    def __init__(self, scenes: PartScenes, grid: int) -> None:
        if grid < 1 or scenes.size % grid:
            raise ValueError(f"A grid of {grid} cells does not divide pictures of {scenes.size} pixels.")
        self.scenes, self.grid = scenes, grid

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        view = self.scenes.look(index)
        table = _named_pieces(view)
        present = np.flatnonzero(table.any(axis=1))
        shares = np.zeros((len(NAMES), self.grid, self.grid), dtype=np.float32)
        shares[present] = _pooled(table[present][:, view.labels], self.grid)
        secret = np.array(
            [False] + [(view.scene.things[it.thing].kind.name, it.part) in UNSEEN_PARTS for it in view.pieces]
        )
        known = (_pooled(secret[view.labels], self.grid) == 0).astype(np.float32)
        return {"pixels": view.pixels, "shares": shares, "known": known}


def say_name(group: str, name: str, rng: Random) -> str:
    """The words for a name, in one of the ways in which expressions say it."""
    if group == "class":
        return rng.choice(KINDS[name].names)[0]
    if group == "part_color":
        return f"{name} part"
    if group in ("color", "pattern"):
        return rng.choice((name, f"{name} thing"))
    return name


def _named_pieces(view: View) -> np.ndarray:
    """Which names each piece has, bool (names, 1 + pieces); column 0 is the backdrop, which has none."""
    table = np.zeros((len(NAMES), 1 + len(view.pieces)), dtype=bool)
    for column, piece in enumerate(view.pieces, 1):
        thing = view.scene.things[piece.thing]
        named = [("class", thing.kind.name), ("color", thing.color), ("pattern", thing.pattern), ("part", piece.part)]
        named += [("family", family) for family in thing.kind.families]
        named += [("part_color", thing.own[piece.part])] if piece.part in thing.own else []
        table[[_PLACE[it] for it in named], column] = True
    return table


def _pooled(masks: np.ndarray, grid: int) -> np.ndarray:
    """The mean of each cell of a `grid` x `grid` raster over the last two axes."""
    cell = masks.shape[-1] // grid
    return masks.reshape(*masks.shape[:-2], grid, cell, grid, cell).mean(axis=(-3, -1), dtype=np.float32)
