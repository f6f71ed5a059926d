# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Trains UniRES with its switches off on drawn scenes, at equal steps, and writes the table.

    python scripts/ablate.py --steps 1000 --seeds 0 1 --warmed-up runs/warmup --out runs/ablation

The variants are in `src/unires_hf/experiments/ablation.json`. They start from the encoders of `--checkpoint`, which is
past the trivial scores; `--warmed-up`, a folder that `run_warmup.py` has written, adds the full model from there and
from random weights. `table.md` and `results.json` are written again after each model; called once more, the same
command goes on where it was. Seeds may be trained apart, each with an `--out` of its own, and their folders `seed-N`
then put together: the command with all seeds reads what is finished.
"""

import argparse
import logging
import shlex
import sys
from pathlib import Path

import torch

from unires_hf.checkpoints import checkpoint_path
from unires_hf.experiments.ablation import ENCODERS, ablation_models, ablation_table, save_encoders
from unires_hf.experiments.budget import Budget
from unires_hf.experiments.equal_budget import run_experiment


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="drawings", help="a trained UniRES, whose encoders the variants share")
    parser.add_argument("--preset", default="tiny", help="of the run from random weights")
    parser.add_argument("--warmed-up", help="folder of run_warmup.py")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=1000, help="of 8 scenes with up to 8 expressions each")
    parser.add_argument("--scenes", type=int, default=20_000, help="different training scenes")
    parser.add_argument("--eval-scenes", type=int, default=300, help="of each split")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=torch.accelerator.is_available())
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)
    budget = Budget(arguments.steps, arguments.scenes, arguments.eval_scenes, arguments.learning_rate, arguments.bf16)
    if not (arguments.out / ENCODERS).is_dir():
        save_encoders(checkpoint_path(arguments.checkpoint), arguments.out / ENCODERS)
    models = ablation_models(arguments.preset, arguments.warmed_up, budget)
    command = shlex.join(["python", "scripts/ablate.py", *sys.argv[1:]])
    run_experiment(models, budget, arguments.seeds, arguments.out, command, ablation_table)
    print((arguments.out / "table.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
