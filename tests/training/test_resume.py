# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A run that was killed, ran into NaN or into a full disk goes on from its last good checkpoint as if nothing was."""

import json
import signal
from pathlib import Path

import pytest
import torch
from forks import FORKS, Kill, train
from safetensors.torch import load_file
from transformers import TrainerCallback

from unires_hf.training.resuming import last_checkpoint
from unires_hf.training.run import run

STORED = {"per_device_train_batch_size": 4, "num_train_epochs": 3}
STREAM = {"streaming": True, "max_steps": 12, "shuffle_buffer": 4}
BASELINE = {**STORED, "config_overrides": "{}", "image_size": 64}
CASES = [
    pytest.param(STORED, id="map-style"),
    pytest.param(STREAM, id="streaming"),
    pytest.param({**BASELINE, "preset": "cris-tiny"}, id="cris-tiny", marks=pytest.mark.slow),
    pytest.param({**BASELINE, "preset": "lavt-tiny"}, id="lavt-tiny", marks=pytest.mark.slow),
]


def curve(folder: Path) -> dict[int, tuple[float, float]]:
    log = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return {line["step"]: (line["loss"], line["grad_norm"]) for line in log if "loss" in line}


@pytest.mark.parametrize("fields", CASES)
def test_after_a_kill_the_curve_goes_on(fields, arguments, recipe, tmp_path):
    """Killed in step 7, in the middle of the second pass over the data; the last checkpoint is of step 6."""
    fields = {**fields, "save_strategy": "steps", "save_steps": 3, "horizontal_flip": True}
    process = FORKS.Process(target=train, args=(str(recipe("killed", **fields)), [Kill(7)]))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    killed = tmp_path / "killed"
    assert last_checkpoint(killed) == str(killed / "checkpoint-6")

    run(*arguments("killed", resume_from_checkpoint="last", **fields))
    run(*arguments("whole", **{**fields, "save_strategy": "no"}))
    resumed, whole = curve(killed), curve(tmp_path / "whole")
    assert sorted(resumed) == sorted(whole) and len(whole) >= 12
    for step, values in whole.items():
        assert resumed[step] == pytest.approx(values, rel=1e-4), f"step {step}"


class Poison(TrainerCallback):
    """Spoils a weight, or only a gradient, in step 5."""

    def __init__(self, what: str):
        self.what = what

    def on_step_begin(self, args, state, control, model, **kwargs):
        if state.global_step == 4 and self.what == "weight":
            model.mask_head.bias.bias.data.fill_(torch.nan)

    def on_substep_end(self, args, state, control, model, **kwargs):
        if state.global_step == 4 and self.what == "gradient":
            model.mask_head.bias.bias.grad.fill_(torch.inf)


@pytest.mark.parametrize("what", ["weight", "gradient"])
def test_nan_stops_before_the_weights_are_spoilt(what, arguments, tmp_path):
    fields = {"save_strategy": "steps", "save_steps": 2, "save_total_limit": 1, "gradient_accumulation_steps": 2}
    with pytest.raises(FloatingPointError, match="in step 5, which was not taken.*checkpoint-4") as caught:
        run(*arguments(num_train_epochs=9, **fields), callbacks=[Poison(what)])
    assert ("loss is nan" if what == "weight" else "norm of the gradient is inf") in str(caught.value)
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-4"]
    weights = load_file(tmp_path / "run" / "checkpoint-4" / "model.safetensors")
    assert all(weight.isfinite().all() for weight in weights.values())


class FillDisk(TrainerCallback):
    """Lets a file of the next checkpoint find no space."""

    def __init__(self, file: Path):
        self.file = file

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 3:
            self.file.parent.mkdir()
            self.file.symlink_to("/dev/full")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, where every write finds a full disk")
@pytest.mark.parametrize("file", ["optimizer.pt", "scheduler.pt", "trainer_state.json"])
def test_a_full_disk_leaves_the_last_good_checkpoint(file, arguments, tmp_path):
    checkpoint = tmp_path / "run" / "checkpoint-4"
    fields = {"save_strategy": "steps", "save_steps": 2, "save_total_limit": 1, "max_steps": 6}
    with pytest.raises(OSError, match="checkpoint-4 could not be written and was removed.*checkpoint-2: make space"):
        run(*arguments(**fields), callbacks=[FillDisk(checkpoint / file)])
    assert not checkpoint.exists()
    run(*arguments(resume_from_checkpoint="last", **fields))
    assert last_checkpoint(tmp_path / "run").endswith("checkpoint-6")


FILES = ("trainer_state.json", "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth")


def test_half_a_checkpoint_is_passed_over(arguments, tmp_path, caplog):
    """Each file cut off in the middle, or with a byte of it changed where that can be seen, or missing."""
    assert last_checkpoint(tmp_path / "run") is None
    fields = {"save_strategy": "steps", "save_steps": 2}
    run(*arguments(max_steps=4, **fields))
    first, second = (tmp_path / "run" / f"checkpoint-{step}" for step in (2, 4))
    for file in FILES:
        caplog.clear()
        assert last_checkpoint(tmp_path / "run") == str(second)
        assert "is not whole" not in caplog.text
        whole = (second / file).read_bytes()
        halves = [whole[: len(whole) // 2], whole[:-2], b""]
        if file.endswith(("pt", "pth")):  # an archive with a sum of each member
            place = whole.index(b"data.pkl") + 200
            halves.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for half in halves:
            (second / file).write_bytes(half)
            assert last_checkpoint(tmp_path / "run") == str(first), (file, len(half))
        assert f"{second} is not whole" in caplog.text
        if file != "rng_state.pth":  # processes have one each, under other names
            (second / file).unlink()
            assert last_checkpoint(tmp_path / "run") == str(first), file
        (second / file).write_bytes(whole)
    (second / "model.safetensors").write_bytes(b"")
    trainer = run(*arguments(max_steps=6, resume_from_checkpoint="last", **fields))
    assert trainer.state.global_step == 6 and last_checkpoint(tmp_path / "run").endswith("checkpoint-6")


def test_a_checkpoint_of_another_model_is_refused(arguments):
    fields = {"save_strategy": "steps", "save_steps": 2, "max_steps": 2, "config_overrides": "{}", "image_size": 64}
    run(*arguments(**fields))
    fields |= {"config_overrides": '{"beyond_paper": []}', "max_steps": 4}
    with pytest.raises(ValueError, match="of another model: .* weights, such as positions.*Resume with the settings"):
        run(*arguments(resume_from_checkpoint="last", **fields))
