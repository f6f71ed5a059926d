# Copyright 2026 The unires-hf authors. Apache-2.0.
import json

import numpy as np
import PIL.Image
import pytest
from datasets import Dataset, load_dataset

from unires_hf.cli import main
from unires_hf.data import masks
from unires_hf.data.readers.folder import read_folder
from unires_hf.data.readers.interchange import read_interchange
from unires_hf.data.schema import FEATURES, Skipped


def test_both_forms(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["folder"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["a.jpg", "sub/b.jpg"]
    truck, wheel, bus = rows[0]["targets"]
    assert [it["text"] for it in truck["expressions"]] == ["the red truck", "red truck"]
    assert np.array_equal(masks.decode(truck["mask"]), box_pixels(2, 2, 40, 40))
    assert wheel["granularity"] == "part" and np.array_equal(masks.decode(wheel["mask"]), box_pixels(4, 30, 8, 8))
    assert masks.area(bus["mask"]) == 0
    truck, wheel = rows[1]["targets"]
    assert [it["expression_id"] for it in truck["expressions"]] == ["sub/b.jpg/0/0", "sub/b.jpg/e7"]
    assert wheel["parent_id"] == truck["target_id"] == "sub/b.jpg/t"
    assert wheel["mask"] is None and wheel["bbox"] == [4.0, 30.0, 8.0, 8.0]


def test_imagefolder_reads_the_simple_form(layouts, tmp_path):
    layout = layouts["folder"]()
    layout.records["lines"] = layout.records["lines"][:2]
    layout.write(tmp_path, layout.records)
    (tmp_path / "sub/b.jpg").unlink()
    # imagefolder does not take two lines about one picture.
    (tmp_path / "metadata.jsonl").write_text(json.dumps(layout.records["lines"][0]))
    data = load_dataset("imagefolder", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    row = next(it for it in data if it["text"])
    assert row["image"].size == (80, 60) and row["text"] == "the red truck"


@pytest.mark.parametrize(
    "mask", [[5, 5, 15, 5, 15, 15, 5, 15], [[5, 5, 15, 5, 15, 15, 5, 15]], "rle", "runs", "m.png"]
)
def test_every_form_of_mask(layouts, box_pixels, tmp_path, mask):
    truth = box_pixels(5, 5, 10, 10)
    rle = masks.encode(truth)
    mask = {"rle": rle, "runs": {"size": [60, 80], "counts": masks.runs(rle).tolist()}}.get(str(mask), mask)
    layout = layouts["folder"]()
    layout.records["lines"] = [{"file_name": "a.jpg", "text": "it", "mask": mask}]
    layout.write(tmp_path, layout.records)
    if mask == "m.png":
        PIL.Image.fromarray(np.repeat(truth[:, :, None], 3, axis=2).astype(np.uint8) * 255).save(tmp_path / mask)
    (row,) = layout.read(tmp_path)
    assert np.array_equal(masks.decode(row["targets"][0]["mask"]), truth)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"mask": "no.png"}, "no.png is missing"),
        ({"mask": [[1, 2, 3]]}, "finite numbers"),
        ({"mask": {"size": [80, 60], "counts": "0"}}, "the mask is"),
        ({}, "neither a mask nor a box"),
        ({"bbox": [1, 2, 3]}, "a box is x, y, w, h"),
        ({"mask": [2, 2, 2, 2, 2, 2]}, "has no pixel"),
        ({"text": ""}, "has no words"),
        ({"text": 5, "no_target": True}, "'text' should be str"),
        ({"no_target": True, "granularity": "thing"}, "granularity is 'object' or 'part'"),
        ({"targets": []}, "it has no targets"),
    ],
)
def test_a_broken_line_is_skipped(layouts, tmp_path, line, reason):
    layout = layouts["folder"]()
    whole = {"file_name": "a.jpg", "text": "a tree", "bbox": [1, 1, 5, 5]}
    broken = {"file_name": "a.jpg", "text": "a hill"} | ({"bbox": [1, 1, 5, 6]} if line == {"text": ""} else {}) | line
    layout.records["lines"] = [whole, broken]
    rows, skipped = layout.rows(tmp_path)
    assert len(skipped) == 1 and reason in skipped[0].reason
    assert [it["text"] for target in rows[0]["targets"] for it in target["expressions"]] == ["a tree"]


def test_lines_that_are_no_records(layouts, tmp_path):
    layout = layouts["folder"]()
    layout.write(tmp_path, layout.records)
    path = tmp_path / "metadata.jsonl"
    path.write_bytes("\ufeff".encode() + path.read_bytes() + b"\n{no json\n[1]\n\xff\n")
    yielded = list(read_folder(tmp_path))
    assert [it["image_id"] for it in yielded if not isinstance(it, Skipped)] == ["a.jpg", "sub/b.jpg"]
    assert [it.where for it in yielded if isinstance(it, Skipped)] == [
        "metadata.jsonl, line 7",
        "metadata.jsonl, line 9",
        "metadata.jsonl",
    ]


def test_folders_of_splits(layouts, tmp_path):
    layout = layouts["folder"]()
    layout.write(tmp_path / "val", layout.records)
    assert len(list(read_folder(tmp_path, "val"))) == 2
    with pytest.raises(ValueError, match="metadata.jsonl is missing. Write one"):
        list(read_folder(tmp_path, "train"))


def shard(rows, path):
    embedded = [row | {"image": {"path": "a.jpg", "bytes": open(row["image"]["path"], "rb").read()}} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(embedded, features=FEATURES).to_parquet(path)
    return embedded


def test_our_own_parquet_comes_back_as_it_was(layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path / "source")
    written = shard(rows[:1], tmp_path / "data/train-00000-of-00002.parquet")
    written += shard(rows[1:], tmp_path / "data/train-00001-of-00002.parquet")
    assert list(read_interchange(tmp_path)) == written


def test_damage_in_parquet_is_skipped(layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path / "source")
    rows[0]["targets"][0]["mask"]["counts"] = "0"
    rows[0]["targets"][1]["bbox"] = [90.0, 0.0, 5.0, 5.0]
    rows[1]["height"] = 61
    shard(rows, tmp_path / "train-00000-of-00003.parquet")
    whole, _ = layouts["coco"]().rows(tmp_path / "coco")
    shard(whole, tmp_path / "train-00002-of-00003.parquet")
    (tmp_path / "train-00001-of-00003.parquet").write_bytes(b"PAR1 cut off")
    yielded = list(read_interchange(tmp_path))
    lost = [(it.where, it.reason) for it in yielded if isinstance(it, Skipped)]
    assert [where for where, _ in lost] == [
        "image 7, target number 0",
        "target 7/1",
        "image 8",
        "train-00001-of-00003.parquet",
    ]
    assert "do not fill" in lost[0][1] and "does not lie" in lost[1][1] and "are for (61, 80)" in lost[2][1]
    assert [it["source"] for it in yielded if not isinstance(it, Skipped)] == ["coco", "coco"]


def test_parquet_of_another_kind_is_named(tmp_path):
    Dataset.from_dict({"image_id": ["a"]}).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    (lost,) = read_interchange(tmp_path)
    assert "it has no column height or image or source or targets or width" in lost.reason
    with pytest.raises(ValueError, match=r"neither test-\*.parquet nor test.jsonl"):
        list(read_interchange(tmp_path, "test"))


def test_jsonl_interchange_carries_its_source(layouts, tmp_path):
    rows, skipped = layouts["interchange"]().rows(tmp_path)
    assert not skipped and [row["source"] for row in rows] == ["mres-32m"]


def test_a_split_is_not_the_beginning_of_anothers_name(layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path / "source")
    shard(rows, tmp_path / "val-00000-of-00001.parquet")
    shard(rows[:1], tmp_path / "val-hard-00000-of-00001.parquet")
    assert [len(list(read_interchange(tmp_path, split))) for split in ("val", "val-hard")] == [2, 1]
    with pytest.raises(ValueError, match="neither"):
        list(read_interchange(tmp_path, "v*"))


def test_pictures_of_two_splits_that_are_called_alike_have_names_of_their_own(layouts, tmp_path):
    for split in ("train", "val"):
        layout = layouts["folder"]()
        layout.write(tmp_path / split, layout.records)
    ids = {row["image_id"] for split in ("train", "val") for row in read_folder(tmp_path, split)}
    assert ids == {"train/a.jpg", "train/sub/b.jpg", "val/a.jpg", "val/sub/b.jpg"}


HALF = "\ud83d"  # of a surrogate pair
HUGE = 10**400


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"text": HALF}, "has no words"),
        ({"category": HALF}, "is no text"),
        ({"target_id": HALF}, "is no text"),
        ({"file_name": HALF}, "is no text"),
        ({"bbox": [1, 1, 5, HUGE]}, "a box is x, y, w, h"),
        ({"mask": [[1, 1, 9, 9, 1, HUGE]]}, "a list of numbers"),
        ({"file_name": "a" * 5000}, "name too long"),
        ("[" * 100_000, "nested too deep"),
        ('{"file_name": "a.jpg", "mask": ' + "[" * 100_000, "nested too deep"),
    ],
    ids=["text", "category", "id", "file name", "box", "polygon", "long name", "deep line", "deep mask"],
)
@pytest.mark.parametrize("source", ["folder", "interchange"])
def test_what_no_file_and_no_float_can_hold_is_one_line_of_losses(source, record, reason, layouts, tmp_path):
    layout = layouts["folder"]()
    layout.records["lines"] = [{"file_name": "a.jpg", "text": "a tree", "bbox": [1, 1, 5, 5]}]
    layout.write(tmp_path / "set", layout.records)
    path = tmp_path / "set/metadata.jsonl"
    whole = {"file_name": "a.jpg", "text": "it", "bbox": [2, 2, 5, 5]}
    line = record if isinstance(record, str) else json.dumps(whole | record)
    path.write_text(path.read_text() + line + "\n")
    path.rename(tmp_path / "set/train.jsonl") if source == "interchange" else None
    words = ["convert", source, "--root", str(tmp_path / "set"), "--split", "train", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    (lost,) = [json.loads(it) for it in (tmp_path / "out/skipped.jsonl").read_text(encoding="utf-8").splitlines()]
    assert reason in lost["reason"], lost
    (row,) = read_interchange(tmp_path / "out")
    assert [it["text"] for it in row["targets"][0]["expressions"]] == ["a tree"]


@pytest.mark.parametrize("change", ["targets", "height", "image_id", "image"])
def test_a_column_of_another_type_is_lost_with_a_reason(change, layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path / "source")
    content = {name: [row[name] for row in rows] for name in ("image_id", "source", "width", "height")}
    content |= {"targets": [[]] * 2, "image": [{"bytes": None, "path": "a.jpg"}] * 2}
    Dataset.from_dict(content | {change: [1.5, 2.5]}).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    lost = list(read_interchange(tmp_path))
    assert lost and all(isinstance(it, Skipped) for it in lost)


def test_a_nested_name_that_is_damaged_is_lost_with_a_reason(layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path / "source")
    path = tmp_path / "train-00000-of-00001.parquet"
    shard(rows, path)
    path.write_bytes(path.read_bytes().replace(b"text", b"tezt"))
    items = list(read_interchange(tmp_path))
    assert any(isinstance(it, Skipped) for it in items)
    assert not any(target["expressions"] for it in items if not isinstance(it, Skipped) for target in it["targets"])
