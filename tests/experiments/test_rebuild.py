# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The rebuild test: what is counted, how strictness is chosen, and a whole run on drawn scenes."""

import dataclasses

import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.engine.case import make_target
from unires_hf.engine.part_stage import PartsRecipe
from unires_hf.engine.verification import Listener, ListenerRecipe
from unires_hf.experiments.rebuild import (
    NOT_ASKED,
    Proposal,
    Rebuilt,
    Strictness,
    as_labeled,
    given,
    markdown,
    rebuild,
    scene_names,
    scene_rows,
    with_owners,
)
from unires_hf.scenes import PartScenes


def proposal(score: float, iou: float, image: int = 0, named: bool = True, **asked: float) -> Proposal:
    values = {"agreement": 1.0, "listener": 1.0, "similarity": NOT_ASKED, **asked}
    return Proposal(image, "car", "wheel", score, **values, named=named, iou=iou)


@pytest.fixture
def rebuilt() -> Rebuilt:
    """Two pictures with four parts: two are found, one of them barely; one name is wrong."""
    made = [proposal(0.9, 0.8), proposal(0.6, 0.5, 1), proposal(0.5, 0.2), proposal(0.3, 0.0, 1, named=False)]
    return Rebuilt(made, [2, 2])


def test_precision_recall_and_names_are_counted(rebuilt):
    found = rebuilt.summary()
    assert (found["proposals"], found["yield"]) == (4, 100)
    assert (found["precision"], found["recall"]) == (50, 50)
    assert (found["name_precision"], found["name_recall"]) == (75, 75)
    assert found["mask_iou"] == pytest.approx(50)
    assert found["precision_interval"] == [50, 50]  # each picture has one right of two
    assert rebuilt.summary(Strictness(score=0.55))["precision"] == 100


def test_each_verifier_judges_what_was_proposed():
    made = [proposal(0.9, 0.8, agreement=0.4), proposal(0.9, 0.1, listener=0.4), proposal(0.9, 0.7)]
    table = Rebuilt(made, [3]).table(Strictness(score=0.95))
    assert {name: it["proposals"] for name, it in table.items()} == {
        "none": 3,
        "agreement": 2,
        "listener": 2,
        "all": 1,
        "all, chosen": 0,
    }
    assert [table[it]["precision"] for it in ("agreement", "listener", "all")] == [50, 100, 100]
    assert "similarity" in Rebuilt([dataclasses.replace(made[0], similarity=-0.1)], [1]).table()
    lines = markdown({"cars": table}).splitlines()
    assert len(lines) == 7 and lines[4].startswith("| cars | listener | 2 | 66.7 | 100.0 (")


def test_strictness_is_what_comes_nearest_to_the_aim(rebuilt):
    chosen = rebuilt.strictest_needed(aim=(85, 50))
    assert rebuilt.summary(chosen)["precision"] == 100 and rebuilt.summary(chosen)["recall"] == 50
    heard = Rebuilt([proposal(0.5, 0.9), proposal(0.5, 0.0, listener=0.4)], [1])
    assert heard.strictest_needed().listener == 0.5


def test_the_truth_is_what_people_labeled():
    whole, half = np.ones((8, 8), bool), np.zeros((8, 8), bool)
    half[:4] = True
    targets = [
        make_target("7/left", "car", masks.encode(half), "wheel"),
        make_target("7/right", "car", masks.encode(whole & ~half), "wheel"),
        make_target("7-several-0", "car", masks.encode(whole), "wheels"),
        make_target("7-nothing-1", "car", masks.empty(8, 8), "wing"),
    ]
    row = {"image_id": "7", "targets": targets}
    (owner, *parts) = with_owners(as_labeled(row))["targets"]
    assert (owner["mask"], owner["bbox"], len(parts)) == (None, [0, 0, 8, 8], 2)
    assert {it["parent_id"] for it in parts} == {owner["target_id"]}
    (scene,) = scene_rows(PartScenes("val", 1))
    _, truth = given({**scene, "targets": [owner, *parts]})
    assert list(truth) == [(owner["target_id"], "wheel")] and truth[owner["target_id"], "wheel"].all()


def test_a_run_on_drawn_scenes(checkpoints):
    model = checkpoints["tiny"]
    rows = list(scene_rows(PartScenes("val", 2)))
    recipe = PartsRecipe(model, 0.0, containment=0.0, max_share=2.0, max_overlap=1.0, sides=False)
    rebuilt = rebuild(rows, recipe, Listener(ListenerRecipe(model, iou=0.0)), vocabulary=scene_names())
    assert rebuilt.truths == [sum(it["part"] is not None for it in row["targets"]) for row in rows]
    assert rebuilt.proposals and {it.image for it in rebuilt.proposals} == {0, 1}
    for it in rebuilt.proposals:
        assert all(0 <= value <= 1 for value in (it.score, it.agreement, it.listener, it.iou))
        assert it.named or it.iou == 0
    assert any(it.agreement > 0 for it in rebuilt.proposals) and any(it.listener > 0 for it in rebuilt.proposals)
