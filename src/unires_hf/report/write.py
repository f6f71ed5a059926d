# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The report on a converted data set: statistics.json, statistics.md and the drawings."""

import logging
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from unires_hf.files import whole, write_json, write_text
from unires_hf.markdown import table_of

from .expected import compare
from .samples import draw_samples
from .statistics import Statistics, count, ranked

logger = logging.getLogger(__name__)

HEAD = 20
"""So many categories stand in the Markdown table."""


def write_report(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    splits: Collection[str] | None = None,
    expect: str | None = None,
) -> list[Path]:
    """Counts a converted folder and writes what was found.

    Args:
        folder (`str` or `Path`): what `unires convert` made.
        out (`str` or `Path`, *optional*): where to write; `folder/stats` by default.
        splits (`Collection[str]`, *optional*): only these.
        expect (`str`, *optional*): a data set of the paper to compare with, a key of `PAPERS`.

    Returns:
        `list[Path]`: `statistics.json`, `statistics.md` and `gallery.png`; with the extra `report`, `categories.png`,
        `words.png` and `distributions.png`.

    Raises:
        ValueError: if the folder has no shards or not those splits, or the paper does not count such a data set.
    """
    counted = count(folder, splits)
    total = sum(counted.values(), Statistics())
    compared = compare(expect, counted, total) if expect else []
    out = Path(folder) / "stats" if out is None else Path(out)
    out.mkdir(parents=True, exist_ok=True)
    summaries = {split: it.summary() for split, it in counted.items()} | {"all": total.summary()}
    write_json(out / "statistics.json", {"splits": summaries, **total.histograms(), "expected": compared})
    write_text(out / "statistics.md", _markdown(summaries, total, compared, expect))
    drawings: dict[str, Callable[[Path], Any]] = {
        "gallery.png": lambda path: draw_samples(folder, path, splits=splits)
    }
    try:
        from . import plots
    except ImportError:
        logger.warning("The diagrams need matplotlib and wordcloud: pip install 'unires-hf[report]'.")
    else:
        drawings |= {
            "categories.png": partial(plots.draw_categories, total),
            "words.png": partial(plots.draw_words, total),
            "distributions.png": partial(plots.draw_distributions, total),
        }
    for name, draw in drawings.items():
        with whole(out / name) as part:
            draw(part)
    return [out / "statistics.json", out / "statistics.md", *(out / name for name in drawings)]


def _markdown(
    summaries: dict[str, dict[str, Any]], total: Statistics, compared: list[dict[str, Any]], expect: str | None
) -> str:
    text = [
        table_of(
            [
                ["", *summaries],
                *([_words(key), *(_number(it[key]) for it in summaries.values())] for key in summaries["all"]),
            ]
        )
    ]
    for title, counts in (("object", total.object_categories), ("part", total.part_categories)):
        head = [(name if title == "object" else " ".join(filter(None, name)), n) for name, n in ranked(counts)[:HEAD]]
        if head:
            text.append(table_of([[f"{title} category", "expressions"], *([name, _number(n)] for name, n in head)]))
    if compared:
        lines = (
            [_words(it["key"]), it["split"] or "all", _number(it["paper"]), _number(it["here"]), _verdict(it)]
            for it in compared
        )
        text.append(table_of([[f"{expect} in the paper", "split", "paper", "here", "agrees"], *lines]))
    return "\n\n".join(text) + "\n"


def _verdict(compared: dict[str, Any]) -> str:
    verdict = {True: "yes", False: "no", None: "cannot tell"}[compared["agrees"]]
    return f"{verdict} ({compared['note']})" if compared["note"] else verdict


def _words(key: str) -> str:
    return key.replace("_", " ")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
