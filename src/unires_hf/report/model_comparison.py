# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One evaluation pass a model, and what is made of them: table, panel and page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from unires_hf.evaluation import Results, evaluate_model
from unires_hf.evaluation.comparison_table import comparison_table
from unires_hf.evaluation.cost import measure_cost
from unires_hf.files import whole, write_json, write_text
from unires_hf.loading import load_model, short_names

from .cases import compared_cases
from .cases_page import write_page
from .panel import draw_panel

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Models measured on the same rows.

    Args:
        names (`dict[str, str]`): what tables call a model → what it was loaded by.
        results (`dict[str, Results]`): by the former; the first model's has the controls.
        costs (`dict[str, dict]`): what [`measure_cost`] returned; empty dicts where it was not asked.
    """

    names: dict[str, str]
    results: dict[str, Results]
    costs: dict[str, dict[str, float | None]]

    @property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """Flat numbers of each model: its [`Results`]', as `present_…` those of the expressions that have a referent
        where others have none, and its costs."""
        return {
            name: {**results.summary, **_present(results), **self.costs[name]}
            for name, results in self.results.items()
        }

    def markdown(self) -> str:
        """The table, see [`comparison_table`]."""
        return comparison_table(self.summaries)

    def save(self, folder: str | Path, rows: Sequence[Row], panel_rows: int = 3, page_cases: int = 60) -> list[Path]:
        """Writes `comparison.json`, `comparison.md`, `panel.png` and `cases.html`, each whole or not at all.

        Args:
            folder: is made if need be.
            rows: those that were measured, for their pictures.
            panel_rows (`int`, *optional*, defaults to 3): of each rule of [`compared_cases`] on the panel.
            page_cases (`int`, *optional*, defaults to 60): of each rule on the page.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names, results = list(self.results), list(self.results.values())
        write_json(folder / "comparison.json", self.summaries)
        write_text(folder / "comparison.md", self.markdown())
        with whole(folder / "panel.png") as part:
            draw_panel(compared_cases(results, rows, panel_rows), names).save(part, format="PNG")
        with whole(folder / "cases.html") as part:
            cases = compared_cases(results, rows, page_cases, one_an_image=False)
            part.write_text(write_page(cases, names, self.markdown()), encoding="utf-8")
        return [folder / name for name in ("comparison.json", "comparison.md", "panel.png", "cases.html")]


def compare_models(
    names: Sequence[str],
    rows: Dataset,
    *,
    batch_size: int = 8,
    max_length: int | None = None,
    device: str = "auto",
    costs: bool = True,
    bootstrap: int = 1000,
) -> Comparison:
    """Measures models on the same rows, one after the other, each at its own threshold.

    Masks are scored at original size, as UniRES does (paper, supplementary A.3).

    Args:
        names (`Sequence[str]`): two models or more, see [`load_model`].
        rows (`datasets.Dataset`): of the schema.
        batch_size (`int`, *optional*, defaults to 8): images a pass.
        max_length (`int`, *optional*): words are cut to so many tokens; as each model was trained by default.
        device (`str`, *optional*, defaults to `"auto"`): see [`find_device`].
        costs (`bool`, *optional*, defaults to `True`): measure time and memory too.
        bootstrap (`int`, *optional*, defaults to 1000): resamples of the intervals.

    Raises:
        ValueError: if there are fewer than two models, one is named twice, or a model is of another kind.
    """
    if len(names) < 2:
        raise ValueError("A comparison takes two models or more; for one there is `unires evaluate --gallery`.")
    shown = dict(zip(short_names(names), names, strict=True))
    results, measured = {}, {}
    for place, (short, name) in enumerate(shown.items()):
        model, processor = load_model(name, device)
        results[short] = evaluate_model(
            model,
            processor,
            rows,
            batch_size=batch_size,
            max_length=max_length,
            controls=() if place else ("all_foreground", "parent_object"),  # which no model changes
            keep_masks=True,
            bootstrap=bootstrap,
            settings={"model": name},
        )
        del model
        measured[short] = measure_cost(name, *_asked(rows), device) if costs else {}
    return Comparison(shown, results, measured)


def _present(results: Results) -> dict[str, float]:
    present = results.with_referent()
    scores = {} if present is None else present.summary
    return {f"present_{key}": value for key, value in scores.items() if isinstance(value, float)}


def _asked(rows: Dataset) -> tuple[Any, list[str]]:
    """A picture, and what is said about it."""
    for row in rows:
        texts = [it["text"] for target in row["targets"] if target["mask"] for it in target["expressions"]]
        if texts:
            return row["image"], texts
    raise ValueError("There is no expression to ask about.")
