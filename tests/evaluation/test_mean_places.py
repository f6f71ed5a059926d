# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.evaluation import MeanPlaces, evaluate_model


def row(height, width, *boxes, part="hood", source="cars"):
    targets = []
    for left, top, right, bottom in boxes:
        mask = np.zeros((height, width), bool)
        mask[top:bottom, left:right] = True
        targets.append({"granularity": "part", "category": "car", "part": part, "mask": masks.encode(mask)})
    return {"source": source, "height": height, "width": width, "targets": targets}


def test_the_mean_is_what_is_covered_half_as_often_as_the_most_covered():
    rows = [row(64, 64, (0, 0, 32, 64)), row(128, 64, (0, 0, 48, 128)), row(64, 128, (0, 0, 128, 64))]
    places = MeanPlaces(rows)
    asked = row(32, 64, (0, 0, 1, 1))
    answer = places.answer(asked, asked["targets"][0])
    # Shares of the width: 3 of 3 cover up to a half, 2 up to three quarters, 1 the rest.
    assert answer.shape == (32, 64) and answer[:, :48].all() and not answer[:, 48:].any()


def test_nothing_is_known_of_what_was_never_seen():
    places = MeanPlaces([row(64, 64, (0, 0, 9, 9)), row(64, 64, (0, 0, 0, 0), part="trunk")])
    for other in (row(9, 9, (0, 0, 1, 1), part="trunk"), row(9, 9, (0, 0, 1, 1), source="facades")):
        assert places.answer(other, other["targets"][0]) is None


def test_the_evaluator_scores_it_and_another_targets_mask(painter, processor, boxes):
    rows = boxes.rows(4)
    places = MeanPlaces(rows)
    results = evaluate_model(painter, processor, rows, controls=["mean_place", "other_target"], mean_places=places)
    ious = {"mean_place": [], "other_target": []}
    for one in rows:
        for number, target in enumerate(one["targets"]):
            truth = masks.decode(target["mask"])
            other = masks.decode(one["targets"][(number + 1) % len(one["targets"])]["mask"])
            for _ in target["expressions"]:
                answer = places.answer(one, target)
                ious["mean_place"].append((answer & truth).sum() / ((answer | truth).sum() + 1e-6))
                ious["other_target"].append((other & truth).sum() / ((other | truth).sum() + 1e-6))
    for name, values in ious.items():
        assert results.summary[f"control_{name}_miou"] == pytest.approx(100 * np.mean(values), abs=1e-6)
    assert "its mean place in training" in results.markdown()
    with pytest.raises(ValueError, match="mean_place needs the mean_places"):
        evaluate_model(painter, processor, rows, controls=["mean_place"])
