# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires convert --to coco`: what pycocotools and our own reader read is what was given."""

import json

import numpy as np
import PIL.Image
import pytest
from pycocotools.coco import COCO

from unires_hf.cli import main
from unires_hf.data import masks
from unires_hf.data.readers.coco import read_coco


@pytest.fixture
def source(tmp_path):
    """Two pictures of random masks with holes, a part, a box without a mask, and words about nothing."""
    noise = np.random.default_rng(0)
    truths, lines = {}, []
    for number in range(2):
        (tmp_path / f"in/{number}").mkdir(parents=True)
        PIL.Image.new("RGB", (80, 60), (number, 0, 0)).save(tmp_path / f"in/{number}/a.png")
        truths[number] = noise.random((60, 80)) < 0.3
        targets = [
            {"target_id": "dog", "category": "dog", "mask": masks.encode(truths[number]), "expressions": ["the dog"]},
            {"granularity": "part", "category": "dog", "part": "head", "parent_id": "dog", "bbox": [1, 2, 3, 4]}
            | {"expressions": ["its head"]},
            {"no_target": True, "expressions": ["a green bus"]},
        ]
        lines.append({"file_name": f"{number}/a.png", "targets": targets})
    (tmp_path / "in/metadata.jsonl").write_text("\n".join(map(json.dumps, [*lines, {"file_name": "gone.png"}])))
    return truths


def convert(tmp_path):
    words = ["convert", "folder", "--root", str(tmp_path / "in"), "--split", "train", "--to", "coco"]
    return main([*words, "--out", str(tmp_path / "out")])


def test_no_pixel_is_lost(source, tmp_path, capsys):
    assert convert(tmp_path) == 0
    assert "train: 2 images, 4 annotations" in capsys.readouterr().out
    coco = COCO(tmp_path / "out/annotations/instances_train.json")
    for number, image in enumerate(coco.loadImgs(coco.getImgIds())):
        with PIL.Image.open(tmp_path / "out/train" / image["file_name"]) as picture:
            assert picture.getpixel((0, 0)) == (number, 0, 0)
        dog, head = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert np.array_equal(coco.annToMask(dog) > 0, source[number])
        assert dog["area"] == source[number].sum() and dog["bbox"] == masks.bbox(masks.encode(source[number]))
        assert coco.cats[head["category_id"]]["name"] == "dog:head" and head["obj_ann_id"] == dog["id"]
        assert "segmentation" not in head and head["bbox"] == [1, 2, 3, 4]
        assert dog["expressions"] == ["the dog"] and image["no_target_expressions"] == ["a green bus"]
    lost = [json.loads(line) for line in (tmp_path / "out/skipped_train.jsonl").read_text().splitlines()]
    assert len(lost) == 1 and "gone.png is missing" in lost[0]["reason"]
    assert not list((tmp_path / "out").rglob("*.part")) and not (tmp_path / "out/.lock").exists()


def test_our_own_reader_reads_it(source, tmp_path):
    assert convert(tmp_path) == 0
    for row, truth in zip(read_coco(tmp_path / "out", "train"), source.values(), strict=True):
        dog, head = row["targets"]
        assert np.array_equal(masks.decode(dog["mask"]), truth)
        assert (head["category"], head["part"], head["parent_id"]) == ("dog", "head", dog["target_id"])


def test_what_is_there_is_not_overwritten(source, tmp_path, capsys):
    assert convert(tmp_path) == 0
    assert convert(tmp_path) == 2
    assert "instances_train.json is there already. Delete it" in capsys.readouterr().err
