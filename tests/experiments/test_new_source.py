# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A source taught in four ways: all are trained and measured alike, and what is done is not done again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from unires_hf.experiments import new_source
from unires_hf.experiments.new_source import Lesson, teach_new_source
from unires_hf.loading import load_model, load_rows

pytest.importorskip("peft", reason="PEFT is not installed: pip install 'unires-hf[lora]'")


@pytest.fixture(scope="module")
def lesson(checkpoints, tmp_path_factory) -> Lesson:
    """Scenes under two names, as Parquet with a training and a test split."""
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(("new", "old", "older")):
        for split, drawn in (("train", "train"), ("test", "val")):
            rows = load_rows([f"partscenes,split={drawn},length=3,seed={seed},size=96"])
            rows = rows.map(lambda row, name=name: {**row, "source": name}, features=rows.features)
            rows.to_parquet(folder / name / f"{split}-00000-of-00001.parquet")
    others = [f"{folder / name},cache_dir={folder / 'cache'}" for name in ("old", "older")]
    return Lesson(
        checkpoints["tiny"],
        f"{folder / 'new'},cache_dir={folder / 'cache'}",
        others,
        images=2,
        steps=2,
        batch_size=1,
        expressions=2,
    )


@pytest.fixture(scope="module")
def taught(lesson, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("taught")
    assert teach_new_source(lesson, out, "python x.py", ranks=(2,), max_images=2) == out / "table.md"
    return out


def test_every_way_is_measured_on_what_is_new_and_on_the_others(taught):
    results = json.loads((taught / "results.json").read_text())
    records = pyarrow.parquet.read_table(taught / "measured" / "full-fine-tuning" / "records.parquet").to_pylist()
    assert len({one["row"] for one in records}) == 3 * 2
    for title, granularity in (("new: objects", "object"), ("new: parts", "part")):
        ious = [
            one["iou"]
            for one in records
            if one["source"] == "new" and one["granularity"] == granularity and not one["no_target"]
        ]
        value = results["scores"][title]["full fine-tuning"]["value"]
        assert value == pytest.approx(100 * np.mean(ious))
    by_source = [
        np.mean([one["iou"] for one in records if one["source"] == name and not one["no_target"]])
        for name in ("old", "older")
    ]
    others = results["scores"]["others"]
    assert others["full fine-tuning"]["value"] == pytest.approx(100 * np.mean(by_source))
    assert list(others) == [
        *("before", "full fine-tuning", "full, half of it replay", "LoRA, rank 2", "LoRA, rank 2, the rest frozen"),
    ]
    assert others["before"]["difference"] == 0


def test_the_table_says_what_each_way_costs(taught):
    costs = json.loads((taught / "results.json").read_text())["costs"]
    full, _, low, alone = costs.values()
    assert alone["learning"] < low["learning"] < full["learning"]
    assert alone["megabytes"] < low["megabytes"] < full["megabytes"]
    lines = (taught / "table.md").read_text().splitlines()
    assert lines[2].startswith("| before | – | – |") and f"| {low['megabytes']:.1f} MB |" in lines[5]


def test_replay_draws_from_the_others(lesson):
    way = new_source.ways(lesson, (2,), lesson.model)["full, half of it replay"]
    assert way["train_data"] == [lesson.new, *lesson.others] and way["train_weights"] == [2, 1, 1]
    assert way["images_per_epoch"] == 2


def test_what_is_done_is_not_done_again(taught, lesson, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr(new_source, "run", refuse)
    before = (taught / "results.json").read_text()
    full = new_source.ways(lesson, (2,), lesson.model)["full fine-tuning"]
    teach_new_source(lesson, taught, "python x.py", ranks=(2,), max_images=2)
    assert (taught / "results.json").read_text() == before
    with pytest.raises(ValueError, match="another recipe: name another --out"):
        new_source.teach(replace(lesson, steps=3), full, lesson.model, taught / "full-fine-tuning")


def test_another_size_of_input_is_where_all_start_from(lesson, tmp_path):
    folder = new_source.before(replace(lesson, image_size=96), tmp_path)
    model, processor = load_model(folder)
    assert model.config.vision_config.image_size == processor.image_processor.size["height"] == 96
    assert new_source.before(lesson, tmp_path) == lesson.model
