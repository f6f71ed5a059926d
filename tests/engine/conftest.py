# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A small vocabulary; puts this folder on the path."""

import sys
from pathlib import Path

import pytest

from unires_hf.engine.part_vocabulary import Vocabulary

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def vocabulary() -> Vocabulary:
    parts = {"wheel": "test", "window": "test", "antenna": "test"}
    return Vocabulary({"car": parts, "wall": {}}, {"test": "the tests"}, frozenset({"wheel"}))
