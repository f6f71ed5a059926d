# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The arithmetic of referring segmentation: from one intersection and one union an expression to every metric."""

from collections.abc import Sequence

import numpy as np

from .protocols import Protocol, get_protocol

GRANULARITIES = ("object", "part")


def compute_metrics(
    intersection: Sequence[int] | np.ndarray,
    union: Sequence[int] | np.ndarray,
    *,
    protocol: str = "unires",
    no_target: Sequence[bool] | np.ndarray | None = None,
    predicted_no_target: Sequence[bool] | np.ndarray | None = None,
    granularity: Sequence[str] | np.ndarray | None = None,
    image_ids: Sequence[str] | np.ndarray | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, float | int]:
    """Every metric of a set of expressions, under flat keys, in percent.

    - `miou`: mean over expressions of the protocol's IoU. For a RefCOCOm file of objects and parts this pooled mean is
      the paper's "Obj & Part", and `miou_part` its "Part". [`Protocol.score`] says what empty masks get.
    - `oiou` (the field's other name: cIoU): ΣI / ΣU.
    - `giou`: mean IoU where two empty masks agree fully (LISA's rule; gRefCOCO's own rule under that protocol).
    - `pr@0.5` …: share of expressions whose IoU passes the threshold.
    - `n_acc`, `t_acc`: share of expressions without (with) a referent that the model rightly says have none (one).
      Only where there are expressions without a referent; gRefCOCO's code says 0 else, and so does its protocol.
    - The same with `_object` and `_part` where granularities are given and occur.
    - `…_low`, `…_high`: 95 % percentile bootstrap interval. Images are drawn, not expressions, because expressions of
      one image succeed and fail together (our choice). Only where there are two images or more.
    - `n_expressions`, `n_expressions_object`, `n_expressions_part`, `n_no_target`, and `n_images` if known.

    Args:
        intersection, union: pixels of each expression, at the size that the protocol prescribes.
        protocol (`str`, *optional*, defaults to `"unires"`): a key of [`PROTOCOLS`].
        no_target (*optional*): bool an expression, the ground truth is empty; all have a referent by default.
        predicted_no_target (*optional*): bool an expression, the model said that there is none; never by default.
        granularity (*optional*): "object" or "part" for each expression.
        image_ids (*optional*): the image of each expression; needed for intervals.
        bootstrap (`int`, *optional*, defaults to 1000): number of resamples; 0 for no intervals.
        seed (`int`, *optional*, defaults to 0): seed of the resampling.

    Raises:
        ValueError: if there is no expression, if lengths differ, if 0 <= I <= U is broken, or for an unknown name.
    """
    preset = get_protocol(protocol)
    intersection, union = np.asarray(intersection, np.int64), np.asarray(union, np.int64)
    count = len(intersection)
    no_target = np.zeros(count, bool) if no_target is None else np.asarray(no_target, bool)
    predicted = np.zeros(count, bool) if predicted_no_target is None else np.asarray(predicted_no_target, bool)
    granularity = np.full(count, "") if granularity is None else np.asarray(granularity)
    _check(intersection, union, no_target, predicted, granularity)

    members = {"": np.ones(count, bool)} | {f"_{kind}": granularity == kind for kind in GRANULARITIES}
    members = {suffix: member for suffix, member in members.items() if member.any()}
    shares = {
        name + suffix: (top * member, bottom * member)
        for suffix, member in members.items()
        for name, (top, bottom) in _shares(preset, intersection, union, no_target, predicted, member).items()
    }
    tops, bottoms = (np.stack(columns, axis=1).astype(float) for columns in zip(*shares.values(), strict=True))
    result: dict[str, float | int] = dict(zip(shares, _percent(tops.sum(0), bottoms.sum(0)).tolist(), strict=True))
    if preset.no_target_rule and not no_target.any():
        result |= {"n_acc": 0.0, "t_acc": 0.0}
    if image_ids is not None:
        images, index = np.unique(np.asarray(image_ids), return_inverse=True)
        if len(index) != count:
            raise ValueError(f"There are {count} expressions but {len(index)} image ids; give one for each.")
        if bootstrap and len(images) > 1:
            result |= _intervals(list(shares), tops, bottoms, index, bootstrap, seed)
        result["n_images"] = len(images)
    result |= {f"n_expressions{suffix}": int(member.sum()) for suffix, member in members.items()}
    return result | {"n_no_target": int(no_target.sum())}


def _shares(
    preset: Protocol,
    intersection: np.ndarray,
    union: np.ndarray,
    no_target: np.ndarray,
    predicted: np.ndarray,
    member: np.ndarray,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each metric as a numerator and a denominator an expression, so that any sum over images is two sums."""
    iou, shared, covered = preset.score(intersection, union, no_target, predicted)
    generous = iou if preset.no_target_rule else np.where(union == 0, 1.0, intersection / np.maximum(union, 1))
    everyone = np.ones(len(iou), bool)
    shares = {"miou": (iou, everyone), "oiou": (shared, covered), "giou": (generous, everyone)}
    asked = ~no_target if preset.pr_targeted_only else everyone
    for threshold in preset.pr_thresholds:
        passed = iou >= threshold if preset.pr_includes_equal else iou > threshold
        shares[f"pr@{threshold:g}"] = (passed & asked, asked)
    if (no_target & member).any():
        shares["n_acc"] = (predicted & no_target, no_target)
        if (~no_target & member).any():
            shares["t_acc"] = (~predicted & ~no_target, ~no_target)
    return shares


def _percent(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """A share of nothing is 0, as with the epsilons in the papers' code."""
    return 100 * np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _intervals(
    names: list[str], tops: np.ndarray, bottoms: np.ndarray, image: np.ndarray, resamples: int, seed: int
) -> dict[str, float]:
    images = int(image.max()) + 1
    tops, bottoms = (_sum_by_image(columns, image, images) for columns in (tops, bottoms))
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        times = np.bincount(generator.integers(images, size=images), minlength=images).astype(float)
        top, bottom = times @ tops, times @ bottoms
        # A resample may hold no part at all: it says nothing about parts.
        drawn.append(np.where(bottom > 0, _percent(top, bottom), np.nan))
    intervals = {}
    for name, values in zip(names, np.array(drawn).T, strict=True):
        values = values[~np.isnan(values)]
        if len(values):
            low, high = np.percentile(values, [2.5, 97.5]).tolist()
            intervals |= {f"{name}_low": low, f"{name}_high": high}
    return intervals


def _sum_by_image(columns: np.ndarray, image: np.ndarray, images: int) -> np.ndarray:
    return np.stack([np.bincount(image, weights=column, minlength=images) for column in columns.T], axis=1)


def _check(intersection: np.ndarray, union: np.ndarray, *others: np.ndarray) -> None:
    if len(intersection) == 0:
        raise ValueError("There is no expression to score; is the split empty?")
    lengths = [len(column) for column in (intersection, union, *others)]
    if len(set(lengths)) != 1:
        raise ValueError(f"All columns must be one value an expression, got lengths {lengths}.")
    wrong = np.flatnonzero((intersection < 0) | (intersection > union))
    if len(wrong):
        pair = int(intersection[wrong[0]]), int(union[wrong[0]])
        raise ValueError(
            f"Expression {wrong[0]} has intersection {pair[0]} and union {pair[1]}; 0 <= I <= U must hold."
        )
