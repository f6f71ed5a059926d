# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models of any kind are had by name."""

import pytest
import torch
from transformers import CLIPConfig

from unires_hf import UniResModel
from unires_hf.baselines import CrisModel, LavtModel
from unires_hf.baselines.peers import ReferringCLIPSeg
from unires_hf.loading import PEERS, load_model, short_names


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


@pytest.mark.parametrize(
    ("name", "names"), [("grounded-sam2:a/b+c/d", ("a/b", "c/d")), ("grounded-sam2:", ()), ("sam3:a/b", ("a/b",))]
)
def test_peers_are_loaded_by_their_names(monkeypatch, name, names):
    asked, made = [], (torch.nn.Linear(1, 1), "processor")
    monkeypatch.setitem(PEERS, name.partition(":")[0], lambda *given: asked.append(given) or made)
    assert load_model(name) == made
    assert asked == [names]


def test_another_kind_of_model_is_refused(tmp_path):
    CLIPConfig().save_pretrained(tmp_path / "clip")
    with pytest.raises(ValueError, match="of type clip, which segments nothing by itself.*clipseg:NAME"):
        load_model(str(tmp_path / "clip"))


def test_names_are_as_short_as_they_can_be():
    assert short_names(["runs/a", "clipseg:CIDAS/rd64", "default", "sam3:"]) == ["a", "rd64", "default", "sam3"]
    assert short_names(["one/a", "two/a"]) == ["one/a", "two/a"]
    with pytest.raises(ValueError, match="a is named twice"):
        short_names(["a", "b", "a"])
