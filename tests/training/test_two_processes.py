# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Two processes with accumulation learn and measure what one process does with the same global batch."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torchrun import torchrun

from unires_hf.training.run import run

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "run_finetuning.py"
SAME = {
    "optim": "sgd",  # a step as long as its gradient, so that equal weights mean equal gradients
    "learning_rate": 0.05,
    "max_steps": 7,  # into the second epoch
    "warmup_epochs": 0,
    "eval_steps": 5,
    "eval_strategy": "steps",
}


def test_two_processes_equal_one(arguments, recipe, squares, tmp_path):
    """Batches of one group hold 1 to 3 expressions, so a mean of means would be another loss."""
    fields = {**SAME, "eval_data": [squares]}
    run(*arguments("one", per_device_train_batch_size=4, **fields))
    torchrun(SCRIPT, recipe("two", per_device_train_batch_size=1, gradient_accumulation_steps=2, **fields))
    one, two = tmp_path / "one", tmp_path / "two"

    logs = [json.loads((folder / "trainer_state.json").read_text())["log_history"] for folder in (one, two)]
    steps, others = ([line for line in log if "loss" in line] for log in logs)
    counts = [line["expressions_per_step"] for line in steps]
    assert len(set(counts)) > 1 and counts == [line["expressions_per_step"] for line in others]
    for key in ("loss", "grad_norm", "learning_rate"):
        assert [line[key] for line in others] == pytest.approx([line[key] for line in steps], rel=1e-4)

    weights = load_file(two / "model.safetensors")
    for name, weight in load_file(one / "model.safetensors").items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=1e-6)

    results, same = (json.loads((folder / "results.json").read_text()) for folder in (one, two))
    assert results["n_expressions"] == same["n_expressions"] == 45
    for key in ("miou", "oiou", "miou_part", "miou_object", "miou_low", "control_all_foreground_miou"):
        assert same[key] == pytest.approx(results[key], abs=0.1)
