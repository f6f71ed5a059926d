# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest
from scipy.io import savemat

from unires_hf.data import masks
from unires_hf.data.readers.phrasecut import read_phrasecut
from unires_hf.data.readers.referit import read_referit


def test_phrasecut_instances_are_one_mask(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["phrasecut"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["7", "8"]
    wheels, right = rows[0]["targets"]
    assert np.array_equal(masks.decode(wheels["mask"]), box_pixels(5, 5, 10, 10) | box_pixels(30, 5, 10, 10))
    assert wheels["category"] == "wheels" and wheels["expressions"][0]["text"] == "two wheels"
    assert right["target_id"] == "7/7__2"


def test_phrasecut_pictures_of_another_size_are_left_out(layouts, make_picture, tmp_path):
    layout = layouts["phrasecut"]()
    layout.write(tmp_path, layout.records)
    make_picture(tmp_path / "images/7.jpg", 80, 60)
    lost, row = read_phrasecut(tmp_path)
    assert lost.where == "image 7" and "annotations are for (60, 80)" in lost.reason
    assert row["image_id"] == "8"
    with pytest.raises(ValueError, match="refer_miniv.json is missing. .* miniv"):
        list(read_phrasecut(tmp_path, "miniv"))


def test_referit_has_masks_where_they_are_and_boxes_elsewhere(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["referit"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["7", "8"]
    sky, man = rows[0]["targets"]
    assert np.array_equal(masks.decode(sky["mask"]), box_pixels(0, 0, 80, 20))
    assert [it["text"] for it in sky["expressions"]] == ["sky", "blue sky"]
    assert man["mask"] is None and man["bbox"] == [5.0, 5.0, 20.0, 30.0]


def test_referit_masks_that_are_broken(layouts, tmp_path):
    layout = layouts["referit"]()
    layout.write(tmp_path, layout.records)
    savemat(tmp_path / "mask/7_1.mat", {"segimg_t": np.zeros((3, 3))})
    (tmp_path / "mask/8_1.mat").write_bytes(b"no")
    yielded = list(read_referit(tmp_path))
    assert [it.where for it in yielded[1:]] == ["region 7_1", "region 8_1"]
    assert "the mask is (3, 3)" in yielded[1].reason and "no readable .mat" in yielded[2].reason
    with pytest.raises(ValueError, match="referit_query_test.json is missing"):
        list(read_referit(tmp_path, "test"))
