# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models of any kind are had by name."""

import pytest

from unires_hf import UniResModel
from unires_hf.baselines import CrisModel, LavtModel
from unires_hf.baselines.adapters import ReferringCLIPSeg
from unires_hf.loading import load_model


@pytest.mark.parametrize(
    ("preset", "kind", "threshold"),
    [
        ("tiny", UniResModel, 0.35),
        ("cris-tiny", CrisModel, 0.35),
        ("lavt-tiny", LavtModel, 0.5),
        ("clipseg-tiny", ReferringCLIPSeg, 0.5),
    ],
)
def test_a_preset_is_built_saved_and_loaded(checkpoints, preset, kind, threshold):
    model, processor = load_model(checkpoints[preset])
    assert type(model) is kind and not model.training
    assert processor.image_processor.size["height"] == 128
    assert processor.mask_threshold == threshold
    assert model.config.text_config.vocab_size == len(processor.tokenizer)
    assert processor.tokenizer.model_max_length == (20 if preset == "lavt-tiny" else 17)
    assert 4.5e6 < sum(weight.numel() for weight in model.parameters()) < 6.5e6, "presets are of like size"
