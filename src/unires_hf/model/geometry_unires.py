# Copyright 2026 The unires-hf authors. All rights reserved.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Where a picture lies in the model's input and in its logit map, and the two ways between masks and maps."""

import math
from functools import lru_cache

import numpy as np
import torch


def content_size(image_size: tuple[int, int], size: tuple[int, int], resize_mode: str) -> tuple[int, int]:
    """
    The (height, width) in pixels that a picture takes inside an input of `size`.

    "letterbox" keeps the aspect ratio and leaves the right or the bottom of the input empty; "squash" fills the input.
    No side falls below one pixel, so that a line of 1x4000 pixels still has a place. The paper does not say how it
    resizes; both are our choice.
    """
    if resize_mode == "squash":
        return size
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    return max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale))


def content_extent(
    image_size: tuple[int, int], size: tuple[int, int], resize_mode: str, grid: tuple[int, int]
) -> tuple[float, float]:
    """
    The (rows, columns) that the picture takes in a map of `grid` cells laid over the whole input.

    Not whole numbers in general: a content of 299 pixels is 74.75 cells of 4. Rounding them would shift masks against
    their picture by up to half a cell, which a small part does not forgive.
    """
    height, width = content_size(image_size, size, resize_mode)
    return height * grid[0] / size[0], width * grid[1] / size[1]


def masks_to_coverage(masks: list[np.ndarray], extent: tuple[float, float], grid: tuple[int, int]) -> np.ndarray:
    """
    Soft labels: the share of each cell that the mask covers, by exact area averaging.

    Args:
        masks: k arrays (H, W), bool or values in [0, 1], at the size of their picture.
        extent: what `content_extent` says of the picture.
        grid: (h, w) cells of a label map.

    Returns:
        float32 array (k, h, w) in [0, 1]; 0 in the padding.
    """
    labels = np.zeros((len(masks), *grid), dtype=np.float32)
    for label, mask in zip(labels, masks, strict=True):
        rows, columns = _span(mask.any(1)), _span(mask.any(0))
        down, across = _cells(rows, extent[0], mask.shape[0]), _cells(columns, extent[1], mask.shape[1])
        vertical = _shares(grid[0], extent[0], mask.shape[0])[down, rows]
        horizontal = _shares(grid[1], extent[1], mask.shape[1])[across, columns]
        # PyTorch's product, since NumPy's starts threads in every worker of a data loader.
        label[down, across] = vertical @ torch.from_numpy(mask[rows, columns].astype(np.float32)) @ horizontal.T
    return labels.clip(0, 1)


def logits_to_mask(
    logits: torch.Tensor, extent: tuple[float, float], image_size: tuple[int, int], level: float
) -> tuple[torch.Tensor, list[int] | None]:
    """
    One logit map, resized bilinearly (`align_corners=False`) to the picture's own size and thresholded.

    Padding is cut off first. Only the region where the map exceeds `level` is resized: interpolation never exceeds its
    neighbors, so the result is that of resizing the whole, about four times sooner for an object of usual size.

    Args:
        logits: float32 tensor (h, w) on the CPU.
        extent: what `content_extent` says of the picture in this map.
        image_size: (H, W) of the mask wanted.
        level: the logit above which a pixel belongs to the mask.

    Returns:
        bool tensor (H, W), and its box [x0, y0, x1, y1] in pixels (x1 and y1 are one past the last), None if empty.
    """
    logits = logits[: math.ceil(extent[0]), : math.ceil(extent[1])]
    above = logits.numpy() > level
    (upper, lower, down), top = _taps(_span(above.any(1)), extent[0], logits.shape[0], image_size[0])
    (left, right, across), start = _taps(_span(above.any(0)), extent[1], logits.shape[1], image_size[1])
    stretched = logits.index_select(1, left).lerp_(logits.index_select(1, right), across)
    region = stretched.index_select(0, upper).lerp_(stretched.index_select(0, lower), down[:, None])

    mask = torch.zeros(image_size, dtype=torch.bool)
    inside = mask.numpy()[top : top + len(upper), start : start + len(left)]
    np.greater(region.numpy(), level, out=inside)
    return mask, box_of(inside, top, start)


def level_under(
    logits: torch.Tensor, extent: tuple[float, float], image_size: tuple[int, int], pixel: tuple[int, int]
) -> float:
    """The highest level at which `logits_to_mask` puts a pixel (row, column) into the mask."""
    logits = logits[: math.ceil(extent[0]), : math.ceil(extent[1])]
    (upper, lower, down), (left, right, across) = (
        [tap[at : at + 1] for tap in _neighbours(extent[axis], logits.shape[axis], image_size[axis])]
        for axis, at in enumerate(pixel)
    )
    stretched = logits.index_select(1, left).lerp_(logits.index_select(1, right), across)
    logit = stretched.index_select(0, upper).lerp_(stretched.index_select(0, lower), down[:, None]).numpy()
    return float(np.nextafter(logit, np.float32(-np.inf), dtype=np.float32).item())


def connected_region(mask: torch.Tensor, pixel: tuple[int, int]) -> tuple[torch.Tensor, list[int] | None]:
    """The pixels of a bool mask (H, W) that a path of edge neighbors joins to one (row, column) of it; their box."""
    inside = mask.numpy()
    runs = np.cumsum(np.diff(inside, axis=1, prepend=False) & inside, axis=1)  # in each row, by their numbers from 1
    region = np.zeros_like(inside)
    region[pixel[0]] = inside[pixel[0]] & (runs[pixel[0]] == runs[pixel])
    size = 0
    while size < (size := np.count_nonzero(region)):
        for rows in (range(1, len(region)), range(len(region) - 2, -1, -1)):
            for row in rows:
                reached = inside[row] & region[row - rows.step]
                if reached.any():
                    region[row] |= inside[row] & np.isin(runs[row], np.unique(runs[row][reached]))
    return torch.from_numpy(region), box_of(region)


def inside_box(mask: torch.Tensor, box: tuple[float, float, float, float]) -> tuple[torch.Tensor, list[int] | None]:
    """The pixels of a bool mask (H, W) that a box (x0, y0, x1, y1) touches, and the box of what is left."""
    left, top, right, bottom = (max(0, length) for length in box)
    kept = torch.zeros_like(mask)
    place = (slice(math.floor(top), math.ceil(bottom)), slice(math.floor(left), math.ceil(right)))
    kept[place] = mask[place]
    return kept, box_of(kept.numpy())


def box_of(inside: np.ndarray, top: int = 0, left: int = 0) -> list[int] | None:
    """[x0, y0, x1, y1] of the true pixels, whose array lies at (`top`, `left`); None if there are none."""
    rows, columns = _span(inside.any(1)), _span(inside.any(0))
    if rows.start == rows.stop:
        return None
    return [left + columns.start, top + rows.start, left + columns.stop, top + rows.stop]


def _span(flags: np.ndarray) -> slice:
    """From the first to the last true flag; `slice(0, 0)` if there is none."""
    indices = np.flatnonzero(flags)
    return slice(int(indices[0]), int(indices[-1]) + 1) if indices.size else slice(0, 0)


def _cells(pixels: slice, extent: float, length: int) -> slice:
    """The cells that these of `length` pixels fill a share of, where all of them fill `extent` cells."""
    return slice(int(pixels.start * extent / length), math.ceil(pixels.stop * extent / length))


@lru_cache(maxsize=64)
def _shares(cells: int, extent: float, length: int) -> torch.Tensor:
    """(cells, length): the share of each cell that each of `length` pixels fills, where they fill `extent` cells."""
    edges = np.arange(cells + 1) * (length / extent)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return torch.from_numpy((overlap.clip(0) * (extent / length)).astype(np.float32))


def _taps(
    span: slice, extent: float, cells: int, length: int
) -> tuple[tuple[torch.Tensor, torch.Tensor, torch.Tensor], int]:
    """The pixels that cells of `span` reach: their two neighbor cells, the second's weight, and the first pixel."""
    lower, upper, weight = _neighbours(extent, cells, length)
    first, last = torch.searchsorted(lower, torch.tensor([span.start - 1, span.stop])).tolist()
    pixels = slice(first, last if span.start < span.stop else first)
    return (lower[pixels], upper[pixels], weight[pixels]), first


@lru_cache(maxsize=64)
def _neighbours(extent: float, cells: int, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    position = ((torch.arange(length, dtype=torch.float32) + 0.5) * (extent / length) - 0.5).clamp(min=0)
    lower = position.floor().long()
    return lower, (lower + 1).clamp(max=cells - 1), position - lower
