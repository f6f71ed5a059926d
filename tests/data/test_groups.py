# Copyright 2026 The unires-hf authors. Apache-2.0.
"""An epoch says every expression once, in groups about one image."""

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.groups import ExpressionGroups
from unires_hf.data.schema import FEATURES


def make_row(name: str, counts: list[int], maskless: tuple[int, ...] = ()) -> dict:
    mask = np.zeros((8, 10), bool)
    mask[2:5, 3:7] = True
    targets = [
        {
            "target_id": f"{name}/{place}",
            "granularity": "object",
            "category": "thing",
            "part": None,
            "parent_id": None,
            "bbox": [3, 2, 4, 3],
            "mask": None if place in maskless else masks.encode(mask),
            "expressions": [
                {"expression_id": f"{name}/{place}/{number}", "text": f"thing {place} {number}"}
                for number in range(count)
            ],
        }
        for place, count in enumerate(counts)
    ]
    picture = Image.new("RGB", (10, 8))
    return {"image": picture, "image_id": name, "source": "test", "width": 10, "height": 8, "targets": targets}


def ids(groups: ExpressionGroups) -> list[list[str]]:
    return [
        [it["expression_id"] for target in groups[index]["targets"] for it in target["expressions"]]
        for index in range(len(groups))
    ]


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_list([make_row("a", [3, 0, 4]), make_row("b", [1]), make_row("c", [2, 2], (1,))], FEATURES)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_every_expression_once_an_epoch(rows, size):
    groups = ExpressionGroups(rows, size)
    said = [name for group in ids(groups) for name in group]
    assert len(said) == len(set(said)) == groups.num_expressions == 10
    assert max(map(len, ids(groups))) <= size
    assert all(len({name.split("/")[0] for name in group}) == 1 for group in ids(groups))


def test_each_epoch_deals_anew_and_repeatably(rows):
    groups = ExpressionGroups(rows, 3, seed=5)
    first = ids(groups)
    groups.set_epoch(1)
    second = ids(groups)
    assert first != second and len(first) == len(second)
    again = ExpressionGroups(rows, 3, seed=5)
    again.set_epoch(1)
    assert ids(again) == second


def test_expressions_stay_with_their_targets(rows):
    for row in (ExpressionGroups(rows, 2)[index] for index in range(len(ExpressionGroups(rows, 2)))):
        for target in row["targets"]:
            assert all(it["expression_id"].startswith(target["target_id"] + "/") for it in target["expressions"])


def test_targets_without_masks_are_counted_and_left_out(rows, caplog):
    groups = ExpressionGroups(rows, 8)
    assert "2 expressions are left out" in caplog.text
    assert not any(name.startswith("c/1") for group in ids(groups) for name in group)


def test_nothing_to_learn_is_refused():
    rows = Dataset.from_list([make_row("a", [2], (0,))], FEATURES)
    with pytest.raises(ValueError, match="nothing can be learned"):
        ExpressionGroups(rows, 4)
    with pytest.raises(ValueError, match="at least 1"):
        ExpressionGroups(rows, 0)
