# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Tokenizers of a few words, a drawn picture and what is said about it; puts this folder on the path."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from transformers import BertTokenizer, CLIPTokenizer

from unires_hf.data import masks
from unires_hf.training.tokenizer import train_clip_tokenizer

sys.path.insert(0, str(Path(__file__).parent))

WORDS = ["the", "red", "disk", "blue", "box", "left", "of"]


@pytest.fixture(scope="session")
def clip_tokenizer() -> CLIPTokenizer:
    return train_clip_tokenizer(["the red disk", "the blue box"], vocab_size=520, model_max_length=20)


@pytest.fixture(scope="session")
def bert_tokenizer() -> BertTokenizer:
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "."]
    return BertTokenizer(vocab={token: index for index, token in enumerate(tokens)}, model_max_length=20)


@pytest.fixture(scope="session")
def scene() -> Image.Image:
    """An RGB picture, 64 wide and 48 high: a red disk and a blue box on gray."""
    picture = Image.new("RGB", (64, 48), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((4, 10, 28, 34), fill=(200, 60, 40))
    draw.rectangle((38, 6, 56, 33), fill=(30, 90, 180))
    return picture


@pytest.fixture
def row(scene) -> dict:
    """A row of the schema: a picture, two targets, three expressions."""
    disk, box = np.zeros((48, 64), bool), np.zeros((48, 64), bool)
    disk[10:34, 4:28] = True
    box[6:34, 38:57] = True
    texts = (["the red disk"], ["the blue box", "left of the box"])
    targets = [
        {
            "target_id": str(number),
            "granularity": "object",
            "category": "thing",
            "part": None,
            "parent_id": None,
            "bbox": [0.0, 0.0, 1.0, 1.0],
            "mask": masks.encode(mask),
            "expressions": [
                {"expression_id": f"{number}-{place}", "text": text} for place, text in enumerate(texts[number])
            ],
        }
        for number, mask in enumerate((disk, box))
    ]
    return {"image": scene, "image_id": "1", "source": "test", "width": 64, "height": 48, "targets": targets}
