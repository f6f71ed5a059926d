# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Compares finished runs on photographs: the paper's figure 2, and the ablation, with paired intervals.

    python scripts/compare_on_photographs.py --out runs/figure-2 \
        --runs ours=runs/small paper=runs/paper-alone CRIS=runs/cris-small LAVT=runs/lavt-small \
        --data photos/ccp photos/cars photos/facades photos/faces photos/horses photos/coco

The first run is the one that the others are compared with. Runs are made by `scripts/run_finetuning.py`; their words
to be measured on were written down when the data were converted. Writes `table.md`, `results.json`, and panels of
objects and of parts whose rows are chosen by rule: at random, largest gains over the best of the others, largest
losses. A run that was measured is not measured again.
"""

import argparse
import logging
import shlex
import sys
from pathlib import Path

from datasets import concatenate_datasets

from unires_hf.experiments.photographs import compare_on_photographs
from unires_hf.loading import load_rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME=FOLDER", help="the first is the measure")
    parser.add_argument("--data", nargs="+", required=True, help="data sets as training names them, without a split")
    parser.add_argument("--split", default="test")
    parser.add_argument("--tune-split", default="val", help="where thresholds are chosen; none: each run's own")
    parser.add_argument("--max-images", type=int, help="only the first N of each data set")
    parser.add_argument("--panel-rows", type=int, default=4, help="of each rule")
    parser.add_argument("--shown", nargs="+", help="names of the runs on the panels (default: all)")
    parser.add_argument("--out", type=Path, default=Path("runs/photographs"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if any("=" not in run for run in arguments.runs):
        parser.error("--runs takes NAME=FOLDER")
    runs = dict(run.split("=", 1) for run in arguments.runs)
    splits = [arguments.split] if arguments.tune_split == "none" else [arguments.split, arguments.tune_split]
    rows, *tuning = (
        concatenate_datasets([load_rows([f"{data},split={split}"], arguments.max_images) for data in arguments.data])
        for split in splits
    )
    command = shlex.join(["python", "scripts/compare_on_photographs.py", *sys.argv[1:]])
    written = compare_on_photographs(
        runs, rows, *(tuning or [None]), arguments.out, command, arguments.panel_rows, arguments.shown
    )
    print((arguments.out / "table.md").read_text(encoding="utf-8"))
    print(*written, sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
