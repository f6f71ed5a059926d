# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From the scene graph to the picture and the visible pixels of every part.

The objects are painted once, as numbers, on a canvas of twice the size. Looking the numbers up in a table gives the
colors, patterns and shading; looking them up in another gives the masks.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np
from PIL import Image, ImageFilter

from .backdrops import draw_backdrop, draw_shadows
from .canvas import Box, Canvas
from .palette import RGB
from .scene import Scene, Thing

_RIM_LIGHT, _RIM_DARK, _OUTLINE = 1, 2, 3
_LOOKS = 8  # plain or patterned, times no rim, lit rim, dark rim, outline


@dataclass(frozen=True)
class Piece:
    """One copy of a part of an object.

    Args:
        thing (`int`): the object's place in `scene.things`.
        part (`str`), copy (`int`): which part, and which of its copies.
        box (`Box`): left, top, right, bottom in pixels, hidden pixels included.
        area (`int`): visible pixels.
        shown (`float`): the share of its pixels that no other object hides.
    """

    thing: int
    part: str
    copy: int
    box: Box
    area: int
    shown: float


@dataclass(frozen=True)
class View:
    """A rendered scene.

    Args:
        scene (`Scene`): what was drawn.
        pixels (`np.ndarray`): uint8 (size, size, 3).
        labels (`np.ndarray`): int32 (size, size), 0 for the backdrop, otherwise 1 + the index in `pieces`.
        pieces (`tuple[Piece, ...]`): the visible parts, those of an object together.
        boxes (`tuple[Box, ...]`): each object's box in pixels, hidden pixels included.
        areas (`tuple[int, ...]`), shown (`tuple[float, ...]`): each object's visible pixels, and their share of all.
        hides (`dict[tuple[int, int], float]`): (a, b) to the share of object b that object a hides.
        copies (`dict[tuple[int, str], list[int]]`): by object and part, the indices of its copies in `pieces`.
        judged (`dict`): phrases that were judged, and what they mean here.
    """

    scene: Scene
    pixels: np.ndarray
    labels: np.ndarray
    pieces: tuple[Piece, ...]
    boxes: tuple[Box, ...]
    areas: tuple[int, ...]
    shown: tuple[float, ...]
    hides: dict[tuple[int, int], float]
    copies: dict[tuple[int, str], list[int]]
    judged: dict = field(default_factory=dict, repr=False, compare=False)

    def mask(self, things: tuple[int, ...] = (), pieces: tuple[int, ...] = ()) -> np.ndarray:
        """The visible pixels of these objects, or of these pieces, bool (size, size)."""
        chosen = np.zeros(len(self.pieces) + 1, dtype=bool)
        for index, piece in enumerate(self.pieces):
            chosen[index + 1] = piece.thing in things or index in pieces
        return chosen[self.labels]


def render(scene: Scene, rng: Random) -> View:
    """Draw the scene."""
    canvas = Canvas(scene.size)
    for thing in scene.things:
        canvas.paint(thing, rng)
    numbers = canvas.numbers
    return _count(scene, canvas, numbers, _picture(scene, canvas, numbers, rng))


def _picture(scene: Scene, canvas: Canvas, numbers: np.ndarray, rng: Random) -> np.ndarray:
    """Look up every number's color, and develop the picture."""
    owner = np.array([-1] + [thing for thing, _, _ in canvas.pieces], dtype=np.int16)
    pieces = np.array(canvas.piece_of, dtype=np.int16).take(numbers)
    owners = owner[canvas.piece_of].take(numbers)
    looks = numbers * _LOOKS + _shading(owners, pieces, rng)
    for index, thing in enumerate(scene.things):
        if thing.pattern != "plain":
            area = canvas.area(index)
            looks[area] += 4 * (_pattern(thing, scene.size, area, rng) & (owners[area] == index))
    table = _color_table(canvas.colors, rng)
    front = Image.fromarray(table.take(looks).view(np.uint8).reshape(*looks.shape, 4), "RGBA").reduce(2)
    return _develop(scene, np.asarray(front, dtype=np.float32), rng)


def _shading(owners: np.ndarray, pieces: np.ndarray, rng: Random) -> np.ndarray:
    """A lit and a dark rim along the edges of objects, a thin outline between parts."""
    depth = max(1, round(len(owners) / 85))
    from_left = rng.random() < 0.5
    shading = np.zeros(owners.shape, dtype=np.uint8)
    dark = _changes(owners, depth, depth if from_left else -depth)
    lit = _changes(owners, -depth, -depth if from_left else depth)
    shading[lit] = _RIM_LIGHT
    shading[dark] = _RIM_DARK
    shading[_changes(pieces, 1, 0) | _changes(pieces, 0, 1)] = _OUTLINE
    return shading


def _changes(numbers: np.ndarray, down: int, right: int) -> np.ndarray:
    """Where a number differs from the one so many pixels further down and right."""
    height, width = numbers.shape
    here = np.s_[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    there = np.s_[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    changed = np.zeros(numbers.shape, dtype=bool)
    changed[here] = numbers[here] != numbers[there]
    return changed


def _pattern(thing: Thing, size: int, area: tuple[slice, slice], rng: Random) -> np.ndarray:
    """Where the pattern shows its second color, bool, in an area of the canvas."""
    steps = np.arange(2 * size)
    x, y = steps[None, area[1]], steps[area[0], None]
    period = max(4, round(2 * size / 128 * rng.uniform(5.0, 7.0)))
    x, y = x + rng.randrange(period), y + rng.randrange(period)
    if thing.pattern == "striped":
        slope = rng.choice(((0, 1), (1, 0), (1, 1), (1, -1)))
        return (x * slope[0] + y * slope[1]) % period < period // 2
    if thing.pattern == "checked":
        return (x // (period * 3 // 4) + y // (period * 3 // 4)) % 2 == 0
    row = y // period
    across, down = (x + row % 2 * (period // 2)) % period - period / 2, y % period - period / 2
    return across * across + down * down < (0.34 * period) ** 2


def _color_table(colors: list[tuple[RGB, RGB]], rng: Random) -> np.ndarray:
    """uint32 RGBA by 8 x the painted number + look; the backdrop is transparent."""
    ink = rng.uniform(0.4, 0.7)
    base = np.array(colors, dtype=np.float32).repeat(4, axis=1).reshape(-1, 2, 4, 3)
    base[:, :, _RIM_LIGHT] += 0.3 * (255 - base[:, :, _RIM_LIGHT])
    base[:, :, _RIM_DARK] *= 0.76
    base[:, :, _OUTLINE] *= ink
    table = np.full((len(colors) * _LOOKS, 4), 255, dtype=np.uint8)
    table[:, :3] = base.reshape(-1, 3)
    table[:_LOOKS] = 0
    return table.view(np.uint32).ravel()


def _develop(scene: Scene, front: np.ndarray, rng: Random) -> np.ndarray:
    """Put the objects (premultiplied RGBA) before the backdrop; then light, blur and noise."""
    size = scene.size
    picture = draw_backdrop(scene, rng)
    picture *= draw_shadows(scene, rng)
    picture *= 1 - front[..., 3:] / 255
    picture += front[..., :3]
    steps = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    across, down = rng.uniform(-0.16, 0.16), rng.uniform(-0.16, 0.16)
    picture *= (rng.uniform(0.94, 1.05) + across * steps[None, :] + down * steps[:, None])[..., None]
    if rng.random() < 0.7:
        noise = np.random.default_rng(rng.getrandbits(64)).integers(-128, 128, picture.shape, dtype=np.int8)
        picture += noise * np.float32(rng.uniform(0.01, 0.06))
    pixels = picture.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.7) * size / 128))
        pixels = np.asarray(blurred)
    return pixels


def _count(scene: Scene, canvas: Canvas, numbers: np.ndarray, pixels: np.ndarray) -> View:
    """Count what is seen of every piece and object, and what is hidden by what."""
    piece_of = np.array(canvas.piece_of)
    owner = np.array([0] + [thing + 1 for thing, _, _ in canvas.pieces])
    labels = piece_of.take(numbers[::2, ::2])

    def by_piece(counts: np.ndarray) -> np.ndarray:
        return np.bincount(piece_of[: len(counts)], weights=counts, minlength=len(owner))

    def by_object(counts: np.ndarray) -> list[float]:
        return np.bincount(owner, weights=counts, minlength=len(canvas.boxes) + 1).tolist()[1:]

    areas = np.bincount(labels.ravel(), minlength=len(owner))
    seen = by_piece(np.bincount(numbers.ravel(), minlength=len(piece_of)))
    gone = {thing: by_piece(counts) for thing, counts in canvas.hidden.items()}
    whole = seen + sum(gone.values())
    totals = by_object(whole)
    pieces = tuple(
        Piece(*key, box, int(areas[i]), float(seen[i] / max(whole[i], 1)))
        for i, (key, box) in enumerate(zip(canvas.pieces, canvas.piece_boxes, strict=True), start=1)
    )
    hides = {
        (thing, other): pixels_lost / totals[other]
        for thing, counts in gone.items()
        for other, pixels_lost in enumerate(by_object(counts))
        if pixels_lost
    }
    shown = tuple(part / total for part, total in zip(by_object(seen), totals, strict=True))
    visible = tuple(int(area) for area in by_object(areas))
    copies: dict[tuple[int, str], list[int]] = {}
    for i, piece in enumerate(pieces):
        copies.setdefault((piece.thing, piece.part), []).append(i)
    return View(scene, pixels, labels, pieces, tuple(canvas.boxes), visible, shown, hides, copies)
