# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Cases are chosen by rule: at random, largest gains, largest losses."""

import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.evaluation import evaluate_model
from unires_hf.report.cases import compared_cases, extreme_cases


def by_rule(cases):
    return {rule: [case for case in cases if case.rule == rule] for rule in ("random", "gain", "loss")}


def test_gains_and_losses_are_the_largest(compared, rows):
    results = list(compared.results.values())
    first, second = (np.where(one.records["union"].to_numpy(), one.records["iou"].to_numpy(), 1.0) for one in results)
    differences = np.sort(first - second)
    cases = by_rule(compared_cases(results, rows, 4, one_an_image=False))
    assert len(cases["random"]) == 4
    random = {(case.image, case.text, case.ious) for case in cases["random"]}
    gains, losses = (np.array([a - b for a, b in (case.ious for case in cases[rule])]) for rule in ("gain", "loss"))
    assert len(gains) == len(losses) == 4
    assert (np.diff(gains) <= 0).all() and gains.min() > 0 and (np.diff(losses) >= 0).all() and losses.max() < 0
    # What was drawn at random does not come a second time.
    drawn = {a - b for _, _, (a, b) in random}
    assert gains.tolist() == [it for it in differences[::-1] if it not in drawn][:4]
    assert losses.tolist() == [it for it in differences if it not in drawn][:4]


def test_a_case_is_what_was_measured(compared, rows):
    for case in compared_cases(list(compared.results.values()), rows, 2):
        (row,) = (row for row in rows if (row["source"], row["image_id"]) == case.image)
        said = {
            (it["text"], target["mask"]["counts"]): target for target in row["targets"] for it in target["expressions"]
        }
        assert said[case.text, case.truth["counts"]]["granularity"] == case.granularity
        for prediction, iou in zip(case.predictions, case.ious, strict=True):
            shared, union = masks.intersection_union(prediction, case.truth)
            assert iou == pytest.approx(shared / union if union else 1, abs=1e-5), "a right denial is no worst case"


def test_no_image_comes_twice_unless_allowed(compared, rows):
    results = list(compared.results.values())
    images = [case.image for case in compared_cases(results, rows, 2)]
    assert len(images) == len(set(images)) == 4
    many = compared_cases(results, rows, 5, one_an_image=False)
    assert len({case.image for case in many}) < len(many)


def test_the_seed_decides_the_random_ones(compared, rows):
    results = list(compared.results.values())
    texts = [
        tuple(case.text for case in by_rule(compared_cases(results, rows, 3, seed, False))["random"])
        for seed in (0, 0, 1)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_masks_must_have_been_kept(compared, checkpoints, rows):
    from unires_hf.loading import load_model

    without = evaluate_model(*load_model(checkpoints["tiny"]), rows, controls=(), bootstrap=0)
    with pytest.raises(ValueError, match="keep_masks=True"):
        extreme_cases(without, rows, 1)


def test_verdicts(compared, rows):
    cases = compared_cases(list(compared.results.values()), rows, 20, one_an_image=False)
    for case in cases:
        words = case.verdict(0)
        found = masks.area(case.predictions[0]) > 0
        if case.no_target:
            assert words == ("wrong: something found" if found else "right: nothing found")
        else:
            assert words == (f"IoU {100 * case.ious[0]:.0f}" if found else "nothing found")
    assert {case.no_target for case in cases} == {True, False}
