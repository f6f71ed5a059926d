# Copyright 2026 The unires-hf authors. Apache-2.0.
"""PartScenes from the command line: a sheet of samples, the trivial scores, a Parquet file, or its speed."""

import argparse
import time

from .dataset import PartScenes
from .sheet import sample_sheet
from .splits import SPLITS
from .trivial import trivial_scores


def main() -> None:
    """Reads the arguments and does one of the four."""
    parser = argparse.ArgumentParser(prog="python -m unires_hf.scenes", description=__doc__)
    parser.add_argument("what", choices=("sheet", "trivial", "write", "speed"))
    parser.add_argument("--split", choices=SPLITS, help="trivial: every split by default; otherwise val")
    parser.add_argument("--length", type=int, default=1000, help="number of scenes (not for a sheet)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=128, help="side of the picture in pixels")
    parser.add_argument("--out", help="where the PNG or the Parquet file goes")
    args = parser.parse_args()
    if args.what == "trivial":
        for split in [args.split] if args.split else SPLITS:
            print_scores(split, trivial_scores(PartScenes(split, args.length, args.seed, args.size)))
        return
    scenes = PartScenes(args.split or "val", args.length, args.seed, args.size)
    if args.what == "speed":
        start = time.process_time()
        expressions = sum(len(target["expressions"]) for row in scenes for target in row["targets"])
        seconds = time.process_time() - start
        print(f"{len(scenes) / seconds:.0f} scenes/s and {expressions / seconds:.0f} expressions/s on one core")
        return
    if not args.out:
        parser.error(f"{args.what} needs --out, the file to write.")
    if args.what == "sheet":
        sample_sheet(scenes).save(args.out)
    else:
        scenes.to_parquet(args.out)
    print(args.out)


def print_scores(split: str, scores: dict[str, dict[str, float]]) -> None:
    """One line a granularity."""
    for granularity, answers in scores.items():
        print(f"{split:13}{granularity:8}" + "  ".join(f"{name} {value:.1f}" for name, value in answers.items()))


if __name__ == "__main__":
    main()
