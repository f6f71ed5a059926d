# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A picture is the one that its record names, and lies where the data set lies."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from unires_hf.data.readers.sources import SOURCES
from unires_hf.data.schema import Skipped


def write(root: Path, **pictures: tuple[int, int]) -> None:
    for name, size in pictures.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", size).save(root / name)


def coco(names: list[str]) -> dict:
    images = [{"id": number, "file_name": name, "width": 80, "height": 60} for number, name in enumerate(names)]
    box = {"category_id": 1, "bbox": [5, 5, 20, 20]}
    annotations = [{"id": it["id"], "image_id": it["id"], **box} for it in images]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]}


def read_coco(root: Path, names: list[str]) -> list:
    (root / "val.json").write_text(json.dumps(coco(names)))
    return list(SOURCES["coco"](root))


def test_the_exact_path_comes_before_a_bare_name(tmp_path):
    write(tmp_path, **{"val/0001.png": (80, 60), "camB/0001.png": (80, 60)})
    own, other, lost = read_coco(tmp_path, ["0001.png", "camB/0001.png", "camC/0001.png"])
    assert own["image"]["path"] == str(tmp_path / "val/0001.png")
    assert other["image"]["path"] == str(tmp_path / "camB/0001.png")
    assert isinstance(lost, Skipped) and "others are called 0001.png too" in lost.reason


def test_a_bare_name_finds_the_only_picture_that_is_called_so(tmp_path):
    write(tmp_path, **{"val/patch8/a.png": (80, 60), "val/b.png": (80, 60)})
    first, second = read_coco(tmp_path, ["images/v1/patch8/a.png", "http://images.cocodataset.org/val2017/b.png"])
    assert first["image"]["path"] == str(tmp_path / "val/patch8/a.png")
    assert second["image"]["path"] == str(tmp_path / "val/b.png")


@pytest.fixture
def secret(tmp_path) -> Path:
    write(tmp_path, **{"elsewhere/secret.png": (80, 60)})
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/images/link.png").symlink_to(tmp_path / "elsewhere/secret.png")
    return tmp_path / "elsewhere/secret.png"


@pytest.mark.parametrize("name", ["../elsewhere/secret.png", "images/../../elsewhere/secret.png", "absolute", "link"])
@pytest.mark.parametrize("source", ["folder", "interchange", "coco", "refcocom"])
def test_an_annotation_file_does_not_reach_out_of_its_folder(source, name, secret, tmp_path):
    root = tmp_path / "set"
    link = "link.png" if source in ("coco", "refcocom") else "images/link.png"
    name = {"absolute": str(secret), "link": link}.get(name, name)
    line = {"file_name": name, "targets": [{"bbox": [5, 5, 5, 5], "expressions": ["it"]}]}
    if source in ("folder", "interchange"):
        (root / ("metadata.jsonl" if source == "folder" else "train.jsonl")).write_text(json.dumps(line))
        items = list(SOURCES[source](root))
    elif source == "coco":
        (root / "val.json").write_text(json.dumps(coco([name])))
        items = list(SOURCES[source](root, images=root / "images"))
    else:
        record = {"segment_id": 0, "img_name": name, "cat": 0, "sentences": [{"sent_id": 0, "sent": "it"}]}
        (root / "masks").mkdir()
        PIL.Image.fromarray(np.eye(60, 80, dtype=bool)).save(root / "masks/0.png")
        (root / "annotations").mkdir()
        for kind in ("part_only", "object_part"):
            (root / f"annotations/val_{kind}.json").write_text(json.dumps([record]))
        items = list(SOURCES[source](root))
    (lost,) = items
    assert isinstance(lost, Skipped) and "lies outside of" in lost.reason


def test_a_mask_that_lies_elsewhere_is_not_read(secret, tmp_path):
    write(tmp_path / "set", **{"a.png": (80, 60)})
    line = {"file_name": "a.png", "text": "it", "mask": "../elsewhere/secret.png"}
    (tmp_path / "set/metadata.jsonl").write_text(json.dumps(line))
    (lost,) = SOURCES["folder"](tmp_path / "set")
    assert "lies outside of" in lost.reason


def test_it_does_where_it_is_asked_to(secret, tmp_path):
    lines = [{"file_name": name, "text": "it", "bbox": [5, 5, 5, 5]} for name in (str(secret), "images/link.png")]
    (tmp_path / "set/metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert len(list(SOURCES["folder"](tmp_path / "set", links="yes"))) == 2
    with pytest.raises(ValueError, match="links is yes or no, got 'maybe'"):
        list(SOURCES["folder"](tmp_path / "set", links="maybe"))


def test_a_linked_folder_is_where_the_data_set_lies(tmp_path):
    write(tmp_path, **{"disk/a.png": (80, 60)})
    (tmp_path / "set").mkdir()
    (tmp_path / "set/val").symlink_to(tmp_path / "disk")
    (row,) = read_coco(tmp_path / "set", ["a.png"])
    assert row["image"]["path"] == str(tmp_path / "set/val/a.png")
