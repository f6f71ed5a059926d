# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From one predicted mask and its ground truth to the pixel counts that every metric is computed from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unires_hf.data import masks
from unires_hf.evaluation.referring_segmentation_metric.protocols import Protocol


class Overlap(NamedTuple):
    """Pixel counts of a prediction against its ground truth, at the size where the protocol compares."""

    intersection: int
    union: int
    pred_area: int
    gt_area: int


def overlap(prediction: np.ndarray, truth: np.ndarray) -> Overlap:
    """Counts two bool masks of one shape (H, W); quickest when both are row-major.

    Raises:
        ValueError: if the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"The prediction is {prediction.shape} (h, w), its ground truth {truth.shape}; resize first.")
    intersection = int(np.count_nonzero(prediction & truth))
    pred_area, gt_area = int(np.count_nonzero(prediction)), int(np.count_nonzero(truth))
    return Overlap(intersection, pred_area + gt_area - intersection, pred_area, gt_area)


def score(prediction: np.ndarray, truth: masks.RLE, protocol: Protocol) -> Overlap:
    """Counts a predicted bool mask (H, W) at original size against an RLE, the way of the protocol.

    Raises:
        ValueError: if the RLE has another size than the prediction.
    """
    if list(prediction.shape) != list(truth["size"]):
        raise ValueError(f"The prediction is {list(prediction.shape)} (h, w), its ground truth {truth['size']}.")
    return overlap(protocol.resize(prediction), protocol.resize(masks.decode(truth)))


def truth_from_polygons(
    polygons: Sequence[Sequence[float]], height: int, width: int, protocol: Protocol
) -> np.ndarray:
    """The ground truth that LAVT's or gRefCOCO's own loader makes of polygons `[x1, y1, …]` in pixels, at the size at
    which it compares.

    Rows of our data sets hold the union of the polygons as an RLE, from which two quirks can no longer be had: LAVT
    makes pixels that several polygons cover background, and gRefCOCO scales polygons to 480 x 480 before it draws
    them. Whoever has the polygons and must match a published number to the last digit finds them here.

    Returns:
        `np.ndarray`: bool mask of `protocol.score_size`, or (height, width) where the protocol has none.
    """
    if protocol.rasterize_at_score_size and protocol.score_size is not None:
        down, right = protocol.score_size[0] / height, protocol.score_size[1] / width
        polygons = [(np.reshape(polygon, (-1, 2)) * (right, down)).ravel().tolist() for polygon in polygons]
        height, width = protocol.score_size
    if protocol.overlap == "drop":
        layers = sum(masks.decode(masks.from_polygons([polygon], height, width)).astype(int) for polygon in polygons)
        return protocol.resize(layers == 1)
    return protocol.resize(masks.decode(masks.from_polygons(polygons, height, width)))
