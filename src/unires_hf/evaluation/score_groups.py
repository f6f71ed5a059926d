# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Scores by source, kind of expression, part name, or size of the referent: the model's and the trivial answers'."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from unires_hf.data.photo_expressions import kind_of

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


class Measured(Protocol):
    """What [`Results`] hold: a record an expression, of the model and of the controls."""

    records: pa.Table
    controls: pa.Table


def scores_by(results: Measured, group: str) -> dict[str, dict[str, float]]:
    """Scores of the expressions of each group.

    Args:
        results (`Results`): of an evaluation, with the controls that were asked for.
        group (`str`): a key of `GROUPS`.

    Returns:
        `dict[str, dict[str, float]]`: by group, in percent. Of the `n` expressions that have a referent: `miou`,
        `oiou`, `t_acc` (for how many of them there is a mask) and `miou_<control>`. Of the `n_no_target` that have
        none: `n_acc` (for how many there is no mask). What a group has nothing of is left out, but `n`.
    """
    name = GROUPS[group]
    groups: dict[str, dict[str, list[float]]] = {}
    for table in (results.records, results.controls):
        for record in table.drop_columns(["prediction"]).to_pylist():
            own = name(record)
            if own is None:
                continue
            kept = groups.setdefault(own, {})
            if record["predictor"] != "model":
                if not record["no_target"]:
                    kept.setdefault(f"miou_{record['predictor']}", []).append(record["iou"])
            elif record["no_target"]:
                kept.setdefault("n_acc", []).append(record["predicted_no_target"])
            else:
                kept.setdefault("miou", []).append(record["iou"])
                kept.setdefault("t_acc", []).append(not record["predicted_no_target"])
                kept.setdefault("intersection", []).append(record["intersection"])
                kept.setdefault("union", []).append(record["union"])
    return {own: _scores(kept) for own, kept in sorted(groups.items())}


def _scores(kept: dict[str, list[float]]) -> dict[str, float]:
    shared, covered = sum(kept.pop("intersection", [])), sum(kept.pop("union", []))
    return {
        "n": len(kept.get("miou", [])),
        **({"n_no_target": len(kept["n_acc"])} if "n_acc" in kept else {}),
        **{key: 100 * float(np.mean(values)) for key, values in kept.items()},
        **({"oiou": 100 * shared / covered} if covered else {}),
    }


def macro(scores: dict[str, dict[str, float]], key: str = "miou") -> float:
    """The mean of the groups' means, in which a rare part counts as much as a common one."""
    return float(np.mean([values[key] for values in scores.values() if key in values]))
