# Copyright 2026 The unires-hf authors. Apache-2.0.
import json

import numpy as np
import PIL.Image
import pytest

from unires_hf.data import masks
from unires_hf.data.readers.refcocom import read_refcocom
from unires_hf.data.schema import Skipped


def test_cris_gives_one_row_an_image(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["cris"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["a", "b"]
    man, dog = rows[0]["targets"]
    assert (man["category"], dog["category"]) == ("person", "dog")
    assert [it["text"] for it in man["expressions"]] == ["man on the left", "left man"]
    assert np.array_equal(masks.decode(man["mask"]), box_pixels(5, 5, 20, 30))


def test_a_mask_of_254_and_of_another_size(layouts, box_pixels, tmp_path):
    layout = layouts["cris"]()
    layout.write(tmp_path, layout.records)
    folder = tmp_path / "masks/refcoco"
    PIL.Image.fromarray(box_pixels(5, 5, 20, 30).astype(np.uint8) * 254).save(folder / "0.png")
    PIL.Image.new("L", (60, 80), 255).save(folder / "1.png")
    PIL.Image.new("LA", (80, 60), (255, 255)).save(folder / "2.png")
    rows = list(layout.read(tmp_path))
    assert np.array_equal(masks.decode(rows[0]["targets"][0]["mask"]), box_pixels(5, 5, 20, 30))
    assert rows[1].where == "segment 1" and "(80, 60) (h, w), the image is (60, 80)" in rows[1].reason
    assert rows[2].where == "segment 2" and "alpha channel" in rows[2].reason


def test_refcocom_joins_parts_to_their_objects(layouts, tmp_path):
    rows, skipped = layouts["refcocom"]().rows(tmp_path)
    assert not skipped
    found = {
        it["target_id"]: (it["granularity"], it["category"], it["part"], it["parent_id"]) for it in rows[0]["targets"]
    }
    assert found == {
        "a/0": ("object", "dog", None, None),
        "a/1": ("object", "dog", None, None),
        "a/2": ("part", "dog", "head", "a/0"),
        "a/3": ("part", "dog", "head", "a/1"),
        "a/4": ("part", "dog", "leg", "a/1"),
    }


def test_no_object_is_guessed(layouts, tmp_path):
    layout = layouts["refcocom"]()
    layout.records["boxes"][1] = layout.records["boxes"][0] = [2, 2, 70, 55]
    layout.records["parts"][1]["sentences"] = [{"idx": 0, "sent_id": 30, "sent": "a head"}]
    layout.records["parts"][2]["sentences"] = [{"idx": 0, "sent_id": 40, "sent": "spots of the right one"}]
    rows, _ = layout.rows(tmp_path)
    found = {
        it["target_id"]: (it["part"], it["parent_id"]) for it in rows[0]["targets"] if it["granularity"] == "part"
    }
    # Both objects hold every part: only words tell, and of "a head" they do not.
    assert found == {"a/2": ("head", "a/0"), "a/3": ("head", None), "a/4": ("spot", "a/1")}


def test_refcocom_has_no_train_split(layouts, tmp_path):
    layout = layouts["refcocom"]()
    layout.write(tmp_path, layout.records)
    with pytest.raises(ValueError, match="train_part_only.json is missing. .* val, testA or testB"):
        list(read_refcocom(tmp_path, "train"))


def test_real_photographs(samples, sorted_out):
    root = samples("mini_refcocom")
    objects, parts, sayings = [], [], 0
    for split in ("val", "testA", "testB"):
        rows, skipped = sorted_out(read_refcocom(root, split))
        assert not skipped
        records = {
            it["segment_id"]: it for it in json.loads((root / f"annotations/{split}_object_part.json").read_text())
        }
        for target in (it for row in rows for it in row["targets"]):
            (objects if target["granularity"] == "object" else parts).append(target)
            number = int(target["target_id"].split("/")[1])
            truth = np.asarray(PIL.Image.open(root / f"masks/{number}.png")) > 0
            assert np.array_equal(masks.decode(target["mask"]), truth)
            said = [it["text"] for it in target["expressions"]]
            assert said == [it["sent"] for it in records[number]["sentences"]]
            sayings += len(said) if target["granularity"] == "part" else 0
    assert (len(objects), len(parts), sayings) == (9, 28, 33)
    # As a person joins them: in the release's order, an object's parts follow it.
    for part in parts:
        number = int(part["target_id"].split("/")[1])
        image = part["target_id"].split("/")[0]
        owners = [it["target_id"] for it in objects if it["target_id"].startswith(f"{image}/")]
        before = [it for it in owners if int(it.split("/")[1]) < number]
        assert part["parent_id"] == max(before, key=lambda it: int(it.split("/")[1]))
        assert part["part"] in {"head", "torso", "arm", "leg", "tail", "hand", "hair", "ear"}


def test_an_id_that_an_object_and_a_part_share_is_said(layouts, tmp_path):
    layout = layouts["refcocom"]()
    layout.records["parts"][2]["segment_id"] = 0
    layout.write(tmp_path, layout.records)
    skipped = [it for it in layout.read(tmp_path) if isinstance(it, Skipped)]
    assert "segment 0" in [it.where for it in skipped]
    assert any("an object and a part have this segment_id" in it.reason for it in skipped)
