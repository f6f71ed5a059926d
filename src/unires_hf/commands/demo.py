# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires demo`: the shipped checkpoint on a photograph that ships with it."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `demo`."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    parser.add_argument("--model", default="default", help="a folder or Hub repository (default: what ships)")


def demo(arguments: argparse.Namespace) -> None:
    """Segment what is said about a photograph: demo.png, the photograph with its masks and their names."""
    from PIL import Image

    from unires_hf.inference.segmenter import Segmenter
    from unires_hf.photographs import FOLDER, SAID
    from unires_hf.report.named import draw_named

    name, text = next(iter(SAID.items()))
    picture = Image.open(FOLDER / name)
    segmenter = Segmenter.from_pretrained(arguments.model)
    (results,) = segmenter.masks(segmenter.ask(segmenter.encode([picture]), [text]))
    for result in results:
        print(f"{result['label']}: {'nothing' if result['is_empty'] else format(result['score'], '.2f')}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_named(picture, results).save(arguments.out / "demo.png")
    print(arguments.out / "demo.png")
