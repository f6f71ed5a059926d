# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is behind the objects: five families of pale backdrops, and soft shadows on the ground."""

from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .palette import RGB, mix, shade
from .scene import Scene

_SKIES: tuple[tuple[RGB, RGB], ...] = (
    ((150, 200, 236), (226, 240, 246)),
    ((250, 214, 180), (252, 238, 214)),
    ((176, 186, 214), (236, 224, 228)),
    ((190, 226, 232), (240, 246, 236)),
)
_GROUNDS: tuple[RGB, ...] = ((186, 210, 150), (206, 216, 160), (220, 206, 168), (176, 204, 176), (228, 232, 236))
_WALLS: tuple[RGB, ...] = ((236, 224, 204), (214, 226, 230), (230, 214, 214), (220, 230, 212), (226, 222, 236))
_FLOORS: tuple[RGB, ...] = ((206, 176, 140), (190, 160, 130), (216, 204, 190), (180, 172, 166))
_SANDS: tuple[RGB, ...] = ((240, 224, 184), (232, 212, 170))
_SEAS: tuple[RGB, ...] = ((142, 200, 214), (120, 182, 208))
_PAPERS: tuple[RGB, ...] = ((232, 228, 218), (214, 222, 226), (226, 216, 222), (208, 216, 204), (236, 230, 200))


def draw_backdrop(scene: Scene, rng: Random) -> np.ndarray:
    """The empty stage, float32 (size, size, 3) in 0 to 255."""
    size, horizon = scene.size, round(scene.size * scene.horizon)
    image = Image.new("RGB", (size, size))
    _PAINTERS[scene.backdrop](image, ImageDraw.Draw(image), size, horizon, rng)
    return np.asarray(image, dtype=np.float32)


def draw_shadows(scene: Scene, rng: Random) -> np.ndarray:
    """How much light the objects leave on the ground, float32 (size, size, 1) in 0 to 1."""
    image = Image.new("L", (scene.size, scene.size))
    draw = ImageDraw.Draw(image)
    lean, strength = rng.uniform(-0.18, 0.18), rng.randint(70, 130)
    for thing in scene.things:
        width, bottom = thing.height * thing.kind.width, thing.top + thing.height
        if thing.kind.flies:
            continue
        left, deep = thing.left + lean * width, max(2.0, 0.09 * width)
        draw.ellipse((left, bottom - deep, left + width, bottom + deep * 0.7), fill=strength)
    blurred = image.filter(ImageFilter.BoxBlur(scene.size / 64))
    return 1 - np.asarray(blurred, dtype=np.float32)[..., None] / 255


def _gradient(draw: ImageDraw.ImageDraw, size: int, top: int, bottom: int, first: RGB, last: RGB) -> None:
    step = max(1, size // 64)
    for y in range(top, bottom, step):
        color = mix(first, last, (y - top) / (bottom - top))
        draw.rectangle((0, y, size, min(y + step, bottom) - 1), fill=color)


def _landscape(image: Image.Image, draw: ImageDraw.ImageDraw, size: int, horizon: int, rng: Random) -> None:
    sky, ground = rng.choice(_SKIES), rng.choice(_GROUNDS)
    _gradient(draw, size, 0, horizon, *sky)
    for _ in range(rng.randint(0, 3)):
        x, y, r = rng.uniform(0, size), rng.uniform(0.03, 0.22) * size, rng.uniform(0.03, 0.06) * size
        for dx, dy, grow in ((-1.2, 0.3, 0.8), (0, 0, 1.1), (1.2, 0.3, 0.8)):
            cx, cy, cr = x + dx * r, y + dy * r, r * grow
            draw.ellipse((cx - cr, cy - cr * 0.7, cx + cr, cy + cr * 0.7), fill=shade(sky[1], 0.5))
    for level in range(rng.randint(1, 2)):
        x, reach = rng.uniform(0, size), rng.uniform(0.3, 0.7) * size
        rise = rng.uniform(0.06, 0.16) * size
        color = mix(ground, sky[0], 0.5 - 0.2 * level)
        draw.ellipse((x - reach, horizon - rise, x + reach, horizon + rise), fill=color)
    _gradient(draw, size, horizon, size, ground, shade(ground, -0.14))
    for _ in range(rng.randint(0, 30)):
        x, y = rng.uniform(0, size), rng.uniform(horizon + 4, size)
        draw.line((x, y, x + size / 90, y - size / 50), fill=shade(ground, -0.16))


def _room(image: Image.Image, draw: ImageDraw.ImageDraw, size: int, horizon: int, rng: Random) -> None:
    wall, floor = rng.choice(_WALLS), rng.choice(_FLOORS)
    horizon += size // 12
    draw.rectangle((0, 0, size, horizon), fill=wall)
    paper, step = rng.randrange(3), size // rng.randint(8, 14)
    for i in range(0, size, step):
        if paper == 1:
            draw.rectangle((i, 0, i + step // 2, horizon), fill=shade(wall, -0.05))
        elif paper == 2:
            for j in range(i // step % 2 * step // 2, horizon, step):
                draw.ellipse((i, j, i + step / 4, j + step / 4), fill=shade(wall, -0.1))
    _gradient(draw, size, horizon, size, floor, shade(floor, 0.15))
    for i in range(-8, 17):
        middle = size / 2 + (i - 4) * size / 9
        draw.line((middle, horizon, size / 2 + (i - 4) * size / 4, size), fill=shade(floor, -0.08))
    draw.rectangle((0, horizon - size // 40, size, horizon), fill=shade(wall, -0.16))


def _studio(image: Image.Image, draw: ImageDraw.ImageDraw, size: int, horizon: int, rng: Random) -> None:
    first, last = rng.sample(_PAPERS, 2)
    corners = Image.new("RGB", (3, 3))
    corners.putdata([shade(mix(first, last, rng.random()), rng.uniform(-0.12, 0.1)) for _ in range(9)])
    image.paste(corners.resize((size, size), Image.Resampling.BICUBIC))


def _beach(image: Image.Image, draw: ImageDraw.ImageDraw, size: int, horizon: int, rng: Random) -> None:
    sky, sea, sand = rng.choice(_SKIES), rng.choice(_SEAS), rng.choice(_SANDS)
    _gradient(draw, size, 0, horizon, *sky)
    if rng.random() < 0.5:
        x, r = rng.uniform(0.1, 0.9) * size, size * 0.06
        draw.ellipse((x - r, horizon * 0.4 - r, x + r, horizon * 0.4 + r), fill=(255, 246, 206))
    shore = horizon + round(rng.uniform(0.06, 0.2) * size)
    draw.rectangle((0, horizon, size, size), fill=sea)
    for _ in range(6):
        x, y = rng.uniform(0, size), rng.uniform(horizon + 2, shore)
        draw.line((x, y, x + size / 12, y), fill=shade(sea, 0.4))
    points = [(size * i / 6, shore + rng.uniform(-0.02, 0.02) * size) for i in range(7)]
    draw.polygon([*points, (size, size), (0, size)], fill=sand)
    draw.line(points, fill=shade(sea, 0.7), width=max(1, size // 64))
    for _ in range(40):
        draw.point((rng.uniform(0, size), rng.uniform(shore + 4, size)), fill=shade(sand, -0.14))


def _street(image: Image.Image, draw: ImageDraw.ImageDraw, size: int, horizon: int, rng: Random) -> None:
    sky, road = rng.choice(_SKIES), rng.choice(((176, 178, 184), (190, 186, 182)))
    _gradient(draw, size, 0, horizon, *sky)
    x = 0.0
    while x < size:
        width, top = rng.uniform(0.1, 0.2) * size, horizon - rng.uniform(0.1, 0.24) * size
        front = mix(rng.choice(_WALLS), sky[0], 0.35)
        draw.rectangle((x, top, x + width, horizon), fill=shade(front, -0.1))
        step = size / 24
        for row in range(2):
            for column in range(int(width / step) - 1):
                left, high = x + step * (column + 0.6), top + step * (0.6 + row * 1.2)
                draw.rectangle((left, high, left + step * 0.5, high + step * 0.6), fill=shade(front, -0.2))
        x += width
    curb = horizon + round(0.12 * size)
    draw.rectangle((0, horizon, size, curb), fill=shade(road, 0.35))
    draw.rectangle((0, curb, size, size), fill=road)
    draw.line((0, curb, size, curb), fill=shade(road, -0.15), width=max(1, size // 64))
    middle = round(0.72 * size)
    for i in range(6):
        draw.rectangle(
            (size * (i + 0.2) / 6, middle, size * (i + 0.7) / 6, middle + size // 50), fill=shade(road, 0.5)
        )


_PAINTERS = {"landscape": _landscape, "room": _room, "studio": _studio, "beach": _beach, "street": _street}
