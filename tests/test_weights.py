# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is said of weights that a checkpoint lacks: an error, but for those that changed fields call for."""

import logging

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_unires import save_checkpoint, tiny_processor
from transformers import AutoModel

from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.weights import load_whole

TOLD = {"overrides": {"beyond_paper": ["token_embeds"]}}
WIDER = {"overrides": {"mask_head_channels": [16, 16, 12]}}


@pytest.fixture
def checkpoint(tmp_path):
    return save_checkpoint(tmp_path / "checkpoint", tiny_processor())


@pytest.fixture
def damaged(checkpoint):
    weights = load_file(checkpoint / "model.safetensors")
    del weights["mask_head.bias.weight"]
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    return checkpoint


@pytest.mark.parametrize("options", [{}, TOLD, WIDER, {"overrides": {"mask_threshold": 0.4}}], ids=str)
def test_missing_weights_are_refused_whatever_else_is_changed(damaged, options):
    with pytest.raises(ValueError, match=r"lacks 1 of the model's weights, 'mask_head\.bias\.weight' among them"):
        load_whole(AutoModel, str(damaged), **options)


@pytest.mark.parametrize(
    ("options", "modules"), [({}, None), (TOLD, "token_embeds"), (WIDER, "mask_head")], ids=lambda it: str(it)
)
def test_what_changed_fields_call_for_is_new_and_named(checkpoint, options, modules, caplog):
    with caplog.at_level(logging.WARNING, "unires_hf.weights"):
        model = load_whole(AutoModel, str(checkpoint), **options)
    lines = [record.message for record in caplog.records if record.name == "unires_hf.weights"]
    assert lines == ([] if modules is None else [f"New, and to be trained: {modules}."])
    kept = load_file(checkpoint / "model.safetensors")["mask_head.projection.weight"]
    assert torch.equal(model.mask_head.projection.weight, kept)


def test_fine_tuning_starts_from_a_whole_checkpoint_unless_it_is_told_otherwise(damaged):
    start = {"model_name_or_path": str(damaged)}
    with pytest.raises(ValueError, match=r"lacks 1 of the model's weights, 'mask_head\.bias\.weight'"):
        build_model(ModelArguments(**start), [])
    model, _ = build_model(ModelArguments(**start, allow_new_weights=True), [])
    assert model.mask_head.bias.weight.isfinite().all()
