# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Data sets by what a person writes, as tables, as sequences and as streams."""

import time
from pathlib import Path

import pytest
from datasets import Dataset, IterableDataset

from unires_hf.data.groups import training_set
from unires_hf.data.schema import FEATURES
from unires_hf.loading import load_rows, load_training_rows
from unires_hf.scenes import PartScenes

REFCOCO = Path(__file__).resolve().parents[1] / "../shared/data/mini_refcoco"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    """Three scenes as a folder of Parquet."""
    folder = tmp_path_factory.mktemp("parquet")
    PartScenes("val", 3, size=64).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    return f"{folder / 'data'},cache_dir={folder / 'cache'}"


def names(rows) -> list[str]:
    return [row["image_id"] for row in rows]


def test_tables_are_joined_and_cut(folder):
    rows = load_rows(["partscenes,split=val+train,length=2,size=64,objects=1-2", folder])
    assert isinstance(rows, Dataset) and rows.features == FEATURES
    assert names(rows) == ["val-0-0", "val-0-1", "train-0-0", "train-0-1", "val-0-0", "val-0-1", "val-0-2"]
    assert names(load_rows([folder], max_images=2)) == ["val-0-0", "val-0-1"]


def test_classes_of_scenes_are_joined_with_a_plus():
    (scenes,) = load_training_rows(["partscenes,length=4,kinds=dog+bus"])
    assert {target["category"] for row in scenes for target in row["targets"]} <= {
        "dog",
        "bus",
        "animal",
        "vehicle",
        "thing",
    }
    assert names(scenes) == names(PartScenes("train", 4, kinds=["dog", "bus"]))


def test_scenes_to_train_on_are_drawn_when_asked_for():
    start = time.perf_counter()
    (scenes,) = load_training_rows(["partscenes,length=2000000,size=64"])
    groups = training_set([scenes], 4)
    assert len(groups) == 2_000_000 and time.perf_counter() - start < 5
    assert groups[1_234_567]["width"] == 64


def test_each_specification_stays_by_itself(folder):
    table, scenes = load_training_rows([folder, "partscenes,split=train+val,length=5,size=64"], max_images=2)
    assert isinstance(table, Dataset) and names(table) == ["val-0-0", "val-0-1"]
    assert len(scenes) == 2 and scenes[1]["image_id"] == "train-0-1"


def test_streams_hold_the_same_rows(folder):
    specifications = [folder, "partscenes,split=train+val,length=2,size=64"]
    streams = load_training_rows(specifications, streaming=True)
    assert all(isinstance(stream, IterableDataset) for stream in streams)
    assert [names(stream) for stream in streams] == [names(load_rows([one])) for one in specifications]
    assert [len(list(one)) for one in load_training_rows(specifications, max_images=1, streaming=True)] == [1, 1]


@pytest.mark.skipif(not REFCOCO.exists(), reason="the RefCOCO sample is not beside the repository")
def test_a_reader_as_a_table_and_as_a_stream():
    specification = f"refcoco,root={REFCOCO},split=val"
    (stream,) = load_training_rows([specification], streaming=True)
    assert names(stream) == names(load_rows([specification]))
    assert stream.num_shards > 1


@pytest.mark.parametrize(
    ("specification", "sentence"),
    [
        ("partscenes,length=", "write NAME,key=value"),
        (",length=3", "write NAME,key=value"),
        ("partscenes,length=many", "takes whole numbers, got 'many'"),
        ("partscenes,kinds=dog+cow", "has no class 'cow'"),
        ("partscenes,colour=3", "unexpected keyword argument 'colour'"),
        ("refcoco,rot=x", "'rot'|'root'"),
        ("./no-such-folder", "no folder.*none of the readers partscenes, refcoco"),
    ],
)
def test_what_cannot_be_opened_is_named(specification, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_rows([specification])


def test_a_foreign_table_is_refused(tmp_path):
    Dataset.from_dict({"image": ["a"]}).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="has no column 'height'.*unires convert"):
        load_rows([f"{tmp_path},cache_dir={tmp_path / 'cache'}"])
