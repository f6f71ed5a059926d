# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The experiment goes on where it was interrupted, trains nothing twice, and its table holds what was measured."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

import unires_hf.experiments.equal_budget as equal_budget
from unires_hf.baselines.outputs_baselines import ReferringSegmentationOutput
from unires_hf.evaluation import evaluate_model
from unires_hf.experiments.budget import ADDITIONS_OFF, Budget, ComparedModel
from unires_hf.experiments.equal_budget import one_loss, run_experiment, scores_of, store_scenes, train, trivial_of
from unires_hf.experiments.equal_budget_table import equal_budget_table
from unires_hf.loading import load_model, load_training_rows
from unires_hf.scenes import PartScenes

BUDGET = Budget(steps=2, scenes=8, eval_scenes=2, learning_rate=5e-4, bf16=False, batch_size=2)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Two splits and two scenes to find thresholds on, so that the tests are quick."""
    monkeypatch.setattr(equal_budget, "EVALUATED", ("val", "no_target"))
    monkeypatch.setattr(equal_budget, "TUNING_SCENES", 2)


def test_models_of_the_experiment():
    assert ComparedModel.parse("tiny", BUDGET) == ComparedModel("unires-tiny", 5e-4, {"preset": "tiny"})
    assert ComparedModel.parse("cris-tiny@1e-3", BUDGET) == ComparedModel("cris-tiny", 1e-3, {"preset": "cris-tiny"})
    slower = ComparedModel.parse("clipseg-tiny@1e-3/1e-4", BUDGET)
    assert slower.clip_learning_rate == 1e-4 and slower.rates == "0.001/0.0001"
    assert slower == ComparedModel("clipseg-tiny", 1e-3, {"preset": "clipseg-tiny"}, clip_learning_rate=1e-4)
    for preset, name in (("tiny", "unires-tiny"), ("clipseg-tiny", "clipseg-tiny")):
        on = ComparedModel.parse(preset, BUDGET, "../first")
        assert on == ComparedModel(name, 5e-4, {}, f"../first/seed-{{seed}}/{name}")
        assert on.loaded_by(Path("out"), 1) == ComparedModel.parse(preset, BUDGET).loaded_by(Path("out"), 1)
        assert on.is_baseline == ComparedModel.parse(preset, BUDGET).is_baseline
    for wrong in ("tiny@fast", "tiny@0", "tiny@-1", "tiny@1e-3/", "tiny@1e-3/0", "tiny@1e-3/1e-4/1e-5"):
        with pytest.raises(ValueError, match="stands a learning rate"):
            ComparedModel.parse(wrong, BUDGET)


def test_baselines_learn_from_the_mask_loss_of_unires():
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 8, 8), (torch.rand(3, 8, 8) > 0.5).float()
    of_baseline = one_loss(ReferringSegmentationOutput(logits=logits), labels)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    shares = logits.sigmoid()
    dice = 1 - (2 * (shares * labels).sum((1, 2)) + 1) / (shares.sum((1, 2)) + labels.sum((1, 2)) + 1)
    torch.testing.assert_close(of_baseline, 5 * bce + 2 * dice.mean())
    presets = ("tiny", "cris-tiny", "lavt-tiny", "clipseg-tiny")
    assert [ComparedModel.parse(preset, BUDGET).is_baseline for preset in presets] == [False, True, True, True]
    unires = ComparedModel("full", 1e-3, {"model_name_or_path": "runs/encoders"})
    assert not unires.is_baseline


def run_small(models, out, after=None):
    models = [ComparedModel.parse(text, BUDGET, after) for text in models]
    return run_experiment(models, BUDGET, [0], out, "the command", equal_budget_table)


def test_the_experiment(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no finished run in .*/first/seed-0/unires-tiny: call"):
        run_small(["tiny"], tmp_path / "too-early", after="../first")
    first = tmp_path / "first"
    outcome = run_small(["tiny", "clipseg-tiny"], first)
    assert {name: len(runs) for name, runs in outcome["runs"].items()} == {"unires-tiny": 1, "clipseg-tiny": 1}
    seen = {run["expressions"] for runs in outcome["runs"].values() for run in runs}
    assert len(seen) == 1, "all models see the same"
    assert json.loads((first / "results.json").read_text()) == json.loads(json.dumps(outcome))
    written = (first / "table.md").read_text()
    assert written == equal_budget_table(outcome) and "`the command`" in written
    for runs in outcome["runs"].values():
        for one in runs:
            assert one["seconds"] > 0 and one["scores"]["val"]["n_object"] > 0
            assert 0 <= one["scores"]["no_target"]["n_acc"] <= 100
    assert not list(first.glob("seed-*/*/checkpoint-*"))

    on = run_small(["tiny", "clipseg-tiny"], tmp_path / "second", after="../first")
    for name, (run,) in on["runs"].items():
        before, after = (load_weights(folder / "seed-0" / name) for folder in (first, tmp_path / "second"))
        assert before.keys() == after.keys() and any(not torch.equal(before[key], after[key]) for key in before)
        assert all((after[key] - weight).abs().max() < 0.01 for key, weight in before.items()), "learned on"
        earlier = outcome["runs"][name][0]
        assert run["runs"] == [2, 2] and run["learning_rates"] == ["0.0005", "0.0005"]
        assert run["seconds"] > earlier["seconds"]
        assert run["expressions"] > earlier["expressions"] and run["loss"] != earlier["loss"]
    assert "From random weights, 2 and 2 steps" in (tmp_path / "second" / "table.md").read_text()

    def fail(*args, **kwargs):
        raise AssertionError("a finished run was trained or measured again")

    monkeypatch.setattr(equal_budget, "run", fail)
    monkeypatch.setattr(equal_budget, "evaluate_model", fail)
    again = run_small(["tiny", "clipseg-tiny"], first)
    assert json.dumps(again) == json.dumps(outcome)
    with pytest.raises(ValueError, match="another recipe.*name another --out"):
        run_small(["tiny@1e-3"], first)


def test_seeds_of_a_warmed_up_model_start_from_the_same_encoders(tmp_path, monkeypatch):
    budget = replace(BUDGET, warm_up_steps=2, kinds="dog+bus")
    models = [ComparedModel.parse(text, budget) for text in ("clipseg-tiny@1e-3/1e-4", "lavt-tiny@1e-3")]
    assert models[1] == ComparedModel("lavt-tiny", 1e-3, {}, "warm-up/lavt-tiny", "lavt-tiny")
    before = run_experiment(models, budget, [], tmp_path, "the command", equal_budget_table)
    assert before == {} and not list(tmp_path.glob("seed-*"))
    assert not list(tmp_path.glob("warm-up/*/checkpoint-*"))

    starts, train_one = [], equal_budget.run

    def spy(model_arguments, data_arguments, arguments, **kwargs):
        rates = arguments.learning_rate, arguments.clip_learning_rate
        starts.append((model_arguments.model_name_or_path, data_arguments.train_data, rates))
        return train_one(model_arguments, data_arguments, arguments, **kwargs)

    def fail(*args, **kwargs):
        raise AssertionError("a finished warm-up was begun again")

    monkeypatch.setattr(equal_budget, "run", spy)
    monkeypatch.setattr(equal_budget, "warm_up", fail)
    outcome = run_experiment(models, budget, [0, 1], tmp_path, "the command", equal_budget_table)
    places = [str(tmp_path / "warm-up" / name) for name in ("clipseg-tiny", "lavt-tiny")]
    scenes = [str(tmp_path / "scenes")]
    rates = [(1e-3, 1e-4), (1e-3, None)]
    assert starts == [(place, scenes, rate) for place, rate in zip(places * 2, rates * 2, strict=True)]
    for name in ("clipseg-tiny", "lavt-tiny"):
        one, other = (load_weights(tmp_path / f"seed-{seed}" / name) for seed in (0, 1))
        warm = load_weights(tmp_path / "warm-up" / name)
        learned = [key for key in warm if "running" not in key and "num_batches" not in key]
        assert any(not torch.equal(one[key], other[key]) for key in learned)
        assert all((one[key] - warm[key]).abs().max() < 0.01 for key in learned)
    assert all(run["warm_up_seconds"] > 0 for of_model in outcome["runs"].values() for run in of_model)
    table = equal_budget_table(outcome)
    assert (
        "minutes of warm-up" in table and "show dog, bus and no other" in table and "encoders first: 2 steps" in table
    )
    with pytest.raises(ValueError, match="another recipe"):
        run_experiment(models, replace(budget, warm_up_steps=3), [], tmp_path, "", equal_budget_table)


def test_the_paper_alone_starts_from_warm_encoders_without_any_addition(tmp_path):
    budget = replace(BUDGET, warm_up_steps=2, kinds="dog+bus")
    run_experiment([ComparedModel.parse("paper-tiny", budget)], budget, [0], tmp_path, "", equal_budget_table)
    warm, trained = (tmp_path / name / "unires-paper-tiny" for name in ("warm-up", "seed-0"))
    assert {key for key in load_weights(warm) if key.startswith("similarity.")}
    assert not {key for key in load_weights(trained) if "similarity" in key or "positions." in key}
    config = json.loads((trained / "config.json").read_text())
    assert not any(config[name] for name in ADDITIONS_OFF)
    key = "vision_model.encoder.layers.0.mlp.fc1.weight"
    assert (load_weights(trained)[key] - load_weights(warm)[key]).abs().max() < 0.01
    cold = ComparedModel.parse("paper-tiny", BUDGET)
    assert cold.model == {"preset": "tiny", "config_overrides": ADDITIONS_OFF} and not cold.is_baseline


def test_scenes_are_stored_once_and_an_interrupted_store_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(equal_budget, "SHARD_SCENES", 3)
    budget = replace(BUDGET, scenes=7, kinds="dog+bus")
    folder = store_scenes(budget, tmp_path / "whole")
    (rows,) = load_training_rows([str(folder)])
    drawn = PartScenes("train", 7, kinds=("dog", "bus"))
    assert len(rows) == 7 and all(
        row["targets"] == scene["targets"] and row["image"].tobytes() == scene["image"].tobytes()
        for row, scene in zip(rows, drawn, strict=True)
    )
    shards = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    assert sorted(shards) == [f"train-{number:05}.parquet" for number in range(3)]

    (folder / "finished.json").unlink()
    (folder / "train-00001.parquet").unlink()
    monkeypatch.setattr(equal_budget.multiprocessing, "get_context", None)  # for one shard no process is started
    kept = (folder / "train-00000.parquet").stat()
    store_scenes(budget, tmp_path / "whole")
    assert {path.name: path.read_bytes() for path in folder.glob("*.parquet")} == shards
    assert (folder / "train-00000.parquet").stat().st_mtime_ns == kept.st_mtime_ns
    with pytest.raises(ValueError, match="another recipe"):
        store_scenes(replace(budget, scenes=8), tmp_path / "whole")


def test_trivial_scores_are_measured_once(tmp_path, monkeypatch):
    measured = trivial_of(BUDGET, tmp_path)
    assert set(measured["trivial"]) == {"val", "no_target"} and measured["trivial"]["val"]["object"]["right_class"] > 0
    more = trivial_of(replace(BUDGET, eval_scenes=3), tmp_path)
    assert more != measured, "another number of scenes is measured anew"
    monkeypatch.setattr(equal_budget, "trivial_scores", None)
    assert trivial_of(replace(BUDGET, eval_scenes=3), tmp_path) == more


def test_no_threshold_is_better_than_the_tuned_one(tmp_path):
    # Of a model that never says that there is nothing.
    (run,) = run_small(["cris-tiny"], tmp_path)["runs"]["cris-tiny"]
    model, processor = load_model(str(tmp_path / "seed-0" / "cris-tiny"))
    assert processor.mask_threshold == run["threshold"], "what is loaded knows it"
    rows = list(PartScenes("train", 2, seed=1))
    torch.nn.init.zeros_(model.projector.kernel.bias)  # two steps from its start, it finds nothing anywhere
    equal_budget.tune_threshold(model, processor, rows)
    results = {
        threshold: evaluate_model(model, processor, rows, mask_threshold=threshold, controls=()).records
        for threshold in equal_budget.THRESHOLDS
    }
    scores = {}
    for threshold, records in results.items():
        of_kinds: dict[str, list[float]] = {"object": [], "part": []}
        for record in records.to_pylist():
            if not record["no_target"]:
                of_kinds[record["granularity"]].append(record["iou"])
        scores[threshold] = sum(map(statistics.mean, of_kinds.values()))
    assert len(set(scores.values())) > 1 and scores[processor.mask_threshold] == max(scores.values())


def test_scores_are_means_over_the_expressions_that_have_a_referent():
    def record(kind, granularity, iou, nothing=False, recognized=False):
        return {
            "granularity": granularity,
            "expression_id": f"val-0-0-0:{iou}:{kind}",
            "iou": iou,
            "no_target": nothing,
            "predicted_no_target": recognized,
        }

    asked = [record("class", "object", 0.5), record("size", "object", 0.25), record("part", "part", 1.0)]
    absent = [record("no_target", "object", 1.0, True, True), record("no_target", "part", 0.0, True)]
    scores = scores_of(pa.Table.from_pylist(asked + absent))
    assert (scores["object"], scores["part"], scores["n_acc"]) == (37.5, 100, 50)
    assert (scores["n_object"], scores["n_part"], scores["n_nothing"]) == (2, 1, 2)
    assert scores["kinds"] == {"class": 50, "size": 25, "part": 100} and sum(scores["n_kinds"].values()) == 3
    assert scores_of(pa.Table.from_pylist(asked))["n_acc"] is None


def load_weights(folder):
    return load_file(folder / "model.safetensors")


class Interrupted(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 2:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    budget = Budget(steps=3, scenes=24, eval_scenes=2, learning_rate=5e-4, bf16=False)
    compared = ComparedModel("clipseg-tiny", 5e-4, {"preset": "clipseg-tiny"})
    monkeypatch.setattr(equal_budget, "SAVE_STEPS", 1)
    whole = train(compared, budget, 0, tmp_path / "whole")
    run = equal_budget.run

    def interrupted(*args, callbacks, **kwargs):
        return run(*args, callbacks=[*callbacks, Interrupted()], **kwargs)

    monkeypatch.setattr(equal_budget, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(compared, budget, 0, tmp_path / "halves")
    assert not (tmp_path / "halves" / "seed-0" / "clipseg-tiny" / "training.json").exists()
    monkeypatch.setattr(equal_budget, "run", run)
    saved = json.loads(
        (tmp_path / "halves/seed-0/clipseg-tiny/checkpoint-2/trainer_state.json").read_text(encoding="utf-8")
    )["stateful_callbacks"]["_Clock"]["attributes"]["seconds"]
    halves = train(compared, budget, 0, tmp_path / "halves")
    assert halves["loss"] == pytest.approx(whole["loss"], rel=1e-4)
    assert halves["expressions"] == whole["expressions"]
    assert halves["seconds"] > saved > 0, "the time before the interruption counts"


def test_table():
    def of(object_, part, seed):
        scores = {"object": object_, "part": part, "n_object": 7, "n_part": 5, "n_acc": 50.0, "n_nothing": 2}
        scores |= {"kinds": {"class": object_ + 1, "part_side": part}, "n_kinds": {"class": 7, "part_side": 1234}}
        run = {
            "parameters": 5_234_000,
            "device": "a lathe",
            "seconds": 120.0,
            "runs": [40, 60],
            "learning_rates": ["0.001/0.0001", "0.0005"],
            "expressions": 6400,
            "loss": 0.5,
            "threshold": 0.3,
        }
        return {**run, "seed": seed, "scores": {"val": scores, "no_target": scores}}

    floor = {"object": {"all_foreground": 20.0, "right_color": 40.0}, "part": {"whole_parent": 18.0}}
    outcome = {
        "command": "python x",
        "budget": {"steps": 100, "scenes": 50, "eval_scenes": 2, "warm_up_steps": 0, "kinds": "", "batch_size": 8},
        "trivial": {"val": floor, "no_target": floor},
        "trivial_by_kind": {"class": {"right_color": 31.0}, "size": {}, "part_side": {"whole_parent": 8.0}},
        "runs": {"a": [of(60, 30, 0), of(64, 20, 1)], "b": [of(10, 40, 0)], "c": []},
    }
    table = equal_budget_table(outcome)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert lines[0][:5] == ["split", "expressions", "n", "a", "b"] and "c" not in lines[0]
    assert lines[2][:7] == ["val", "objects", "7", "**62.0 [60.0, 64.0]**", "10.0", "20.0", "40.0"]
    assert lines[3][:5] == ["val", "parts", "5", "25.0 [20.0, 30.0]", "**40.0**"]
    assert lines[6][:5] == ["no_target", "no referent: N-acc", "2", "**50.0 [50.0, 50.0]**", "**50.0**"]
    kinds = {line[0]: line[1:] for line in lines if line[0] in ("class", "size", "part side")}
    assert kinds["class"][:5] == ["7", "**63.0 [61.0, 65.0]**", "11.0", "–", "31.0"] and "size" not in kinds
    assert kinds["part side"][:3] == ["1,234", "25.0 [20.0, 30.0]", "**40.0**"]
    assert "steps of 8 scenes with" in table and "on a lathe." in table
    (cost,) = (line for line in lines if line[0] == "a")
    assert cost[1:7] == ["5.23 M", "0.001/0.0001, 0.0005", "6,400", "2.0 [2.0, 2.0]", "1200", "0.500"]
    assert cost[7:] == ["0.3, 0.3", "0, 1"]
