# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Categories that leave pictures and words alike."""

import random

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.left_out import Unsaid, without_categories
from unires_hf.data.schema import FEATURES


def make_row(number: int, *categories: str) -> dict:
    mask = masks.encode(np.eye(8, dtype=bool))
    return {
        "image": Image.new("RGB", (8, 8)),
        "image_id": str(number),
        "source": "coco",
        "width": 8,
        "height": 8,
        "targets": [
            {
                "target_id": f"{number}/{place}",
                "granularity": "object",
                "category": category,
                "part": None,
                "parent_id": None,
                "bbox": masks.bbox(mask),
                "mask": mask,
                "expressions": [],
            }
            for place, category in enumerate(categories)
        ],
    }


def test_pictures_that_show_one_are_left_out():
    rows = Dataset.from_list([make_row(0, "dog", "chair"), make_row(1, "chair"), make_row(2, "cup", "bus")], FEATURES)
    assert without_categories(rows, ["dog", "bus"])["image_id"] == ["1"]
    with pytest.raises(ValueError, match="nothing is left to learn from"):
        without_categories(rows, ["chair", "cup"])


def test_words_that_name_one_are_left_out_and_only_they():
    said = ["the motorbikes", "Motorcycle on the left", "the bus", "the busy street", "the hot dog", "the doghouse"]

    def speak(row, image, rng):
        return [{**row["targets"][0], "expressions": [{"expression_id": "0", "text": text}]} for text in said]

    unsaid = Unsaid(speak, ["motorcycle", "bus"])
    row = make_row(0, "chair")
    heard = [it["text"] for target in unsaid(row, row["image"], random.Random(0)) for it in target["expressions"]]
    assert heard == ["the busy street", "the hot dog", "the doghouse"]
