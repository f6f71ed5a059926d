# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from unires_hf.data import masks

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def arrays(draw, size=None):
    height, width = size or draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    density = draw(st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
    return np.random.default_rng(draw(st.integers(0, 2**32))).random((height, width)) < density


def of_coco(rle):
    return {"size": rle["size"], "counts": rle["counts"].encode()}


@QUICK
@given(arrays())
def test_a_mask_survives_encoding_and_pycocotools_reads_it_alike(mask):
    rle = masks.encode(mask)
    assert isinstance(rle["counts"], str) and rle["size"] == list(mask.shape)
    assert np.array_equal(masks.decode(rle), mask)
    assert np.array_equal(coco_mask.decode(of_coco(rle)), mask)
    assert masks.area(rle) == mask.sum() == coco_mask.area(of_coco(rle))
    assert masks.bbox(rle) == coco_mask.toBbox(of_coco(rle)).tolist()


@QUICK
@given(st.lists(arrays(size=(23, 17)), min_size=1, max_size=4))
def test_union_and_intersection_are_those_of_the_pixels(pixels):
    rles = [masks.encode(it) for it in pixels]
    assert np.array_equal(masks.decode(masks.union(rles)), np.any(pixels, axis=0))
    both, either = masks.intersection_union(rles[0], rles[-1])
    assert both == (pixels[0] & pixels[-1]).sum() and either == (pixels[0] | pixels[-1]).sum()


@QUICK
@given(arrays(), st.data())
def test_a_damaged_rle_is_refused_or_means_what_it_says(mask, data):
    rle = masks.encode(mask)
    counts = rle["counts"]
    at = data.draw(st.integers(0, len(counts) - 1))
    counts = counts[:at] + data.draw(st.text(max_size=3)) + counts[at + data.draw(st.integers(0, 2)) :]
    try:
        found = masks.decode({"size": rle["size"], "counts": counts})
    except ValueError:
        return
    # What is accepted has runs that fill the image, so that it can be written again.
    assert found.shape == mask.shape
    assert np.array_equal(masks.decode(masks.encode(found)), found)


def test_long_runs_and_many_runs():
    mask = np.zeros((3000, 4000), bool)
    mask[2999, 3999] = True
    assert np.array_equal(masks.decode(masks.encode(mask)), mask)
    checks = np.indices((64, 64)).sum(axis=0) % 2 == 1
    assert np.array_equal(masks.decode(masks.encode(checks)), checks)


def test_overlapping_polygons_keep_their_overlap():
    polygons = [[2, 2, 20, 2, 20, 20, 2, 20], [10, 10, 30, 10, 30, 30, 10, 30]]
    mask = masks.decode(masks.from_polygons(polygons, 40, 50))
    apart = coco_mask.decode(coco_mask.frPyObjects(polygons, 40, 50))
    assert (apart.sum(axis=2) == 2).any()
    assert np.array_equal(mask, apart.any(axis=2))


def test_polygons_without_area_are_left_out():
    square = [2, 2, 20, 2, 20, 20, 2, 20]
    assert masks.from_polygons([[1, 2, 3, 4], square], 40, 50) == masks.from_polygons([square], 40, 50)
    with pytest.raises(ValueError, match="none of the 1 polygons has three points"):
        masks.from_polygons([[1, 2, 30, 40]], 40, 50)


@pytest.mark.parametrize(
    ("polygon", "sentence"),
    [
        ([1, 2, float("nan"), 4, 5, 6], "finite numbers"),
        ([1, 2, 3, 4, 5, 6, 7], "finite numbers"),
        ([1, 2, 1e9, 4, 5, 6], "reaches out of the image"),
        ([1, 2, 3, -1e9, 5, 6], "reaches out of the image"),
        ([1, 2, "x", 4, 5, 6], "list of numbers"),
        (None, "list x1, y1"),
        ([[1, 2], [3, 4], [5, 6]], "list x1, y1"),
    ],
)
def test_a_broken_polygon_is_named(polygon, sentence):
    with pytest.raises(ValueError, match=sentence):
        masks.from_polygons([polygon], 40, 50)


def test_every_form_of_a_coco_segmentation_gives_the_same_mask():
    mask = np.zeros((30, 20), bool)
    mask[5:15, 3:9] = True
    rle = masks.encode(mask)
    runs = masks.runs(rle).tolist()
    top, bottom = mask.copy(), mask.copy()
    top[10:], bottom[:8] = False, False
    for form in (rle, of_coco(rle), {"size": [30, 20], "counts": runs}, [masks.encode(top), masks.encode(bottom)]):
        assert masks.from_coco(form, 30, 20) == rle
    assert masks.from_coco([[3, 5, 9, 5, 9, 15, 3, 15]], 30, 20) == rle


@pytest.mark.parametrize(
    ("segmentation", "sentence"),
    [
        ({"size": [20, 30], "counts": "0"}, r"the mask is \[20, 30\] \(h, w\), the image is \[30, 20\]"),
        ({"size": [30, 20], "counts": [5, 3]}, "do not fill"),
        ({"size": [30, 20], "counts": [-5, 605]}, "do not fill"),
        ({"size": [30, 20], "counts": ""}, "cut off"),
        ({"size": [30, 20], "counts": "\x00é"}, "foreign characters"),
        ({"size": [30, 20], "counts": "o" * 20 + "0"}, "beyond 32 bits"),
        ({"size": [30, 20], "counts": 7}, "are a string"),
        ({"size": [30.0, 20.0], "counts": "0"}, "in pixels"),
        ({"counts": "0"}, "an RLE is"),
        ([], "list of polygons or an RLE"),
        ("x", "list of polygons or an RLE"),
        (None, "list of polygons or an RLE"),
    ],
)
def test_a_broken_segmentation_is_named(segmentation, sentence):
    with pytest.raises(ValueError, match=sentence):
        masks.from_coco(segmentation, 30, 20)


def test_a_truncated_rle_is_refused_where_pycocotools_returns_something():
    rle = masks.encode(np.eye(40, dtype=bool))
    cut = {"size": [40, 40], "counts": rle["counts"][:-2]}
    assert coco_mask.decode(of_coco(cut)).shape == (40, 40)
    for function in (masks.decode, masks.area, masks.bbox):
        with pytest.raises(ValueError, match="do not fill|cut off"):
            function(cut)


def test_masks_of_two_sizes_are_refused():
    a, b = masks.empty(3, 4), masks.empty(4, 3)
    with pytest.raises(ValueError, match="one size"):
        masks.union([a, b])
    with pytest.raises(ValueError, match="one size"):
        masks.intersection_union(a, b)
    with pytest.raises(ValueError, match="no mask at all"):
        masks.union([])
    with pytest.raises(ValueError, match="float32 of shape"):
        masks.encode(np.zeros((3, 4), np.float32))


def test_an_empty_mask_has_a_size_and_no_box():
    rle = masks.empty(3, 4)
    assert masks.area(rle) == 0 and masks.bbox(rle) == [0, 0, 0, 0] and masks.decode(rle).shape == (3, 4)
