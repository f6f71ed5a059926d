# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A run ends in time with a rate near 0, goes on with its clock, and leaves the mean of its weights."""

import math

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from unires_hf.training import time_limit
from unires_hf.training.averaging import WeightAverage
from unires_hf.training.run import run
from unires_hf.training.time_limit import TimedCosine


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(time_limit.time, "monotonic", lambda: self.now)


def rates(schedule: TimedCosine, clock: Clock, seconds: list[float]) -> list[float]:
    found = []
    for pause in seconds:
        clock.now += pause
        schedule.optimizer.step()
        schedule.step()
        found.append(schedule.get_last_lr()[0])
    return found


def new_schedule(steps: int, warmup_steps: int, seconds: float) -> TimedCosine:
    return TimedCosine(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0), steps, warmup_steps, seconds)


def cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def test_the_rate_follows_the_steps_or_the_clock(monkeypatch):
    clock = Clock(monkeypatch)
    assert rates(new_schedule(4, 0, 1e6), clock, [1] * 4) == pytest.approx([cosine(it / 4) for it in (1, 2, 3, 4)])
    slow = new_schedule(1000, 0, 40)
    assert rates(slow, clock, [10] * 3) == pytest.approx([cosine(it / 4) for it in (1, 2, 3)])
    assert not slow.is_over
    assert rates(slow, clock, [10, 10]) == pytest.approx([0, 0]) and slow.is_over


def test_the_rate_rises_first(monkeypatch):
    found = rates(new_schedule(1000, 3, 1e6), Clock(monkeypatch), [1] * 5)
    assert found == pytest.approx([0.5, 0.75, 1, 1, 1], abs=1e-3)


def test_the_clock_stands_still_between_two_runs(monkeypatch):
    clock = Clock(monkeypatch)
    first = new_schedule(1000, 0, 40)
    rates(first, clock, [10])
    clock.now += 5000
    second = new_schedule(1000, 0, 40)
    second.load_state_dict(first.state_dict())
    assert rates(second, clock, [10]) == pytest.approx([cosine(2 / 4)])


def test_a_run_ends_in_time_and_leaves_a_checkpoint(arguments, tmp_path):
    trainer = run(
        *arguments(num_train_epochs=10_000, max_training_minutes=0.05, save_strategy="steps", save_steps=9999)
    )
    steps = trainer.state.global_step
    assert 1 < steps < 5_000 and (tmp_path / f"run/checkpoint-{steps}/optimizer.pt").exists()
    assert trainer.lr_scheduler.get_last_lr()[0] < 1e-9


class Recorder(TrainerCallback):
    """Keeps the weights of each step."""

    def __init__(self):
        self.weights = []

    def on_step_end(self, args, state, control, model, **kwargs):
        self.weights.append(next(model.parameters()).detach().clone())


def test_the_mean_of_the_weights_is_saved(arguments, tmp_path):
    recorder = Recorder()
    trainer = run(*arguments(num_train_epochs=2, average_weights=0.9), callbacks=[recorder])
    name, live = next(iter(trainer.model.named_parameters()))
    # The mean after step 1 is mostly that step's: its decay is 2 / 11.
    mean = None
    for step, weight in enumerate(recorder.weights, start=1):
        decay = min(0.9, (1 + step) / (10 + step))
        mean = weight if mean is None else decay * mean + (1 - decay) * weight
    saved = load_file(tmp_path / "run/model.safetensors")[name]
    assert torch.equal(saved, live) and not torch.allclose(saved, recorder.weights[-1], atol=1e-7)
    assert torch.allclose(saved, mean, atol=1e-2 * (mean - recorder.weights[0]).abs().max().item() + 1e-4)


def test_a_resumed_run_goes_on_with_the_mean(arguments, tmp_path):
    fields = {"save_strategy": "steps", "save_steps": 3, "max_steps": 6, "average_weights": 0.9, "channels_last": True}
    run(*arguments("whole", **fields))
    run(*arguments("whole", **fields, resume_from_checkpoint=str(tmp_path / "whole/checkpoint-3")))
    again = load_file(tmp_path / "whole/model.safetensors")
    run(*arguments("straight", **fields))
    straight = load_file(tmp_path / "straight/model.safetensors")
    assert all(torch.allclose(again[name], straight[name], atol=1e-6) for name in again)


def test_evaluation_sees_the_mean_and_training_goes_on_without():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average = WeightAverage(model, 0.5)
    average.on_train_begin(None, None, None)
    before = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight.add_(1)
    with average.applied():
        assert torch.equal(model[0].weight, before)
    assert torch.equal(model[0].weight, before + 1)


def test_a_decay_is_a_share():
    with pytest.raises(ValueError, match="between 0 and 1"):
        WeightAverage(torch.nn.Linear(1, 1), 1.0)
