# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Masks as COCO compressed RLE on pycocotools: bool arrays outside, `{"size": [h, w], "counts": str}` inside."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from .brief import brief

RLE = dict[str, Any]
# Our choice: annotators overshoot the border by a pixel or two; a polygon further out was drawn on another size.
OVERHANG = 0.05
WHOLE = (int, np.integer)


def encode(mask: np.ndarray) -> RLE:
    """Encodes a mask.

    Args:
        mask (`np.ndarray`): bool (or 0/1 integers) of shape (H, W).

    Raises:
        ValueError: if the array is not of shape (H, W) or is a float array, whose threshold only the caller knows.
    """
    if mask.ndim != 2 or mask.dtype.kind not in "bui":
        raise ValueError(f"a mask is a bool array of shape (H, W), got {mask.dtype} of shape {mask.shape}.")
    bits = mask.view(np.uint8) if mask.dtype == bool else (mask != 0).view(np.uint8)
    return _outside(coco_mask.encode(np.asfortranarray(bits)))


def decode(rle: RLE) -> np.ndarray:
    """Decodes an RLE to a bool array of shape (H, W) in column-major order.

    Raises:
        ValueError: if the RLE is broken (pycocotools would return uninitialized memory for a truncated one).
    """
    height, width = _size(rle)
    lengths = runs(rle)
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(width, height).T


def area(rle: RLE) -> int:
    """Number of pixels in the mask."""
    return int(runs(rle)[1::2].sum())


def bbox(rle: RLE) -> list[float]:
    """Tight box `[x, y, w, h]` in pixels; all zeros for an empty mask."""
    return [float(side) for side in coco_mask.toBbox(_inside(rle))]


def union(rles: Sequence[RLE]) -> RLE:
    """Pixels that are in any of the masks, without decoding them.

    Raises:
        ValueError: if there is no mask, or the sizes differ (pycocotools would return a mask of size 0 x 0).
    """
    sizes = {tuple(rle["size"]) for rle in rles}
    if len(sizes) != 1:
        raise ValueError(f"a union needs masks of one size, got {sorted(sizes) or 'no mask at all'}.")
    return rles[0] if len(rles) == 1 else _outside(coco_mask.merge([_inside(rle) for rle in rles]))


def intersection_union(a: RLE, b: RLE) -> tuple[int, int]:
    """Numbers of pixels in both masks and in either, from the RLEs alone.

    Raises:
        ValueError: if the sizes differ.
    """
    if list(a["size"]) != list(b["size"]):
        raise ValueError(f"masks to compare must have one size, got {list(a['size'])} and {list(b['size'])}.")
    pair = [_inside(a), _inside(b)]
    common = int(coco_mask.area(coco_mask.merge(pair, intersect=True)))
    return common, int(coco_mask.area(pair).sum(dtype=np.int64)) - common


def empty(height: int, width: int) -> RLE:
    """The mask with no pixel, which marks a no-target expression."""
    return _outside(coco_mask.encode(np.zeros((height, width), np.uint8, order="F")))


def difference(a: RLE, b: RLE) -> RLE:
    """Pixels that are in `a` and not in `b`, without decoding them.

    Raises:
        ValueError: if the sizes differ (pycocotools would return a mask of size 0 x 0).
    """
    if list(a["size"]) != list(b["size"]):
        raise ValueError(f"a difference needs masks of one size, got {list(a['size'])} and {list(b['size'])}.")
    others = runs(b)
    others = others[1:] if others[0] == 0 else np.concatenate(([0], others))
    return _outside(coco_mask.merge([_inside(a), _inside(_from_runs(others, *_size(b)))], intersect=True))


def resample(rle: RLE, rows: np.ndarray, columns: np.ndarray) -> RLE:
    """The mask whose row i is row `rows[i]` and whose column j is column `columns[j]` of this one, by its runs.

    Crops, scales to the nearest pixel, mirrors and moves a mask, several times sooner than on its pixels: the same as
    `encode(decode(rle)[rows][:, columns])`, but for rows and columns outside, which are empty.

    Args:
        rle: of a mask of (H, W).
        rows: int64 (h,), not decreasing; those below 0 or from H on are outside.
        columns: int64 (w,), in any order; those below 0 or from W on are outside.
    """
    height, width = _size(rle)
    ends = np.cumsum(runs(rle))
    starts, stops = ends[:-1:2], ends[1::2]
    # Each run in pieces that lie in one column.
    first, last = starts // height, (stops - 1) // height
    number = last - first + 1  # of an empty run: 0 or 1; it has no row below
    piece = np.repeat(np.arange(len(starts)), number)
    column = first[piece] + _counted(number)
    top = np.searchsorted(rows, np.maximum(starts[piece] - column * height, 0))
    bottom = np.searchsorted(rows, np.minimum(stops[piece] - column * height, height))
    seen = top < bottom
    column, top, bottom = column[seen], top[seen], bottom[seen]
    # Each new column takes the pieces of its old one.
    bounds = np.searchsorted(column, np.arange(width + 1))
    inside = (columns >= 0) & (columns < width)
    old = np.where(inside, columns, 0)
    number = np.where(inside, bounds[old + 1] - bounds[old], 0)
    piece = np.repeat(bounds[old], number) + _counted(number)
    offset = np.repeat(np.arange(len(columns)) * len(rows), number)
    starts, stops = top[piece] + offset, bottom[piece] + offset
    # Where one run ends and the next begins, at the same place, is no edge.
    edges = np.empty(2 * len(piece) + 2, dtype=np.int64)
    edges[0], edges[-1], edges[1:-1:2], edges[2:-1:2] = 0, len(rows) * len(columns), starts, stops
    kept = np.ones(len(edges), dtype=bool)
    np.not_equal(starts[1:], stops[:-1], out=kept[2:-2:2])
    kept[3:-2:2] = kept[2:-2:2]
    edges = edges[kept]
    return _from_runs(edges[1:] - edges[:-1], len(rows), len(columns))


def from_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> RLE:
    """Union of polygons `[x1, y1, x2, y2, …]`, so that pixels where two of them overlap stay in the mask.

    Polygons of fewer than three points have no area and are left out (PartImageNet and PACO have such).

    Raises:
        ValueError: if a polygon is not a list of finite coordinates, lies outside of the image by more than 5 % of
            its side, is in shares of it, or if none of the polygons has three points.
    """
    points = [_points(polygon, height, width) for polygon in polygons]
    points = [polygon for polygon in points if len(polygon) >= 6]
    if not points:
        raise ValueError(f"none of the {len(polygons)} polygons has three points.")
    if are_shares(np.concatenate(points), height, width):
        raise ValueError(f"the polygons are in shares of the side, as {brief(polygons)}: write pixels.")
    return _outside(coco_mask.merge(coco_mask.frPyObjects(points, height, width)))


def from_coco(segmentation: Any, height: int, width: int) -> RLE:
    """Any COCO `segmentation`: polygons, an RLE (compressed or not), or a list of RLEs (RefCLEF), as their union.

    Raises:
        ValueError: if it is none of these, is broken, or has another size than (height, width).
    """
    if isinstance(segmentation, dict):
        return _from_rle(segmentation, height, width)
    if not isinstance(segmentation, list | tuple) or len(segmentation) == 0:
        raise ValueError(f"a segmentation is a list of polygons or an RLE, got {brief(segmentation)}.")
    if isinstance(segmentation[0], dict):
        return union([_from_rle(rle, height, width) for rle in segmentation])
    return from_polygons(segmentation, height, width)


def are_shares(numbers: Sequence[float], height: int, width: int) -> bool:
    """Whether coordinates must be shares of the sides, as YOLO writes them: all within the first of many pixels."""
    return min(height, width) > 4 and all(0 <= number <= 1 for number in numbers)


def runs(rle: RLE) -> np.ndarray:
    """Run lengths of an RLE in column-major order, background first: int64 (number of runs,), not to be written to.

    Raises:
        ValueError: if the counts are broken or do not fill the size.
    """
    height, width = _size(rle)
    counts = rle.get("counts")
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if not isinstance(counts, str):
        raise ValueError(f"the counts of a compressed RLE are a string, got {brief(counts)}.")
    values = _runs_of.get((counts, height, width))
    return _remembered(counts, height, width, _decoded(counts, height, width)) if values is None else values


# A mask is checked, measured and changed one after the other, and the changed one again.
_runs_of: dict[tuple[str, int, int], np.ndarray] = {}


def _remembered(counts: str, height: int, width: int, values: np.ndarray) -> np.ndarray:
    if len(_runs_of) == 4096:
        _runs_of.clear()
    values.flags.writeable = False
    _runs_of[counts, height, width] = values
    return values


def _decoded(counts: str, height: int, width: int) -> np.ndarray:
    # COCO's code: six bits a character from "0" on; five of value, low bits first, and one that says "more follows".
    digits = np.frombuffer(counts.encode("latin-1", "replace"), np.uint8).astype(np.int64) - 48
    if digits.size == 0 or digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        raise ValueError("the counts of the RLE are cut off or hold foreign characters.")
    last = np.flatnonzero(digits & 32 == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    if (last - first).max() > 6:
        raise ValueError("the counts of the RLE hold a number beyond 32 bits.")
    shift = 5 * (np.arange(digits.size) - np.repeat(first, last - first + 1))
    values = np.add.reduceat((digits & 31) << shift, first)
    values -= np.where(digits[last] & 16, np.int64(32) << shift[last], 0)
    # From the fourth number on, each is the difference to the one two before it.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    if values.min() < 0 or values.sum() != height * width:
        raise ValueError(f"the runs of the RLE do not fill its size of {height} x {width} pixels.")
    return values


def _from_rle(rle: RLE, height: int, width: int) -> RLE:
    if _size(rle) != (height, width):
        raise ValueError(f"the mask is {rle['size']} (h, w), the image is {[height, width]}.")
    counts = rle.get("counts")
    if isinstance(counts, list):
        if not all(isinstance(run, int) and run >= 0 for run in counts) or sum(counts) != height * width:
            raise ValueError(f"the runs of the RLE do not fill its size of {height} x {width} pixels.")
        return _outside(coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width))
    return _outside(_inside(rle))


def _size(rle: RLE) -> tuple[int, int]:
    size = rle.get("size") if isinstance(rle, dict) else None
    if not isinstance(size, list | tuple | np.ndarray) or len(size) != 2:
        raise ValueError(f"an RLE is {{'size': [h, w], 'counts': …}}, got {brief(rle)}.")
    if not all(isinstance(side, WHOLE) and 0 < side < 2**16 for side in size):
        raise ValueError(f"the size of an RLE is [h, w] in pixels, got {brief(size)}.")
    return int(size[0]), int(size[1])


def _counted(number: np.ndarray) -> np.ndarray:
    """0, 1, … as often as each number says: `[2, 3]` gives `[0, 1, 0, 1, 2]`."""
    return np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)


def _from_runs(lengths: np.ndarray, height: int, width: int) -> RLE:
    rle = _outside(coco_mask.frPyObjects({"size": [height, width], "counts": lengths.tolist()}, height, width))
    _remembered(rle["counts"], height, width, lengths)
    return rle


def _inside(rle: RLE) -> RLE:
    """Checked, and with the bytes that pycocotools wants."""
    runs(rle)
    counts = rle["counts"]
    return {"size": list(_size(rle)), "counts": counts.encode() if isinstance(counts, str) else counts}


def _outside(rle: RLE) -> RLE:
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode()}


def _points(polygon: Any, height: int, width: int) -> np.ndarray:
    try:
        points = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a polygon is a list of numbers, got {brief(polygon)}.") from error
    if points.ndim != 1 or len(points) % 2 or not np.isfinite(points).all():
        raise ValueError(f"a polygon is a list x1, y1, x2, y2, … of finite numbers, got {brief(polygon)}.")
    # pycocotools walks every edge pixel by pixel: far points would take all memory.
    for axis, side in ((0, width), (1, height)):
        values = points[axis::2]
        if len(values) and (values.min() < -OVERHANG * side - 1 or values.max() > (1 + OVERHANG) * side + 1):
            raise ValueError(f"a polygon reaches out of the image of {height} x {width} (h, w): {brief(polygon)}.")
    return points
