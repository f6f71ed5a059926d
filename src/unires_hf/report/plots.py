# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Drawings of a data set's statistics, after the paper's supplementary figure 1; need the extra `report`."""

from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ticker import FuncFormatter
from wordcloud import WordCloud

from .overlay import BY_GRANULARITY
from .statistics import AREA_EDGES, Statistics, ranked

COLORS = {kind: f"#{bytes(color).hex()}" for kind, color in BY_GRANULARITY.items()}
_NAMED_BARS = 45  # more names than that cannot be read under their bars
_INK, _FAINT = "#222222", "#8A8A8A"


def draw_categories(statistics: Statistics, path: Path) -> None:
    """Number of expressions of each object category and each part category, sorted, on a log scale."""
    drawn = [(kind, counts) for kind, counts in _by_kind(statistics) if counts.total()]
    figure = Figure(figsize=(13, 4.6 * len(drawn)), layout="constrained")
    for axes, (kind, counts) in zip(figure.subplots(len(drawn), squeeze=False)[:, 0], drawn, strict=True):
        _draw_ranks(axes, kind, counts)
    figure.savefig(path, format="png", dpi=110)


def draw_words(statistics: Statistics, path: Path, count: int = 100) -> None:
    """Clouds of the `count` object categories and part names that are spoken of most."""
    drawn = [(kind, _named(counts)[:count]) for kind, counts in _by_kind(statistics) if counts.total()]
    figure = Figure(figsize=(7 * len(drawn), 5), layout="constrained")
    for axes, (kind, named) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
        cloud = WordCloud(
            width=1000,
            height=640,
            background_color="white",
            color_func=_shades(COLORS[kind]),
            random_state=0,
            font_path=findfont("DejaVu Sans"),
            prefer_horizontal=0.95,
        )
        axes.imshow(cloud.generate_from_frequencies(dict(named)).to_array())
        axes.set_title(f"{kind} categories", color=_INK, fontsize=14)
        axes.axis("off")
    figure.savefig(path, format="png", dpi=110)


def draw_distributions(statistics: Statistics, path: Path) -> None:
    """Lengths of expressions in words, areas of masks as shares of the picture, and targets an image."""
    figure = Figure(figsize=(15, 4.4), layout="constrained")
    words, areas, targets = figure.subplots(1, 3)
    kinds = [kind for kind, _ in _by_kind(statistics) if statistics.words[kind] or statistics.areas[kind].any()]
    longest = max((max(it) for it in statistics.words.values() if it), default=1)
    for number, kind in enumerate(kinds):
        width = 0.8 / len(kinds)
        lengths = np.arange(1, longest + 1)
        counts = [statistics.words[kind][int(length)] for length in lengths]
        mean = f", mean {np.average(lengths, weights=counts):.1f}" if any(counts) else ""
        left = lengths - 0.4 + width * (number + 0.5)
        words.bar(left, counts, width, color=COLORS[kind], label=f"{kind}s{mean}")
        areas.stairs(statistics.areas[kind], AREA_EDGES, color=COLORS[kind], fill=True, alpha=0.55, label=f"{kind}s")
    _finish(words, "length of an expression in words", "expressions")
    words.xaxis.get_major_locator().set_params(integer=True)
    _finish(areas, "area of a mask, share of the picture", "masks")
    areas.set_xscale("log")
    areas.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    most = max(statistics.targets_per_image)
    numbers = np.arange(most + 1)
    targets.bar(numbers, [statistics.targets_per_image[int(it)] for it in numbers], 0.8, color=_FAINT)
    _finish(targets, "targets in an image", "images")
    targets.xaxis.get_major_locator().set_params(integer=True)
    for axes in (words, areas):
        axes.set_ylim(0, 1.22 * axes.get_ylim()[1])  # room for the legend
        axes.legend(frameon=False, loc="upper right", ncols=2)
    figure.savefig(path, format="png", dpi=110)


def _by_kind(statistics: Statistics) -> list[tuple[str, Counter]]:
    return [("object", statistics.object_categories), ("part", statistics.part_categories)]


def _named(counts: Counter) -> list[tuple[str, int]]:
    """Names and counts, most first, of what is spoken of at all; (truck, wheel) becomes "truck wheel"."""
    named = [(name if isinstance(name, str) else " ".join(filter(None, name)), n) for name, n in ranked(counts) if n]
    return [(name or "(no name)", n) for name, n in named]


def _draw_ranks(axes: Axes, kind: str, counts: Counter) -> None:
    named = _named(counts)
    numbers = [n for _, n in named]
    ranks = np.arange(len(named))
    axes.bar(ranks, numbers, 1.0 if len(named) > _NAMED_BARS else 0.75, color=COLORS[kind])
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(numbers) * 2)
    axes.set_xlim(-0.8, max(len(named), 8) - 0.2)
    if len(named) <= _NAMED_BARS:
        axes.set_xticks(ranks, [name for name, _ in named], rotation=45, ha="right", rotation_mode="anchor")
    else:
        shown = np.unique(np.linspace(0, len(named) - 1, _NAMED_BARS).round().astype(int))
        axes.set_xticks(shown, [named[it][0] for it in shown], rotation=60, ha="right", rotation_mode="anchor")
        axes.tick_params(axis="x", labelsize=8)
    title = f"{len(named):,} {kind} categories, {sum(numbers):,} expressions"
    if len(named) > _NAMED_BARS:
        title += f" ({_NAMED_BARS} of the names are shown)"
    axes.set_title(title, color=_INK, fontsize=13)
    _finish(axes, "", "expressions")


def _finish(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E5E5E5")
    axes.set_axisbelow(True)
    if axes.get_yscale() == "linear":
        axes.yaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else ""))


def _shades(color: str):
    """From the full color for large words to a paler one for small ones."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))

    def shade(word, font_size, position, orientation, random_state=None, **kwargs):
        pale = 0.45 * (1 - min(font_size / 80, 1))
        return tuple(round(channel + (255 - channel) * pale) for channel in (red, green, blue))

    return shade
