# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.data.readers.gseval import read_gseval
from unires_hf.data.readers.instruct_part import read_instruct_part


def test_gseval(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["gseval"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["000000000267", "000000000615"]
    smoke, tail = rows[0]["targets"]
    assert (smoke["granularity"], smoke["category"], smoke["part"]) == ("object", "smoke", None)
    assert (tail["granularity"], tail["category"], tail["part"]) == ("part", "", "tail")
    assert np.array_equal(masks.decode(tail["mask"]), box_pixels(10, 10, 8, 8))
    assert [it["text"] for it in tail["expressions"]] == ["The tail of the plane."]
    with pytest.raises(ValueError, match="no split 'val', only test"):
        list(read_gseval(tmp_path, "val"))


def test_gseval_finds_pictures_in_a_folder_of_their_own(layouts, tmp_path):
    layouts["gseval"]().rows(tmp_path)
    (tmp_path / "unlabeled2017").rename(tmp_path / "elsewhere")
    rows = list(read_gseval(tmp_path, images=tmp_path / "elsewhere"))
    assert [len(row["targets"]) for row in rows] == [2, 1]


def test_instruct_part(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["instruct-part"]().rows(tmp_path)
    assert not skipped
    assert [row["image_id"] for row in rows] == ["a-coffee_cup-handle", "b-knife-blade"]
    (handle,) = rows[0]["targets"]
    assert (handle["granularity"], handle["category"], handle["part"]) == ("part", "coffee cup", "handle")
    assert np.array_equal(masks.decode(handle["mask"]), box_pixels(5, 5, 10, 10))
    assert [it["text"] for it in handle["expressions"]] == ["handle of the coffee cup"]
    asked = next(read_instruct_part(tmp_path, instruction="human"))
    assert [it["text"] for it in asked["targets"][0]["expressions"]] == ["Pour it."]
    with pytest.raises(ValueError, match="in the ways human, rewritten"):
        list(read_instruct_part(tmp_path, instruction="other"))
