# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Data sets, models and devices by what a person writes."""

import json
import logging
import shutil
import time
from pathlib import Path

import pytest
import torch
from datasets import Dataset, IterableDataset
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_unires import save_checkpoint, tiny_processor
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor, CLIPConfig, pipeline

from unires_hf import UniResModel, UniResProcessor
from unires_hf.cli import main
from unires_hf.data.groups import training_set
from unires_hf.data.schema import FEATURES
from unires_hf.loading import ADAPTERS, find_device, load_model, load_rows, load_training_rows, short_names
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
        ("partscenes,color=3", "unexpected keyword argument 'color'"),
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


@pytest.mark.parametrize(
    ("name", "names"), [("grounded-sam2:a/b+c/d", ("a/b", "c/d")), ("grounded-sam2:", ()), ("sam3:a/b", ("a/b",))]
)
def test_adapters_are_loaded_by_their_names(monkeypatch, name, names):
    asked, made = [], (torch.nn.Linear(1, 1), "processor")
    monkeypatch.setitem(ADAPTERS, name.partition(":")[0], lambda *given: asked.append(given) or made)
    assert load_model(name) == made
    assert asked == [names]


@pytest.mark.parametrize("side", [0, -16, 100])
def test_an_image_size_without_whole_patches_is_refused(checkpoint, side):
    with pytest.raises(ValueError, match=f"The image size is {side}: .* takes multiples of 8 pixels, such as 320"):
        load_model(str(checkpoint), image_size=side)


def test_the_image_size_of_an_adapter_is_fixed():
    with pytest.raises(ValueError, match="The image size of sam3:a/b is fixed"):
        load_model("sam3:a/b", image_size=448)


def test_another_kind_of_model_is_refused(tmp_path):
    CLIPConfig().save_pretrained(tmp_path / "clip")
    with pytest.raises(ValueError, match="of type clip, which segments nothing by itself.*clipseg:NAME"):
        load_model(str(tmp_path / "clip"))


def test_names_are_as_short_as_they_can_be():
    assert short_names(["runs/a", "clipseg:CIDAS/rd64", "default", "sam3:"]) == ["a", "rd64", "default", "sam3"]
    assert short_names(["one/a", "two/a"]) == ["one/a", "two/a"]
    with pytest.raises(ValueError, match="a is named twice"):
        short_names(["a", "b", "a"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("tiny") / "checkpoint", tiny_processor())


def changed(checkpoint: Path, folder: Path, change) -> str:
    """A copy of a checkpoint with its weights changed."""
    shutil.copytree(checkpoint, folder)
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})
    return str(folder)


def test_missing_and_infinite_weights_are_refused(checkpoint, tmp_path):
    def without(weights):
        return {key: weight for key, weight in weights.items() if not key.startswith("mask_head")}

    def infinite(weights, value):
        key = next(key for key in weights if key.startswith("presence_head"))
        weights[key].view(-1)[0] = value
        return weights

    def reshaped(weights):
        key = next(key for key, weight in weights.items() if key.startswith("mask_head") and weight.ndim > 1)
        return weights | {key: torch.cat([weights[key], weights[key]])}

    for name, change, sentence in (
        ("without", without, r"lacks \d+ of the model's weights, 'mask_head"),
        ("reshaped", reshaped, "lacks 1 of the model's weights, 'mask_head"),
        ("nan", lambda weights: infinite(weights, float("nan")), "presence_head.* is not finite"),
        ("inf", lambda weights: infinite(weights, float("inf")), "presence_head.* is not finite"),
    ):
        with pytest.raises(ValueError, match=sentence):
            load_model(changed(checkpoint, tmp_path / name, change))
    assert load_model(str(checkpoint))[0].device.type == "cpu"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"nothing"),
        ("model.safetensors", b"\xff" * 8 + b"{}"),
        ("config.json", b"[" * 100_000),
        ("config.json", b"[]"),
        ("tokenizer.json", b"[" * 100_000),
        ("tokenizer.json", b"{}"),
        ("processor_config.json", b"[1, 2]"),
    ],
    ids=range(7),
)
def test_damaged_files_are_a_sentence(file, content, checkpoint, tmp_path, capsys):
    shutil.copytree(checkpoint, tmp_path / "damaged")
    (tmp_path / "damaged" / file).write_bytes(content)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    words = ["segment", str(tmp_path / "a.png"), "a dog", "--model", str(tmp_path / "damaged")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("unires: ")]
    assert len(said) == 1 and len(said[0]) < 1000


def test_devices_by_name():
    best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    assert find_device() == find_device("auto") == best
    assert find_device("cuda:1") == torch.device("cuda", 1) and find_device("mps").type == "mps"
    with pytest.raises(ValueError, match="'gpu' is no device: give auto"):
        find_device("gpu")


def test_names_that_ship_are_explained_at_once(monkeypatch):
    monkeypatch.setattr("transformers.utils.hub.cached_files", lambda *_, **__: pytest.fail("the Hub was asked"))
    for loader in (AutoModel, AutoProcessor, AutoConfig, AutoImageProcessor, UniResModel, UniResProcessor):
        with pytest.raises(OSError, match=rf"{loader.__name__}.from_pretrained\(checkpoint_path\('default'\)\)"):
            loader.from_pretrained("default")


def test_the_default_model_of_the_pipeline_is_no_surprise(caplog):
    logging.getLogger("transformers.pipelines").propagate = True
    pipeline("referring-segmentation")
    assert not [message for message in caplog.messages if "revision" in message]


def test_a_source_of_which_nothing_can_be_used_says_why(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    said = {"file_name": "a.png", "text": "the dot", "mask": {"polygon": [1, 1, 4, 1, 4, 4]}}
    for lines, reason in ((json.dumps(said), "an RLE is .*, got .*polygon"), ("", "name no picture")):
        (tmp_path / "metadata.jsonl").write_text(lines)
        with pytest.raises(ValueError, match=f"folder, split train, has no picture that can be used: .*{reason}"):
            load_rows([f"folder,root={tmp_path}"])
