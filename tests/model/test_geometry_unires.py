# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Masks to label maps and logit maps to masks, against slow and plain versions of both."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from unires_hf.model.geometry_unires import content_extent, content_size, logits_to_mask, masks_to_coverage

SIZE = (448, 448)
sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
modes = st.sampled_from(["letterbox", "squash"])


@pytest.mark.parametrize(
    ("image_size", "expected"),
    [((480, 640), (336, 448)), ((640, 480), (448, 336)), ((100, 100), (448, 448)), ((427, 640), (299, 448))],
)
def test_letterbox_keeps_the_aspect_ratio(image_size, expected):
    assert content_size(image_size, SIZE, "letterbox") == expected
    assert content_size(image_size, SIZE, "squash") == SIZE


def test_a_line_of_pixels_keeps_one_pixel():
    assert content_size((1, 4000), SIZE, "letterbox") == (1, 448)
    assert content_size((4000, 1), SIZE, "letterbox") == (448, 1)


def test_extent_is_not_rounded():
    assert content_extent((427, 640), SIZE, "letterbox", (112, 112)) == (74.75, 112.0)


def test_coverage_of_a_hand_made_mask():
    mask = np.zeros((4, 8), dtype=bool)
    mask[1:4, 2:7] = True
    labels = masks_to_coverage([mask], (2.0, 4.0), (4, 4))
    expected = [[0, 0.5, 0.5, 0.25], [0, 1, 1, 0.5], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(labels[0], expected, atol=1e-6)


@given(image_size=sizes, mode=modes, seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_coverage_is_the_mean_over_fine_samples(image_size, mode, seed):
    grid, samples = (6, 8), 40
    mask = np.random.default_rng(seed).random(image_size) < 0.4
    extent = content_extent(image_size, (24, 32), mode, grid)
    labels = masks_to_coverage([mask], extent, grid)[0]
    rows, columns = (
        np.floor((np.arange(cells * samples) + 0.5) / samples / reach * length).astype(int)
        for cells, reach, length in zip(grid, extent, image_size, strict=True)
    )
    inside = (rows < image_size[0])[:, None] & (columns < image_size[1])
    fine = mask[rows.clip(max=image_size[0] - 1)[:, None], columns.clip(max=image_size[1] - 1)] & inside
    brute = fine.reshape(grid[0], samples, grid[1], samples).mean((1, 3))
    # a sample grid misses each edge between pixels by less than a sample's width
    edges = sum(length / reach for length, reach in zip(image_size, extent, strict=True)) + 2
    assert np.abs(labels - brute).max() <= edges / samples
    area = labels.sum() / (extent[0] * extent[1])
    assert area == pytest.approx(mask.mean(), abs=1e-5)


@given(image_size=sizes, mode=modes, seed=st.integers(0, 1000), level=st.sampled_from([-0.6, 0.0, 1.5, 9.0]))
@example(image_size=(3, 17), mode="letterbox", seed=0, level=-0.6)
@settings(max_examples=100, deadline=None)
def test_mask_is_that_of_resizing_the_whole_map(image_size, mode, seed, level):
    grid = (12, 16)
    generator = torch.Generator().manual_seed(seed)
    logits = interpolate(torch.randn(1, 1, 4, 4, generator=generator) * 2, size=grid, mode="bicubic")[0, 0]
    extent = content_extent(image_size, (48, 64), mode, grid)
    mask, box = logits_to_mask(logits, extent, image_size, level)
    cut = logits[None, None, : math.ceil(extent[0]), : math.ceil(extent[1])]
    whole = cut[0, 0].double().numpy()
    for axis, (length, reach) in enumerate(zip(image_size, extent, strict=True)):
        places = (np.arange(length) + 0.5) * (reach / length) - 0.5
        cells = np.arange(whole.shape[axis])
        whole = np.apply_along_axis(lambda values, at=places, of=cells: np.interp(at, of, values), axis, whole)
    whole = torch.from_numpy(whole)
    surely = (whole - level).abs() > 1e-4
    assert mask.shape == image_size
    assert torch.equal(mask[surely], (whole > level)[surely])
    rows, columns = mask.nonzero(as_tuple=True)
    bounds = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else None
    assert box == (bounds and [int(bound) for bound in bounds])


@pytest.mark.parametrize("mode", ["letterbox", "squash"])
@pytest.mark.parametrize("image_size", [(480, 640), (333, 500), (1200, 300), (50, 40), (427, 640)])
def test_a_mask_survives_the_way_there_and_back(image_size, mode):
    rows, columns = np.ogrid[: image_size[0], : image_size[1]]
    center, radius = (0.7 * image_size[0], 0.6 * image_size[1]), (0.25 * image_size[0], 0.3 * image_size[1])
    mask = ((rows - center[0]) / radius[0]) ** 2 + ((columns - center[1]) / radius[1]) ** 2 < 1
    extent = content_extent(image_size, SIZE, mode, (112, 112))
    label = masks_to_coverage([mask], extent, (112, 112))[0]
    back = logits_to_mask(torch.from_numpy(label), extent, image_size, 0.5)[0].numpy()
    assert (mask & back).sum() / (mask | back).sum() > 0.97


def test_padding_does_not_bleed_into_the_mask():
    logits = torch.full((112, 112), -5.0)
    logits[84:] = 50.0  # the padding of a 480x640 picture
    mask, box = logits_to_mask(logits, (84.0, 112.0), (480, 640), 0.0)
    assert box is None
    assert not mask.any()
