# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires pretrain`: train on objects and parts."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the short help of `pretrain` shows; the words themselves go on to the dataclasses unread."""
    parser.usage = "unires pretrain FILE | --FLAG VALUE …"
    parser.add_argument("file", nargs="?", metavar="FILE", help="a JSON or YAML file that holds all flags")
    parser.add_argument(
        "--model_name_or_path", metavar="MODEL", help="go on from a folder, a Hub name, `default` or `drawings`"
    )
    parser.add_argument("--clip", metavar="NAME", help="or start from a CLIP, such as openai/clip-vit-base-patch16")
    parser.add_argument("--preset", metavar="NAME", help="or from random weights of tiny, small, base, …")
    parser.add_argument(
        "--train_data", nargs="+", metavar="DATA", help="folders of Parquet, Hub names, or readers as folder,root=DIR"
    )
    parser.add_argument(
        "--eval_data", nargs="+", metavar="DATA", help="what to measure on, such as folder,root=DIR,split=val"
    )
    parser.add_argument("--output_dir", metavar="DIR", help="the folder to make")
    parser.add_argument("--num_train_epochs", metavar="N", help="passes over the data (default: 50)")
    parser.add_argument("--learning_rate", metavar="RATE", help="at its peak (default: 1e-5)")
    parser.add_argument("--per_device_train_batch_size", metavar="N", help="images a step and device (default: 16)")
    parser.add_argument("--resume_from_checkpoint", metavar="last", help="go on where a run was interrupted")
    parser.add_argument("--help-all", action="store_true", help="show all flags, those of Trainer too")


def pretrain(arguments: argparse.Namespace) -> None:
    """Train on objects and parts; the defaults are the paper's recipe for pre-training.

    This help shows the most used flags; `unires pretrain --help-all` shows all.
    """
    from unires_hf.training.recipes import pretrain

    pretrain(["--help"] if arguments.words == ["--help-all"] else arguments.words)
