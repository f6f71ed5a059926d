# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The paper's ablation in small: group tokens of either level, their number, the second stage, and the warm-up.

`ablation.json` holds the variants, as fields of [`UniResConfig`] that differ from the preset. All of them start where
a model is past the trivial scores: from the encoders of a trained checkpoint. What reads the groups, and the group
tokens themselves, start from random weights, in the full model too, so that it has no head start.
"""

import json
import statistics
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoProcessor

from unires_hf.markdown import table_of
from unires_hf.training.warm_up import LATER, LEARNED
from unires_hf.weights import load_whole

from .budget import Budget, ComparedModel
from .equal_budget_table import TITLES, spread

ENCODERS = "encoders"  # the folder, in the experiment's, of what the variants start from
VARIANTS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("ablation.json").read_text(encoding="utf-8"))
WARM, COLD = "full-from-warm-up", "full-from-random-weights"


def save_encoders(checkpoint: str, folder: Path) -> None:
    """Writes a checkpoint's encoders, what the warm-up teaches but for the group tokens; loading draws the rest anew.

    Args:
        checkpoint (`str`): folder or name of a UniRES.
        folder (`Path`): where `from_pretrained` finds them.
    """
    model = load_whole(AutoModel, checkpoint, dtype=torch.float32)
    encoders = {
        name: weight
        for name, weight in model.state_dict().items()
        if name.startswith(LEARNED) and not name.startswith(LATER) and "group_tokens" not in name
    }
    model.save_pretrained(folder, state_dict=encoders)
    AutoProcessor.from_pretrained(checkpoint).save_pretrained(folder)


def ablation_models(preset: str, warmed_up: str | None, budget: Budget) -> list[ComparedModel]:
    """The variants, which start from [`ENCODERS`]; and where `warmed_up` names what `scripts/run_warmup.py` made, the
    full model from there and from random weights."""
    rate = budget.learning_rate
    models = [
        ComparedModel(name, rate, {"config_overrides": overrides, "allow_new_weights": True}, ENCODERS)
        for name, overrides in VARIANTS.items()
    ]
    if warmed_up is not None:
        models.append(ComparedModel(WARM, rate, {"model_name_or_path": warmed_up}))
        models.append(ComparedModel(COLD, rate, {"preset": preset}))
    return models


def ablation_table(outcome: dict[str, Any]) -> str:
    """A row for each variant, and under them the answers that need no understanding; columns are splits."""
    runs = {name: of_model for name, of_model in outcome["runs"].items() if of_model}
    columns = [(split, kind) for split in outcome["trivial"] for kind in ("object", "part")]
    lines = [["variant", "weights", *(f"{split}: {kind}s" for split, kind in columns)]]
    for name, of_model in runs.items():
        scores = [spread([one["scores"][split][kind] for one in of_model]) for split, kind in columns]
        lines.append([name.replace("-", " "), f"{of_model[0]['parameters'] / 1e6:.2f} M", *scores])
    for answer, title in TITLES.items():
        floors = [outcome["trivial"][split][kind].get(answer) for split, kind in columns]
        lines.append([f"*{title}*", "–", *("–" if floor is None else f"{floor:.1f}" for floor in floors)])
    budget = outcome["budget"]
    first = next(iter(runs.values()))
    minutes = statistics.mean(one["seconds"] for of_model in runs.values() for one in of_model) / 60
    return (
        f"{table_of(lines)}\n\n"
        "mIoU in percent at original size over the expressions that have a referent: mean over seeds "
        f"{', '.join(str(one['seed']) for one in first)}, in brackets the lowest and the highest. Rows in italics "
        f"answer without understanding. {budget['eval_scenes']} scenes a split; {budget['steps']:,} steps each, of 8 "
        f"scenes with up to 8 expressions ({first[0]['expressions']:,} expressions in all), {minutes:.0f} minutes a "
        "run.\n\n"
        f"`{outcome['command']}`\n"
    )
