# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Several models' results as one Markdown table."""

from collections.abc import Mapping
from typing import Any

from unires_hf.markdown import table_of

_SCORES = {"miou_part": "Part", "miou": "Obj & Part", "oiou": "oIoU"}
_CONTROLS = {"control_all_foreground_": "all foreground", "control_parent_object_": "whole parent object"}
_NOTHING = {"giou": "gIoU", "n_acc": "N-acc", "t_acc": "T-acc"}
_COSTS = {
    "parameters": ("weights", lambda value: f"{value / 1e6:.1f} M"),
    "ms_1": ("ms, k = 1", lambda value: f"{value:.1f}"),
    "ms_16": ("ms, k = 16", lambda value: f"{value:.1f}"),
    "peak_mib": ("peak MiB", lambda value: f"{value:,.0f}"),
}


def comparison_table(models: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each model, and under them what answers without a model, which they have to beat.

    "Part" and "Obj & Part" are the paper's: mIoU of part expressions, and of all of them pooled. Where the data have
    no parts the former is left out, and where all are parts the latter is. Where some expressions have no referent,
    these scores are over the others, and gIoU, N-acc and T-acc over all: an empty mask is the right answer then,
    whatever model gives it.

    Args:
        models: what the table calls a model → its part of [`Comparison.summaries`].
    """
    summaries = [_of_present(summary) for summary in models.values()]
    first = summaries[0]
    scores = {key: title for key, title in _SCORES.items() if key in first}
    if "miou_part" not in first:
        scores["miou"] = "mIoU"
    elif "miou_object" not in first:
        scores.pop("miou")
    shares = {key: key.replace("pr", "Pr") for key in first if key.startswith("pr@") and "_" not in key}
    shares |= {key: title for key, title in _NOTHING.items() if key in first and first["n_no_target"]}
    costs = {key: it for key, it in _COSTS.items() if any(summary.get(key) is not None for summary in summaries)}
    titles = [*scores.values(), *shares.values(), *(title for title, _ in costs.values())]
    lines = [["model", *titles]]
    for name, summary in zip(models, summaries, strict=True):
        line = [name, *(_with_interval(summary, key) for key in scores)]
        line += [f"{summary[key]:.1f}" for key in shares]
        line += ["–" if summary.get(key) is None else show(summary[key]) for key, (_, show) in costs.items()]
        lines.append(line)
    for prefix, name in _CONTROLS.items():
        control = {key.removeprefix(prefix): value for key, value in first.items() if key.startswith(prefix)}
        if control:
            # Objects have no whole to be taken for them, so that the score of parts is all there is.
            keys = [key for key in scores if prefix == "control_all_foreground_" or key == "miou_part"]
            cells = [f"{control[key]:.1f}" if key in keys and key in control else "–" for key in scores]
            cells += [f"{control[key]:.1f}" if len(keys) == len(scores) and key in control else "–" for key in shares]
            lines.append([f"*{name}*", *cells, *["–"] * len(costs)])
    return f"{table_of(lines)}\n\n{_caption(first, costs)}\n"


def _of_present(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary with the scores of the expressions that have a referent in the place of all expressions' scores."""
    present = {key.removeprefix("present_"): value for key, value in summary.items() if key.startswith("present_")}
    whole = {key: value for key, value in summary.items() if key.endswith(tuple(_NOTHING)) and key[:8] != "present_"}
    return {**summary, **present, **whole}


def _with_interval(summary: Mapping[str, Any], key: str) -> str:
    if f"{key}_low" not in summary:
        return f"{summary[key]:.1f}"
    return f"{summary[key]:.1f} [{summary[f'{key}_low']:.1f}, {summary[f'{key}_high']:.1f}]"


def _caption(summary: Mapping[str, Any], costs: Mapping[str, Any]) -> str:
    parts = [
        f"Percent; protocol `{summary['protocol']}`, each model at its own threshold, {summary['scored_at']}",
        f"{summary['n_expressions']:,} expressions about {summary['n_images']:,} images",
    ]
    if "miou_low" in summary:
        parts.append("in brackets the 95 % bootstrap interval over images")
    if summary["n_no_target"]:
        parts.append(
            f"{summary['n_no_target']:,} expressions have no referent: they count in gIoU, as 1 for an empty mask, "
            "and in N-acc"
        )
    if "ms_1" in costs:
        parts.append("ms an expression, with k expressions about an image")
    return "; ".join(parts) + "."
