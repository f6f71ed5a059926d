# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Some scenes of every split, drawn once."""

import pytest

from unires_hf.scenes import SPLITS, PartScenes

SCENES = 80


@pytest.fixture(scope="session")
def drawn():
    """By split: the views and expressions of its first scenes."""
    return {split: [PartScenes(split, SCENES).draw(i) for i in range(SCENES)] for split in SPLITS}
