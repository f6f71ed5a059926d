# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Trains UniRES, CRIS, LAVT and CLIPSeg on the same drawn scenes, and compares them.

    python scripts/compare_at_equal_budget.py --steps 10000 --seeds 0 1 --out runs/equal-budget

First the encoders of each learn what things are called, in place of the pre-training that published ones start from;
all seeds go on from there (`--warm-up-steps 0`: each from random weights). Then every model sees the same expressions
in the same order, about scenes that are drawn once for all. `table.md` and `results.json` are written again after each
model; called once more, the same command goes on where it was. Models and seeds may be trained at the same time, by
one call each with the same `--out`, once a call without seeds has warmed up: the command with all of them reads what
is finished. With `--after`, the models of a finished experiment learn on. At the end the first seed's models are drawn
side by side, as `unires compare` does.
"""

import argparse
import logging
import os
import shlex
import sys
from pathlib import Path

import torch

from unires_hf.experiments.budget import Budget, ComparedModel
from unires_hf.experiments.equal_budget import run_experiment
from unires_hf.experiments.equal_budget_table import equal_budget_table
from unires_hf.loading import load_rows
from unires_hf.report.model_comparison import compare_models

# Learning rates after the warm-up, of CLIPSeg's encoders too: at a higher one they are ruined (docs/baselines.md).
MODELS = ("tiny@1e-3", "cris-tiny@1e-3", "clipseg-tiny@1e-3/1e-4", "lavt-tiny@6e-4")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--models",
        nargs="+",
        default=MODELS,
        help="presets with learning rates: PRESET@RATE, or PRESET@RATE/RATE with the second for the encoders; "
        "paper-PRESET is the preset without our additions to the paper's model",
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1], help="none: warm up and no more")
    parser.add_argument("--after", help="folder of a finished experiment, whose models learn on")
    parser.add_argument(
        "--warm-up-steps", type=int, default=1200, help="of the encoders, before seeds part; 16 scenes each"
    )
    parser.add_argument("--kinds", nargs="+", default=(), help="classes that scenes are drawn from; all by default")
    parser.add_argument("--steps", type=int, default=10_000, help="of scenes with up to 8 expressions each")
    parser.add_argument("--batch-size", type=int, default=8, help="scenes a step")
    parser.add_argument("--scenes", type=int, default=20_000, help="different training scenes")
    parser.add_argument("--eval-scenes", type=int, default=500, help="of each split")
    parser.add_argument("--learning-rate", type=float, default=5e-4, help="of models that name none")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=torch.accelerator.is_available())
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--panel-scenes", type=int, default=60, help="of val, to choose pictures from; 0: no pictures")
    parser.add_argument("--out", type=Path, default=Path("runs/equal-budget"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)
    budget = Budget(
        arguments.steps,
        arguments.scenes,
        arguments.eval_scenes,
        arguments.learning_rate,
        arguments.bf16,
        arguments.warm_up_steps,
        "+".join(arguments.kinds),
        arguments.batch_size,
    )
    command = shlex.join(["python", "scripts/compare_at_equal_budget.py", *sys.argv[1:]])
    after = arguments.after and Path(os.path.relpath(arguments.after, arguments.out)).as_posix()
    models = [ComparedModel.parse(text, budget, after) for text in arguments.models]
    run_experiment(models, budget, arguments.seeds, arguments.out, command, equal_budget_table)
    if not arguments.seeds:
        return
    print((arguments.out / "table.md").read_text(encoding="utf-8"))
    if arguments.panel_scenes and len(arguments.models) > 1:
        names = [compared.loaded_by(arguments.out, arguments.seeds[0]) for compared in models]
        rows = load_rows([budget.specification("val", arguments.panel_scenes)])
        comparison = compare_models(names, rows)
        for path in comparison.save(arguments.out / "side-by-side", rows):
            print(path)


if __name__ == "__main__":
    main()
