# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires evaluate`: the scores of a checkpoint on a data set."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `evaluate`."""
    parser.add_argument("model", help="a folder or Hub repository with a UniRES checkpoint")
    parser.add_argument(
        "dataset", help="a folder of Parquet, a Hub name, a reader as refcoco,root=DIR, or partscenes,length=N"
    )
    parser.add_argument("--split", default="val", help="several are joined with + (default: val)")
    parser.add_argument("--protocol", default="unires", help="how to score (a wrong name lists them; default: unires)")
    parser.add_argument(
        "--controls",
        nargs="*",
        default=["all_foreground", "parent_object"],
        metavar="NAME",
        help="what else to score; with no name, nothing (default: all_foreground parent_object)",
    )
    parser.add_argument("--max-images", type=int, metavar="N", help="only the first N images")
    parser.add_argument("--max-length", type=int, metavar="N", help="cut words to N tokens (paper: 17, RefCOCOg 22)")
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images a pass (default: 8)")
    parser.add_argument("--device", help="cpu, cuda, mps, … (default: the best there is)")
    parser.add_argument("--out", type=Path, default=Path("results.json"), help="default: results.json")


def evaluate(arguments: argparse.Namespace) -> None:
    """Score a checkpoint on every expression of a data set, and write and print the table."""
    import torch
    from transformers import AutoModel, AutoProcessor

    from unires_hf.evaluation import evaluate_model
    from unires_hf.loading import load_rows

    rows = load_rows([f"{arguments.dataset},split={arguments.split}"], arguments.max_images)
    best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    results = evaluate_model(
        AutoModel.from_pretrained(arguments.model).to(arguments.device or best),
        AutoProcessor.from_pretrained(arguments.model),
        rows,
        protocol=arguments.protocol,
        batch_size=arguments.batch_size,
        max_images=arguments.max_images,
        max_length=arguments.max_length,
        controls=arguments.controls,
        settings={"model": arguments.model, "dataset": arguments.dataset, "split": arguments.split},
    )
    print(results.markdown())
    for path in results.save(arguments.out):
        print(path, file=sys.stderr)
