# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Scores by source, kind of expression, part name, or size of the referent: the model's and the trivial answers'."""

from collections.abc import Callable
from typing import Any

import numpy as np

from unires_hf.data.photo_expressions import kind_of

from .results import Results

Record = dict[str, Any]
_SIZES = ((0.001, "under 0.1 %"), (0.01, "0.1 to 1 %"), (0.1, "1 to 10 %"), (np.inf, "over 10 %"))


def _size(record: Record) -> str:
    share = record["gt_area"] / max(record["height"] * record["width"], 1)
    return next(name for limit, name in _SIZES if share < limit)


GROUPS: dict[str, Callable[[Record], str | None]] = {
    "source": lambda record: f"{record['source']} {record['granularity']}s",
    "kind": lambda record: kind_of(record["expression_id"]),
    "part": lambda record: record["part"],
    "size": lambda record: None if record["no_target"] else _size(record),
}
"""What a record's group is; the kind is read from ids that end in one. The size is the referent's, at the size where
the protocol compares, in shares of the picture."""


def scores_by(results: Results, group: str) -> dict[str, dict[str, float]]:
    """Scores of the expressions of each group.

    Args:
        results (`Results`): of an evaluation, with the controls that were asked for.
        group (`str`): a key of `GROUPS`.

    Returns:
        `dict[str, dict[str, float]]`: by group, `n` expressions and `miou` (0 to 100) of those that have a referent,
        `n_no_target` and `n_acc` of those that have none, and `miou_<control>`.
    """
    name = GROUPS[group]
    groups: dict[str, dict[str, list[float]]] = {}
    for table in (results.records, results.controls):
        for record in table.to_pylist():
            own = name(record)
            if own is None:
                continue
            control = "" if record["predictor"] == "model" else f"_{record['predictor']}"
            if record["no_target"] and not control:
                groups.setdefault(own, {}).setdefault("n_acc", []).append(record["predicted_no_target"])
            elif not record["no_target"]:
                groups.setdefault(own, {}).setdefault(f"miou{control}", []).append(record["iou"])
    return {
        own: {
            "n": len(values.get("miou", [])),
            **({"n_no_target": len(values["n_acc"])} if "n_acc" in values else {}),
            **{key: 100 * float(np.mean(kept)) for key, kept in values.items()},
        }
        for own, values in sorted(groups.items())
    }


def macro(scores: dict[str, dict[str, float]], key: str = "miou") -> float:
    """The mean of the groups' means, in which a rare part counts as much as a common one."""
    return float(np.mean([values[key] for values in scores.values() if key in values]))
