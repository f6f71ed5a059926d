# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Drawn cars with wheels, and a finder that knows colors."""

import io

import numpy as np
from PIL import Image, ImageDraw

from unires_hf.data import masks
from unires_hf.engine.finders import Found

COLORS = {"body": (200, 60, 40), "wheel": (20, 20, 20), "window": (80, 160, 230), "sky": (150, 150, 150)}


def draw_car(shift: int = 0) -> Image.Image:
    """A car, 96 wide and 64 high: a red body, two black wheels, a blue window."""
    picture = Image.new("RGB", (96, 64), COLORS["sky"])
    pen = ImageDraw.Draw(picture)
    pen.rectangle((10 + shift, 20, 69 + shift, 43), fill=COLORS["body"])
    pen.rectangle((20 + shift, 24, 39 + shift, 33), fill=COLORS["window"])
    for left in (14, 50):
        pen.rectangle((left + shift, 38, left + 11 + shift, 49), fill=COLORS["wheel"])
    return picture


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def car_row(image_id: str = "1", shift: int = 0) -> dict:
    """A row of the schema of which the car is known, and neither parts nor words."""
    picture = draw_car(shift)
    inside = (np.asarray(picture) != COLORS["sky"]).any(-1)
    mask = masks.encode(inside)
    car = {
        "target_id": f"{image_id}-car",
        "granularity": "object",
        "category": "car",
        "part": None,
        "parent_id": None,
        "bbox": masks.bbox(mask),
        "mask": mask,
        "expressions": [],
    }
    image = {"bytes": png(picture), "path": f"{image_id}.png"}
    return {"image": image, "image_id": image_id, "source": "drawn", "width": 96, "height": 64, "targets": [car]}


class ColorFinder:
    """Finds the pixels of the color that a phrase names; of what it is told to mistake, those of another color."""

    def __init__(self, name: str = "colors", mistakes: dict[str, str] | None = None):
        self.name, self.mistakes, self.asked = name, mistakes or {}, []

    def find(self, pictures, phrases):
        return [
            [self._find(np.asarray(picture), text) for text in said]
            for picture, said in zip(pictures, phrases, strict=True)
        ]

    def _find(self, pixels, text):
        self.asked.append(text)
        named = next((part for part in [*self.mistakes, *COLORS] if part in text.replace("wheels", "wheel")), None)
        color = self.mistakes.get(named, named)
        if color is None:
            return []
        mask = (np.abs(pixels.astype(int) - COLORS[color]) < 40).all(-1)
        return [Found(mask, 0.9 if color == named else 0.6)] if mask.any() else []
