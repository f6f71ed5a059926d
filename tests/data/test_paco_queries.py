# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.data.readers.paco_queries import read_paco_queries


def test_queries_are_true_of_annotations_and_false_of_pictures(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["paco-queries"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["7", "8"]
    said = {
        (row["image_id"], it["text"]): (masks.decode(target["mask"]), target["category"], it["expression_id"])
        for row in rows
        for target in row["targets"]
        for it in target["expressions"]
    }
    first, second = box_pixels(2, 2, 30, 40), box_pixels(45, 2, 30, 40)
    nothing = np.zeros_like(first)
    expected = {
        ("7", "black car"): (first, "car_(automobile)", "7/0:l1obj"),
        ("7", "car with a red wheel"): (first | second, "car_(automobile)", "7/1:l2part"),
        ("7", "brown dog"): (nothing, "", "7/2:l1obj"),
        ("8", "brown dog"): (box_pixels(10, 10, 40, 40), "dog", "8/2:l1obj"),
        ("8", "black car"): (nothing, "", "8/0:l1obj"),
    }
    assert said.keys() == expected.keys()
    for key, (mask, *names) in expected.items():
        assert np.array_equal(said[key][0], mask), key
        assert list(said[key][1:]) == names


def test_what_does_not_exist_is_named(layouts, tmp_path):
    layout = layouts["paco-queries"]()
    layout.records["queries"][0] |= {"pos_ann_ids": [1, 99], "neg_im_ids": [8, 77]}
    rows, skipped = layout.rows(tmp_path)
    assert [row["image_id"] for row in rows] == ["7", "8"]
    assert [it.reason for it in skipped] == ["there is no annotation 99.", "there is no image 77."]
    del layout.records["queries"]
    layout.write(tmp_path, layout.records)
    with pytest.raises(ValueError, match="has no queries"):
        list(read_paco_queries(tmp_path))
