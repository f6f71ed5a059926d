# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires finetune`: train on referring segmentation data."""

import argparse


def add_arguments(parser: argparse.ArgumentParser, epochs: int = 15, images: int = 8) -> None:
    """Adds the flags of the short help, with a recipe's defaults; the dataclasses parse the command line."""
    parser.usage = f"{parser.prog} FILE | --FLAG VALUE …"
    parser.add_argument("file", nargs="?", metavar="FILE", help="a JSON or YAML file with all flags")
    parser.add_argument(
        "--model_name_or_path",
        metavar="MODEL",
        help="train this model further: a folder, a Hub name, `default` or `drawings`",
    )
    parser.add_argument(
        "--clip", metavar="NAME", help="or start from a CLIP checkpoint, such as openai/clip-vit-base-patch16"
    )
    parser.add_argument(
        "--encoders", nargs="+", metavar="NAME", help="or start from other encoders, such as google/tipsv2-b14"
    )
    parser.add_argument("--preset", metavar="NAME", help="or start from random weights: tiny, small, base, …")
    parser.add_argument(
        "--lora", metavar="RANK", help="train low-rank adapters of this rank instead of the encoders (PEFT)"
    )
    parser.add_argument(
        "--train_data",
        nargs="+",
        metavar="DATA",
        help="training data: folders of Parquet, Hub names, or a reader such as folder,root=DIR",
    )
    parser.add_argument(
        "--eval_data", nargs="+", metavar="DATA", help="evaluation data, such as folder,root=DIR,split=val"
    )
    parser.add_argument("--output_dir", metavar="DIR", help="the output folder")
    parser.add_argument("--num_train_epochs", metavar="N", help=f"passes over the data (default: {epochs})")
    parser.add_argument("--learning_rate", metavar="RATE", help="peak learning rate (default: 1e-5)")
    parser.add_argument(
        "--per_device_train_batch_size", metavar="N", help=f"images per step on each device (default: {images})"
    )
    parser.add_argument(
        "--resume_from_checkpoint", metavar="last", help="continue an interrupted run from its last checkpoint"
    )
    parser.add_argument("--help-all", action="store_true", help="show all flags, including those of Trainer")


def finetune(arguments: argparse.Namespace) -> None:
    """Train on referring segmentation data; the defaults are the paper's recipe for fine-tuning.

    This help shows the most common flags; `unires finetune --help-all` shows all of them.
    """
    from unires_hf.training.recipes import finetune

    finetune(["--help"] if arguments.words == ["--help-all"] else arguments.words)
