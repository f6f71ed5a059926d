# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The canvas: objects painted as numbers, at twice the size, with a note of what every number stands for."""

import math
from functools import reduce
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .palette import NATURAL, RGB, second_tone, shade, tint
from .scene import Thing

Box = tuple[float, float, float, float]

_MAIN_TONES = {"main": 0.0, "main plain": 0.0, "main dark": -0.22, "main light": 0.28, "sleeve": -0.1}


class Canvas:
    """Objects painted over each other. Number 0 is the backdrop; a piece is one copy of a part of an object.

    Attributes:
        boxes (`list[Box]`): each object's box in pixels of the picture.
        pieces (`list[tuple[int, str, int]]`): object, part and copy; what is hidden has its piece as well.
        piece_boxes (`list[Box]`): each piece's box.
        piece_of (`list[int]`): by number, 1 + its piece; 0 for the backdrop.
        colors (`list[tuple[RGB, RGB]]`): by number, its color and the one that a pattern puts beside it.
        hidden (`dict[int, np.ndarray]`): by object, how often each number was painted over by it.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.image = Image.new("I", (2 * size, 2 * size))
        self.draw = ImageDraw.Draw(self.image)
        self.boxes: list[Box] = []
        self.pieces: list[tuple[int, str, int]] = []
        self.piece_boxes: list[Box] = []
        self.piece_of = [0]
        self.colors: list[tuple[RGB, RGB]] = [((0, 0, 0), (0, 0, 0))]
        self.hidden: dict[int, np.ndarray] = {}

    @property
    def numbers(self) -> np.ndarray:
        """int64 (2 size, 2 size)."""
        return np.asarray(self.image).astype(np.int64)

    def area(self, thing: int) -> tuple[slice, slice]:
        """An object's box on the canvas, with a margin."""
        left, top, right, bottom = self.boxes[thing]
        rows = slice(max(0, int(2 * top) - 2), min(2 * self.size, int(2 * bottom) + 3))
        return rows, slice(max(0, int(2 * left) - 2), min(2 * self.size, int(2 * right) + 3))

    def paint(self, thing: Thing, rng: Random) -> None:
        """Paint an object over what is there."""
        points, starts = _place(thing)
        lows, highs = np.minimum.reduceat(points, starts).tolist(), np.maximum.reduceat(points, starts).tolist()
        shape_boxes = [(*low, *high) for low, high in zip(lows, highs, strict=True)]
        index, box = len(self.boxes), reduce(_join, shape_boxes)
        overlaps = any(_touch(box, other) for other in self.boxes)
        self.boxes.append(box)
        before = self._crop(index) if overlaps else None
        outlines = np.split(2 * points, starts[1:])
        self._fill(index, thing, outlines, shape_boxes, _Tones(thing, rng))
        if before is not None:
            gone = before[self._crop(index) != before]
            if gone.any():
                self.hidden[index] = np.bincount(gone, minlength=len(self.piece_of))

    def _crop(self, thing: int) -> np.ndarray:
        rows, columns = self.area(thing)
        return np.asarray(self.image.crop((columns.start, rows.start, columns.stop, rows.stop)))

    def _fill(self, index: int, thing: Thing, outlines: list[np.ndarray], boxes: list[Box], tones: "_Tones") -> None:
        places: dict[tuple[str, int], int] = {}
        numbers: dict[tuple[str, int, str], int] = {}
        for shape, outline, box in zip(thing.shapes, outlines, boxes, strict=True):
            part, look = (shape.part, shape.copy), (shape.part, shape.copy, shape.tone)
            if part not in places:
                places[part] = len(self.pieces)
                self.pieces.append((index, *part))
                self.piece_boxes.append(box)
            place = places[part]
            self.piece_boxes[place] = _join(self.piece_boxes[place], box)
            if look not in numbers:
                numbers[look] = len(self.piece_of)
                self.piece_of.append(place + 1)
                self.colors.append(tones[shape.tone])
            self.draw.polygon(outline.ravel().tolist(), fill=numbers[look])


def _place(thing: Thing) -> tuple[np.ndarray, np.ndarray]:
    """All outlines in pixels, scaled, turned to their side, tilted about the foot; and where each shape's begins."""
    starts = np.cumsum([0] + [len(shape.points) for shape in thing.shapes[:-1]])
    points = np.array([point for shape in thing.shapes for point in shape.points])
    x, y = points[:, 0], points[:, 1]
    if thing.facing == "left":
        x = thing.kind.width - x
    x, y = x - thing.kind.width / 2, y - 1
    cos, sin = math.cos(thing.tilt), math.sin(thing.tilt)
    x, y = x * cos - y * sin, x * sin + y * cos
    foot = thing.left + thing.height * thing.kind.width / 2, thing.top + thing.height
    return np.stack((foot[0] + x * thing.height, foot[1] + y * thing.height), axis=1), starts


def _join(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _touch(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


class _Tones(dict):
    """The color of every tone of one object, and the one that its pattern puts beside it, mixed when first asked."""

    def __init__(self, thing: Thing, rng: Random) -> None:
        super().__init__()
        self.thing, self.rng = thing, rng
        self.main = tint(thing.color, rng)
        self.second = second_tone(thing.color, self.main, rng)

    def __missing__(self, tone: str) -> tuple[RGB, RGB]:
        if tone == "main" and self.thing.pattern != "plain":
            colors = self.main, self.second
        else:
            colors = (self._plain(tone),) * 2
        self[tone] = colors
        return colors

    def _plain(self, tone: str) -> RGB:
        if tone in _MAIN_TONES:
            return shade(self.main, _MAIN_TONES[tone]) if _MAIN_TONES[tone] else self.main
        if tone.startswith("own:"):
            return tint(self.thing.own[tone[4:]], self.rng)
        return self.rng.choice(NATURAL[tone])
