# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A checkpoint of a few thousand random weights, and a segmenter of it."""

from pathlib import Path

import pytest
from tiny_unires import save_checkpoint, tiny_processor

from unires_hf.inference.segmenter import Segmenter
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its presence threshold is so low that something is found."""
    return save_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint", tiny_processor(presence_threshold=0.01))


@pytest.fixture
def segmenter(checkpoint: Path) -> Segmenter:
    return Segmenter.from_pretrained(str(checkpoint), "cpu")


@pytest.fixture(scope="session")
def checkpoints_of_baselines(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A CRIS and a LAVT of random weights."""
    folders = []
    for preset in ("cris-tiny", "lavt-tiny"):
        model, processor = build_model(ModelArguments(preset=preset), ["the dark side", "its edge"])
        folders.append(tmp_path_factory.mktemp("baselines") / preset)
        for part in (model, processor):
            part.save_pretrained(folders[-1])
    return folders
