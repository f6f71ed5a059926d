# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires warmup`: teach two encoders names and places."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the short help of `warmup` shows; the words themselves go on to the dataclasses unread."""
    parser.usage = "unires warmup FILE | --FLAG VALUE …"
    parser.add_argument("file", nargs="?", metavar="FILE", help="a JSON or YAML file that holds all flags")
    parser.add_argument("--preset", metavar="NAME", help="or from random weights of tiny, small, base, …")
    parser.add_argument("--output_dir", metavar="DIR", help="the folder to make")
    parser.add_argument("--scenes", metavar="N", help="scenes of an epoch (default: 100,000)")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="classes that are drawn (default: all)")
    parser.add_argument("--max_steps", metavar="N", help="steps to train for")
    parser.add_argument("--help-all", action="store_true", help="show all flags, those of Trainer too")


def warmup(arguments: argparse.Namespace) -> None:
    """Teach the two encoders of a preset the names of what PartScenes shows, where no CLIP is at hand.

    This help shows the most used flags; `unires warmup --help-all` shows all.
    """
    from unires_hf.training.recipes import warm_up_on_scenes

    warm_up_on_scenes(["--help"] if arguments.words == ["--help-all"] else arguments.words)
