# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The pen that draws an object: it turns ellipses, boxes, limbs and blobs into polygons, each belonging to a part."""

import math
from functools import lru_cache
from typing import NamedTuple

Point = tuple[float, float]

_CIRCLE = tuple((math.cos(2 * math.pi * i / 20), math.sin(2 * math.pi * i / 20)) for i in range(20))
_SPLINE = tuple(
    (
        (-t + 2 * t * t - t**3) / 2,
        (2 - 5 * t * t + 3 * t**3) / 2,
        (t + 4 * t * t - 3 * t**3) / 2,
        (t**3 - t * t) / 2,
    )
    for t in (0.0, 0.25, 0.5, 0.75)
)


class Shape(NamedTuple):
    """A filled polygon of one part. `copy` tells the left wheel from the right one; `tone` says what to fill with."""

    part: str
    copy: int
    tone: str
    points: tuple[Point, ...]


def _catmull_rom(points: tuple[Point, ...], closed: bool) -> tuple[Point, ...]:
    count = len(points)
    smooth = []
    for i in range(count if closed else count - 1):
        if closed:
            ring = [points[(i + k) % count] for k in (-1, 0, 1, 2)]
        else:
            ring = [points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2)]
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = ring
        smooth += [(ax * p + bx * q + cx * r + dx * s, ay * p + by * q + cy * r + dy * s) for p, q, r, s in _SPLINE]
    return tuple(smooth) if closed else (*smooth, points[-1])


_closed_curve = lru_cache(maxsize=512)(lambda points: _catmull_rom(points, closed=True))


class Pen:
    """Collects the shapes of one object, back to front.

    Coordinates are in the object's own box: y runs down from 0 to 1, x from 0 to the object's width. An object that
    can turn is drawn facing right.
    """

    def __init__(self) -> None:
        self.shapes: list[Shape] = []

    def polygon(self, part: str, points, tone: str = "main", copy: int = 0) -> None:
        """Straight edges through `points`."""
        self.shapes.append(Shape(part, copy, tone, tuple(points)))

    def blob(self, part: str, points, tone: str = "main", copy: int = 0) -> None:
        """A smooth closed curve through `points`."""
        self.polygon(part, _closed_curve(tuple(points)), tone, copy)

    def ellipse(self, part: str, x, y, rx, ry=None, tone: str = "main", copy: int = 0, angle: float = 0.0) -> None:
        """Center, radii (`ry` defaults to `rx`), and a turn in degrees."""
        ry = rx if ry is None else ry
        if angle:
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            points = ((x + rx * c * cos - ry * s * sin, y + rx * c * sin + ry * s * cos) for c, s in _CIRCLE)
        else:
            points = ((x + rx * c, y + ry * s) for c, s in _CIRCLE)
        self.polygon(part, points, tone, copy)

    def ring(self, part: str, x, y, radius, thickness, tone: str = "main", copy: int = 0) -> None:
        """A circle's rim, empty inside."""
        inner = radius - thickness
        outside = [(x + radius * c, y + radius * s) for c, s in (*_CIRCLE, _CIRCLE[0])]
        inside = [(x + inner * c, y + inner * s) for c, s in (*_CIRCLE, _CIRCLE[0])]
        self.polygon(part, (*outside, *reversed(inside)), tone, copy)

    def box(self, part: str, left, top, right, bottom, tone: str = "main", copy: int = 0, round: float = 0.0) -> None:
        """A rectangle, its corners cut by `round`."""
        if not round:
            corners = ((left, top), (right, top), (right, bottom), (left, bottom))
            self.polygon(part, corners, tone, copy)
            return
        r, c = round, round * 0.3
        self.polygon(
            part,
            (
                *((left, top + r), (left + c, top + c), (left + r, top)),
                *((right - r, top), (right - c, top + c), (right, top + r)),
                *((right, bottom - r), (right - c, bottom - c), (right - r, bottom)),
                *((left + r, bottom), (left + c, bottom - c), (left, bottom - r)),
            ),
            tone,
            copy,
        )

    def limb(self, part: str, points, start, end=None, tone: str = "main", copy: int = 0) -> None:
        """A stroke along a smooth line, round at both ends, its thickness going from `start` to `end`."""
        end = start if end is None else end
        spine = _catmull_rom(tuple(points), closed=False) if len(points) > 2 else tuple(points)
        last = len(spine) - 1
        left, right = [], []
        for i, (x, y) in enumerate(spine):
            (ax, ay), (bx, by) = spine[max(i - 1, 0)], spine[min(i + 1, last)]
            dx, dy = bx - ax, by - ay
            half = (start + (end - start) * i / last) / 2 / (math.hypot(dx, dy) or 1.0)
            left.append((x + dy * half, y - dx * half))
            right.append((x - dy * half, y + dx * half))
        self.polygon(
            part,
            (*left, *self._cap(spine[-1], left[-1]), *reversed(right), *self._cap(spine[0], right[0])),
            tone,
            copy,
        )

    @staticmethod
    def _cap(center: Point, edge: Point) -> list[Point]:
        dx, dy = edge[0] - center[0], edge[1] - center[1]
        turns = (math.pi / 4, math.pi / 2, 3 * math.pi / 4)
        return [
            (center[0] + dx * math.cos(a) - dy * math.sin(a), center[1] + dx * math.sin(a) + dy * math.cos(a))
            for a in turns
        ]
