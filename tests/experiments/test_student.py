# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The student test: how a gap is counted, what the halves are, and a whole run."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import Image

from unires_hf.data.shards import write_rows
from unires_hf.evaluation import Results
from unires_hf.experiments import student
from unires_hf.experiments.rebuild import scene_rows
from unires_hf.experiments.student import ALL, ENGINE, HALF, gaps_closed, halves, silent, student_test
from unires_hf.loading import load_rows
from unires_hf.scenes import PartScenes
from unires_hf.training.recipes import finetune


def results(ious: list[float]) -> Results:
    """Of two photographs with an object and a part each, and one expression without a referent."""
    table = {
        "row": [0, 0, 1, 1, 1],
        "no_target": [False, False, False, False, True],
        "granularity": ["object", "part", "object", "part", "part"],
        "iou": [*ious, 0.0],
    }
    records = pa.table(table)
    return Results({}, records, records.slice(0, 0))


def test_the_gap_is_counted_by_granularity():
    gaps = gaps_closed(
        {
            HALF: results([0.5, 0.2, 0.5, 0.2]),
            ENGINE: results([0.5, 0.3, 0.6, 0.3]),
            ALL: results([0.7, 0.4, 0.7, 0.4]),
        }
    )
    assert gaps["parts"].share == pytest.approx(50) and gaps["parts"].low == pytest.approx(50)
    assert gaps["parts"].gap == gaps["parts"].gap_low == pytest.approx(20)
    assert gaps["objects"].share == pytest.approx(25)
    assert (gaps["objects"].low, gaps["objects"].high) == pytest.approx((0, 50))  # one photograph gains, one does not


def test_where_all_labels_give_no_more_there_is_no_gap_to_close():
    ious = {HALF: [0.5, 0.4, 0.5, 0.4], ENGINE: [0.5, 0.1, 0.5, 0.1], ALL: [0.7, 0.2, 0.7, 0.2]}
    gaps = gaps_closed({name: results(it) for name, it in ious.items()})
    quality = {"precision_interval": (1, 2), "proposals": 3, "precision": 1.5, "recall": 1}
    objects, parts = student._summary(gaps, quality).splitlines()[2:4]
    assert objects == "| objects | +20.0 [+20.0, +20.0] | 0 [0, 0] |"
    assert parts.endswith("| there is no gap to close |")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    """A data set of drawn scenes: ten to learn from, three to test on."""
    folder = tmp_path_factory.mktemp("scenes")
    write_rows(folder / "train-00000-of-00001.parquet", scene_rows(PartScenes("train", 10)))
    tested = load_rows(["partscenes,split=val,length=3"])
    write_rows(folder / "test-00000-of-00001.parquet", iter(tested.cast_column("image", Image(decode=False))))
    return folder


def test_the_halves_share_no_photograph_and_are_all_of_them(scenes, tmp_path):
    halves([scenes], tmp_path)
    first, second = (load_rows([str(tmp_path / name)]) for name in ("human_a", "human_b"))
    ids = set(first["image_id"]), set(second["image_id"])
    assert not ids[0] & ids[1] and ids[0] | ids[1] == {str(it) for it in range(10)} and all(ids)
    assert not any(it["expressions"] for targets in first["targets"] for it in targets)
    assert len(load_rows([f"{tmp_path / 'test'},split=test"])) == 3
    halves([scenes], tmp_path / "fewer", photographs=6)
    assert sum(len(load_rows([str(tmp_path / "fewer" / name)])) for name in ("human_a", "human_b")) == 6


@pytest.mark.slow
def test_a_whole_run(scenes, checkpoints, tmp_path):
    trained = []

    def train(out: Path, data, seed: int) -> None:
        trained.append((out.name, [it.name for it in data], seed))
        flags = "--max_steps 1 --warmup_steps 0 --logging_steps 1 --save_strategy no --dataloader_num_workers 0"
        words = ["--model_name_or_path", checkpoints["tiny"], "--train_data", *map(str, data)]
        more = ["--output_dir", str(out), "--seed", str(seed), "--draw_expressions", "true", "--use_cpu", "true"]
        finetune([*words, *more, *flags.split()])

    table, numbers, *panels = student_test([scenes], tmp_path, train, "python x.py")
    assert [name for name, *_ in trained[:2]] == ["teacher", "listener"]
    assert [data for _, data, _ in trained] == [
        *[["human_a"]] * 3,
        ["human_a", "engine_b"],
        ["human_a", "human_b"],
    ]
    assert len({seed for *_, seed in trained[2:]}) == 1 and trained[0][2] != trained[1][2]
    content = json.loads(numbers.read_text())
    assert set(content["gaps"]) == {"objects", "parts"} and content["runs"][ENGINE]["steps"] == 1
    assert "| parts |" in table.read_text() and "python x.py" in table.read_text() and len(panels) == 2
    made = load_rows([str(tmp_path / "engine_b")])
    known = load_rows([str(tmp_path / "human_b")])
    assert made["image_id"][:] == known["image_id"][:]
    of_kind = [[it["mask"] for it in targets if it["granularity"] == "object"] for targets in known["targets"]]
    assert np.all([len(it) > 0 for it in of_kind])


def test_silent_rows_keep_what_is_labeled():
    (row,) = scene_rows(PartScenes("val", 1))
    row["targets"][0]["expressions"] = [{"expression_id": "1", "text": "a"}]
    assert [it["target_id"] for it in silent(row)["targets"]] == [it["target_id"] for it in row["targets"]]
    assert not any(it["expressions"] for it in silent(row)["targets"])
