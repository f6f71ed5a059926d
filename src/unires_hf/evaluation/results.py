# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What an evaluation leaves: a record an expression, flat numbers, and both as files and as a Markdown table."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from unires_hf.evaluation.referring_segmentation_metric.metrics import compute_metrics
from unires_hf.evaluation.referring_segmentation_metric.protocols import get_protocol
from unires_hf.files import whole, write_json, write_text

from .behaviors import behavior_summary, behavior_table
from .score_groups import scores_by
from .score_table import markdown_table

RECORDS = pa.schema(
    {
        "predictor": pa.string(),
        "row": pa.int64(),
        "source": pa.string(),
        "image_id": pa.string(),
        "target_id": pa.string(),
        "expression_id": pa.string(),
        "granularity": pa.string(),
        "category": pa.string(),
        "part": pa.string(),
        "text": pa.string(),
        "n_words": pa.int32(),
        "height": pa.int32(),
        "width": pa.int32(),
        "no_target": pa.bool_(),
        "predicted_no_target": pa.bool_(),
        "score": pa.float32(),
        "intersection": pa.int64(),
        "union": pa.int64(),
        "pred_area": pa.int64(),
        "gt_area": pa.int64(),
        "prediction": pa.struct({"size": pa.list_(pa.int32()), "counts": pa.string()}),
        "boundary_iou": pa.float64(),
        "parent_iou": pa.float64(),
        "sibling_iou": pa.float64(),
        "mirror_iou": pa.float64(),
        "swap_iou": pa.float64(),
        "click_iou": pa.float64(),
        "box_iou": pa.float64(),
    }
)
"""`predictor` is "model" or a control's name. `row` is the image's place in what was evaluated: two data sets that
are measured together may call their images, and so their expressions, alike. Areas are in pixels where the protocol
compares; `height` and `width` are the image's. `prediction` is the model's mask as RLE at original size, where masks
were kept. The last seven are there where behaviors were measured, see [`probe_batch`]."""
_KEY = ("source", "predictor", "expression_id", "row")


@dataclass(frozen=True)
class Results:
    """The outcome of an evaluation.

    Args:
        summary (`dict`): flat; the keys of [`compute_metrics`] in percent, the same for each control as
            `control_<name>_<key>` without intervals, and the settings. Only `by_source` is nested: what
            [`scores_by`] gives, which tells expressions with a referent from those without.
        records (`pa.Table`): one row an expression: [`RECORDS`] and `iou`, the protocol's, in [0, 1].
        controls (`pa.Table`): the same for the controls.
    """

    summary: dict[str, Any]
    records: pa.Table
    controls: pa.Table

    @classmethod
    def from_records(cls, records: pa.Table, settings: Mapping[str, Any]) -> "Results":
        """Computes the summary; the order of the records makes no difference, nor do rows that two processes scored.

        Args:
            records (`pa.Table`): of the schema [`RECORDS`].
            settings: what made them, with the keys `protocol`, `bootstrap` and `bootstrap_seed` at least.

        Raises:
            ValueError: if there is no record of the model.
        """
        records = _once(records)
        predictors = np.array(records["predictor"].to_pylist())
        ious = _ious(records, settings["protocol"])
        records = records.append_column("iou", pa.array(ious, pa.float64()))
        chosen = predictors == "model"
        if not chosen.any():
            raise ValueError("There is no expression to score; is the split empty, or are all its targets boxes only?")
        summary = _metrics(records.filter(pa.array(chosen)), settings, settings["bootstrap"])
        for name in dict.fromkeys(predictors[~chosen].tolist()):
            metrics = _metrics(records.filter(pa.array(predictors == name)), settings, 0)
            summary |= {f"control_{name}_{key}": value for key, value in metrics.items()}
        if settings.get("behaviors"):
            summary |= behavior_summary(records.filter(pa.array(chosen)))
        summary |= {**settings, "data_sha256": _data_digest(records.filter(pa.array(chosen)))}
        results = cls(summary, records.filter(pa.array(chosen)), records.filter(pa.array(~chosen)))
        summary["by_source"] = scores_by(results, "source")
        return results

    def with_referent(self) -> "Results | None":
        """The results of the expressions that have a referent; None where all or none of them have one."""
        tables = [
            table.filter(pc.invert(table["no_target"])).drop_columns("iou") for table in (self.records, self.controls)
        ]
        if len(tables[0]) in (0, len(self.records)):
            return None
        settings = {name: self.summary[name] for name in ("protocol", "bootstrap", "bootstrap_seed")}
        return Results.from_records(pa.concat_tables(tables), settings)

    def markdown(self) -> str:
        """The table for a card, see [`markdown_table`]."""
        behaviors = f"\n{behavior_table(self.summary)}" if self.summary.get("behaviors") else ""
        return markdown_table(self.summary) + behaviors

    def save(self, path: str | Path) -> list[Path]:
        """Writes `<name>.json` (the summary), `<name>.parquet`, `<name>.controls.parquet` and `<name>.md`.

        Each file appears whole or not at all.

        Args:
            path: of the JSON file, with or without its `.json`; the others lie beside it.

        Returns:
            `list[Path]`: what was written.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.name.removesuffix(".json")  # a name such as t0.35 has a point that no suffix begins with
        summary, records, controls, table = (
            path.with_name(name + suffix) for suffix in (".json", ".parquet", ".controls.parquet", ".md")
        )
        write_json(summary, self.summary)
        for place, rows in ((records, self.records), (controls, self.controls)):
            with whole(place) as part:
                pa.parquet.write_table(rows, part)
        write_text(table, self.markdown())
        return [summary, records, controls, table]


def _once(records: pa.Table) -> pa.Table:
    """Each expression of a row once a predictor, sorted: the same table from any number of processes."""
    keys = list(zip(*(records[name].to_pylist() for name in _KEY), strict=True))
    place = {key: index for index, key in reversed(list(enumerate(keys)))}
    return records.take(pa.array([place[key] for key in sorted(place)], pa.int64()))


def _data_digest(records: pa.Table) -> str:
    """SHA-256 of what was asked and how large the truth is: the same for the same data, whatever the model."""
    digest = hashlib.sha256()
    names = ("source", "image_id", "expression_id", "text", "gt_area")
    for record in zip(*(records[name].to_pylist() for name in names), strict=True):
        digest.update(json.dumps(record).encode())
    return digest.hexdigest()


def _columns(records: pa.Table) -> dict[str, np.ndarray]:
    names = ("intersection", "union", "no_target", "predicted_no_target")
    return {name: records[name].to_numpy() for name in names}


def _ious(records: pa.Table, protocol: str) -> np.ndarray:
    return get_protocol(protocol).score(**_columns(records))[0]


def _metrics(records: pa.Table, settings: Mapping[str, Any], bootstrap: int) -> dict[str, float | int]:
    images = zip(*(records[name].to_pylist() for name in ("source", "image_id", "row")), strict=True)
    return compute_metrics(
        **_columns(records),
        protocol=settings["protocol"],
        granularity=records["granularity"].to_pylist(),
        image_ids=[f"{source}/{image}\0{row}" for source, image, row in images],
        bootstrap=bootstrap,
        seed=settings["bootstrap_seed"],
    )
