# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Where things are in the photographs of a training set: an answer that needs no look at the picture."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from unires_hf.data import masks

Row = dict[str, Any]
_SIDE = 64


class MeanPlaces:
    """The mean place of each part, and of each category of objects, over rows.

    Every mask is brought to one square, and what is covered at least half as often as the spot that is covered most
    often is the answer (our choice), whatever the picture shows.

    Args:
        rows (`Iterable[dict]`): of the schema, such as those that a model was trained on; silent targets count.
    """

    def __init__(self, rows: Iterable[Row]):
        sums: dict[tuple, np.ndarray] = {}
        for row in rows:
            for target in row["targets"]:
                if target["mask"] is not None and masks.area(target["mask"]):
                    mean = sums.setdefault(_key(row, target), np.zeros((_SIDE, _SIDE)))
                    mean += _resized(masks.decode(target["mask"]), _SIDE, _SIDE)
        self._answers = {key: mean >= mean.max() / 2 for key, mean in sums.items()}

    def answer(self, row: Row, target: Row) -> np.ndarray | None:
        """The mean place of what a target is, as a bool mask of the row's size; None if the rows had nothing of it."""
        mean = self._answers.get(_key(row, target))
        return None if mean is None else _resized(mean, row["height"], row["width"]) >= 0.5


def _key(row: Row, target: Row) -> tuple:
    return row["source"], target["granularity"], target["category"], target["part"]


def _resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    picture = Image.fromarray(np.ascontiguousarray(mask).astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))
