# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The outcome of the experiment at equal budget as Markdown."""

import statistics
from typing import Any

from unires_hf.markdown import table_of

TITLES = {
    "all_foreground": "all objects",
    "right_color": "right color",
    "right_class": "right class",
    "right_place": "right place",
    "whole_parent": "whole parent",
    "right_part": "right part name",
}


def equal_budget_table(outcome: dict[str, Any]) -> str:
    """Three tables: mIoU by split and granularity beside the trivial scores, by kind of expression, and the costs."""
    runs = {name: of_model for name, of_model in outcome["runs"].items() if of_model}
    kinds = {"object": "objects", "part": "parts"}
    answers = list(TITLES)
    lines = [["split", "expressions", "n", *runs, *(f"*{TITLES[answer]}*" for answer in answers)]]
    for split, trivial in outcome["trivial"].items():
        of_split = {name: [one["scores"][split] for one in of_model] for name, of_model in runs.items()}
        first = next(iter(of_split.values()))[0]
        for kind, title in kinds.items():
            floor = [f"{trivial[kind][answer]:.1f}" if answer in trivial[kind] else "–" for answer in answers]
            cells = _best_in_bold([[one[kind] for one in scores] for scores in of_split.values()])
            lines.append([split, title, f"{first[f'n_{kind}']:,}", *cells, *floor])
        if split == "no_target":
            cells = _best_in_bold([[one["n_acc"] for one in scores] for scores in of_split.values()])
            lines.append([split, "no referent: N-acc", f"{first['n_nothing']:,}", *cells, *["–"] * len(answers)])
    first = next(iter(runs.values()))[0]["scores"]["val"]
    by_kind = [["kind, on val", "n", *lines[0][3:]]]
    for kind, trivial in outcome["trivial_by_kind"].items():
        if kind in first["kinds"]:
            cells = _best_in_bold(
                [[one["scores"]["val"]["kinds"][kind] for one in of_model] for of_model in runs.values()]
            )
            floor = [f"{trivial[answer]:.1f}" if answer in trivial else "–" for answer in answers]
            by_kind.append([kind.replace("_", " "), f"{first['n_kinds'][kind]:,}", *cells, *floor])
    budget = outcome["budget"]
    warm = ["minutes of warm-up"] if budget["warm_up_steps"] else []
    costs = [
        ["model", "weights", "learning rate", *warm, "expressions seen", "minutes", "ms a step"]
        + ["final loss", "threshold", "seeds"]
    ]
    for name, of_model in runs.items():
        minutes = [one["seconds"] / 60 for one in of_model]
        costs.append(
            [
                name,
                f"{of_model[0]['parameters'] / 1e6:.2f} M",
                ", ".join(of_model[0]["learning_rates"]),
                *([f"{of_model[0]['warm_up_seconds'] / 60:.1f}"] if warm else []),
                f"{of_model[0]['expressions']:,}",
                spread(minutes),
                f"{1000 * 60 * statistics.mean(minutes) / sum(of_model[0]['runs']):.0f}",
                f"{statistics.mean(one['loss'] for one in of_model):.3f}",
                ", ".join(f"{one['threshold']:g}" for one in of_model),
                ", ".join(str(one["seed"]) for one in of_model),
            ]
        )
    devices = {one["device"] for of_model in runs.values() for one in of_model}
    *steps, last = (f"{steps:,}" for steps in next(iter(runs.values()))[0]["runs"])
    learned = f"{', '.join(steps)} and {last}" if steps else last
    again = ", one run after the other, the learning rate's decay starting anew each time" if steps else ""
    start = "From random weights"
    if warm:
        start += (
            f", encoders first: {budget['warm_up_steps']:,} steps of 16 scenes each in which patches learn what they "
            "are called, once for all seeds of a model. Then"
        )
    world = f" The scenes show {', '.join(budget['kinds'].split('+'))} and no other class." if budget["kinds"] else ""
    return (
        f"{table_of(lines, 2)}\n\n"
        "mIoU in percent at original size over the expressions that have a referent, each model at the threshold that "
        "suits it best on other scenes: mean over seeds, in brackets the lowest and the highest, best in bold. "
        "Columns in italics answer without understanding; "
        f"below them a score says nothing. {budget['eval_scenes']} scenes a split.\n\n"
        f"{table_of(by_kind, 1)}\n\n"
        "The same by what an expression tells its referent by; for *class* the right class is the answer.\n\n"
        f"{table_of(costs, 1)}\n\n"
        f"{start}, {learned} steps of {budget['batch_size']} scenes with up to 8 expressions each{again}, drawn "
        f"from {budget['scenes']:,} scenes, the same ones in the same order for every model; minutes are of training, "
        f"data included, on {' and '.join(sorted(devices))}.{world} All learn from UniRES's mask loss, UniRES from "
        "its presence loss too.\n\n"
        f"`{outcome['command']}`\n"
    )


def _best_in_bold(values: list[list[float]]) -> list[str]:
    means = [statistics.mean(of_model) for of_model in values]
    return [
        f"**{spread(of_model)}**" if mean == max(means) else spread(of_model)
        for of_model, mean in zip(values, means, strict=True)
    ]


def spread(values: list[float]) -> str:
    mean = f"{statistics.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} [{min(values):.1f}, {max(values):.1f}]"
