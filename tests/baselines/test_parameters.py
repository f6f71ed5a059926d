# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The published sizes, counted without making a weight."""

import pytest
import torch
from torch import nn

from unires_hf.baselines import CrisConfig, CrisModel, LavtConfig, LavtModel


def millions(*modules: nn.Module) -> float:
    return sum(weight.numel() for module in modules for weight in module.parameters()) / 1e6


@pytest.mark.parametrize(
    ("preset", "vision", "text", "neck", "projector", "total"),
    [
        ("cris-r50", 40.42, 63.69, 24.14, 5.97, 146.85),
        ("cris-r101", 57.31, 63.43, 23.09, 4.79, 161.25),
    ],
)
def test_cris_has_the_published_parameters(preset, vision, text, neck, projector, total):
    with torch.device("meta"):
        model = CrisModel(CrisConfig.from_preset(preset))
    assert millions(model.vision_model) == pytest.approx(vision, abs=0.006)
    assert millions(model.text_model, model.text_projection) == pytest.approx(text, abs=0.006)
    assert millions(model.neck) == pytest.approx(neck, abs=0.006)
    assert millions(model.decoder_layers, model.decoder_layer_norm) == pytest.approx(12.63, abs=0.006)
    assert millions(model.projector) == pytest.approx(projector, abs=0.006)
    assert millions(model) == pytest.approx(total, abs=0.006)  # published as 146.9 and 161.3


def test_lavt_has_the_published_parameters_less_the_gate_that_nothing_reads():
    with torch.device("meta"):
        model = LavtModel(LavtConfig.from_preset("lavt-swin-b"))
    unread = 2 * 1024**2 / 1e6
    fusion = millions(model.fusions, model.gates) + unread
    assert fusion == pytest.approx(11.32, abs=0.006)
    assert millions(model.vision_model, model.layer_norms) + fusion == pytest.approx(98.20, abs=0.006)
    assert millions(model.decoder) == pytest.approx(20.65, abs=0.006)
    assert millions(model.text_model) == pytest.approx(108.89, abs=0.006)  # BERT base, uncased, without its pooler


@pytest.mark.parametrize(
    ("model_class", "config"),
    [(CrisModel, CrisConfig.from_preset("cris-tiny")), (LavtModel, LavtConfig.from_preset("lavt-tiny"))],
    ids=["cris", "lavt"],
)
def test_tiny_presets_are_of_one_size(model_class, config):
    with torch.device("meta"):
        assert 5.0 < millions(model_class(config)) < 6.0
    assert config.vision_config.image_size == 128


def test_unknown_presets_are_refused_with_those_that_exist():
    with pytest.raises(ValueError, match="cris-r101, cris-r50, cris-small, cris-tiny"):
        CrisConfig.from_preset("lavt-tiny")
    with pytest.raises(ValueError, match="lavt-swin-b, lavt-tiny"):
        LavtConfig.from_preset("large")
