# Copyright 2026 The unires-hf authors. Apache-2.0.
import subprocess
import sys

import numpy as np
import pytest
from scipy.io import savemat

from unires_hf.data import masks
from unires_hf.data.readers.pascal_part import part_name, read_pascal_part


@pytest.mark.parametrize(
    ("name", "spoken", "instance"),
    [
        ("head", "head", "head"),
        ("lear", "ear", "l"),
        ("rear", "ear", "r"),
        ("lebrow", "eyebrow", "l"),
        ("llarm", "arm", "l"),
        ("luarm", "arm", "l"),
        ("rlleg", "leg", "r"),
        ("lfuleg", "leg", "lf"),
        ("rblleg", "leg", "rb"),
        ("lfpa", "paw", "lf"),
        ("rbho", "hoof", "rb"),
        ("lhorn", "horn", "l"),
        ("rwing", "wing", "r"),
        ("fwheel", "wheel", "fwheel"),
        ("wheel_3", "wheel", "wheel_3"),
        ("engine_1", "engine", "engine_1"),
        ("leftmirror", "mirror", "leftmirror"),
        ("bliplate", "license plate", "bliplate"),
        ("frontside", "front", "frontside"),
        ("leftside", "side", "leftside"),
        ("croofside_2", "roof", "croofside_2"),
        ("handlebar", "handlebar", "handlebar"),
        ("torso", "torso", "torso"),
    ],
)
def test_names_of_parts(name, spoken, instance):
    assert part_name(name) == (spoken, instance)


def test_objects_and_parts(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["pascal-part"]().rows(tmp_path)
    assert not skipped and [row["image_id"] for row in rows] == ["2008_000007", "2008_000008"]
    targets = {it["target_id"].split("/")[1]: it for it in rows[0]["targets"]}
    assert set(targets) == {"0", "0-head", "0-ear", "1"}
    ears = targets["0-ear"]
    assert np.array_equal(masks.decode(ears["mask"]), box_pixels(5, 5, 3, 3) | box_pixels(12, 5, 3, 3))
    assert ears["parent_id"] == "2008_000007/0" and ears["category"] == "dog"
    assert [it["text"] for it in ears["expressions"]] == ["ears of dog", "dog ears"]
    assert [it["text"] for it in targets["1"]["expressions"]] == ["bottle"]


def test_a_broken_part_costs_only_itself(layouts, tmp_path):
    layout = layouts["pascal-part"]()
    layout.records["2008_000007"][0]["parts"][1]["mask"] = np.ones((3, 3), np.uint8)
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == ["ear of object number 0"] and "the mask is (3, 3)" in skipped[0].reason
    assert [it["part"] for it in rows[0]["targets"]] == [None, "head", None]


def test_a_broken_file_costs_only_its_image(layouts, tmp_path):
    layout = layouts["pascal-part"]()
    layout.write(tmp_path, layout.records)
    (tmp_path / "Annotations_Part/2008_000007.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 200)
    (tmp_path / "ImageSets/Main/val.txt").write_text("2008_000007\n2008_000008\n2008_000009\n")
    first, row, last = read_pascal_part(tmp_path)
    assert first.where == "image 2008_000007" and "no readable .mat" in first.reason
    assert row["image_id"] == "2008_000008"
    assert last.where == "image 2008_000009" and "2008_000009.mat is missing" in last.reason


def test_splits(layouts, tmp_path):
    layout = layouts["pascal-part"]()
    layout.write(tmp_path, layout.records)
    assert len(list(read_pascal_part(tmp_path, "all"))) == 2
    with pytest.raises(ValueError, match="train.txt is missing. .* the split 'all'"):
        list(read_pascal_part(tmp_path, "train"))


LOAD = "import sys; from scipy.io import loadmat; loadmat(sys.argv[1])"


def test_a_file_that_kills_who_reads_it_is_one_lost_picture(layouts, sorted_out, tmp_path):
    layout = layouts["pascal-part"]()
    layout.write(tmp_path, layout.records)
    path = tmp_path / "Annotations_Part/2008_000007.mat"
    savemat(path, {"anno": np.array(["null", "hair", "skin"], dtype=object)})
    content = bytearray(path.read_bytes())
    for place in range(216, len(content)):  # in the tags of what is in it
        path.write_bytes(content[:place] + b"\0\0" + content[place + 2 :])
        if subprocess.run([sys.executable, "-c", LOAD, path], stderr=subprocess.DEVNULL).returncode < 0:
            break
    else:
        pytest.skip("this scipy dies of none of the damages that are tried here")
    rows, skipped = sorted_out(layout.read(tmp_path))
    assert [row["image_id"] for row in rows] == ["2008_000008"]
    assert [it.where for it in skipped] == ["image 2008_000007"]
    assert "it ends or exhausts the process that reads it" in skipped[0].reason
