# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Rows: the same bytes everywhere, valid, and as large as promised."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from datasets import Dataset

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES, validate_row
from unires_hf.scenes import NO_TARGET, SPLITS, PartScenes, kind_of
from unires_hf.scenes.dataset import to_row
from unires_hf.scenes.sheet import sample_sheet

ELSEWHERE = """
import hashlib, json
from unires_hf.scenes import SPLITS, PartScenes
for split in SPLITS:
    row = PartScenes(split, seed=5)[7]
    print(hashlib.sha256(row.pop("image").tobytes() + json.dumps(row).encode()).hexdigest())
"""


def digest(row):
    row = dict(row)
    return hashlib.sha256(row.pop("image").tobytes() + json.dumps(row).encode()).hexdigest()


def test_rows_are_the_same_bytes_in_every_process():
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    elsewhere = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout.split() == [digest(PartScenes(split, seed=5)[7]) for split in SPLITS]


def test_a_row_depends_on_split_seed_and_number_alone():
    scenes = PartScenes("val", 20, seed=3)
    ahead = [digest(row) for row in scenes]
    assert digest(scenes[11]) == ahead[11] == digest(PartScenes("val", 12, seed=3)[11])
    others = [PartScenes("val", 12, seed=4)[11], PartScenes("train", 12, seed=3)[11]]
    assert len({*ahead, *map(digest, others)}) == 22


@pytest.mark.parametrize("split", SPLITS)
def test_rows_are_valid_and_large_enough(drawn, split):
    for index, (view, expressions) in enumerate(drawn[split]):
        row = to_row(view, expressions, f"{split}-0-{index}")
        validate_row(row)
        kinds = {e["expression_id"]: kind_of(e["expression_id"]) for t in row["targets"] for e in t["expressions"]}
        assert len(kinds) == len(expressions)
        assert sorted(kinds.values()) == sorted(e.kind for e in expressions)
        by_id = {target["target_id"]: target for target in row["targets"]}
        for target in row["targets"]:
            pixels = masks.area(target["mask"])
            said = {kind_of(expression["expression_id"]) for expression in target["expressions"]}
            if said == {NO_TARGET}:
                assert pixels == 0 and target["bbox"] == [0, 0, 0, 0]
                continue
            assert NO_TARGET not in said
            assert pixels >= (40 if target["part"] else 150)
            assert target["bbox"] == masks.bbox(target["mask"])
            if target["part"]:
                parent = by_id[target["parent_id"]]
                assert parent["category"] == target["category"] and parent["part"] is None
                common, _ = masks.intersection_union(target["mask"], parent["mask"])
                assert common == pixels < masks.area(parent["mask"])


def test_objects_hide_but_do_not_share_pixels(drawn):
    hidden = 0
    for view, _ in drawn["val"]:
        visible = [view.mask(things=(i,)) for i in range(len(view.boxes))]
        assert np.sum(visible, axis=0).max() == 1
        assert [int(mask.sum()) for mask in visible] == list(view.areas)
        hidden += sum(share < 0.95 for share in view.shown)
    assert hidden > 20


def test_parquet_and_iterable_hold_the_rows(tmp_path):
    scenes = PartScenes("val", 9, seed=1)
    path = scenes.to_parquet(tmp_path / "new" / "val.parquet")
    assert [file.name for file in path.parent.iterdir()] == ["val.parquet"]
    written = Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    assert written.features == FEATURES
    assert [digest(row) for row in written] == [digest(row) for row in scenes]
    assert [digest(row) for row in scenes.to_iterable()] == [digest(row) for row in scenes]
    again = PartScenes("val", 9, seed=1).to_parquet(tmp_path / "again.parquet")
    assert again.read_bytes() == path.read_bytes()


def test_parquet_of_a_span_in_which_no_part_is_named(tmp_path):
    scenes = PartScenes("train", 92)
    span = range(next(i for i, row in enumerate(scenes) if not any(it["part"] for it in row["targets"])), 92)
    written = Dataset.from_parquet(str(scenes.to_parquet(tmp_path / "few.parquet", span)), cache_dir=str(tmp_path))
    assert written.features == FEATURES and len(written) == len(span) > 1
    assert [digest(row) for row in written] == [digest(scenes[index]) for index in span]


def test_iterable_is_shared_among_workers():
    scenes = PartScenes("train", 130)
    iterable = scenes.to_iterable()
    shards = [[row["image_id"] for row in iterable.shard(2, i).take(3)] for i in range(2)]
    assert iterable.num_shards == 64 and not set(shards[0]) & set(shards[1])
    assert list(PartScenes("train", 0).to_iterable()) == []


@pytest.mark.parametrize("size", (64, 200))
def test_other_sizes_have_the_same_objects(size):
    for index in range(5):
        small, _ = PartScenes("val", size=128).draw(index)
        other, expressions = PartScenes("val", size=size).draw(index)
        assert other.pixels.shape == (size, size, 3) and expressions
        assert [t.kind.name for t in small.scene.things] == [t.kind.name for t in other.scene.things]


def test_the_number_of_objects_can_be_chosen():
    counts = {len(PartScenes("train", objects=(1, 3)).draw(i)[0].scene.things) for i in range(30)}
    assert counts == {1, 2, 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "test"}, "has no split 'test'; its splits are train, val"),
        ({"length": -1}, "got -1"),
        ({"size": 32}, "at least 64 pixels"),
        ({"objects": (3, 11)}, r"1 to 10 objects, the fewest first; got \(3, 11\)"),
        ({"objects": (4, 2)}, "the fewest first"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PartScenes(**arguments)


def test_there_is_no_scene_beyond_the_last():
    with pytest.raises(IndexError, match="scene 3 is not among the 3"):
        PartScenes("val", 3)[3]


def test_sheet_shows_pictures_and_marks():
    sheet = np.asarray(sample_sheet(PartScenes("val", 2), rows=1, columns=2))
    assert sheet.shape == (372, 1048, 3)
    assert len(np.unique(sheet[:256, :256].reshape(-1, 3), axis=0)) > 1000
    assert (sheet[270:360] < 128).any()
