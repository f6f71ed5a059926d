# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Tokenizers of a few words and a drawn picture; puts this folder on the path for `tiny_baselines`."""

import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from transformers import BertTokenizer, CLIPTokenizer

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
    """An RGB picture, 64 wide and 48 high: a red disk and a blue box on grey."""
    picture = Image.new("RGB", (64, 48), (120, 120, 120))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((4, 10, 28, 34), fill=(200, 60, 40))
    draw.rectangle((38, 6, 56, 33), fill=(30, 90, 180))
    return picture
