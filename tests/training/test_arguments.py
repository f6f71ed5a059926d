# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The defaults are the paper's fine-tuning recipe; contradictions are refused."""

import json
import sys

import pytest

from unires_hf.training.arguments import (
    DataArguments,
    ModelArguments,
    PreTrainingArguments,
    UniResTrainingArguments,
    parse_arguments,
)


def test_defaults_are_the_papers(tmp_path):
    arguments = UniResTrainingArguments(output_dir=tmp_path)
    assert arguments.learning_rate == 1e-5
    assert arguments.weight_decay == 5e-4
    assert arguments.num_train_epochs == 15
    assert arguments.warmup_steps == pytest.approx(1 / 15)
    assert arguments.lr_scheduler_type == "cosine"
    assert arguments.optim.startswith("adamw")
    data = DataArguments(train_data=["x"])
    assert arguments.per_device_train_batch_size * data.expressions_per_image == 64
    before = PreTrainingArguments(output_dir=tmp_path)
    assert (before.num_train_epochs, before.warmup_steps) == (50, pytest.approx(5 / 50))
    assert before.per_device_train_batch_size * data.expressions_per_image == 128
    assert (before.learning_rate, before.weight_decay, before.lr_scheduler_type) == (1e-5, 5e-4, "cosine")


@pytest.mark.parametrize("steps", [7, 0.25, 0])
def test_warm_up_steps_that_are_given_stay(steps, tmp_path):
    arguments = UniResTrainingArguments(output_dir=tmp_path, warmup_steps=steps)
    assert arguments.warmup_steps == steps and arguments.get_warmup_steps(100) == (25 if steps == 0.25 else steps)


@pytest.mark.parametrize("fields", [{}, {"clip": "a", "preset": "tiny"}])
def test_a_model_has_one_origin(fields):
    with pytest.raises(ValueError, match="exactly one of --model_name_or_path, --clip, --encoders and --preset"):
        ModelArguments(**fields)


def test_no_data_is_refused():
    with pytest.raises(ValueError, match="There is no data: give --train_data"):
        DataArguments()


@pytest.mark.parametrize("form", ["flags", "json", "yaml"])
def test_flags_json_and_yaml_say_the_same(form, tmp_path, monkeypatch):
    wanted = {
        "preset": "tiny",
        "config_overrides": '{"group_split_layer": 2}',
        "train_data": ["partscenes,length=4"],
        "output_dir": str(tmp_path),
        "num_train_epochs": 3.0,
    }
    if form == "flags":
        argv = [
            word
            for key, value in wanted.items()
            for word in (f"--{key}", *(map(str, value) if key == "train_data" else [str(value)]))
        ]
    else:
        path = tmp_path / f"recipe.{form}"
        path.write_text(json.dumps(wanted))  # JSON is YAML too
        argv = [str(path)]
    monkeypatch.setattr(sys, "argv", ["run_finetuning.py", *argv])
    model, data, training = parse_arguments()
    assert model.preset == "tiny" and model.config_overrides == {"group_split_layer": 2}
    assert data.train_data == ["partscenes,length=4"]
    assert training.num_train_epochs == 3 and training.warmup_steps == pytest.approx(1 / 3)
