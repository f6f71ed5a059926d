# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models measured on the same expressions: their scores, and how sure their differences are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .results import Results


class PairedScore(NamedTuple):
    """A model's score in percent, and what it has over the first model's, each with its 95 % interval."""

    value: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float


def paired_scores(
    results: Sequence[Results],
    values: Sequence[np.ndarray],
    members: Sequence[np.ndarray],
    resamples: int = 1000,
    seed: int = 0,
) -> list[PairedScore]:
    """A score of each model, as a mean over groups of the mean over the expressions of each.

    Images are drawn, not expressions, as in [`compute_metrics`], and each draw scores all models: what is hard for all
    falls out of their differences.

    Args:
        results: of the models, on the same rows.
        values: what each model gets for each expression, in [0, 1].
        members: bool an expression, one array a group; a single one for a plain mean.
        resamples, seed: of the percentile bootstrap.

    Raises:
        ValueError: if the models were measured on different expressions.
    """
    expressions = [one.records.select(["source", "expression_id", "row"]) for one in results]
    if any(not one.equals(expressions[0]) for one in expressions):
        raise ValueError("The models were measured on different expressions; measure them on the same rows.")
    _, image = np.unique(results[0].records["row"].to_numpy(), return_inverse=True)
    images = int(image.max()) + 1
    # The first draw is the data itself.
    draws = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)
    draws = np.vstack([np.ones(images), draws])
    groups = np.stack(members).astype(float)
    counts = draws @ _by_image(groups, image, images)
    known = counts > 0  # a draw may miss a group, of which it says nothing
    groups_known = np.where(known.any(1), known.sum(1), np.nan)
    scores = []
    for one in values:
        means = np.divide(
            draws @ _by_image(groups * one, image, images), counts, out=np.zeros_like(counts), where=known
        )
        scores.append(100 * means.sum(1) / groups_known)
    return [PairedScore(*_with_interval(one), *_with_interval(one - scores[0])) for one in scores]


def _by_image(columns: np.ndarray, image: np.ndarray, images: int) -> np.ndarray:
    """From (groups, expressions) to sums (images, groups)."""
    return np.stack([np.bincount(image, weights=column, minlength=images) for column in columns], axis=1)


def _with_interval(draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.nanpercentile(draws[1:], [2.5, 97.5])
    return float(draws[0]), float(low), float(high)
