# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Results as a Markdown table: the model with its intervals, and under it the controls that it has to beat."""

from collections.abc import Mapping
from typing import Any

from unires_hf.markdown import table_of

_SUBSETS = {"": "all", "_object": "objects", "_part": "parts"}
_PREDICTORS = {
    "": "**model**",
    "control_all_foreground_": "all foreground",
    "control_parent_object_": "whole parent object",
    "control_other_target_": "another target's mask",
    "control_mean_place_": "its mean place in training",
    "control_other_expression_": "model, another expression of the image",
    "control_empty_expression_": "model, empty expression",
}
_COLUMNS = {"miou": "mIoU", "oiou": "oIoU", "giou": "gIoU", "n_acc": "N-acc", "t_acc": "T-acc"}
_BY_SOURCE = {"miou": "mIoU", "oiou": "oIoU", "t_acc": "T-acc", "n_acc": "N-acc"}
_WITH_INTERVAL = ("miou", "oiou", "giou")  # the others have theirs in the JSON, and the table stays readable


def markdown_table(summary: Mapping[str, Any]) -> str:
    """A table of percentages, a row for each subset and predictor; the means with their interval, `value [low, high]`.

    "all" pools objects and parts over expressions (RefCOCOm's "Obj & Part", paper, supplementary), "parts" is its
    "Part". gIoU is shown only where there are expressions without a referent, because it is mIoU elsewhere. Where
    there are such, or several sources, a second table has the scores of each source; in its mIoU and oIoU only
    expressions with a referent count.

    Args:
        summary: flat keys of [`Results`].
    """
    columns = {key: title for key, title in _COLUMNS.items() if key in summary}
    if not summary["n_no_target"]:
        columns = {key: columns[key] for key in ("miou", "oiou")}
    thresholds = [key for key in summary if key.startswith("pr@") and "_" not in key]
    columns = columns | {key: key.replace("pr", "Pr") for key in thresholds}
    lines = [["expressions", "prediction", "n", *columns.values()]]
    subsets = {suffix: name for suffix, name in _SUBSETS.items() if f"n_expressions{suffix}" in summary}
    if len(subsets) == 2:  # all of one kind: said once
        subsets.pop("")
    for suffix, name in subsets.items():
        for prefix, predictor in _PREDICTORS.items():
            of_parts_only = prefix == "control_parent_object_" and suffix == ""
            if f"{prefix}n_expressions{suffix}" in summary and not of_parts_only:
                count = f"{summary[f'{prefix}n_expressions{suffix}']:,}"
                cells = [_cell(summary, f"{prefix}{column}{suffix}") for column in columns]
                lines.append([name, predictor, count, *cells])
    return f"{table_of(lines, words=2)}\n\n{_caption(summary)}\n{_by_source(summary)}"


def _by_source(summary: Mapping[str, Any]) -> str:
    """The table of the sources, where it says more than the first one."""
    groups = summary.get("by_source", {})
    if not groups or not (summary["n_no_target"] or len({name.rpartition(" ")[0] for name in groups}) > 1):
        return ""
    lines = [["source", "with a referent", *list(_BY_SOURCE.values())[:3], "without a referent", "N-acc"]]
    for name, scores in groups.items():
        cells = [f"{scores[key]:.1f}" if key in scores else "–" for key in _BY_SOURCE]
        lines.append([name, f"{scores['n']:,}", *cells[:3], f"{scores.get('n_no_target', 0):,}", cells[3]])
    return f"\n{table_of(lines)}\n\nPercent; mIoU and oIoU are of the expressions with a referent alone.\n"


def _cell(summary: Mapping[str, Any], key: str) -> str:
    if key not in summary:
        return "–"
    if f"{key}_low" not in summary or not key.startswith(_WITH_INTERVAL):
        return f"{summary[key]:.1f}"
    return f"{summary[key]:.1f} [{summary[f'{key}_low']:.1f}, {summary[f'{key}_high']:.1f}]"


def _threshold(summary: Mapping[str, Any]) -> str:
    if summary["mask_threshold"] is None:
        return "no mask threshold"
    whose = {"the model": "the model's", "the protocol": "the protocol's", "request": "as asked"}
    return f"mask threshold {summary['mask_threshold']:g} ({whose[summary['mask_threshold_chosen_by']]})"


def _caption(summary: Mapping[str, Any]) -> str:
    parts = [f"Percent; protocol `{summary['protocol']}`, {_threshold(summary)}, {summary['scored_at']}"]
    parts.append(f"{summary['n_images']:,} images")
    if summary["n_no_target"] and summary["protocol"] != "grefcoco":
        parts.append("in mIoU an expression without a referent counts 0")
    if "miou_low" in summary:
        parts.append("in brackets the 95 % bootstrap interval over images")
    return "; ".join(parts) + "."
