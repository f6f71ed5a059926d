# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Runs side by side on photographs: tables with paired intervals, and panels. The pictures here are drawn."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers import AutoModel

from unires_hf.evaluation import Results
from unires_hf.experiments import photographs
from unires_hf.experiments.photographs import compare_on_photographs, learned, score_runs
from unires_hf.loading import load_rows


@pytest.fixture(scope="module")
def runs(checkpoints, tmp_path_factory) -> dict[str, str]:
    """Three runs; the first as the trainer leaves it, the last with the first one's weights but for one."""
    root = tmp_path_factory.mktemp("runs")
    for name, preset in (("ours", "tiny"), ("CRIS", "cris-tiny"), ("variant", "tiny")):
        shutil.copytree(checkpoints[preset], root / name)
    log = [{"loss": 2.0, "expressions_per_step": 30.5}, {"loss": 1.0, "expressions_per_step": 31.5}, {"epoch": 1}]
    state = {"global_step": 200, "log_history": log}
    Path(root / "ours" / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")
    model = AutoModel.from_pretrained(root / "variant")
    torch.nn.init.constant_(model.similarity.logit_bias, 0.3)
    model.save_pretrained(root / "variant")
    return {name: str(root / name) for name in ("ours", "CRIS", "variant")}


@pytest.fixture(scope="module")
def tuning() -> Dataset:
    return load_rows(["partscenes,split=val,length=2,seed=5"])


@pytest.fixture(scope="module")
def compared(runs, rows, tuning, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out")
    written = compare_on_photographs(runs, rows, tuning, out, "python x.py", panel_rows=1)
    assert [path.name for path in written] == ["table.md", "results.json", "objects.png", "parts.png"]
    return out


def load(out: Path, name: str) -> Results:
    path = out / name / "records.parquet"
    records = photographs.pa.parquet.read_table(path)
    return Results({}, records, records.slice(0, 0))


def test_scores_are_those_of_the_records(compared):
    scores = json.loads((compared / "results.json").read_text())["scores"]
    for name in ("ours", "CRIS", "variant"):
        records = load(compared, name).records.to_pylist()
        present = [it for it in records if not it["no_target"]]
        for kind, title in (("object", "objects"), ("part", "parts")):
            ious = [100 * it["iou"] for it in present if it["granularity"] == kind]
            assert scores["all"][title]["models"][name]["value"] == pytest.approx(np.mean(ious))
            assert scores["all"][title]["n"] == len(ious)
        by_name = {}
        for it in present:
            if it["granularity"] == "part":
                by_name.setdefault(it["part"], []).append(100 * it["iou"])
        macro = np.mean([np.mean(ious) for ious in by_name.values()])
        assert scores["all"]["parts, mean over names"]["models"][name]["value"] == pytest.approx(macro)
        denied = [100 * it["predicted_no_target"] for it in records if it["no_target"]]
        assert scores["all"]["N-acc"]["models"][name]["value"] == pytest.approx(np.mean(denied))
        assert sum(it["n"] for it in scores["kind"].values()) == len(present)


def test_differences_are_to_the_first_run(compared):
    for it in json.loads((compared / "results.json").read_text())["scores"]["source"].values():
        first, other = it["models"]["ours"], it["models"]["variant"]
        assert first["difference"] == 0
        assert other["difference"] == pytest.approx(other["value"] - first["value"])
        assert other["difference_low"] <= other["difference"] <= other["difference_high"]


def test_the_table_says_what_was_learned_and_what_needs_no_model(compared, runs):
    assert learned(runs["ours"]) == {"steps": 200, "expressions": 6200} and learned(runs["CRIS"]) == {}
    table = (compared / "table.md").read_text()
    head, _, ours, cris, *_ = (line.split(" | ") for line in table.splitlines())
    assert head[3:5] == ["steps", "expressions seen"]
    assert ours[3:5] == ["200", "6,200"] and cris[3:5] == ["–", "–"]
    assert "*every pixel*" in table and "*the whole object for its part*" in table
    assert "published encoders" not in table  # cris-tiny has its own


def test_panels_are_as_wide_as_there_are_models(compared):
    for name in ("objects", "parts"):
        assert Image.open(compared / f"{name}.png").width == 5 * 210 + 10


def test_what_was_measured_is_read_and_other_weights_are_measured(compared, runs, rows, tuning, monkeypatch):
    class Measured(Exception):
        pass

    def refuse(*_args, **_options):
        raise Measured

    monkeypatch.setattr(photographs, "evaluate_model", refuse)
    before = (compared / "results.json").read_text()
    compare_on_photographs(runs, rows, tuning, compared, "python x.py", panel_rows=1)
    assert (compared / "results.json").read_text() == before
    Path(runs["CRIS"], "model.safetensors").unlink()  # what was measured elsewhere comes without its weights
    compare_on_photographs(runs, rows, tuning, compared, "python x.py", panel_rows=1)
    with pytest.raises(Measured):
        compare_on_photographs({"ours": runs["variant"]}, rows, tuning, compared, "")
    with pytest.raises(Measured):
        compare_on_photographs(runs, rows.select([0, 1]), tuning, compared, "")


def test_a_model_is_as_good_as_itself(compared):
    results = {name: load(compared, "ours") for name in ("one", "other")}
    for by in score_runs(results).values():
        for it in by.values():
            assert it["models"]["other"][3:] == (0, 0, 0)
