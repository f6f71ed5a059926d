# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Fixtures: a checkpoint of a few thousand random weights, and a segmenter of it."""

from pathlib import Path

import pytest
from tiny_unires import save_checkpoint, tiny_processor

from unires_hf.inference.segmenter import Segmenter


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its presence threshold is so low that something is found."""
    return save_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint", tiny_processor(presence_threshold=0.01))


@pytest.fixture
def segmenter(checkpoint: Path) -> Segmenter:
    return Segmenter.from_pretrained(str(checkpoint), "cpu")
