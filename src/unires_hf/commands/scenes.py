# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires scenes`: draws PartScenes as a sheet or a Parquet file, scores simple rules, measures the speed."""

import argparse
import time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `scenes`."""
    parser.add_argument(
        "what",
        choices=("sheet", "trivial", "write", "speed"),
        help="sheet: a picture of samples; trivial: scores of simple rules, such as marking all; write: a Parquet "
        "file; speed: scenes per second",
    )
    parser.add_argument("--split", help="the split to draw (default: all for trivial, else val)")
    parser.add_argument(
        "--length", type=int, default=1000, help="number of scenes, except for a sheet (default: 1000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the scenes (default: 0)")
    parser.add_argument("--size", type=int, default=128, help="side of each picture in pixels (default: 128)")
    parser.add_argument("--out", help="the PNG or Parquet file to write")


def scenes(arguments: argparse.Namespace) -> None:
    """Draw PartScenes as a sheet of samples or a Parquet file, score simple rules, or measure the drawing speed."""
    from unires_hf.scenes import SPLITS, PartScenes, trivial_scores
    from unires_hf.scenes.sheet import sample_sheet

    def open_split(split: str) -> PartScenes:
        return PartScenes(split, arguments.length, arguments.seed, arguments.size)

    if arguments.what == "trivial":
        for split in [arguments.split] if arguments.split else SPLITS:
            _print_scores(split, trivial_scores(open_split(split)))
        return
    drawn = open_split(arguments.split or "val")
    if arguments.what == "speed":
        start = time.process_time()
        expressions = sum(len(target["expressions"]) for row in drawn for target in row["targets"])
        seconds = time.process_time() - start
        print(f"{len(drawn) / seconds:.0f} scenes/s and {expressions / seconds:.0f} expressions/s on one core")
        return
    if not arguments.out:
        raise ValueError(f"{arguments.what} needs --out, the file to write.")
    if arguments.what == "sheet":
        sample_sheet(drawn).save(arguments.out)
    else:
        drawn.to_parquet(arguments.out)
    print(arguments.out)


def _print_scores(split: str, scores: dict[str, dict[str, float]]) -> None:
    """Prints a line for each granularity."""
    for granularity, answers in scores.items():
        print(f"{split:13}{granularity:8}" + "  ".join(f"{name} {value:.1f}" for name, value in answers.items()))
