# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Made photographs: colored boxes on gray, with the labels that a source gives them."""

import numpy as np
import pytest
from PIL import Image

from unires_hf.data import masks

SIZE = 200
COLORS = {
    **{"red": (200, 20, 20), "green": (30, 140, 40), "blue": (40, 70, 200), "black": (10, 10, 10)},
    **{"white": (250, 250, 250), "yellow": (250, 220, 30), "beige": (215, 195, 160), "gray": (120, 120, 120)},
}


class Photograph:
    """A row in the making."""

    def __init__(self, source):
        self.pixels = np.full((SIZE, SIZE, 3), 100, np.uint8)
        self.row = {"image_id": "made", "source": source, "width": SIZE, "height": SIZE, "targets": []}

    def add(self, name, box, color="beige", part_of=None, target_id=None):
        """Adds an object, or a part of one, that fills a box (left, top, right, bottom), or several boxes."""
        mask = np.zeros((SIZE, SIZE), bool)
        for left, top, right, bottom in box if isinstance(box, list) else [box]:
            mask[top:bottom, left:right] = True
        self.pixels[mask] = COLORS[color]
        rle = masks.encode(mask)
        self.row["targets"].append(
            {
                "target_id": target_id or f"made/{len(self.row['targets'])}",
                "granularity": "part" if part_of else "object",
                "category": part_of["category"] if part_of else name,
                "part": name if part_of else None,
                "parent_id": part_of["target_id"] if part_of else None,
                "bbox": masks.bbox(rle),
                "mask": rle,
                "expressions": [],
            }
        )
        return self.row["targets"][-1]

    @property
    def image(self):
        return Image.fromarray(self.pixels)


@pytest.fixture
def photograph():
    return Photograph


@pytest.fixture
def person(photograph):
    """Somebody with hair, a red dress, heels, and a beige bag."""
    made = photograph("clothing-co-parsing")
    somebody = made.add("person", (60, 20, 140, 190))
    made.add("hair", (85, 20, 115, 40), "black", somebody)
    made.add("dress", (75, 60, 125, 140), "red", somebody)
    made.add("heels", (85, 180, 115, 190), "black", somebody)
    made.add("bag", (60, 100, 75, 130), "beige", somebody)
    return made


@pytest.fixture
def front(photograph):
    """A car from the front: its left is the picture's right."""
    made = photograph("car-parts")
    car = made.add("car", (40, 60, 160, 160))
    made.add("front right light", (45, 100, 65, 115), "white", car)
    made.add("front left light", (135, 100, 155, 115), "white", car)
    made.add("hood", (60, 80, 140, 100), "blue", car)
    made.add("front bumper", (50, 120, 150, 150), "blue", car)
    made.add("wheel", [(45, 150, 60, 165), (140, 150, 155, 165)], "black", car)
    return made


@pytest.fixture
def dogs(photograph):
    """Three dogs side by side, the middle one black and four times as large, and a cat above the last."""
    made = photograph("coco")
    made.add("dog", (10, 100, 40, 130), "white")
    made.add("dog", (70, 80, 130, 140), "black")
    made.add("dog", (160, 100, 190, 130), "white")
    made.add("cat", (160, 40, 190, 70), "red")
    return made
