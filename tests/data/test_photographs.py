# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Readers of photographs with parts: clothes, cars, facades, faces, horses."""

import json

import numpy as np

from unires_hf.data import masks
from unires_hf.data.readers.fasseg import filled
from unires_hf.data.readers.sources import SOURCES


def by_id(row):
    return {it["target_id"].removeprefix(row["image_id"] + "/"): it for it in row["targets"]}


def pixels_of(target):
    return masks.decode(target["mask"])


def test_clothes(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["clothing-co-parsing"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == [
        "clothing-co-parsing-0001",
        "clothing-co-parsing-0002",
    ]
    targets = by_id(rows[0])
    assert {key: it["part"] for key, it in targets.items()} == {
        "person": None,
        "hair": "hair",
        "shoes": "shoes",
        "t-shirt": "t-shirt",
    }
    shoes = box_pixels(20, 50, 5, 5) | box_pixels(40, 50, 5, 5)
    assert np.array_equal(pixels_of(targets["shoes"]), shoes)
    everything = box_pixels(20, 10, 30, 40) | box_pixels(25, 0, 10, 10) | shoes
    assert np.array_equal(pixels_of(targets["person"]), everything)
    assert {it["parent_id"] for it in rows[0]["targets"]} == {None, "clothing-co-parsing-0001/person"}
    assert {it["category"] for it in rows[0]["targets"]} == {"person"}


def test_a_label_without_a_name_costs_only_itself(layouts, tmp_path):
    layout = layouts["clothing-co-parsing"]()
    layout.records["0002"].append([9, [60, 10, 5, 5]])
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == ["label 9"] and "no name" in skipped[0].reason
    assert set(by_id(rows[1])) == {"person", "t-shirt"}


def test_cars(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["car-parts"]().rows(tmp_path)
    assert not skipped
    first, second = map(by_id, rows)
    assert set(first) == {"car", "hood", "left-mirror", "wheel"} and first["left-mirror"]["part"] == "left mirror"
    wheels = box_pixels(20, 30, 8, 8) | box_pixels(50, 30, 8, 8)
    for targets in (first, second):  # one annotation and two
        assert np.array_equal(pixels_of(targets["wheel"]), wheels)
        assert [it["text"] for it in targets["wheel"]["expressions"]] == ["wheels of car", "car wheels"]
    union = wheels | box_pixels(30, 10, 20, 10) | box_pixels(60, 10, 4, 4)
    assert np.array_equal(pixels_of(first["car"]), union) and first["car"]["granularity"] == "object"


def test_one_broken_wheel_costs_all_wheels(layouts, tmp_path):
    layout = layouts["car-parts"]()
    layout.records["annotations"][4]["segmentation"] = [[1, 2]]
    layout.records["annotations"].append(dict(layout.records["annotations"][0], id=9, image_id=8))
    rows, skipped = layout.rows(tmp_path)
    assert "annotation 5" in [it.where for it in skipped] and set(by_id(rows[1])) == {"car", "hood"}


def test_facades(layouts, tmp_path):
    rows, skipped = layouts["facades"]().rows(tmp_path)
    assert not skipped
    kinds = {key: (it["category"], it["part"], it["parent_id"]) for key, it in by_id(rows[0]).items()}
    assert kinds == {
        "1": ("facade", "window", "facades-7/5"),
        "2": ("facade", "window", "facades-7/5"),
        "3": ("facade", "balcony fence", "facades-7/5"),
        "4": ("facade", "window", None),
        "5": ("facade", None, None),
        "6": ("traffic infrastructure", None, None),
    }


def test_faces(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["fasseg"]().rows(tmp_path)
    assert not skipped
    targets = by_id(rows[1])
    assert set(targets) == {"person", "hair", "eyebrows", "face", "skin", "eyes", "nose"}
    face = box_pixels(20, 10, 40, 45)
    brows = box_pixels(25, 15, 8, 3) | box_pixels(45, 15, 8, 3)
    assert np.array_equal(pixels_of(targets["face"]), face)
    assert np.array_equal(pixels_of(targets["eyebrows"]), brows)
    assert np.array_equal(pixels_of(targets["hair"]), box_pixels(10, 2, 60, 30) & ~face)
    skin = face & ~brows & ~box_pixels(25, 20, 8, 4) & ~box_pixels(36, 25, 6, 10)
    assert np.array_equal(pixels_of(targets["skin"]), skin)


def test_holes_are_what_no_path_joins_to_the_border():
    ring = np.zeros((7, 8), bool)
    ring[1:6, 1:6] = True
    ring[2:5, 2:5] = False
    assert filled(ring).sum() == 25
    ring[1, 3] = False
    assert np.array_equal(filled(ring), ring)


def test_horses(layouts, box_pixels, tmp_path):
    layout = layouts["figure-ground"]()
    rows, skipped = layout.rows(tmp_path)
    assert not skipped and [row["source"] for row in rows] == ["figure-ground"] * 2
    (horse,) = rows[0]["targets"]
    assert (horse["category"], horse["part"]) == ("horse", None)
    assert np.array_equal(pixels_of(horse), box_pixels(10, 10, 40, 30))
    rows = list(SOURCES["figure-ground"](tmp_path, split="all", category="zebra"))
    assert [it["text"] for it in rows[0]["targets"][0]["expressions"]] == ["zebra"]


def test_a_coco_sample_in_one_file(layouts, tmp_path, sorted_out):
    layout = layouts["coco"]()
    layout.write(tmp_path, layout.records)
    (tmp_path / "val2017").rename(tmp_path / "images")
    (tmp_path / "annotations/instances_val2017.json").rename(tmp_path / "instances.json")
    rows, skipped = sorted_out(SOURCES["coco"](tmp_path, split="all"))
    assert not skipped and [row["image_id"] for row in rows] == ["7", "8"]
    splits = [SOURCES["coco"](tmp_path, split=it) for it in ("train", "val", "test")]
    assert sorted(len(sorted_out(split)[0]) for split in splits) == [0, 0, 2]  # the two pictures are twins
    assert json.loads((tmp_path / "instances.json").read_text())["images"][0]["id"] == 7
