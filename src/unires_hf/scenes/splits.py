# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The splits of PartScenes, each of which asks one question, and the pairs that training never names."""

from dataclasses import dataclass

from .objects import KINDS
from .palette import COLORS

# Every class misses two colors, every color four or five classes: any class and any color is seen, not every pair.
UNSEEN_COLORS = frozenset(
    (kind, color)
    for i, kind in enumerate(KINDS)
    for j, color in enumerate(COLORS)
    if j in (i % len(COLORS), (i + 5) % len(COLORS))
)
# Every one of these parts is seen on another class.
UNSEEN_PARTS = frozenset(
    (
        ("man", "arm"),
        ("woman", "hat"),
        ("cat", "ear"),
        ("horse", "tail"),
        ("elephant", "leg"),
        ("bird", "head"),
        ("truck", "wheel"),
        ("bus", "door"),
        ("house", "window"),
        ("teapot", "handle"),
        ("chair", "leg"),
        ("car", "window"),
    )
)


@dataclass(frozen=True)
class Split:
    """What a split draws and says.

    Args:
        name (`str`): its name.
        objects (`tuple[int, int]`): the fewest and the most objects of a scene.
        no_target (`float`): the share of expressions that refer to nothing.
        colored (`float`): how often an expression may name a color, so that two to three in ten do.
        unseen (`str`): "color" if it asks about class-color pairs that training neither draws nor names, "part" if it
            asks about parts of classes that training draws but never labels, otherwise empty.
        kinds (`tuple[str, ...]`): the classes that there are.
    """

    name: str
    objects: tuple[int, int] = (4, 6)
    no_target: float = 0.1
    colored: float = 0.75
    unseen: str = ""
    kinds: tuple[str, ...] = tuple(KINDS)

    @property
    def drawn_kinds(self) -> list[str]:
        """The classes that a scene may show."""
        if self.unseen == "part":
            return sorted({kind for kind, _ in UNSEEN_PARTS if kind in self.kinds})
        return list(self.kinds)

    def may_color(self, kind: str, color: str) -> bool:
        """Whether an object of this class may have this color, or be called so."""
        return self.unseen == "color" or (kind, color) not in UNSEEN_COLORS

    def may_mention(self, kind: str, part: str) -> bool:
        """Whether an expression may speak of this part of this class."""
        return self.unseen == "part" or (kind, part) not in UNSEEN_PARTS

    def may_ask_object(self, kind: str, color: str) -> bool:
        """Whether an object of this class and color may be a target, by itself or through its parts."""
        return self.unseen != "color" or (kind, color) in UNSEEN_COLORS

    def may_ask_part(self, kind: str, part: str) -> bool:
        """Whether this part of this class may be a target."""
        return (self.unseen == "part") == ((kind, part) in UNSEEN_PARTS)


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("train"),
        Split("val"),
        Split("unseen_color", unseen="color"),
        Split("unseen_part", unseen="part"),
        Split("crowded", objects=(7, 10), colored=0.55),
        Split("no_target", no_target=0.5),
    )
}
