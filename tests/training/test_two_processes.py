# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Two processes with accumulation learn and measure what one process does with the same global batch."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from forks import on_two_processes, train
from safetensors.torch import load_file
from torchrun import torchrun

from unires_hf.baselines import CrisConfig, CrisModel
from unires_hf.training.run import run
from unires_hf.training.trainer import batch_norm_over_gpus

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
    halves = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    on_two_processes(train, str(recipe("two", **halves, **fields)))
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


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["cris-tiny", "lavt-tiny", "clipseg-tiny"])
def test_baselines_learn_on_two_processes(recipe, arguments, tmp_path, preset):
    """A weight without a gradient would stop them in the second step; `test_the_trainer_takes_baselines` looks."""
    fields = {"preset": preset, "config_overrides": "{}", "image_size": 64, "max_steps": 3, "warmup_epochs": 0}
    run(*arguments("one", per_device_train_batch_size=4, **fields))
    torchrun(SCRIPT, recipe("two", per_device_train_batch_size=2, **fields))
    one, two = (
        [
            line
            for line in json.loads((tmp_path / name / "trainer_state.json").read_text())["log_history"]
            if "loss" in line
        ]
        for name in ("one", "two")
    )
    assert [line["expressions_per_step"] for line in two] == [line["expressions_per_step"] for line in one]
    assert len(two) == 3 and all(math.isfinite(line["grad_norm"]) for line in two)
    if preset == "clipseg-tiny":  # the only one without batch norm, whose statistics are a process's own on CPUs
        assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], rel=1e-3)


def mean_of_expressions(outputs, labels, num_items_in_batch=None):
    return torch.nn.functional.binary_cross_entropy_with_logits(outputs.logits, labels)


def test_a_loss_of_ones_own_is_accumulated_too(arguments):
    fields = {**SAME, "preset": "clipseg-tiny", "config_overrides": "{}", "image_size": 64, "max_steps": 3}
    at_once = {"per_device_train_batch_size": 4}
    in_two = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    logs = []
    for name, sizes, loss in (
        ("own", at_once, None),
        ("given", at_once, mean_of_expressions),
        ("two", in_two, mean_of_expressions),
    ):
        trainer = run(*arguments(name, **{**fields, **sizes, "eval_strategy": "no"}), compute_loss_func=loss)
        logs.append([(line["loss"], line["grad_norm"]) for line in trainer.state.log_history if "loss" in line])
    for other in logs[1:]:
        assert len(other) == 3
        for one, same in zip(logs[0], other, strict=True):
            assert same == pytest.approx(one, rel=1e-3)


def test_batch_norm_spans_the_gpus():
    """It takes GPUs to train with, but not to be put in place, to be measured or to be saved."""
    model = CrisModel(CrisConfig.from_preset("cris-tiny")).eval()
    before, names = model.state_dict(), {name for name, _ in model.named_modules()}
    norms = [
        name for name, module in model.named_modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    ]
    inputs = {"pixel_values": torch.randn(1, 3, 128, 128), "input_ids": torch.tensor([[2046, 5, 2047]])}
    logits = model(**inputs).logits
    for processes, device in ((1, "cuda"), (2, "cpu")):
        alone = batch_norm_over_gpus(model, SimpleNamespace(world_size=processes, device=torch.device(device)))
        assert not any(isinstance(module, torch.nn.SyncBatchNorm) for module in alone.modules())
    model = batch_norm_over_gpus(model, SimpleNamespace(world_size=2, device=torch.device("cuda")))
    assert norms and all(isinstance(model.get_submodule(name), torch.nn.SyncBatchNorm) for name in norms)
    assert {name for name, _ in model.named_modules()} == names
    after = model.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    torch.testing.assert_close(model(**inputs).logits, logits)
