# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is measured of a row, once: areas, boxes, colors, and which part belongs to which object."""

from collections import Counter
from functools import cached_property

import numpy as np
from PIL import Image

from .. import masks
from ..part_expressions import spoken
from ..schema import Row
from . import color_names
from .source_facts import FACTS, UNKNOWN
from .vocabulary import Label, label

_GRID = 24
"""A color is measured on so many points along either side of a mask's box."""
_BODY = {"person", "skin", "face", "hair", "eyebrows", "nose", "mouth", "eyes"}
_CLEAR_OR_MIXED = {"accessories", "window", "front glass", "back glass", "glasses", "sunglasses", "wheel", "street"}
_SHADED = {"toilet", "sink", "bowl", "refrigerator", "oven", "microwave"}
_UNCOLORED = (
    _BODY | _CLEAR_OR_MIXED | _SHADED | {"vegetation", "traffic infrastructure", "shop", "tv", "facade", "fence"}
)
_UNCOLORED |= {"balcony fence"}
"""Nobody's body is called by a color, nor what is seen through, what mirrors, what is of many things, what
everyone knows as white though it looks gray in the shade, and what was photographed at night."""
_UNCOLORED_PARTS = ("light", "mirror", "bumper")
_PAINTED = {"door", "hood", "trunk", "tailgate"}
"""What a car's color is the color of."""
_HERD = 10
"""COCO's annotators stop at 10 to 15 of a kind: more may stand behind them."""
_APART = 0.02
"""Things merged in one mask are told apart by gaps of this share of the image's width."""


class Glance:
    """The targets of a row that have pixels, as things that can be spoken of.

    Args:
        row (`Row`): its masks are at the size of the image.
        image (`PIL.Image.Image`): the picture, RGB.

    Attributes:
        things (`list[Row]`): the targets.
        names (`list[str]`), labels (`list[Label]`): what they are, as spoken, and what that is called.
        owners (`list[int | None]`): the index of the object that a thing is a part of.
        areas (n,), boxes (n, 4): in shares of the image; boxes are left, top, right, bottom.
        across, down (n,): the boxes' centers.
        crowds (`set[str]`): names of which there are uncounted ones in the picture.
    """

    def __init__(self, row: Row, image: Image.Image) -> None:
        self.width, self.height = image.size
        self._image = image
        self.facts = FACTS.get(row["source"], UNKNOWN)
        targets = [it for it in row["targets"] if it["mask"] is not None]
        edges = [np.cumsum(masks.runs(it["mask"])) for it in targets]
        sizes = [int((edge[1::2] - edge[: 2 * (len(edge) // 2) : 2]).sum()) for edge in edges]
        seen = [index for index, size in enumerate(sizes) if size]
        self.crowds = {spoken(targets[i]["category"]) for i in seen if _is_crowd(row["source"], targets[i])}
        seen = [index for index in seen if not _is_crowd(row["source"], targets[index])]
        self.things = [targets[index] for index in seen]
        self._edges = [edges[index] for index in seen]
        self.areas = np.array([sizes[index] for index in seen]) / (self.width * self.height)
        corners = np.array([it["bbox"] for it in self.things], dtype=float).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        self.boxes = corners / [self.width, self.height, self.width, self.height]
        self.across, self.down = ((self.boxes[:, axis] + self.boxes[:, axis + 2]) / 2 for axis in (0, 1))
        self.names = [spoken(it["part"] or it["category"]) for it in self.things]
        self.labels: list[Label] = [label(name) for name in self.names]
        places = {it["target_id"]: index for index, it in enumerate(self.things)}
        self.owners = [places.get(it["parent_id"]) for it in self.things]
        if row["source"] == "coco":
            self.crowds |= {name for name, count in Counter(self.names).items() if count >= _HERD}
        self._colors: dict[int, dict[str, float]] = {}

    @cached_property
    def _pixels(self) -> np.ndarray:
        return np.asarray(self._image.convert("RGB"))

    def is_object(self, index: int) -> bool:
        """Whether the thing is no part."""
        return self.things[index]["granularity"] == "object"

    def parts(self, index: int) -> list[int]:
        """The parts of an object."""
        return [part for part, owner in enumerate(self.owners) if owner == index]

    def covers(self, index: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether the mask has the pixels at `x`, `y` (integers): bool of the same shape."""
        return np.searchsorted(self._edges[index], x * self.height + y, side="right") % 2 == 1

    def colors(self, index: int) -> dict[str, float] | None:
        """The share of each color among the thing's pixels; None for what no color is said of."""
        name = self.names[index]
        if name in _UNCOLORED or not self.is_object(index) and name.endswith(_UNCOLORED_PARTS):
            return None
        if index not in self._colors:
            painted = [it for it in self.parts(index) if self.labels[it].names[0] in _PAINTED]
            found = [self._sample(it) for it in painted or [index]]
            self._colors[index] = color_names.shares(np.concatenate(found))
        return self._colors[index]

    def _sample(self, index: int) -> np.ndarray:
        left, top, right, bottom = self.boxes[index] * [self.width, self.height, self.width, self.height]
        across = np.unique(np.linspace(left, max(right - 1, left), _GRID).astype(np.int64)).clip(0, self.width - 1)
        down = np.unique(np.linspace(top, max(bottom - 1, top), _GRID).astype(np.int64)).clip(0, self.height - 1)
        x, y = np.repeat(across, len(down)), np.tile(down, len(across))
        inside = self.covers(index, x, y)
        return self._pixels[y[inside], x[inside]]

    def instances(self, index: int) -> int | None:
        """How many things stand side by side in one mask: 1, 2 or more, or None where that cannot be told."""
        edges = self._edges[index]
        first, last = edges[0 : 2 * (len(edges) // 2) : 2] // self.height, (edges[1::2] - 1) // self.height
        filled = np.zeros(self.width + 1, dtype=np.int64)
        np.add.at(filled, first, 1)
        np.add.at(filled, last + 1, -1)
        columns = np.flatnonzero(np.cumsum(filled[:-1]) > 0)
        gaps = int((np.diff(columns) > _APART * self.width).sum())
        left, top, right, bottom = self.boxes[index] * [self.width, self.height, self.width, self.height]
        return gaps + 1 if gaps else 1 if right - left < 1.3 * (bottom - top) else None


def _is_crowd(source: str, target: Row) -> bool:
    """Whether a target is a region of many that nobody counted: COCO gives those twelve digits, the first a nine."""
    number = target["target_id"].rsplit("/", 1)[-1]
    return source == "coco" and len(number) == 12 and number.startswith("9")
