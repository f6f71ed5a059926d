# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires warmup`: trains both encoders to match names and places."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the short help; the dataclasses parse the command line."""
    parser.usage = "unires warmup FILE | --FLAG VALUE …"
    parser.add_argument("file", nargs="?", metavar="FILE", help="a JSON or YAML file with all flags")
    parser.add_argument("--preset", metavar="NAME", help="start from random weights: tiny, small, base, …")
    parser.add_argument("--output_dir", metavar="DIR", help="the output folder")
    parser.add_argument("--scenes", metavar="N", help="scenes per epoch (default: 100,000)")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="classes to draw (default: all)")
    parser.add_argument("--max_steps", metavar="N", help="number of training steps")
    parser.add_argument("--help-all", action="store_true", help="show all flags, including those of Trainer")


def warmup(arguments: argparse.Namespace) -> None:
    """Train the two encoders of a preset on the names of what PartScenes shows, as a substitute for a pretrained CLIP.

    This help shows the most common flags; `unires warmup --help-all` shows all of them.
    """
    from unires_hf.training.recipes import warm_up_on_scenes

    warm_up_on_scenes(["--help"] if arguments.words == ["--help-all"] else arguments.words)
