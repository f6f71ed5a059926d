# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires compare`: models side by side on one data set."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `compare`."""
    parser.add_argument(
        "--models",
        required=True,
        nargs="+",
        metavar="MODEL",
        help="two or more: folders or Hub names of UniRES, CRIS or LAVT, `default`, or BASELINE:NAME, where "
        "BASELINE is clipseg, sam3, florence2 or grounded-sam2, such as clipseg:CIDAS/clipseg-rd64-refined",
    )
    parser.add_argument(
        "--dataset",
        required=True,
        help="a folder of Parquet, a Hub name, a reader as refcoco,root=DIR, or partscenes,length=N",
    )
    parser.add_argument("--split", default="val", help="several are joined with + (default: val)")
    parser.add_argument("--max-images", type=int, metavar="N", help="only the first N images")
    parser.add_argument("--max-length", type=int, metavar="N", help="cut words to N tokens (default: as trained)")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images a pass (default: 8)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps, … (default: auto, the best there is)")
    parser.add_argument(
        "--panel-rows", type=int, default=3, metavar="N", help="of each kind on panel.png (default: 3)"
    )
    parser.add_argument(
        "--page-cases", type=int, default=60, metavar="N", help="of each kind on cases.html (default: 60)"
    )
    parser.add_argument("--no-costs", action="store_true", help="do not measure time and memory")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder to make")


def compare(arguments: argparse.Namespace) -> None:
    """Measure models on one data set: a table, a panel of pictures, and a page to look through many cases.

    The cases are some at random, and those where the first model gains and loses most against the best of the
    others.
    """
    from unires_hf.loading import load_rows
    from unires_hf.report.model_comparison import compare_models

    rows = load_rows([f"{arguments.dataset},split={arguments.split}"], arguments.max_images)
    comparison = compare_models(
        arguments.models,
        rows,
        batch_size=arguments.batch_size,
        max_length=arguments.max_length,
        device=arguments.device,
        costs=not arguments.no_costs,
    )
    print(comparison.markdown())
    for path in comparison.save(arguments.out, rows, arguments.panel_rows, arguments.page_cases):
        print(path, file=sys.stderr)
