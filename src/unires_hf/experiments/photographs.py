# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Finished runs on the same photographs: the paper's figure 2, and the ablation, with paired intervals.

The first run is the one that the others are compared with. What was measured stays beside the tables, so that a run
that joins later is measured alone.
"""

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from datasets import Dataset
from transformers import AutoConfig

from unires_hf.checkpoints import checkpoint_path
from unires_hf.data.photo_expressions import digest, kind_of
from unires_hf.evaluation import Results, evaluate_model
from unires_hf.evaluation.paired import PairedScore, paired_scores
from unires_hf.files import whole, write_json, write_text
from unires_hf.loading import LORA_WEIGHTS, is_lora, load_model
from unires_hf.markdown import table_of
from unires_hf.report.cases import compared_cases
from unires_hf.report.panel import draw_panel

from .equal_budget import tune_threshold

GRANULARITIES = {"object": "objects", "part": "parts"}
CONTROLS = {
    "all_foreground": "every pixel",
    "parent_object": "the whole object for its part",
    "other_expression": "the first model's mask of something else",
}
ANOTHER_BACKBONE = (
    "CRIS and LAVT join words and pictures here as they were published, but neither stands on its published encoders: "
    "all models share the text encoder and tokenizer of UniRES's preset `small`, from random weights, and its "
    "EfficientNet-Lite, and learn from UniRES's mask loss. "
)


def measure_run(folder: str, rows: Dataset, tuning: Dataset | None, out: Path, controls: Sequence[str]) -> Results:
    """Scores a run on every expression, or reads what was measured before.

    Args:
        folder: of the run, or the name of a checkpoint that ships. Without weights in it, what was measured is read.
        rows (`datasets.Dataset`): of the schema.
        tuning (`datasets.Dataset`, *optional*): rows of no training photograph, on which the mask threshold is chosen;
            by default the run's own holds.
        out (`Path`): gets `records.json`, `records.parquet` and the rest of [`Results.save`].
        controls: of [`evaluate_model`].
    """
    path = out / "records.json"
    weights = Path(checkpoint_path(folder), LORA_WEIGHTS if is_lora(folder) else "model.safetensors")
    recipe = {
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else None,
        "words": _words(rows),
        "tuned on": None if tuning is None else _words(tuning),
    }
    if path.is_file():
        summary = json.loads(path.read_text(encoding="utf-8"))
        if recipe in (summary["recipe"], summary["recipe"] | {"weights": None}):
            tables = (pa.parquet.read_table(path.with_suffix(end)) for end in (".parquet", ".controls.parquet"))
            return Results(summary, *tables)
    model, processor = load_model(folder, "auto")
    if tuning is not None:
        tune_threshold(model, processor, tuning)
    results = evaluate_model(
        model,
        processor,
        rows,
        controls=controls,
        keep_masks=True,
        bootstrap=0,
        settings={"recipe": recipe, "parameters": model.num_parameters()},
    )
    results.save(path)
    return results


def learned(folder: str) -> dict[str, float]:
    """The steps and expressions that a run has learned from, as its log has them; nothing of a run without a log."""
    path = Path(folder, "trainer_state.json")
    if not path.is_file():
        return {}
    state = json.loads(path.read_text(encoding="utf-8"))
    seen = [line["expressions_per_step"] for line in state["log_history"] if "expressions_per_step" in line]
    steps = {"steps": state["global_step"]}
    return {**steps, "expressions": round(statistics.mean(seen) * state["global_step"])} if seen else steps


def score_runs(results: Mapping[str, Results]) -> dict[str, dict[str, dict[str, Any]]]:
    """Every score of every model, by section of the table.

    Returns:
        `dict`: section → score → `n`, the number of expressions, and `models`, their [`PairedScore`]s by name. mIoU is
        a mean over the expressions that have a referent; N-acc (T-acc) the share of those without (with) one that the
        model recognized.
    """
    models = list(results.values())
    records = models[0].records
    column = {name: np.array(records[name].to_pylist()) for name in ("source", "granularity", "no_target")}
    parts = np.array([f"{part}" for part in records["part"].to_pylist()])
    kinds = np.array([kind_of(name) if ":" in name else "" for name in records["expression_id"].to_pylist()])
    absent = column["no_target"].astype(bool)
    ious = [one.records["iou"].to_numpy() for one in models]
    denied = [one.records["predicted_no_target"].to_numpy(zero_copy_only=False) for one in models]
    of = {title: ~absent & (column["granularity"] == name) for name, title in GRANULARITIES.items()}

    def scores(values: list[np.ndarray], *members: np.ndarray) -> dict[str, Any] | None:
        members = [member for member in members if member.any()]
        if not members:
            return None
        paired = paired_scores(models, values, members)
        return {"n": int(np.sum(members)), "models": dict(zip(results, paired, strict=True))}

    names = np.unique([f"{source}\0{part}" for source, part in zip(column["source"], parts, strict=True)])
    by_name = [
        of["parts"] & (column["source"] == source) & (parts == part)
        for source, part in (name.split("\0") for name in names)
    ]
    sections = {
        "all": {
            **{title: scores(ious, member) for title, member in of.items()},
            "parts, mean over names": scores(ious, *by_name),
            "N-acc": scores(denied, absent),
            "T-acc": scores([~one for one in denied], ~absent),
        },
        "source": {
            f"{source}: {title}": scores(ious, member & (column["source"] == source))
            for source in np.unique(column["source"])
            for title, member in of.items()
        },
        "kind": {
            f"{kind}".replace("_", " "): scores(ious, ~absent & (kinds == kind)) for kind in np.unique(kinds) if kind
        },
    }
    return {section: {name: it for name, it in by.items() if it} for section, by in sections.items()}


def trivial_scores(first: Results) -> dict[str, dict[str, float]]:
    """mIoU of what answers without a model, by title and granularity."""
    trivial: dict[str, dict[str, list[float]]] = {}
    for record in first.controls.select(["predictor", "granularity", "no_target", "iou"]).to_pylist():
        if not record["no_target"]:
            by = trivial.setdefault(CONTROLS[record["predictor"]], {})
            by.setdefault(GRANULARITIES[record["granularity"]], []).append(100 * record["iou"])
    return {title: {kind: statistics.mean(ious) for kind, ious in by.items()} for title, by in trivial.items()}


def photographs_table(
    runs: Mapping[str, str], results: Mapping[str, Results], command: str, tuned: bool
) -> tuple[str, dict[str, Any]]:
    """The tables as Markdown, and their numbers.

    Args:
        runs: name → folder; the first is the one that the others are compared with.
        results: by name, of [`measure_run`].
        command: what made it, for the last line.
        tuned: whether thresholds were chosen on other photographs.
    """
    first, *others = runs
    sections = score_runs(results)
    facts = {name: {**learned(folder), **_facts(results[name])} for name, folder in runs.items()}
    trivial = trivial_scores(results[first])

    columns = sections["all"]
    lines = [["model", "weights", "threshold", "steps", "expressions seen", *columns]]
    for name, fact in facts.items():
        numbers = [f"{fact['parameters'] / 1e6:.1f} M", f"{fact['mask_threshold']:g}"]
        numbers += [f"{fact[key]:,}" if key in fact else "–" for key in ("steps", "expressions")]
        lines.append([name, *numbers, *(score_cell(it["models"][name], name == first) for it in columns.values())])
    for title, by in trivial.items():
        lines.append([f"*{title}*", *["–"] * 4, *(f"{by[it]:.1f}" if it in by else "–" for it in columns)])
    tables = [table_of(lines)]
    for section, title in (("source", "source"), ("kind", "told by")):
        lines = [[title, "n", *runs]]
        for name, it in sections[section].items():
            lines.append([name, f"{it['n']:,}", *(score_cell(it["models"][run], run == first) for run in runs)])
        tables.append(table_of(lines))

    other_backbone = any(_on_another_backbone(folder) for folder in runs.values())
    counts = results[first].records
    images = len(set(counts["row"].to_pylist()))
    caption = (
        f"mIoU in percent at original size over the expressions that have a referent; N-acc and T-acc are the shares "
        f"of expressions without and with one that are recognized. {len(counts):,} expressions about {images:,} "
        f"photographs. In brackets 95 % bootstrap intervals over photographs; of all but {first} the difference to "
        f"{first} is given with its paired interval. "
        f"{'Each threshold is the best on other photographs. ' if tuned else ''}"
        f"{ANOTHER_BACKBONE if other_backbone else ''}Rows in italics answer without understanding."
    )
    text = "\n\n".join([tables[0], caption, *tables[1:], f"`{command}`"]) + "\n"
    scores = {
        section: {
            name: {**it, "models": {run: one._asdict() for run, one in it["models"].items()}}
            for name, it in by.items()
        }
        for section, by in sections.items()
    }
    return text, {"command": command, "runs": facts, "scores": scores, "trivial": trivial}


def compare_on_photographs(
    runs: Mapping[str, str],
    rows: Dataset,
    tuning: Dataset | None,
    out: Path,
    command: str,
    panel_rows: int = 4,
    shown: Sequence[str] | None = None,
) -> list[Path]:
    """Measures runs and writes `table.md`, `results.json` and, of objects and of parts, a panel.

    Args:
        runs: name → folder; the first is the one that the others are compared with.
        rows, tuning: see [`measure_run`].
        out (`Path`): the folder; what was measured of each run goes to a folder of its name.
        command: what made it, for the table.
        panel_rows (`int`, *optional*, defaults to 4): of each rule of [`compared_cases`].
        shown (*optional*): names of those on the panels; all by default.
    """
    out.mkdir(parents=True, exist_ok=True)
    first, *others = runs
    results = {
        name: measure_run(folder, rows, tuning, out / name, tuple(CONTROLS) if name == first else ())
        for name, folder in runs.items()
    }
    text, numbers = photographs_table(runs, results, command, tuning is not None)
    write_text(out / "table.md", text)
    write_json(out / "results.json", numbers)
    # As in the paper's figure, the model that it is about comes last.
    columns = [name for name in (*others, first) if shown is None or name in (*shown, first)]
    written = [out / "table.md", out / "results.json"]
    for granularity, title in GRANULARITIES.items() if others else ():
        of_kind = [_shown(results[name], granularity) for name in columns]
        if len(of_kind[0].records):
            cases = compared_cases(of_kind, rows, panel_rows, subject=len(columns) - 1)
            written.append(out / f"{title}.png")
            with whole(written[-1]) as part:
                draw_panel(cases, columns, subject=len(columns) - 1).save(part, format="PNG")
    return written


def _words(rows: Dataset) -> str:
    return digest(rows.select_columns(["image_id", "targets"]))  # pictures need not be read


def _shown(results: Results, granularity: str) -> Results:
    """The records from which cases are chosen: a right denial is no gain to look at, and N-acc counts it."""
    records = results.records.filter(pa.compute.invert(results.records["no_target"]))
    return Results(
        results.summary, records.filter(pa.compute.equal(records["granularity"], granularity)), results.controls
    )


def _facts(results: Results) -> dict[str, Any]:
    return {name: results.summary[name] for name in ("parameters", "mask_threshold")}


def _on_another_backbone(folder: str) -> bool:
    config = AutoConfig.from_pretrained(folder)
    return config.model_type in ("cris", "lavt") and config.backbone_config is not None


def score_cell(score: PairedScore, is_first: bool) -> str:
    if is_first:
        return f"{score.value:.1f} [{score.low:.1f}, {score.high:.1f}]"
    return f"{score.value:.1f} ({score.difference:+.1f} [{score.difference_low:+.1f}, {score.difference_high:+.1f}])"
