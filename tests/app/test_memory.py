# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The last pictures and answers are remembered, and no more than that."""

from collections import Counter

import pytest
from PIL import Image

from unires_hf.app.memory import Memory

WORDS = ["the dark side", "its edge"]


@pytest.fixture
def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((50, 30)).convert("RGB")


def test_the_longest_unused_picture_is_forgotten(segmenter, picture, tmp_path) -> None:
    passes = Counter()
    segmenter.model.vision_model.register_forward_hook(lambda *_: passes.update(["vision"]))
    memory = Memory(segmenter, tmp_path, pictures=2)
    memory.ask(picture, WORDS)
    memory.ask(picture.copy(), ["something else"])
    assert passes["vision"] == 1
    for angle in (90, 0, 180, 0, 90):  # 180 drives out 90, not 0
        memory.ask(picture.rotate(angle), WORDS)
    assert passes["vision"] == 4


def test_the_longest_unused_answer_is_forgotten_with_its_folder(segmenter, picture, tmp_path) -> None:
    memory = Memory(segmenter, tmp_path, answers=2)
    said = memory.ask(picture, WORDS)
    first, second = memory.keep(said, picture), memory.keep(said, picture)
    assert memory.find(first).said is said
    third = memory.keep(said, picture)
    assert memory.find(second) is None and memory.find(first) and memory.find(third)
    assert {path.name for path in (tmp_path / "answers").iterdir()} == {first, third}
    assert memory.find(None) is None and memory.find("../..") is None
