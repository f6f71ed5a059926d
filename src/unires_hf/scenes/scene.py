# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The scene graph: which objects there are, what they look like and where they stand."""

import math
from dataclasses import dataclass
from functools import cache
from random import Random

from .objects import KINDS, Kind
from .palette import COLORS, PATTERNS
from .pen import Pen, Shape
from .splits import UNSEEN_COLORS, Split

# The geometric mean of an object's box at 128 pixels, by the number of objects in the scene.
_SIDE = {1: 74.0, 2: 60.0, 3: 50.0, 4: 43.0, 5: 39.5, 6: 36.5, 7: 34.0, 8: 32.0, 9: 30.5, 10: 29.0}
_BACKDROPS = ("landscape", "room", "studio", "beach", "street")


@dataclass(frozen=True)
class Thing:
    """One object.

    Args:
        kind (`Kind`): its class.
        color, pattern (`str`): of its main surface.
        own (`dict[str, str]`): the colors of the parts that have one of their own.
        extras (`frozenset[str]`): which of its class's extras it has.
        facing (`str`): "left" or "right" as drawn; "" where the class has no direction.
        left, top, height (`float`): its box in pixels (the width is `height * kind.width`).
        tilt (`float`): a slight turn, in radians.
        shapes (`tuple[Shape, ...]`): what to draw, in the box's own units.
    """

    kind: Kind
    color: str
    pattern: str
    own: dict[str, str]
    extras: frozenset[str]
    facing: str
    left: float
    top: float
    height: float
    tilt: float
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Scene:
    """A picture's contents: the objects back to front, the backdrop, and the horizon as a share of the height."""

    size: int
    things: tuple[Thing, ...]
    backdrop: str
    horizon: float


def sample_scene(rng: Random, split: Split, size: int) -> Scene:
    """A scene of `size` x `size` pixels.

    Few classes and few colors share the objects, so that neither the class nor the color alone tells which object is
    meant (our choice: with a color each, a random object of the right color is nearly always the right object).
    """
    backdrop, horizon = rng.choice(_BACKDROPS), rng.uniform(0.26, 0.42)
    while True:
        count = rng.randint(*split.objects)
        kinds = _sample_kinds(rng, split, count)
        colors = _sample_colors(rng, split, kinds)
        boxes = _lay_out(rng, kinds, horizon, size)
        if colors and boxes:
            break
    patterns = rng.sample(PATTERNS, 2) if rng.random() < 0.8 else ["plain"]
    palette = sorted(set(colors))
    things = [
        _dress(rng, kind, color, rng.choice(patterns), palette, box)
        for kind, color, box in zip(kinds, colors, boxes, strict=True)
    ]
    things.sort(key=lambda thing: (not thing.kind.flies, thing.top + thing.height))
    return Scene(size, tuple(things), backdrop, horizon)


def _sample_kinds(rng: Random, split: Split, count: int) -> list[Kind]:
    names = split.drawn_kinds
    first = rng.choice(names)
    chosen = [first]
    variety = min(2 + (rng.random() < 0.45) + (count > 6), count, len(names))
    while len(chosen) < variety:
        relatives = [name for name in names if set(KINDS[name].families) & set(KINDS[first].families) - {"thing"}]
        name = rng.choice(relatives if relatives and rng.random() < 0.5 else names)
        if name not in chosen:
            chosen.append(name)
    alone = rng.random() < 0.15  # one of its class, to be named by the class
    kinds = chosen if alone else chosen[:2] + chosen[:1] + chosen[1:]
    while len(kinds) < count:
        kinds.append(rng.choice(chosen[alone:]))
    return [KINDS[name] for name in kinds[:count]]


def _sample_colors(rng: Random, split: Split, kinds: list[Kind]) -> list[str]:
    names = list(COLORS)
    if split.unseen == "color":
        palette = [color for kind, color in sorted(UNSEEN_COLORS) if kind == kinds[0].name]
        extra = rng.choice(names)
        return [rng.choice(palette if rng.random() < 0.9 or kind is kinds[0] else [extra]) for kind in kinds]
    palette = rng.sample(names, 2 + (rng.random() < 0.4) + (len(kinds) > 6))
    colors = []
    for kind in kinds:
        allowed = [color for color in palette if split.may_color(kind.name, color)]
        if not allowed:
            return []
        colors.append(rng.choice(allowed))
    return colors


def _lay_out(rng: Random, kinds: list[Kind], horizon: float, size: int) -> list[tuple[float, float, float]]:
    """(left, top, height) of every object, or an empty list if they did not fit."""
    unit = size / 128
    crowd = 0.3 if rng.random() < 0.4 else 0.1
    contrast = 0.18 if len(kinds) > 6 else 0.27
    placed: list[tuple[float, float, float, float]] = []
    boxes = []
    for kind in kinds:
        side = _SIDE[len(kinds)] * unit * kind.size * (1 + rng.choice((-1, 0, 1)) * contrast * rng.uniform(0.7, 1.0))
        height = side / math.sqrt(kind.width)
        width = height * kind.width
        for _ in range(40):
            left = rng.uniform(2 * unit, size - 2 * unit - width)
            bottom = rng.uniform(
                max((0.1 if kind.flies else horizon + 0.08) * size, height + 2 * unit), size - 2 * unit
            )
            box = (left, bottom - height, left + width, bottom)
            if all(_overlap(box, other) <= crowd for other in placed):
                break
        else:
            return []
        placed.append(box)
        boxes.append((left, bottom - height, height))
    return boxes


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """The common area of two boxes as a share of the smaller one."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _dress(rng: Random, kind: Kind, color: str, pattern: str, palette: list[str], box: tuple[float, ...]) -> Thing:
    extras = frozenset(part for part in kind.extras if rng.random() < 0.5)
    own = {}
    for part in kind.own:
        choices = palette if rng.random() < 0.5 else list(COLORS)
        own[part] = rng.choice(
            [name for name in choices if name != color] or ["black" if color != "black" else "white"]
        )
    facing = rng.choice(("left", "right")) if kind.turns else ""
    pen = Pen()
    kind.draw(pen, rng, extras)
    tilt = rng.uniform(-0.07, 0.07)
    return Thing(kind, color, pattern, own, extras, facing, *box, tilt, tuple(pen.shapes))


@cache
def every_part(name: str) -> frozenset[str]:
    """Every part that an object of this class may have."""
    pen, kind = Pen(), KINDS[name]
    kind.draw(pen, Random(0), frozenset(kind.extras))
    return frozenset(shape.part for shape in pen.shapes)
