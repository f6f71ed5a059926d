# Copyright 2026 The unires-hf authors. Apache-2.0.
from copy import deepcopy

import numpy as np
import pytest
from datasets import Dataset, load_dataset

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES, RowError, validate_row


@pytest.fixture
def row():
    mask = np.zeros((6, 8), bool)
    mask[1:3, 2:5] = True

    def target(number, granularity, part, parent, rle):
        expressions = [{"expression_id": f"{number}-0", "text": f"thing {number}"}]
        box = [2.0, 1.0, 3.0, 2.0]
        return {
            "target_id": str(number),
            "granularity": granularity,
            "category": "truck",
            "part": part,
            "parent_id": parent,
            "bbox": box,
            "mask": rle,
            "expressions": expressions,
        }

    targets = [target(0, "object", None, None, masks.encode(mask)), target(1, "part", "wheel", "0", None)]
    targets.append(target(2, "object", None, None, masks.empty(6, 8)))
    image = {"path": None, "bytes": b""}
    return {"image": image, "image_id": "a", "source": "test", "width": 8, "height": 6, "targets": targets}


def test_rows_come_back_from_parquet_as_they_were(row, tmp_path):
    validate_row(row)
    rows = [row | {"image": None}, row | {"image": None, "targets": row["targets"][::-1]}]
    Dataset.from_list(rows, features=FEATURES).to_parquet(tmp_path / "rows.parquet")
    for streaming in (False, True):
        read = load_dataset(
            "parquet",
            data_files=str(tmp_path / "rows.parquet"),
            split="train",
            streaming=streaming,
            cache_dir=tmp_path / "cache",
        )
        assert list(read) == rows
        assert read.features == FEATURES


def change(row, path, value):
    holder = row
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("targets", 1, "target_id"), "0", "target 0: the target_id 0 occurs twice"),
        (("targets", 0, "granularity"), "thing", "granularity is 'object' or 'part', got 'thing'"),
        (("targets", 0, "part"), "wheel", "an object has no part"),
        (("targets", 1, "parent_id"), "9", "target 1: the parent_id 9 is no object"),
        (("targets", 1, "parent_id"), "1", "the parent_id 1 is no object"),
        (("targets", 0, "mask"), masks.empty(8, 6), r"the mask is \[8, 6\] \(h, w\), the image is \[6, 8\]"),
        (("targets", 0, "bbox"), [5.0, 1.0, 4.0, 2.0], "does not lie in the image"),
        (("targets", 0, "bbox"), [0.0, float("nan"), 4.0, 2.0], "does not lie in the image"),
        (("targets", 0, "bbox"), None, "does not lie in the image"),
        (("targets", 1, "expressions", 0, "expression_id"), "0-0", "expression_id 0-0 occurs twice"),
        (("targets", 0, "expressions", 0, "text"), "  ", "has no words"),
        (("targets", 0, "expressions", 0, "text"), None, "has no words"),
    ],
)
def test_a_broken_row_is_named(row, path, value, sentence):
    broken = deepcopy(row)
    change(broken, path, value)
    with pytest.raises(RowError, match=sentence):
        validate_row(broken)


def test_a_row_lacks_a_column(row):
    del row["width"]
    with pytest.raises(RowError, match="no 'width'"):
        validate_row(row)
