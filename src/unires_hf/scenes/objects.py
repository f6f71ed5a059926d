# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The objects of PartScenes: what each class is called, what it is made of, and how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import cos, radians, sin
from random import Random

from .pen import Pen

Extras = frozenset[str]
Drawing = Callable[[Pen, Random, Extras], None]


@dataclass(frozen=True)
class Kind:
    """A class of objects.

    Args:
        name (`str`): the category.
        draw (`Drawing`): draws one, facing right, in a box of height 1.
        width (`float`): the width of that box.
        families (`tuple[str, ...]`): superordinates that everyone would agree to.
        debatable (`tuple[str, ...]`): superordinates that some would agree to; nothing is said that hangs on them.
        plural, also (`str`): the plural, and a second (singular, plural) name.
        own (`tuple[str, ...]`): parts that have a named color of their own.
        extras (`tuple[str, ...]`): parts that only some have, so that "with a hat" tells them apart.
        worn (`str`): the garment that carries the object's color: one says "the man in the red shirt".
        turns (`str`): how its direction is told: "facing" left or right, or by the side on which a part is
            ("handle", "spout"); "mirrored" may point either way, and nothing is said of it.
        legs_in_pairs (`bool`): the two copies of "leg" are the front legs and the back legs.
        flies (`bool`): it may hang in the air.
        size (`float`): how large it is beside the others.
    """

    name: str
    draw: Drawing = field(repr=False)
    width: float
    families: tuple[str, ...] = ("thing",)
    debatable: tuple[str, ...] = ()
    plural: str = ""
    also: tuple[str, str] | None = None
    own: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    worn: str = ""
    turns: str = ""
    legs_in_pairs: bool = False
    flies: bool = False
    size: float = 1.0

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """(singular, plural), the category first."""
        return ((self.name, self.plural or self.name + "s"), *([self.also] if self.also else []))


def _eye(pen: Pen, part: str, x: float, y: float, r: float) -> None:
    pen.ellipse(part, x, y, r * 1.5, tone="shine")
    pen.ellipse(part, x + r * 0.3, y, r * 0.9, tone="ink")


def _hat(pen: Pen, rng: Random, x: float, y: float) -> None:
    style = rng.randrange(3)
    if style == 0:
        pen.box("hat", x - 0.1, y - 0.15, x + 0.1, y, "own:hat", round=0.03)
        pen.box("hat", x - 0.18, y - 0.035, x + 0.18, y + 0.015, "own:hat", round=0.02)
    elif style == 1:
        pen.polygon("hat", ((x - 0.15, y + 0.01), (x, y - 0.17), (x + 0.15, y + 0.01)), "own:hat")
        pen.ellipse("hat", x, y - 0.165, 0.03, tone="own:hat")
    else:
        pen.blob(
            "hat", ((x - 0.14, y), (x - 0.11, y - 0.1), (x, y - 0.14), (x + 0.11, y - 0.1), (x + 0.14, y)), "own:hat"
        )
        pen.box("hat", x - 0.15, y - 0.035, x + 0.15, y + 0.02, "own:hat", round=0.02)


def _face(pen: Pen, x: float, y: float, r: float) -> None:
    pen.ellipse("face", x, y, r, r * 1.05, "skin")
    for dx in (-0.42, 0.42):
        pen.ellipse("face", x + r * dx, y + r * 0.05, r * 0.13, tone="ink")
    pen.limb("face", ((x - r * 0.3, y + r * 0.5), (x, y + r * 0.62), (x + r * 0.3, y + r * 0.5)), r * 0.13, tone="ink")


def _arms(pen: Pen, rng: Random, x: float, y: float, reach: float) -> None:
    waving = rng.choice((-1, 0, 0, 1))
    for copy, side in enumerate((-1, 1)):
        lift = -0.17 if side == waving else 0.24
        elbow = (x + side * (reach + 0.06), y + (0.06 if side == waving else 0.13))
        hand = (x + side * (reach + 0.1), y + lift)
        pen.limb("arm", ((x + side * reach * 0.86, y), elbow, hand), 0.095, 0.085, "sleeve", copy)
        pen.ellipse("arm", *hand, 0.045, tone="skin", copy=copy)


def draw_man(pen: Pen, rng: Random, extras: Extras) -> None:
    x, step = 0.28, rng.uniform(0.075, 0.105)
    for copy, side in enumerate((-1, 1)):
        foot = x + side * step
        pen.box(
            "shoe", foot - 0.065 + side * 0.02, 0.93, foot + 0.065 + side * 0.02, 1.0, "own:shoe", copy, round=0.03
        )
        hip = x + side * 0.065
        edges = ((hip - 0.075, 0.6), (hip + 0.075, 0.6), (foot + 0.055, 0.95), (foot - 0.055, 0.95))
        pen.polygon("trousers", edges, "own:trousers")
    _arms(pen, rng, x, 0.4, 0.15)
    pen.box("shirt", x - 0.15, 0.35, x + 0.15, 0.66, round=0.05)
    _face(pen, x, 0.22, 0.13)
    low, tuft = rng.uniform(0.15, 0.2), rng.uniform(-0.05, 0.05)
    cap = (
        (x - 0.14, low + 0.04),
        (x - 0.12, 0.1),
        (x, 0.06),
        (x + 0.12, 0.1),
        (x + 0.14, low + 0.04),
        (x + tuft, 0.145),
    )
    pen.blob("hair", cap, "hair")
    if "beard" in extras:
        r = 0.125
        chin = (
            (x - r, 0.24),
            (x - r * 0.5, 0.27),
            (x, 0.265),
            (x + r * 0.5, 0.27),
            (x + r, 0.24),
            (x + r * 0.6, 0.37),
            (x, 0.4),
            (x - r * 0.6, 0.37),
        )
        pen.blob("beard", chin, "hair")
    if "hat" in extras:
        _hat(pen, rng, x, 0.15)


def draw_woman(pen: Pen, rng: Random, extras: Extras) -> None:
    x = 0.3
    long = rng.uniform(0.36, 0.5)
    hair = (
        (x - 0.13, 0.12),
        (x, 0.035),
        (x + 0.13, 0.12),
        (x + 0.17, long),
        (x + 0.1, long + 0.02),
        (x - 0.1, long + 0.02),
        (x - 0.17, long),
    )
    pen.blob("hair", hair, "hair")
    for copy, side in enumerate((-1, 1)):
        foot = x + side * 0.075
        pen.limb("leg", ((foot, 0.74), (foot, 0.95)), 0.075, 0.065, "skin", copy)
        pen.box("shoe", foot - 0.06 + side * 0.02, 0.94, foot + 0.06 + side * 0.02, 1.0, "own:shoe", copy, round=0.03)
    _arms(pen, rng, x, 0.41, 0.13)
    hem = rng.uniform(0.19, 0.24)
    pen.polygon(
        "dress",
        ((x - 0.11, 0.36), (x + 0.11, 0.36), (x + 0.12, 0.55), (x + hem, 0.82), (x - hem, 0.82), (x - 0.12, 0.55)),
    )
    _face(pen, x, 0.215, 0.12)
    pen.blob(
        "hair",
        ((x - 0.135, 0.2), (x - 0.1, 0.09), (x, 0.055), (x + 0.1, 0.09), (x + 0.135, 0.2), (x + 0.04, 0.13)),
        "hair",
    )
    if "bag" in extras:
        side = rng.choice((-1, 1)) * 0.235
        pen.ring("bag", x + side, 0.64, 0.06, 0.022, "own:bag")
        pen.box("bag", x + side - 0.085, 0.645, x + side + 0.085, 0.79, "own:bag", round=0.02)
    if "hat" in extras:
        pen.ellipse("hat", x, 0.115, 0.215, 0.045, "own:hat")
        pen.blob("hat", ((x - 0.12, 0.11), (x - 0.1, 0.03), (x, 0.0), (x + 0.1, 0.03), (x + 0.12, 0.11)), "own:hat")


def _legs(pen: Pen, rng: Random, front: float, back: float, top: float, thick: float, gap: float) -> None:
    swing = rng.uniform(-0.05, 0.05)
    for copy, x in enumerate((front, back)):
        for far, tone in ((1, "main dark"), (0, "main plain")):
            start = x + (gap if far else -gap) / 2
            foot = start + (swing if far else -swing)
            pen.limb("leg", ((start, top), (foot, 0.965)), thick * 1.15, thick, tone, copy)


def draw_dog(pen: Pen, rng: Random, extras: Extras) -> None:
    wag = rng.uniform(-0.06, 0.06)
    pen.limb("tail", ((0.16, 0.5), (0.06, 0.36), (0.07 + wag, 0.14)), 0.11, 0.07, "main plain")
    _legs(pen, rng, 0.74, 0.26, 0.62, 0.105, 0.13)
    pen.blob(
        "body",
        ((0.13, 0.5), (0.3, 0.38), (0.6, 0.4), (0.84, 0.38), (0.86, 0.62), (0.6, 0.72), (0.25, 0.74), (0.12, 0.65)),
    )
    pen.limb("body", ((0.74, 0.5), (0.83, 0.3)), 0.27, 0.22)
    pen.ellipse("head", 0.9, 0.22, 0.18, 0.16, "main plain")
    pen.limb("snout", ((0.98, 0.27), (1.12, 0.29)), 0.17, 0.14, "main light")
    pen.ellipse("snout", 1.165, 0.25, 0.042, 0.036, "ink")
    _eye(pen, "head", 0.965, 0.165, 0.024)
    pen.blob("ear", ((0.78, 0.1), (0.87, 0.08), (0.89, 0.2), (0.85, 0.37), (0.76, 0.38), (0.73, 0.22)), "main dark")
    if "collar" in extras:
        pen.limb("collar", ((0.7, 0.36), (0.82, 0.45), (0.94, 0.42)), 0.1, 0.1, "own:collar")


def draw_cat(pen: Pen, rng: Random, extras: Extras) -> None:
    side = rng.choice((-1, 1))
    x = 0.42
    curl = rng.uniform(0.0, 0.12)
    pen.limb(
        "tail",
        ((x + side * 0.2, 0.9), (x + side * 0.38, 0.84), (x + side * 0.35, 0.6), (x + side * 0.3, 0.5 - curl)),
        0.1,
        0.075,
        "main plain",
    )
    pen.blob(
        "body",
        (
            (x, 0.44),
            (x + 0.17, 0.52),
            (x + 0.25, 0.85),
            (x + 0.2, 0.97),
            (x, 0.99),
            (x - 0.2, 0.97),
            (x - 0.25, 0.85),
            (x - 0.17, 0.52),
        ),
    )
    for copy, way in enumerate((-1, 1)):
        pen.limb("paw", ((x + way * 0.09, 0.72), (x + way * 0.09, 0.94)), 0.1, 0.13, "main light", copy)
        tip = ((x + way * 0.24, 0.0), (x + way * 0.05, 0.13), (x + way * 0.27, 0.24))
        pen.polygon("ear", tip, "main plain", copy)
        pen.polygon("ear", ((x + way * 0.21, 0.06), (x + way * 0.11, 0.13), (x + way * 0.22, 0.18)), "main dark", copy)
    if "bow" in extras:
        for way in (-1, 1):
            pen.polygon("bow", ((x, 0.535), (x + way * 0.15, 0.45), (x + way * 0.15, 0.62)), "own:bow")
        pen.ellipse("bow", x, 0.535, 0.04, tone="own:bow")
    pen.ellipse("head", x, 0.29, 0.275, 0.215, "main plain")
    for way in (-1, 1):
        pen.ellipse("head", x + way * 0.11, 0.26, 0.045, 0.055, "shine")
        pen.ellipse("head", x + way * 0.105, 0.265, 0.024, 0.042, "ink")
    pen.polygon("head", ((x - 0.035, 0.34), (x + 0.035, 0.34), (x, 0.385)), "ink")


def draw_horse(pen: Pen, rng: Random, extras: Extras) -> None:
    sway = rng.uniform(-0.05, 0.05)
    pen.limb("tail", ((0.17, 0.42), (0.07, 0.5), (0.06 + sway, 0.78)), 0.1, 0.13, "own:mane")
    _legs(pen, rng, 0.74, 0.27, 0.56, 0.09, 0.13)
    pen.blob(
        "body",
        ((0.14, 0.47), (0.28, 0.37), (0.5, 0.4), (0.76, 0.36), (0.86, 0.5), (0.76, 0.64), (0.5, 0.66), (0.24, 0.66)),
    )
    pen.polygon("neck", ((0.62, 0.42), (0.79, 0.1), (0.94, 0.16), (0.86, 0.56)), "main plain")
    pen.limb("head", ((0.86, 0.13), (1.07, 0.32)), 0.2, 0.13, "main plain")
    pen.ellipse("head", 1.06, 0.31, 0.075, 0.07, "main light")
    pen.polygon("head", ((0.79, 0.09), (0.82, -0.02), (0.89, 0.07)), "main dark")
    pen.polygon(
        "mane",
        ((0.83, 0.0), (0.78, 0.04), (0.7, 0.14), (0.58, 0.41), (0.67, 0.44), (0.77, 0.28), (0.86, 0.08)),
        "own:mane",
    )
    _eye(pen, "head", 0.92, 0.15, 0.02)
    if "saddle" in extras:
        pen.blob(
            "saddle",
            ((0.36, 0.35), (0.48, 0.37), (0.6, 0.33), (0.58, 0.46), (0.54, 0.56), (0.42, 0.56), (0.38, 0.46)),
            "own:saddle",
        )


def draw_elephant(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.limb("tail", ((0.12, 0.4), (0.04, 0.52), (0.06, 0.68)), 0.065, 0.06, "main dark")
    _legs(pen, rng, 0.64, 0.27, 0.6, 0.15, 0.17)
    pen.blob("body", ((0.1, 0.5), (0.18, 0.25), (0.45, 0.16), (0.72, 0.24), (0.82, 0.5), (0.72, 0.74), (0.2, 0.76)))
    if "blanket" in extras:
        pen.blob(
            "blanket",
            (
                (0.26, 0.17),
                (0.42, 0.13),
                (0.58, 0.16),
                (0.62, 0.4),
                (0.6, 0.56),
                (0.42, 0.6),
                (0.26, 0.56),
                (0.23, 0.38),
            ),
            "own:blanket",
        )
    tip = rng.choice(((1.17, 0.84), (1.24, 0.44), (1.05, 0.9)))
    pen.limb("trunk", ((1.02, 0.4), (1.1, 0.6), tip), 0.17, 0.09, "main plain")
    pen.ellipse("head", 0.92, 0.34, 0.22, 0.23, "main plain")
    pen.limb("tusk", ((0.97, 0.52), (1.05, 0.62), (1.16, 0.6)), 0.075, 0.045, "ivory")
    _eye(pen, "head", 1.02, 0.27, 0.022)
    pen.blob(
        "ear",
        ((0.84, 0.12), (0.92, 0.24), (0.9, 0.5), (0.8, 0.66), (0.66, 0.54), (0.62, 0.3), (0.7, 0.14)),
        "main light",
    )


def draw_bird(pen: Pen, rng: Random, extras: Extras) -> None:
    raised = rng.random() < 0.5
    for copy, x in enumerate((0.48, 0.64)):
        pen.limb("leg", ((x, 0.78), (x, 0.95), (x + 0.07, 0.975)), 0.06, 0.06, "beak", copy)
    pen.polygon("tail", ((0.3, 0.5), (0.02, 0.5), (0.0, 0.62), (0.06, 0.74), (0.34, 0.72)), "main dark")
    pen.blob(
        "body",
        ((0.2, 0.56), (0.42, 0.42), (0.66, 0.34), (0.86, 0.44), (0.84, 0.66), (0.64, 0.84), (0.4, 0.82), (0.24, 0.7)),
    )
    pen.polygon("beak", ((0.9, 0.13), (1.2, 0.29), (0.9, 0.39)), "beak")
    pen.ellipse("head", 0.79, 0.27, 0.2, 0.19, "main plain")
    _eye(pen, "head", 0.86, 0.23, 0.03)
    if "crest" in extras:
        pen.polygon(
            "crest",
            ((0.62, 0.16), (0.56, -0.03), (0.69, 0.05), (0.73, -0.05), (0.8, 0.05), (0.9, 0.0), (0.88, 0.12)),
            "own:crest",
        )
    if raised:
        pen.blob(
            "wing", ((0.66, 0.56), (0.5, 0.62), (0.32, 0.44), (0.18, 0.1), (0.36, 0.14), (0.52, 0.28)), "own:wing"
        )
    else:
        pen.blob(
            "wing", ((0.68, 0.5), (0.62, 0.7), (0.42, 0.74), (0.18, 0.66), (0.34, 0.52), (0.52, 0.44)), "own:wing"
        )


def draw_fish(pen: Pen, rng: Random, extras: Extras) -> None:
    spread = rng.uniform(0.26, 0.34)
    pen.polygon("tail", ((0.34, 0.5), (0.04, 0.5 - spread), (0.12, 0.5), (0.04, 0.5 + spread)), "own:tail")
    pen.blob("fin", ((0.5, 0.26), (0.6, 0.04), (0.84, 0.08), (0.92, 0.28)), "own:tail")
    pen.blob(
        "body",
        ((0.26, 0.5), (0.5, 0.24), (0.85, 0.18), (1.14, 0.36), (1.22, 0.52), (1.14, 0.68), (0.85, 0.82), (0.5, 0.76)),
    )
    pen.blob("fin", ((0.72, 0.56), (0.6, 0.5), (0.46, 0.6), (0.52, 0.74), (0.68, 0.7)), "own:tail", 1)
    pen.limb("body", ((1.2, 0.58), (1.1, 0.6)), 0.03, 0.03, "ink")
    _eye(pen, "body", 1.04, 0.42, 0.042)


def _wheel(pen: Pen, x: float, r: float, tone: str, copy: int) -> None:
    pen.ellipse("wheel", x, 1.0 - r, r, tone=tone, copy=copy)
    pen.ellipse("wheel", x, 1.0 - r, r * 0.4, tone="metal", copy=copy)


def draw_bicycle(pen: Pen, rng: Random, extras: Extras) -> None:
    r, front, back = 0.33, 1.25, 0.36
    y, hub = 1.0 - r, (0.72, 1.0 - r)
    for copy, x in enumerate((front, back)):
        pen.ring("wheel", x, y, r, 0.085, "own:wheel", copy)
        pen.ellipse("wheel", x, y, 0.06, tone="metal", copy=copy)
    neck, saddle = (1.1, 0.28), (0.6, 0.3)
    for start, end in (
        ((back, y), hub),
        (hub, neck),
        (saddle, neck),
        (saddle, hub),
        ((back, y), saddle),
        (neck, (front, y)),
    ):
        pen.limb("frame", (start, end), 0.07)
    pen.limb("frame", (saddle, (0.57, 0.16)), 0.06)
    pen.blob("seat", ((0.4, 0.1), (0.58, 0.1), (0.74, 0.13), (0.72, 0.2), (0.52, 0.22), (0.4, 0.2)), "ink")
    pen.limb("frame", (neck, (1.06, 0.08)), 0.07)
    pen.limb("handlebars", ((0.98, 0.14), (1.04, 0.05), (1.2, 0.04), (1.26, 0.15)), 0.085, tone="ink")
    if "basket" in extras:
        pen.polygon("basket", ((1.2, 0.16), (1.56, 0.16), (1.5, 0.42), (1.25, 0.42)), "own:basket")


def draw_car(pen: Pen, rng: Random, extras: Extras) -> None:
    top, slope = 0.06, rng.uniform(0.14, 0.3)
    pen.polygon("roof", ((0.34, 0.46), (0.34 + slope, top), (1.22, top), (1.5, 0.46)))
    pen.polygon("window", ((0.46, 0.45), (0.4 + slope, 0.15), (0.84, 0.15), (0.84, 0.45)), "glass", 1)
    pen.polygon("window", ((0.92, 0.45), (0.92, 0.15), (1.18, 0.15), (1.38, 0.45)), "glass", 0)
    pen.blob(
        "body",
        (
            (0.04, 0.6),
            (0.14, 0.42),
            (0.6, 0.42),
            (1.4, 0.42),
            (1.78, 0.52),
            (1.86, 0.68),
            (1.8, 0.82),
            (1.0, 0.82),
            (0.1, 0.82),
        ),
    )
    pen.box("door", 0.86, 0.45, 1.3, 0.8, "main light", round=0.03)
    pen.ellipse("door", 0.94, 0.54, 0.045, 0.022, "metal")
    pen.ellipse("headlight", 1.7, 0.61, 0.135, 0.13, "lamp")
    for copy, x in enumerate((1.45, 0.44)):
        _wheel(pen, x, 0.215, "own:wheel", copy)
    if "surfboard" in extras:
        pen.blob(
            "surfboard",
            ((0.2, 0.02), (0.5, -0.05), (1.3, -0.05), (1.62, 0.02), (1.3, 0.07), (0.5, 0.07)),
            "own:surfboard",
        )


def draw_truck(pen: Pen, rng: Random, extras: Extras) -> None:
    load = rng.uniform(0.0, 0.12)
    pen.box("body", 0.08, 0.7, 1.5, 0.84, "ink")
    pen.box("container", 0.03, load, 1.02, 0.76, "own:container", round=0.02)
    pen.polygon("cab", ((1.08, 0.82), (1.08, 0.2), (1.36, 0.2), (1.5, 0.48), (1.62, 0.54), (1.62, 0.82)))
    pen.polygon("window", ((1.16, 0.48), (1.16, 0.27), (1.32, 0.27), (1.43, 0.48)), "glass")
    pen.ellipse("headlight", 1.5, 0.66, 0.115, 0.115, "lamp")
    for copy, x in enumerate((1.32, 0.36)):
        _wheel(pen, x, 0.18, "own:wheel", copy)


def draw_bus(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.box("body", 0.03, 0.06, 1.72, 0.84, round=0.09)
    for i in range(3):
        pen.box("window", 0.14 + i * 0.37, 0.18, 0.44 + i * 0.37, 0.46, "glass", i)
    pen.box("door", 1.3, 0.2, 1.56, 0.82, "own:door", round=0.02)
    pen.box("door", 1.35, 0.26, 1.51, 0.5, "glass")
    pen.ellipse("headlight", 1.62, 0.68, 0.11, 0.11, "lamp")
    for copy, x in enumerate((1.12, 0.38)):
        _wheel(pen, x, 0.185, "own:wheel", copy)


def draw_boat(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.limb("mast", ((0.5, 0.02), (0.5, 0.78)), 0.05, tone="wood")
    if "flag" in extras:
        pen.polygon("flag", ((0.51, -0.02), (0.84, 0.06), (0.51, 0.17)), "own:flag")
    low = rng.uniform(0.6, 0.66)
    pen.blob("sail", ((0.56, 0.14), (0.74, 0.32), (0.92, low), (0.72, low + 0.03), (0.56, low)), "own:sail")
    pen.polygon("sail", ((0.44, 0.18), (0.44, low), (0.14, low)), "own:sail")
    pen.blob("hull", ((0.02, 0.74), (0.5, 0.76), (1.02, 0.7), (0.92, 0.9), (0.76, 1.0), (0.26, 1.0), (0.1, 0.9)))


def draw_airplane(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.polygon("tail", ((0.12, 0.5), (0.02, 0.02), (0.24, 0.02), (0.46, 0.46)), "own:wing")
    pen.polygon("wing", ((0.92, 0.42), (0.7, 0.1), (0.86, 0.1), (1.2, 0.42)), "own:wing", 1)
    pen.blob(
        "body",
        ((0.06, 0.46), (0.5, 0.36), (1.3, 0.34), (1.66, 0.44), (1.74, 0.54), (1.6, 0.66), (1.1, 0.7), (0.4, 0.64)),
    )
    for i in range(4):
        pen.ellipse("window", 0.58 + i * 0.2, 0.46, 0.066, 0.062, "glass", i)
    pen.polygon("window", ((1.44, 0.39), (1.56, 0.39), (1.68, 0.48), (1.46, 0.49)), "glass", 4)
    pen.polygon("wing", ((0.8, 0.56), (1.2, 0.56), (0.72, 0.98), (0.5, 0.98)), "own:wing", 0)


def draw_tree(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.polygon("trunk", ((0.37, 0.6), (0.49, 0.6), (0.51, 0.95), (0.56, 1.0), (0.3, 1.0), (0.35, 0.95)), "wood")
    if rng.random() < 0.35:
        for top, half in ((0.3, 0.4), (0.14, 0.34), (0.0, 0.26)):
            pen.polygon("leaves", ((0.43 - half, top + 0.4), (0.43, top), (0.43 + half, top + 0.4)))
        spots = ((0.3, 0.56), (0.56, 0.6), (0.42, 0.38), (0.44, 0.22))
    else:
        puffs = ((0.2, 0.46, 0.2), (0.66, 0.46, 0.2), (0.43, 0.22, 0.23), (0.43, 0.5, 0.25))
        for x, y, r in puffs:
            pen.ellipse("leaves", x, y, r, r * rng.uniform(0.9, 1.05))
        spots = ((0.22, 0.44), (0.64, 0.5), (0.42, 0.2), (0.44, 0.56), (0.58, 0.3))
    if "apples" in extras:
        for x, y in spots:
            pen.ellipse("apples", x, y, 0.06, tone="own:apples")


def draw_house(pen: Pen, rng: Random, extras: Extras) -> None:
    if "chimney" in extras:
        pen.box("chimney", 0.72, 0.02, 0.87, 0.4, "own:chimney")
        pen.box("chimney", 0.69, 0.0, 0.9, 0.06, "own:chimney")
    pen.box("wall", 0.1, 0.4, 1.0, 1.0)
    if rng.random() < 0.6:
        pen.polygon("roof", ((0.0, 0.46), (0.55, 0.04), (1.1, 0.46)), "own:roof")
    else:
        pen.polygon("roof", ((0.0, 0.46), (0.22, 0.12), (0.88, 0.12), (1.1, 0.46)), "own:roof")
    pen.box("door", 0.44, 0.64, 0.66, 1.0, "own:door", round=0.02)
    pen.ellipse("door", 0.61, 0.83, 0.02, tone="lamp")
    for copy, x in enumerate((0.17, 0.73)):
        pen.box("window", x, 0.56, x + 0.2, 0.77, "glass", copy)
        pen.box("window", x + 0.09, 0.56, x + 0.11, 0.77, "shine", copy)


def draw_flower(pen: Pen, rng: Random, extras: Extras) -> None:
    x, bend = 0.32, rng.uniform(-0.05, 0.05)
    low = 0.76 if "pot" in extras else 1.0
    pen.limb("stem", ((x, low), (x + bend, 0.6), (x, 0.3)), 0.06, tone="leaf")
    for copy, side in enumerate((-1, 1)):
        pen.ellipse("leaf", x + side * 0.15, low - 0.17, 0.165, 0.075, "leaf", copy, angle=-side * 30)
    turn = rng.uniform(0, 60)
    slim = rng.random() < 0.4
    for i in range(6):
        pen_angle = turn + i * 60
        cx, cy = _polar(x, 0.25, 0.155, pen_angle)
        pen.ellipse("petals", cx, cy, 0.12, 0.07 if slim else 0.095, "main", angle=pen_angle)
    pen.ellipse("center", x, 0.25, 0.095, tone="own:center")
    if "pot" in extras:
        pen.polygon("pot", ((x - 0.18, 0.76), (x + 0.18, 0.76), (x + 0.12, 1.0), (x - 0.12, 1.0)), "own:pot")
        pen.box("pot", x - 0.21, 0.72, x + 0.21, 0.79, "own:pot", round=0.02)


def _polar(x: float, y: float, radius: float, degrees: float) -> tuple[float, float]:
    return x + radius * cos(radians(degrees)), y + radius * sin(radians(degrees))


def draw_mug(pen: Pen, rng: Random, extras: Extras) -> None:
    if "saucer" in extras:
        pen.ellipse("saucer", 0.45, 0.93, 0.5, 0.07, "own:saucer")
    if rng.random() < 0.5:
        pen.ring("handle", 0.86, 0.48, 0.24, 0.095, "own:handle")
    else:
        pen.limb("handle", ((0.72, 0.26), (1.04, 0.26), (1.04, 0.68), (0.72, 0.7)), 0.1, tone="own:handle")
    taper = rng.uniform(0.0, 0.08)
    pen.polygon(
        "body",
        (
            (0.08, 0.12),
            (0.82, 0.12),
            (0.82 - taper, 0.88),
            (0.7 - taper, 0.94),
            (0.2 + taper, 0.94),
            (0.08 + taper, 0.88),
        ),
    )
    pen.ellipse("rim", 0.45, 0.13, 0.37, 0.12, "main light")
    pen.ellipse("coffee", 0.45, 0.135, 0.3, 0.085, "coffee")


def draw_teapot(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.limb("handle", ((0.36, 0.4), (0.06, 0.36), (0.08, 0.72), (0.4, 0.78)), 0.095, tone="own:handle")
    pen.limb("spout", ((0.98, 0.74), (1.2, 0.6), (1.26, 0.36), (1.38, 0.3)), 0.22, 0.1, "main plain")
    pen.blob(
        "body",
        (
            (0.28, 0.58),
            (0.44, 0.32),
            (0.7, 0.27),
            (0.96, 0.32),
            (1.12, 0.58),
            (1.02, 0.88),
            (0.84, 0.98),
            (0.56, 0.98),
            (0.38, 0.88),
        ),
    )
    pen.blob("lid", ((0.44, 0.33), (0.5, 0.2), (0.7, 0.14), (0.9, 0.2), (0.96, 0.33), (0.7, 0.36)), "own:lid")
    pen.ellipse("lid", 0.7, 0.09, 0.085, 0.08, "own:lid")


def draw_lamp(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.limb("pole", ((0.33, 0.36), (0.33, 0.9)), 0.08, tone="metal")
    if rng.random() < 0.5:
        pen.blob("base", ((0.1, 0.96), (0.2, 0.86), (0.33, 0.83), (0.46, 0.86), (0.56, 0.96), (0.33, 1.0)), "own:base")
    else:
        pen.box("base", 0.1, 0.88, 0.56, 1.0, "own:base", round=0.04)
    wide = rng.uniform(0.1, 0.18)
    pen.polygon("shade", ((0.33 - wide, 0.04), (0.33 + wide, 0.04), (0.65, 0.46), (0.01, 0.46)))


def draw_chair(pen: Pen, rng: Random, extras: Extras) -> None:
    for copy, (x, foot) in enumerate(((0.1, 0.06), (0.28, 0.27), (0.5, 0.52), (0.62, 0.66))):
        pen.limb("leg", ((x, 0.6), (foot, 0.965)), 0.075, 0.065, "own:leg", copy)
    if rng.random() < 0.5:
        pen.box("back", 0.04, 0.03, 0.2, 0.6, round=0.06)
    else:
        pen.limb("back", ((0.1, 0.6), (0.06, 0.06)), 0.16)
    pen.blob("seat", ((0.03, 0.57), (0.2, 0.51), (0.68, 0.52), (0.72, 0.6), (0.66, 0.67), (0.06, 0.67)), "main dark")
    if "cushion" in extras:
        pen.blob(
            "cushion",
            ((0.22, 0.5), (0.26, 0.41), (0.46, 0.39), (0.66, 0.42), (0.68, 0.52), (0.44, 0.54)),
            "own:cushion",
        )


def draw_table(pen: Pen, rng: Random, extras: Extras) -> None:
    splay = rng.uniform(0.0, 0.05)
    for copy, (x, way) in enumerate(((0.2, -1), (1.3, 1))):
        pen.limb("leg", ((x, 0.3), (x + way * splay, 0.95)), 0.13, 0.1, "own:leg", copy)
    if "drawer" in extras:
        pen.box("drawer", 0.44, 0.3, 1.06, 0.54, "own:drawer", round=0.02)
        pen.ellipse("drawer", 0.75, 0.42, 0.05, 0.035, "metal")
    pen.box("top", 0.02, 0.08, 1.48, 0.34, round=0.04)


def draw_umbrella(pen: Pen, rng: Random, extras: Extras) -> None:
    pen.limb("pole", ((0.5, 0.03), (0.5, 0.72)), 0.085, tone="metal")
    pen.limb("handle", ((0.5, 0.7), (0.5, 0.86), (0.58, 0.95), (0.7, 0.84)), 0.1, tone="own:handle")
    scallops = ((0.78, 0.46), (0.68, 0.5), (0.5, 0.44), (0.32, 0.5), (0.22, 0.46))
    pen.polygon(
        "canopy",
        (
            (0.0, 0.5),
            (0.06, 0.3),
            (0.2, 0.15),
            (0.38, 0.07),
            (0.5, 0.05),
            (0.62, 0.07),
            (0.8, 0.15),
            (0.94, 0.3),
            (1.0, 0.5),
            *scallops,
        ),
    )
    pen.limb("canopy", ((0.5, 0.05), (0.5, 0.0)), 0.04, tone="metal")


_ANIMAL = {"families": ("animal",), "debatable": ("thing",)}
_PERSON = {"families": ("person",), "debatable": ("thing", "animal")}
_VEHICLE = {"families": ("thing", "vehicle")}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "man",
            draw_man,
            0.56,
            **_PERSON,
            plural="men",
            own=("hat", "trousers", "shoe"),
            extras=("hat", "beard"),
            worn="shirt",
            size=1.15,
        ),
        Kind(
            "woman",
            draw_woman,
            0.6,
            **_PERSON,
            plural="women",
            own=("hat", "bag", "shoe"),
            extras=("hat", "bag"),
            worn="dress",
            size=1.15,
        ),
        Kind("dog", draw_dog, 1.2, **_ANIMAL, own=("collar",), extras=("collar",), turns="facing", legs_in_pairs=True),
        Kind("cat", draw_cat, 0.84, **_ANIMAL, own=("bow",), extras=("bow",)),
        Kind(
            "horse",
            draw_horse,
            1.15,
            **_ANIMAL,
            own=("mane", "saddle"),
            extras=("saddle",),
            turns="facing",
            legs_in_pairs=True,
            size=1.15,
        ),
        Kind(
            "elephant",
            draw_elephant,
            1.28,
            **_ANIMAL,
            own=("blanket",),
            extras=("blanket",),
            turns="facing",
            legs_in_pairs=True,
            size=1.15,
        ),
        Kind(
            "bird",
            draw_bird,
            1.15,
            **_ANIMAL,
            own=("wing", "crest"),
            extras=("crest",),
            turns="facing",
            flies=True,
            size=0.9,
        ),
        Kind(
            "fish",
            draw_fish,
            1.25,
            families=("animal",),
            debatable=("thing",),
            plural="fish",
            own=("tail",),
            turns="facing",
            flies=True,
            size=0.9,
        ),
        Kind(
            "bicycle",
            draw_bicycle,
            1.6,
            families=("thing",),
            debatable=("vehicle",),
            also=("bike", "bikes"),
            own=("wheel", "basket"),
            extras=("basket",),
            turns="facing",
            size=1.15,
        ),
        Kind("car", draw_car, 1.9, **_VEHICLE, own=("wheel", "surfboard"), extras=("surfboard",), turns="facing"),
        Kind("truck", draw_truck, 1.65, **_VEHICLE, own=("container", "wheel"), turns="facing", size=1.1),
        Kind("bus", draw_bus, 1.75, **_VEHICLE, plural="buses", own=("door", "wheel"), turns="facing", size=1.1),
        Kind(
            "boat",
            draw_boat,
            1.04,
            families=("thing", "vehicle"),
            own=("sail", "flag"),
            extras=("flag",),
            also=("sailboat", "sailboats"),
            size=1.1,
        ),
        Kind(
            "airplane",
            draw_airplane,
            1.76,
            **_VEHICLE,
            also=("plane", "planes"),
            own=("wing",),
            turns="facing",
            flies=True,
            size=1.1,
        ),
        Kind(
            "tree",
            draw_tree,
            0.86,
            families=("plant",),
            debatable=("thing",),
            own=("apples",),
            extras=("apples",),
            size=1.15,
        ),
        Kind(
            "house",
            draw_house,
            1.1,
            families=("thing",),
            own=("roof", "door", "chimney"),
            extras=("chimney",),
            size=1.15,
        ),
        Kind(
            "flower",
            draw_flower,
            0.64,
            families=("plant",),
            debatable=("thing",),
            own=("center", "pot"),
            extras=("pot",),
        ),
        Kind(
            "mug",
            draw_mug,
            1.1,
            also=("cup", "cups"),
            own=("handle", "saucer"),
            extras=("saucer",),
            turns="handle",
            size=0.9,
        ),
        Kind("teapot", draw_teapot, 1.42, own=("handle", "lid"), turns="spout"),
        Kind("lamp", draw_lamp, 0.66, debatable=("furniture",), own=("base",)),
        Kind(
            "chair",
            draw_chair,
            0.74,
            families=("thing", "piece of furniture"),
            own=("leg", "cushion"),
            extras=("cushion",),
            turns="mirrored",
        ),
        Kind(
            "table",
            draw_table,
            1.5,
            families=("thing", "piece of furniture"),
            own=("leg", "drawer"),
            extras=("drawer",),
        ),
        Kind("umbrella", draw_umbrella, 1.0, own=("handle",)),
    )
}
FAMILY_PLURALS = {
    "thing": "things",
    "person": "people",
    "animal": "animals",
    "vehicle": "vehicles",
    "plant": "plants",
    "piece of furniture": "pieces of furniture",
}
ALWAYS_PLURAL = frozenset(("trousers", "handlebars", "leaves", "petals", "apples"))
PART_PLURALS = {"leaf": "leaves"}
