# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A mirrored row says of the mirrored picture what the row said of the picture."""

import numpy as np
import pytest
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.flip import flip_row, mirror_words
from unires_hf.data.groups import SampledExpressions
from unires_hf.data.opener import Opener


def make_row(number: int = 0) -> dict:
    mask = np.zeros((8, 10), bool)
    mask[2:5, 1:4] = mask[3, 7] = True
    pixels = np.zeros((8, 10, 3), np.uint8)
    pixels[mask] = 255
    target = {
        "target_id": "t",
        "granularity": "part",
        "category": "person",
        "part": "left arm",
        "parent_id": None,
        "bbox": masks.bbox(masks.encode(mask)),
        "mask": masks.encode(mask),
        "expressions": [{"expression_id": "e", "text": "left arm of the man"}],
    }
    row = {"image": Image.fromarray(pixels), "image_id": str(number), "source": "test", "width": 10, "height": 8}
    return {**row, "targets": [target]}


def test_picture_mask_box_and_words_turn_together():
    (target,) = (mirrored := flip_row(make_row()))["targets"]
    mask = masks.decode(target["mask"])
    assert np.array_equal(mask, np.asarray(mirrored["image"])[..., 0] > 0)
    assert mask[2, 6] and not mask[2, 1]
    assert target["bbox"] == masks.bbox(target["mask"])
    assert target["part"] == "right arm" and target["expressions"][0]["text"] == "right arm of the man"


def test_twice_is_as_before():
    row = make_row()
    again = flip_row(flip_row(row))
    assert again["targets"] == row["targets"]
    assert np.array_equal(np.asarray(again["image"]), np.asarray(row["image"]))


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("the Left one, right of it", "the Right one, left of it"),
        ("leftmost truck", "rightmost truck"),
        ("RIGHT-hand door", "LEFT-hand door"),
        ("lefthand side, facing rightwards", "righthand side, facing leftwards"),
        ("bright upright leftover, alright", "bright upright leftover, alright"),
        ("the one left", "the one right"),  # words are not understood
    ],
)
def test_words(text, mirrored):
    assert mirror_words(text) == mirrored


def test_every_second_row_of_a_sample_is_mirrored():
    samples = SampledExpressions([[make_row(number) for number in range(100)]], 1, opener=Opener(flip=True))
    words = [row["targets"][0]["expressions"][0]["text"] for row in samples]
    assert 35 < words.count("right arm of the man") < 65
    assert words == [row["targets"][0]["expressions"][0]["text"] for row in samples]
