# Copyright 2026 The unires-hf authors. Apache-2.0.
import json
import pickle

import numpy as np
import PIL.Image
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from pycocotools import mask as coco_mask

from unires_hf.cli import main
from unires_hf.data import masks
from unires_hf.data.readers.grefcoco import read_grefcoco
from unires_hf.data.readers.refer import read_refer
from unires_hf.data.schema import FEATURES, Skipped


def texts(row):
    return [[it["text"] for it in target["expressions"]] for target in row["targets"]]


def test_one_row_an_image_with_all_its_referents(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["refcoco"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["7", "8"]
    assert texts(rows[0]) == [["man on the left", "left man"], ["brown dog"]]
    assert texts(rows[1]) == [["sleeping dog"]]
    man = rows[0]["targets"][0]
    assert (man["target_id"], man["category"], man["granularity"]) == ("7/0", "person", "object")
    assert man["bbox"] == [5.0, 5.0, 20.0, 30.0]
    assert [it["expression_id"] for it in man["expressions"]] == ["7/0", "7/1"]
    assert np.array_equal(masks.decode(man["mask"]), box_pixels(5, 5, 20, 30))
    assert rows[0]["source"] == "refcoco" and (rows[0]["height"], rows[0]["width"]) == (60, 80)
    assert rows[0]["image"]["path"].endswith("images/train2014/COCO_train2014_000000000007.jpg")


def test_rows_become_a_data_set_with_the_pictures(layouts, tmp_path):
    rows, _ = layouts["refcoco"]().rows(tmp_path)
    data = Dataset.from_list(rows, features=FEATURES)
    assert data[0]["image"].size == (80, 60) and data[0]["targets"] == rows[0]["targets"]


@pytest.mark.parametrize("source", ["refcoco", "grefcoco"])
def test_sentences_as_they_were_typed(layouts, source, tmp_path, capsys):
    """LAVT and ReLA read them; CRIS reads the cleaned ones."""
    layout = layouts[source]()
    layout.write(tmp_path, layout.records)
    said = {}
    for words in ("sent", "raw"):
        command = ["convert", source, "--root", str(tmp_path), "--split", "val", "--set", f"words={words}"]
        assert main([*command, "--out", str(tmp_path / words)]) == 0
        (shard,) = (tmp_path / words).glob("**/*.parquet")
        said[words] = [text for row in pq.read_table(shard).to_pylist() for group in texts(row) for text in group]
    assert said["raw"] == [text.upper() for text in said["sent"]] != said["sent"]
    assert main([*command[:-1], "words=tokens", "--out", str(tmp_path / "none")]) == 2
    assert "fields 'sent' and 'raw'" in capsys.readouterr().err


def test_the_test_splits_share_refs(layouts, tmp_path):
    layout = layouts["refcoco"]()
    layout.records["refs"][3]["split"] = "testAB"
    layout.write(tmp_path, layout.records)
    for split in ("test", "testA", "testB"):
        assert [texts(row) for row in read_refer(tmp_path, split=split)] == [[["dog in test"]]]
    with pytest.raises(ValueError, match=r"no split 'testC'; its refs are of \['testAB', 'val'\]"):
        list(read_refer(tmp_path, split="testC"))


def test_refclef_has_lists_of_rles(layouts, box_pixels, tmp_path):
    layout = layouts["refcoco"]()
    two = [masks.encode(box_pixels(5, 5, 4, 4)), masks.encode(box_pixels(20, 5, 4, 4))]
    layout.records["annotations"][0]["segmentation"] = two
    layout.write(tmp_path, layout.records)
    (tmp_path / "refcoco").rename(tmp_path / "refclef")
    with pytest.raises(ValueError, match="none of images/saiapr_tc-12"):
        (tmp_path / "images/train2014").rename(tmp_path / "elsewhere")
        (tmp_path / "images").rmdir()
        list(read_refer(tmp_path, "refclef"))
    row = next(read_refer(tmp_path, "refclef", images=tmp_path / "elsewhere"))
    mask = masks.decode(row["targets"][0]["mask"])
    assert np.array_equal(mask, box_pixels(5, 5, 4, 4) | box_pixels(20, 5, 4, 4))


def test_an_annotation_without_a_mask_keeps_its_box(layouts, tmp_path):
    layout = layouts["refcoco"]()
    layout.records["annotations"][0]["segmentation"] = []
    rows, skipped = layout.rows(tmp_path)
    assert not skipped and rows[0]["targets"][0]["mask"] is None
    assert rows[0]["targets"][0]["bbox"] == [5.0, 5.0, 20.0, 30.0]


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        (lambda r: r["refs"][0].update(ann_id=99), "ref 0", "points to 99"),
        (lambda r: r["refs"][0].pop("split"), "ref number 0", "'split' is missing"),
        (lambda r: r["refs"][0].update(split="vall"), "ref number 0", "got 'vall'"),
        (lambda r: r["refs"][0]["sentences"][0].update(sent=" "), "expression 7/0", "has no words"),
        (lambda r: r["refs"][0]["sentences"][1].update(sent_id=0), "expression 7/0", "occurs twice"),
        (lambda r: r["annotations"][0].update(category_id=5), "ref 0", "points to 5"),
        (lambda r: r["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), "ref 0", "has three points"),
        (lambda r: r["annotations"][0].update(segmentation=[[1, 2, 3, 900, 5, 6]]), "ref 0", "out of the image"),
        (lambda r: r["annotations"][0].update(segmentation=[[2, 2, 2, 2, 2, 2]]), "ref 0", "has no pixel"),
        (
            lambda r: r["images"][0].update(width=81),
            "image 7",
            r"is \(60, 80\) \(h, w\), its annotations are for \(60",
        ),
        (lambda r: r["images"][0].update(file_name="no.jpg"), "image 7", "no.jpg is missing"),
        (lambda r: r["images"].pop(0), "image 7", "there is no image 7 in instances.json"),
    ],
)
def test_what_is_broken_is_skipped_with_its_reason(layouts, tmp_path, change, where, reason):
    layout = layouts["refcoco"]()
    change(layout.records)
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == [where] and skipped[0].source == "refcoco"
    with pytest.raises(ValueError, match=reason):
        raise ValueError(skipped[0].reason)
    assert texts(rows[-1]) == [["sleeping dog"]]


def test_what_is_missing_is_fatal(layouts, tmp_path):
    with pytest.raises(ValueError, match="refcoco is missing. Put the files of lichengunc/refer there"):
        list(read_refer(tmp_path))
    layout = layouts["refcoco"]()
    layout.write(tmp_path, layout.records)
    with pytest.raises(ValueError, match=r"refs\(google\).p is missing. .* name another split_by"):
        list(read_refer(tmp_path, split_by="google"))
    (tmp_path / "refcoco/instances.json").unlink()
    with pytest.raises(ValueError, match="instances.json is missing"):
        list(read_refer(tmp_path))


def test_an_unreadable_picture_costs_only_its_image(layouts, tmp_path):
    layout = layouts["refcoco"]()
    layout.write(tmp_path, layout.records)
    path = tmp_path / "images/train2014/COCO_train2014_000000000007.jpg"
    path.write_bytes(path.read_bytes()[:20])
    yielded = list(read_refer(tmp_path))
    assert [it.where for it in yielded if isinstance(it, Skipped)] == ["image 7"]
    assert "unreadable" in yielded[0].reason and yielded[1]["image_id"] == "8"


def test_a_turned_picture_has_the_size_that_it_is_shown_at(layouts, tmp_path):
    layout = layouts["refcoco"]()
    layout.write(tmp_path, layout.records)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "images/train2014/COCO_train2014_000000000007.jpg"
    PIL.Image.new("RGB", (60, 80)).save(path, exif=exif)
    row = next(read_refer(tmp_path))
    assert (row["height"], row["width"]) == (60, 80)
    assert Dataset.from_list([row], features=FEATURES)[0]["image"].size == (80, 60)


def test_grefcoco_has_several_and_no_referents(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["grefcoco"]().rows(tmp_path)
    assert not skipped
    both, none = rows[0]["targets"]
    assert np.array_equal(masks.decode(both["mask"]), box_pixels(5, 5, 20, 30) | box_pixels(40, 10, 20, 20))
    assert both["category"] == "dog, person" and both["bbox"] == [5.0, 5.0, 55.0, 30.0]
    assert masks.area(none["mask"]) == 0 and none["bbox"] == [0.0] * 4
    assert none["expressions"][0]["text"] == "a green bus"


def test_grefcoco_reads_the_pickle_first_and_leaves_crowds_out(layouts, box_pixels, tmp_path):
    layout = layouts["grefcoco"]()
    layout.records["annotations"][1]["iscrowd"] = 1
    layout.write(tmp_path, layout.records)
    del layout.records["refs"][1:]
    (tmp_path / "grefcoco/grefs(unc).p").write_bytes(pickle.dumps(layout.records["refs"], protocol=2))
    rows = list(read_grefcoco(tmp_path))
    assert [texts(row) for row in rows] == [[["man and dog"]]]
    assert np.array_equal(masks.decode(rows[0]["targets"][0]["mask"]), box_pixels(5, 5, 20, 30))


def coco_union(segmentation, height, width):
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))).astype(bool)


@pytest.mark.parametrize(
    ("dataset", "split_by", "splits", "counts"),
    [("refcoco", "unc", ("val", "testA", "testB"), (9, 25, 71)), ("refcocog", "google", ("val",), (6, 7, 7))],
)
def test_real_photographs(samples, sorted_out, dataset, split_by, splits, counts):
    root = samples("mini_refcoco")
    with open(root / dataset / "instances.json") as file:
        annotations = json.load(file)["annotations"]
    rows = []
    for split in splits:
        found, skipped = sorted_out(read_refer(root, dataset, split_by, split))
        assert not skipped
        rows += found
    targets = [it for row in rows for it in row["targets"]]
    assert (len(rows), len(targets), sum(len(it["expressions"]) for it in targets)) == counts
    assert len({it["target_id"] for it in targets}) == counts[1]
    assert len({it["expression_id"] for target in targets for it in target["expressions"]}) == counts[2]
    for row in rows:
        for target in row["targets"]:
            mine = [it for it in annotations if str(it["image_id"]) == row["image_id"]]
            same = [
                np.array_equal(
                    masks.decode(target["mask"]), coco_union(it["segmentation"], row["height"], row["width"])
                )
                for it in mine
                if not it["iscrowd"] and np.allclose(it["bbox"], target["bbox"])
            ]
            assert same == [True], target["target_id"]


def test_an_id_that_two_say_different_things_of_is_nobodys(layouts, tmp_path):
    layout = layouts["refcoco"]()
    layout.records["annotations"].append(layout.records["annotations"][1] | {"id": 70})
    layout.records["images"].append(layout.records["images"][0] | {"id": 8})
    rows, skipped = layout.rows(tmp_path)
    assert [it["target_id"] for row in rows for it in row["targets"]] == ["7/1"]
    assert [it.where for it in skipped] == ["ref 0", "image 8"]
    assert "several images 8" in skipped[1].reason
