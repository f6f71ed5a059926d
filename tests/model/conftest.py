# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A CLIP tokenizer built on the spot and drawn pictures, for all tests of the model."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer


@pytest.fixture(scope="session")
def clip_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with a small vocabulary, made as CLIP's is: every byte with and without `</w>`, then merges."""
    alphabet = sorted(ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e</w>"), ("r", "e"), ("re", "d</w>"), ("d", "o"), ("do", "g</w>")]
    tokens = [*alphabet, *(f"{byte}</w>" for byte in alphabet), *map("".join, merges)]
    vocab = {token: index for index, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


@pytest.fixture(scope="session")
def scene() -> Image.Image:
    """An RGB picture, 640 wide and 480 high: a red disk and a blue box on a ramp of grays."""
    picture = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((80, 120, 300, 400), fill=(200, 60, 40))
    draw.rectangle((380, 60, 560, 330), fill=(30, 90, 180))
    return picture


@pytest.fixture(scope="session")
def disk_mask(scene) -> np.ndarray:
    """The mask (480, 640) of the red disk."""
    red, _, blue = (np.asarray(band).astype(int) for band in scene.split())
    return red - blue > 100
