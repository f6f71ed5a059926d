# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Rivals are built from presets, learn, are saved, and go on learning from where they were."""

import pytest
from transformers import AutoConfig, CLIPConfig

from unires_hf.checkpoints import DRAWINGS_ONLY, checkpoint_path
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.training.run import run


@pytest.mark.parametrize("preset", ["cris-tiny", "lavt-tiny", "clipseg-tiny"])
def test_the_trainer_takes_rivals(arguments, squares, tmp_path, preset):
    fields = {"config_overrides": "{}", "image_size": 64, "max_steps": 2, "preset": preset}
    trainer = run(*arguments("first", eval_data=[squares], eval_strategy="no", **fields))
    assert trainer.results.summary["n_expressions"] == 45
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert len(losses) == 2 and losses[0] != losses[1]
    fields |= {"preset": None, "model_name_or_path": str(tmp_path / "first"), "image_size": None}
    again = run(*arguments("second", **fields))
    assert type(again.model) is type(trainer.model)
    assert again.processing_class.image_processor.size["height"] == 64


def test_a_sentence_of_lavt_is_as_long_as_published():
    texts = ["the mug " * 30]
    _, processor = build_model(ModelArguments(preset="lavt-tiny"), texts)
    assert processor(text=texts, return_tensors="pt")["input_ids"].shape == (1, 20)


def test_config_fields_of_rivals_can_be_set():
    model, processor = build_model(
        ModelArguments(preset="cris-tiny", config_overrides='{"mask_threshold": 0.4}'), ["the mug"]
    )
    assert model.config.mask_threshold == processor.mask_threshold == 0.4


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    CLIPConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="of type clip.*--clip"):
        build_model(ModelArguments(model_name_or_path=str(tmp_path)), [])


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match="no preset 'cris-huge' of CRIS"):
        build_model(ModelArguments(preset="cris-huge"), [])


def test_a_model_that_learns_on_is_another_one_than_its_notice_is_about():
    model, _ = build_model(ModelArguments(model_name_or_path="default"), [])
    assert model.config.notice is None
    assert AutoConfig.from_pretrained(checkpoint_path("default")).notice == DRAWINGS_ONLY
    overrides = '{"notice": "Of birds alone."}'
    model, _ = build_model(ModelArguments(model_name_or_path="default", config_overrides=overrides), [])
    assert model.config.notice == "Of birds alone."
