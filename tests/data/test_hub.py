# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest
from datasets import Dataset, Features, Image, List, Value

from unires_hf.data import masks
from unires_hf.data.photo_expressions import kind_of
from unires_hf.data.readers.hub import read_hub


def test_jxu124_layout(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["hub"]().rows(tmp_path)
    assert not skipped
    assert [row["image_id"] for row in rows] == ["COCO_train2014_000000000007", "COCO_train2014_000000000008"]
    man, dog = rows[0]["targets"]
    assert (man["category"], dog["category"]) == ("person", "dog")
    assert np.array_equal(masks.decode(man["mask"]), box_pixels(5, 5, 20, 30))
    assert [it["text"] for it in dog["expressions"]] == ["brown dog"]


def lmms(path):
    return {
        "question_id": "1",
        "image": {"path": None, "bytes": path.read_bytes()},
        "question": "Please carefully observe the area circled in the image",
        "answer": ["left man", "man"],
        "segmentation": [5.0, 5.0, 25.0, 5.0, 25.0, 35.0, 5.0, 35.0],
        "bbox": [5.0, 5.0, 20.0, 30.0],
        "iscrowd": 0,
        "file_name": "COCO_train2014_000000000007_3.jpg",
    }


LMMS = Features(
    {
        "question_id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answer": List(Value("string")),
        "segmentation": List(Value("float32")),
        "bbox": List(Value("float32")),
        "iscrowd": Value("int64"),
        "file_name": Value("string"),
    }
)


REF_ADV = Features(
    {
        "image": Image(),
        "file_name": Value("string"),
        "normal_caption": Value("string"),
        "solution": List(Value("float64")),
        "width": Value("int64"),
        "height": Value("int64"),
        "use_negation": Value("bool"),
        "distractors": Value("string"),
    }
)


def test_ref_adv_has_boxes_and_negations(make_picture, sorted_out, tmp_path):
    make_picture(tmp_path / "a.jpg")
    first = {
        "image": {"path": None, "bytes": (tmp_path / "a.jpg").read_bytes()},
        "file_name": "a.jpg",
        "normal_caption": "the man who is not sitting",
        "solution": [5.0, 6.0, 25.5, 36.0],
        "width": 80,
        "height": 60,
        "use_negation": True,
        "distractors": "[1, 2]",
    }
    second = first | {"normal_caption": "the tall dog", "solution": [1.0, 1.0, 9.0, 9.0], "use_negation": False}
    turned = first | {"solution": [25.0, 6.0, 5.0, 36.0]}
    short = first | {"solution": [5.0, 6.0]}
    rows = Dataset.from_list([first, second, turned, short], features=REF_ADV)
    (row,), skipped = sorted_out(read_hub(rows))
    assert [(it["bbox"], it["mask"]) for it in row["targets"]] == [([5, 6, 20.5, 30], None), ([1, 1, 8, 8], None)]
    said = [it["expressions"][0] for it in row["targets"]]
    assert [(it["text"], kind_of(it["expression_id"])) for it in said] == [
        ("the man who is not sitting", "negation"),
        ("the tall dog", "plain"),
    ]
    assert [it.where for it in skipped] == ["row 2", "row 3"]
    broken = Dataset.from_list([first | {"height": 61}], features=REF_ADV)
    assert sorted_out(read_hub(broken))[1][0].reason.endswith("its annotations are for (61, 80).")


def test_lmms_lab_layout_brings_its_pictures(make_picture, sorted_out, box_pixels, tmp_path):
    make_picture(tmp_path / "a.jpg")
    first = lmms(tmp_path / "a.jpg")
    second = first | {"file_name": "COCO_train2014_000000000007_4.jpg", "answer": ["her"], "segmentation": []}
    broken = first | {"image": None, "file_name": "COCO_train2014_000000000008_1.jpg"}
    (tmp_path / "data").mkdir()
    Dataset.from_list([first, second, broken], features=LMMS).to_parquet(tmp_path / "data/val-00000-of-00001.parquet")
    rows, skipped = sorted_out(read_hub(str(tmp_path / "data"), split="validation"))
    assert [row["image_id"] for row in rows] == ["COCO_train2014_000000000007"]
    man, her = rows[0]["targets"]
    assert np.array_equal(masks.decode(man["mask"]), box_pixels(5, 5, 20, 30)) and her["mask"] is None
    assert [it["text"] for it in man["expressions"]] == ["left man", "man"]
    assert rows[0]["image"]["bytes"] == (tmp_path / "a.jpg").read_bytes()
    assert [it.where for it in skipped] == ["row 2"]


def test_what_cannot_be_read_is_named(layouts, tmp_path):
    layout = layouts["hub"]()
    layout.write(tmp_path, layout.records)
    data = Dataset.from_dict({"raw_anns": ["{}"], "raw_image_info": ["{}"], "sentences": [[]], "image_path": ["a"]})
    with pytest.raises(ValueError, match="carry no pictures: give the folder"):
        list(read_hub(data))
    with pytest.raises(ValueError, match="neither jxu124/refcoco's nor lmms-lab/RefCOCO's"):
        list(read_hub(Dataset.from_dict({"text": ["a"]})))
