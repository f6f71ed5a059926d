# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Baselines are built from presets, learn, are saved, and go on learning from where they were."""

import json

import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError
from PIL import Image
from transformers import AutoConfig, AutoModel, AutoProcessor, CLIPConfig, TrainerCallback

from unires_hf.checkpoints import DRAWINGS_ONLY, checkpoint_path
from unires_hf.evaluation import evaluate_model
from unires_hf.loading import load_model
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.training.run import run


class Gradients(TrainerCallback):
    """Keeps the names of what learns and has no gradient; two processes would wait for it in vain."""

    def __init__(self):
        self.missing = set()

    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        learning = {name: it for name, it in model.named_parameters() if it.requires_grad}
        self.missing |= {name for name, weight in learning.items() if weight.grad is None}


@pytest.mark.parametrize("preset", ["cris-tiny", "lavt-tiny", "clipseg-tiny"])
def test_the_trainer_takes_baselines(arguments, squares, tmp_path, preset):
    gradients = Gradients()
    fields = {"config_overrides": "{}", "image_size": 64, "max_steps": 2, "preset": preset}
    first = arguments("first", eval_data=[squares], eval_strategy="no", **fields)
    trainer = run(*first, callbacks=[gradients])
    assert trainer.state.global_step == 2 and not gradients.missing
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


def test_config_fields_of_baselines_can_be_set():
    model, processor = build_model(
        ModelArguments(preset="cris-tiny", config_overrides='{"mask_threshold": 0.4}'), ["the mug"]
    )
    assert model.config.mask_threshold == processor.mask_threshold == 0.4


@pytest.mark.parametrize("preset", ["tiny", "cris-tiny", "lavt-tiny"])
def test_another_input_size_reaches_config_weights_and_processor(preset, tmp_path):
    model, processor = build_model(ModelArguments(preset=preset, image_size=64), ["the mug"])
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    resized, resized_processor = build_model(ModelArguments(model_name_or_path=str(tmp_path), image_size=96), [])
    assert resized.config.vision_config.image_size == 96
    assert resized_processor.image_processor.size["height"] == 96
    resized.save_pretrained(tmp_path / "resized")
    again = AutoModel.from_pretrained(tmp_path / "resized").eval()
    inputs = resized_processor(Image.effect_noise((90, 96), 50), ["the mug"], return_tensors="pt")
    inputs.pop("original_sizes")
    with torch.no_grad():
        expected = model.eval()(**inputs).logits  # interpolates positions in each pass, where it has any
        torch.testing.assert_close(again(**inputs).logits, expected, rtol=1e-4, atol=1e-4)
    assert expected.shape[-1] == resized_processor.image_processor.mask_size["width"]


@pytest.mark.parametrize("start", ["preset", "checkpoint"])
def test_an_input_size_that_does_not_fit_is_refused(start, tmp_path):
    if start == "checkpoint":
        model, processor = build_model(ModelArguments(preset="tiny", image_size=64), ["the mug"])
        model.save_pretrained(tmp_path)
        processor.save_pretrained(tmp_path)
        arguments = ModelArguments(model_name_or_path=str(tmp_path), image_size=100)
    else:
        arguments = ModelArguments(preset="tiny", image_size=100)
    with pytest.raises(StrictDataclassClassValidationError, match="`vision_config.image_size` 100 must be a multiple"):
        build_model(arguments, ["the mug"])


def test_thresholds_and_text_length_are_the_processors_and_saved_with_it(arguments, squares, rows, tmp_path):
    """One owner: the trainer, and whoever loads what it saved, use what it was trained with."""
    run(*arguments("first", max_steps=1, max_text_length=9))
    fields = {"preset": None, "model_name_or_path": str(tmp_path / "first"), "max_steps": 1}
    overrides = json.dumps({"mask_threshold": 0.6, "presence_threshold": 0.3})
    trainer = run(*arguments("second", eval_data=[squares], config_overrides=overrides, **fields))
    processor = AutoProcessor.from_pretrained(tmp_path / "second")
    assert (processor.mask_threshold, processor.presence_threshold, processor.text_length) == (0.6, 0.3, 9)
    assert processor(text="mug " * 30, return_tensors="pt")["input_ids"].shape == (1, 9)
    config = AutoConfig.from_pretrained(tmp_path / "second")
    assert (config.mask_threshold, config.presence_threshold) == (0.6, 0.3)
    wanted = {"mask_threshold": 0.6, "presence_threshold": 0.3, "text_length": 9, "input_size": "64x64"}
    measured = json.loads((tmp_path / "second" / "results.json").read_text())
    assert wanted.items() <= measured.items()
    model, processor = load_model(str(tmp_path / "second"))
    again = evaluate_model(model, processor, rows).summary
    assert all(again[key] == measured[key] for key in again if key not in ("device", "dtype"))
    card = (tmp_path / "second" / "README.md").read_text()
    for line in ("| words | cut at 9 tokens |", "| mask threshold | 0.6 |", "| presence threshold | 0.3 |"):
        assert line in card
    assert trainer.processing_class.tokenizer.model_max_length == 9
    with pytest.raises(ValueError, match="--max_text_length is 30, but the text encoder has 24 positions"):
        run(*arguments("third", max_text_length=30))


@pytest.mark.parametrize("preset", ["tiny", "cris-tiny", "lavt-tiny", "clipseg-tiny", None])
def test_a_misspelt_config_field_is_refused_with_the_nearest(preset):
    start = {"preset": preset} if preset else {"model_name_or_path": "default"}
    arguments = ModelArguments(**start, config_overrides='{"initialiser_range": 0.1}')
    with pytest.raises(ValueError, match="Config has no field 'initialiser_range'; the nearest is 'initializer_"):
        build_model(arguments, ["the mug"])


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    CLIPConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="of type clip.*--clip"):
        build_model(ModelArguments(model_name_or_path=str(tmp_path)), [])


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match="no preset 'cris-huge' of CRIS"):
        build_model(ModelArguments(preset="cris-huge"), [])


def test_a_model_that_learns_on_is_another_one_than_its_notice_is_about():
    model, _ = build_model(ModelArguments(model_name_or_path="drawings"), [])
    assert model.config.notice is None
    assert AutoConfig.from_pretrained(checkpoint_path("drawings")).notice == DRAWINGS_ONLY
    overrides = '{"notice": "Of birds alone."}'
    model, _ = build_model(ModelArguments(model_name_or_path="drawings", config_overrides=overrides), [])
    assert model.config.notice == "Of birds alone."
