# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Masks as polygons along the pixels' edges, so that nothing is lost; holes are entered through a slit."""

import numpy as np

Point = tuple[int, int]
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up: each is a right turn after the one before


def outlines(mask: np.ndarray) -> list[list[Point]]:
    """
    One closed polygon for each region of a mask.

    Args:
        mask (`np.ndarray` of shape `(height, width)`): bool.

    Returns:
        For each region of pixels that share edges a list of corners (x, y) in pixels, 0 to the width and height, the
        first not repeated. Filled by the even-odd rule, they cover the centers of exactly its pixels. A hole is part
        of its polygon: a slit of no width goes there and back.
    """
    rings = _rings(mask)
    tops = {
        (x, y): (number, place)
        for number, ring in enumerate(rings)
        for place, ((x, y), after) in enumerate(zip(ring, ring[1:] + ring[:1], strict=True))
        if after == (x + 1, y)
    }
    holes: dict[tuple[int, int], int] = {}  # by the corner that their slit starts from: ring and place
    regions = []
    for number, ring in enumerate(rings):
        if _is_outer(ring):
            regions.append(number)
            continue
        # A ring begins at its uppermost edge, that of a hole under a pixel of the region; straight up is another ring.
        x, y = ring[0]
        while y and mask[y - 1, x]:
            y -= 1
        holes[tops[x, y]] = number
    return [_straight(_joined(number, rings, holes)) for number in regions]


def one_outline(mask: np.ndarray) -> list[Point]:
    """All regions of a mask as one polygon, joined by slits, for formats that have one polygon an object."""
    joined: list[Point] = []
    regions = outlines(mask)
    for region in regions:
        joined += [*region, region[0]]
    return joined + [region[0] for region in reversed(regions[:-1])]


def _rings(mask: np.ndarray) -> list[list[Point]]:
    """Closed walks along all edges between inside and outside, the inside on the right; every corner is one step."""
    padded = np.pad(np.asarray(mask, bool), 1)
    inside = padded[1:-1, 1:-1]
    beside = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])  # above, right, below, left
    ways: dict[Point, list[int]] = {}
    for direction, (other, (right, down)) in enumerate(zip(beside, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True)):
        for y, x in np.argwhere(inside & ~other).tolist():
            ways.setdefault((x + right, y + down), []).append(direction)
    rings = []
    for first in sorted(ways, key=lambda corner: (corner[1], corner[0])):
        while ways[first]:
            corner, direction, ring = first, ways[first].pop(), []
            while True:
                ring.append(corner)
                corner = (corner[0] + STEPS[direction][0], corner[1] + STEPS[direction][1])
                left = ways[corner]
                if not left:
                    break
                # Where two pixels touch at a corner only, the right turn stays at the same one.
                direction = next(turn % 4 for turn in (direction + 1, direction, direction - 1) if turn % 4 in left)
                left.remove(direction)
            rings.append(ring)
    return rings


def _is_outer(ring: list[Point]) -> bool:
    return sum(x * after[1] - after[0] * y for (x, y), after in zip(ring, ring[1:] + ring[:1], strict=True)) > 0


def _joined(number: int, rings: list[list[Point]], holes: dict[tuple[int, int], int]) -> list[Point]:
    """A ring with the holes that hang on its corners, and those that hang on theirs."""
    walk: list[Point] = []
    waiting = [(number, 0)]
    while waiting:
        ring, place = waiting.pop()
        if place == len(rings[ring]):
            if waiting:  # back to where the hole began, and up the slit
                above, after = waiting[-1]
                walk += [rings[ring][0], rings[above][after - 1]]
            continue
        walk.append(rings[ring][place])
        waiting.append((ring, place + 1))
        if (ring, place) in holes:
            waiting.append((holes[ring, place], 0))
    return walk


def _straight(walk: list[Point]) -> list[Point]:
    """The corners at which a walk turns."""
    steps = np.sign(np.diff(np.array([walk[-1], *walk, walk[0]]), axis=0))
    return [corner for corner, before, after in zip(walk, steps, steps[1:], strict=False) if (before != after).any()]
