# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Breakdowns, accuracies and intervals, against loops in plain Python."""

import random
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unires_hf.evaluation import compute_metrics

records = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["object", "part"]),
        st.booleans(),
        st.booleans(),
        st.sampled_from("abcd"),
    ),
    min_size=1,
    max_size=30,
)


def columns(cases):
    inter, rest, granularity, no_target, denied, images = (list(column) for column in zip(*cases, strict=True))
    inter = [0 if empty else i for i, empty in zip(inter, no_target, strict=True)]
    union = [i + r for i, r in zip(inter, rest, strict=True)]
    return inter, union, granularity, no_target, denied, images


@settings(max_examples=60, deadline=None)
@given(records)
def test_breakdown_and_accuracies(cases):
    inter, union, granularity, no_target, denied, images = columns(cases)
    metrics = compute_metrics(
        inter,
        union,
        no_target=no_target,
        predicted_no_target=denied,
        granularity=granularity,
        image_ids=images,
        bootstrap=20,
    )
    assert metrics["n_images"] == len(set(images)) and metrics["n_no_target"] == sum(no_target)
    for suffix, kinds in {"": ("object", "part"), "_object": ("object",), "_part": ("part",)}.items():
        chosen = [k for k in range(len(inter)) if granularity[k] in kinds]
        if not chosen:
            assert f"miou{suffix}" not in metrics and f"n_expressions{suffix}" not in metrics
            continue
        assert metrics[f"n_expressions{suffix}"] == len(chosen)
        assert metrics[f"miou{suffix}"] == pytest.approx(100 * mean(inter[k] / (union[k] + 1e-6) for k in chosen))
        total = sum(union[k] for k in chosen)
        assert metrics[f"oiou{suffix}"] == pytest.approx(100 * sum(inter[k] for k in chosen) / total if total else 0)
        hits = [inter[k] / (union[k] + 1e-6) > 0.7 for k in chosen]
        assert metrics[f"pr@0.7{suffix}"] == pytest.approx(100 * mean(hits))
        absent, present = ([k for k in chosen if no_target[k] == wanted] for wanted in (True, False))
        if absent:
            assert metrics[f"n_acc{suffix}"] == pytest.approx(100 * mean(denied[k] for k in absent))
        else:
            assert f"n_acc{suffix}" not in metrics
        if absent and present:
            assert metrics[f"t_acc{suffix}"] == pytest.approx(100 * mean(not denied[k] for k in present))
    for name in metrics:
        if f"{name}_low" in metrics:
            assert 0 <= metrics[f"{name}_low"] <= metrics[f"{name}_high"] <= 100 + 1e-9


def test_intervals_are_those_of_resampled_images():
    """Another generator, image by image, expression by expression: the same interval within its own noise."""
    generator = random.Random(3)
    cases = [
        (image, generator.betavariate(2, 2 + image % 3), generator.randint(50, 500))
        for image in range(40)
        for _ in range(generator.randint(1, 6))
    ]
    inter, union = [int(share * size) for _, share, size in cases], [size for _, _, size in cases]
    images = [image for image, _, _ in cases]
    metrics = compute_metrics(inter, union, image_ids=images, bootstrap=4000)

    members = {image: [k for k in range(len(cases)) if images[k] == image] for image in set(images)}
    mious, oious = [], []
    for _ in range(4000):
        drawn = [k for image in generator.choices(list(members), k=len(members)) for k in members[image]]
        mious.append(100 * mean(inter[k] / (union[k] + 1e-6) for k in drawn))
        oious.append(100 * sum(inter[k] for k in drawn) / sum(union[k] for k in drawn))
    for name, values in (("miou", mious), ("oiou", oious)):
        low, high = np.percentile(values, [2.5, 97.5])
        noise = (high - low) / 20
        assert metrics[f"{name}_low"] == pytest.approx(low, abs=noise)
        assert metrics[f"{name}_high"] == pytest.approx(high, abs=noise)
    again = {seed: compute_metrics(inter, union, image_ids=images, bootstrap=200, seed=seed) for seed in (1, 2)}
    assert again[1] == compute_metrics(inter, union, image_ids=images, bootstrap=200, seed=1) != again[2]


def test_intervals_see_that_expressions_of_an_image_agree():
    inter, union = [0] * 50 + [10] * 50, [10] * 100
    alike = compute_metrics(inter, union, image_ids=[k // 25 for k in range(100)])
    apart = compute_metrics(inter, union, image_ids=list(range(100)))
    assert alike["miou_high"] - alike["miou_low"] > 2 * (apart["miou_high"] - apart["miou_low"])


def test_one_image_has_no_interval_and_none_can_be_asked_for():
    assert "miou_low" not in compute_metrics([1, 2], [3, 4], image_ids=["a", "a"])
    assert "miou_low" not in compute_metrics([1, 2], [3, 4], image_ids=["a", "b"], bootstrap=0)
    assert "miou_low" not in compute_metrics([1, 2], [3, 4])


def test_a_resample_without_parts_says_nothing_about_parts():
    metrics = compute_metrics([5, 5, 9], [10, 10, 10], granularity=["object", "object", "part"], image_ids=[1, 2, 3])
    assert metrics["miou_part_low"] == pytest.approx(90, abs=1e-3) and metrics["miou_part_high"] <= 90


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "no expression to score"),
        (([1], [2, 3]), "lengths"),
        (([3], [2]), "Expression 0 has intersection 3 and union 2"),
        (([-1], [2]), "0 <= I <= U"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_metrics(*arguments)


def test_missing_image_ids_are_named():
    with pytest.raises(ValueError, match="2 expressions but 1 image ids"):
        compute_metrics([1, 1], [2, 2], image_ids=["a"])
