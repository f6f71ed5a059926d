# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Paired intervals: what is hard for all models falls out of their differences."""

import numpy as np
import pyarrow as pa
import pytest

from unires_hf.evaluation import Results
from unires_hf.evaluation.paired import paired_scores

IMAGES, EACH = 40, 5


def make_results(order: range = range(IMAGES * EACH)) -> Results:
    records = pa.table(
        {
            "source": ["photographs"] * len(order),
            "expression_id": [f"{place}" for place in order],
            "row": [place // EACH for place in order],
        }
    )
    return Results({}, records, records.slice(0, 0))


@pytest.fixture
def values() -> list[np.ndarray]:
    """Photographs of unlike difficulty; the second model is 0.05 worse everywhere, the third better by chance."""
    rng = np.random.default_rng(0)
    first = 0.2 + 0.5 * np.repeat(rng.random(IMAGES), EACH)
    return [first, first - 0.05, first + rng.normal(0, 0.1, len(first))]


def test_a_difference_that_is_the_same_everywhere_is_certain(values):
    everyone = np.ones(IMAGES * EACH, bool)
    first, second, third = paired_scores([make_results()] * 3, values, [everyone])
    assert first[3:] == (0, 0, 0)
    assert second[3:] == pytest.approx((-5, -5, -5))
    assert second.value == pytest.approx(100 * values[1].mean()) and first.high - first.low > 5
    assert third.difference_low < third.difference < third.difference_high
    spread = third.difference_high - third.difference_low
    assert spread == pytest.approx(
        2 * 1.96 * 100 * (values[2] - values[0]).reshape(IMAGES, EACH).mean(1).std() / IMAGES**0.5, rel=0.2
    )


def test_a_group_counts_as_much_as_another(values):
    rare = np.zeros(IMAGES * EACH, bool)
    rare[:7] = True
    (score,) = paired_scores([make_results()], values[:1], [rare, ~rare], resamples=50)
    assert score.value == pytest.approx(50 * (values[0][rare].mean() + values[0][~rare].mean()))


def test_other_expressions_are_refused(values):
    turned = make_results(range(IMAGES * EACH)[::-1])
    with pytest.raises(ValueError, match="different expressions"):
        paired_scores([make_results(), turned], values[:2], [np.ones(IMAGES * EACH, bool)])
