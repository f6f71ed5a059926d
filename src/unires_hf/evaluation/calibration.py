# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Does a score of 0.8 mean that four masks of five are right? How far it is off, and what mends it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from transformers import ProcessorMixin
from transformers.utils import PROCESSOR_NAME

BINS = 10
COLDEST, HOTTEST = 0.05, 20.0


def reliability(scores: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[tuple[int, float, float]]:
    """
    For each of so many equal steps of the score, those without an answer left out: how many answers, their mean score,
    and the share of them that is right.

    Args:
        scores (`np.ndarray`): (answers,) in [0, 1].
        right (`np.ndarray`): (answers,), whether the mask is right.
    """
    step = np.minimum((np.asarray(scores, float) * bins).astype(int), bins - 1)
    return [
        (int(chosen.sum()), float(np.mean(scores[chosen], dtype=float)), float(np.mean(right[chosen])))
        for chosen in (step == number for number in range(bins))
        if chosen.any()
    ]


def calibration_error(scores: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error in [0, 1] (Guo et al., 2017): the mean gap of a step, weighted by its answers."""
    steps = reliability(scores, right, bins)
    return sum(count * abs(score - share) for count, score, share in steps) / len(scores)


def calibrate(processor: ProcessorMixin, records: pa.Table, folder: str | Path) -> Path:
    """
    Fits the processor's temperature and bias to the records of an evaluation, and saves it in its checkpoint.

    A mask is right above an IoU of 0.5 with what is meant. Measure the error that is left on other data.

    Args:
        processor (`UniResProcessor`): with those that the records' scores were made with.
        records (`pa.Table`): of the model, see [`Results`].
        folder: the checkpoint.

    Raises:
        ValueError: as [`fit_scores`].
    """
    scores = records["score"].to_numpy(zero_copy_only=False)
    right = (records["iou"].to_numpy() > 0.5) & ~records["no_target"].to_numpy(zero_copy_only=False)
    temperature, bias = fit_scores(scores[scores > 0], right[scores > 0])
    processor.score_temperature *= temperature
    processor.score_bias = processor.score_bias / temperature + bias
    processor.save_pretrained(folder)
    return Path(folder, PROCESSOR_NAME)


def fit_scores(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """
    The temperature T and the bias b at which sigmoid(logit(score) / T + b) is likeliest to have given what is right.

    Guo et al. (2017) have the temperature alone. A score is the mean of probabilities that exceed the mask threshold,
    so that hardly one is below 0.5, where a temperature can bring none; Platt's bias can (our choice). Newton's steps
    find the one peak of the likelihood. T lies between 0.05 and 20.

    Raises:
        ValueError: if there are fewer than two answers, or all are right, or none is.
    """
    right = np.asarray(right, bool)
    if len(right) < 2 or right.all() or not right.any():
        raise ValueError(
            f"{int(right.sum())} of {len(right)} answers are right: a temperature needs some that are and some that "
            "are not. Give more expressions."
        )
    probabilities = np.clip(np.asarray(scores, float), 1e-6, 1 - 1e-6)
    logits = np.log(probabilities / (1 - probabilities))

    columns = np.stack([logits, np.ones_like(logits)])
    weights = np.array([1.0, 0.0])
    for _ in range(100):
        shares = 1 / (1 + np.exp(-np.clip(weights @ columns, -30, 30)))
        curvature = (columns * (shares * (1 - shares))) @ columns.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, columns @ (right - shares))
        weights = weights + step * min(1, 1 / np.abs(step).max())  # no farther than 1 at once, or it may leap away
    return 1 / float(np.clip(weights[0], 1 / HOTTEST, 1 / COLDEST)), float(weights[1])
