# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What comes out of an augmentation shows what its masks say: each target has a color of its own to check that by."""

import random

import numpy as np
import pytest
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.augmentation import SLIVER, Augmentation, drawn_box, in_other_light, pasted, side_by_side, view
from unires_hf.data.flip import flip_row
from unires_hf.data.opener import Opener

COLORS = {"a": (250, 20, 20), "a/door": (20, 250, 20), "b": (20, 20, 250)}
PARTS = {"a/door": ("front_left_door", "a")}


def make_row(boxes: dict[str, tuple[int, int, int, int]], size: tuple[int, int] = (120, 160), source: str = "test"):
    """Boxes x, y, w, h in one color each; a part lies on its object and belongs to it as well."""
    pixels = np.full((*size, 3), 128, np.uint8)
    targets = []
    for name, (x, y, w, h) in boxes.items():
        mask = np.zeros(size, bool)
        mask[y : y + h, x : x + w] = True
        pixels[mask] = COLORS[name]
        part, parent = PARTS.get(name, (None, None))
        rle = masks.encode(mask)
        target = {"target_id": name, "category": "car", "part": part, "parent_id": parent, "mask": rle}
        granularity = "object" if part is None else "part"
        targets.append({**target, "granularity": granularity, "bbox": masks.bbox(rle), "expressions": []})
    row = {"image": Image.fromarray(pixels), "image_id": "0", "source": source, "width": size[1], "height": size[0]}
    return {**row, "targets": targets}


TWO = {"a": (20, 30, 60, 50), "a/door": (30, 40, 20, 20), "b": (110, 60, 40, 40)}


def check(row: dict, tolerance: int = 90) -> None:
    """Inside each mask, but for its rim, the picture has the target's color."""
    pixels = np.asarray(row["image"]).astype(int)
    assert row["image"].size == (row["width"], row["height"])
    for target in row["targets"]:
        name = target["target_id"].removeprefix("second/")
        mask = masks.decode(target["mask"])
        assert mask.shape == pixels.shape[:2] and mask.any() and target["bbox"] == masks.bbox(target["mask"])
        others = [masks.decode(it["mask"]) for it in row["targets"] if it["parent_id"] == target["target_id"]]
        own = mask & ~np.any(others, axis=0) if others else mask
        inner = own.copy()
        for axis in (0, 1):
            for step in (-2, -1, 1, 2):
                inner &= np.roll(own, step, axis)
        assert not inner.any() or np.abs(pixels[inner] - COLORS[name]).max() < tolerance, target["target_id"]


def by_id(row: dict) -> dict:
    return {target["target_id"]: target for target in row["targets"]}


@pytest.mark.parametrize("box", [(0, 0, 160, 120), (10.5, 20.25, 90.75, 100.5), (100, 50, 160, 120)])
def test_a_view_shows_what_its_masks_say(box):
    row = view(make_row(TWO), box, (90, 77))
    check(row)
    assert set(by_id(row)) == ({"b"} if box[0] == 100 else set(by_id(row)))
    assert row["height"] == 90 and row["width"] == 77


def test_a_view_is_the_nearest_pixels_of_the_mask():
    row = make_row(TWO)
    (target, *_) = view(row, (10, 20, 100, 80), (60, 90))["targets"]
    assert np.array_equal(masks.decode(target["mask"]), masks.decode(row["targets"][0]["mask"])[20:80, 10:100])


def test_a_target_without_pixels_stays():
    row = make_row(TWO)
    row["targets"][2] |= {"mask": masks.empty(120, 160), "bbox": [0.0] * 4}
    assert "b" in by_id(view(row, (0, 0, 50, 50), (50, 50)))


def test_no_box_leaves_a_sliver():
    row = make_row(TWO)
    boxes = {drawn_box(row, random.Random(seed), 0.3) for seed in range(200)}
    assert len(boxes) > 150
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= 160 and 0 <= top < bottom <= 120
        for x, y, w, h in (target["bbox"] for target in row["targets"]):
            seen = max(0, min(x + w, right) - max(x, left)) * max(0, min(y + h, bottom) - max(y, top)) / (w * h)
            assert seen == 0 or seen >= SLIVER


@pytest.mark.parametrize("size", [(120, 160), (160, 120)])
def test_two_photographs_side_by_side(size):
    boxes = {"a": (20, 30, 60, 50), "a/door": (30, 40, 20, 20)}
    for seed in range(10):
        row = side_by_side(make_row(boxes, size), make_row(boxes, size), 128, random.Random(seed))
        check(row)
        found = by_id(row)
        assert max(row["width"], row["height"]) in (127, 128, 129)
        assert found["second/a/door"]["parent_id"] == "second/a" and len(found) == 4
        assert masks.intersection_union(found["a"]["mask"], found["second/a"]["mask"])[0] == 0


def test_what_is_pasted_hides_what_is_behind_it():
    other = make_row({"a": (20, 30, 60, 50), "a/door": (30, 40, 20, 20)})
    hidden = 0
    for seed in range(30):
        row = pasted(make_row({"b": (40, 30, 80, 60)}), other, random.Random(seed))
        if row is None:
            continue
        check(row)
        found = by_id(row)
        overlap = [
            masks.intersection_union(found["b"]["mask"], found[name]["mask"])[0] for name in found if name != "b"
        ]
        assert set(found) == {"b", "second/a", "second/a/door"} and overlap == [0, 0]
        hidden += masks.area(found["b"]["mask"]) < 80 * 60
        assert masks.area(found["b"]["mask"]) >= 80 * 60 / 2
    assert 5 < hidden < 30


def test_an_object_that_the_picture_cuts_is_not_cut_out():
    assert pasted(make_row(TWO), make_row({"b": (0, 60, 40, 40)}), random.Random(0)) is None


def test_a_mirrored_car_has_its_own_sides_exchanged():
    row = flip_row(make_row(TWO))
    check(row)
    assert by_id(row)["a/door"]["part"] == "front_right_door"


def test_light_keeps_colors_their_names_where_words_stand():
    image = make_row(TWO)["image"]
    for seed in range(40):
        pixels = np.asarray(in_other_light(image, random.Random(seed), free=False)).astype(int)
        red, blue = pixels[75, 60], pixels[80, 130]
        assert red[0] > red[1:].max() + 60 and blue[2] > blue[:2].max() + 60


def say_everything(row, image, rng):
    return [{**it, "expressions": [{"expression_id": "e", "text": it["target_id"]}]} for it in row["targets"]]


def test_words_are_drawn_for_what_is_seen():
    opener = Opener(flip=True, augmentation=Augmentation(96, scenes=0.5), speak=say_everything)
    rows = [make_row(TWO), make_row({"b": (40, 30, 80, 60)})]
    texts = set()
    for seed in range(60):
        row = opener(rows[seed % 2], random.Random(seed), rows)
        check(row, tolerance=256)
        assert max(row["image"].size) <= 97
        texts |= {it["text"] for target in row["targets"] for it in target["expressions"]}
    assert texts == {"a", "a/door", "b", "second/a", "second/a/door", "second/b"}


def test_words_that_stand_keep_the_whole_picture():
    row = make_row(TWO)
    row["targets"][0]["expressions"] = [{"expression_id": "e", "text": "the left car"}]
    opener = Opener(flip=True, augmentation=Augmentation(80, scenes=1.0), speak=say_everything)
    for seed in range(20):
        opened = opener(row, random.Random(seed), [row])
        assert opened["image"].size == (80, 60) and len(opened["targets"]) == 3
        left = opened["targets"][0]["bbox"][0] < 20
        assert opened["targets"][0]["expressions"][0]["text"] == ("the left car" if left else "the right car")
