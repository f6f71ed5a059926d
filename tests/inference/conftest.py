# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Tiny checkpoints of UniRES and of the baselines, and a segmenter."""

from pathlib import Path

import pytest
from tiny_segmenter import checkpoint, segmenter  # noqa: F401

from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model


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
