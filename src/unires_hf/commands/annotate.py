# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires annotate`: finds objects and parts in pictures, with verified masks and expressions."""

import argparse
import shlex
from pathlib import Path

from . import needs_ray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `annotate`."""
    parser.add_argument("input", metavar="INPUT", help="a folder of pictures, or a data set (see docs/engine.md)")
    parser.add_argument(
        "--recipe", required=True, type=Path, metavar="FILE", help="the YAML file that configures the stages"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="the output folder, new or of an interrupted run"
    )
    parser.add_argument(
        "--known",
        choices=("all", "objects", "nothing"),
        default="all",
        help="which labels of the input the engine may use (default: all)",
    )
    parser.add_argument("--split", default="train", help="the name of the new split (default: train)")
    parser.add_argument(
        "--held-out",
        nargs="+",
        default=[],
        metavar="DATA",
        help="refuse pictures of these data sets, such as refcoco,root=REFER,split=val+testA+testB; for a folder that "
        "holds only annotations, such as REFER/refcoco, refuse its val and test pictures",
    )
    parser.add_argument(
        "--engine", choices=("loop", "ray"), default="loop", help="what runs the work; ray needs the extra `ray`"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="number of Ray workers (default: 2)")
    parser.add_argument("--gpus", type=float, default=0.0, metavar="N", help="GPUs of each Ray worker (default: 0)")
    parser.add_argument(
        "--gallery",
        type=int,
        default=4,
        metavar="N",
        help="examples to draw for each stage and verdict; 0 draws none (default: 4)",
    )


def annotate(arguments: argparse.Namespace) -> None:
    """Find objects and parts in pictures, describe them in words, and verify masks and words.

    If the command is interrupted, run it again: it continues where it stopped. The result is the same to the byte with
    any number of workers.
    """
    from unires_hf.engine.annotation import annotate as annotate_rows
    from unires_hf.engine.intake import open_input
    from unires_hf.engine.recipe import read_recipe
    from unires_hf.engine.yields import markdown
    from unires_hf.loading import load_held_out
    from unires_hf.report.verdict_gallery import draw_verdicts

    recipe = read_recipe(arguments.recipe)
    manifest = annotate_rows(
        open_input(arguments.input, arguments.known),
        arguments.out,
        recipe,
        command=_command(arguments),
        split=arguments.split,
        engine=_engine(arguments),
        held_out=load_held_out(arguments.held_out) if arguments.held_out else None,
    )
    done = manifest["splits"][arguments.split]
    print(
        f"{done['images']:,} of {manifest['made_from']['images']:,} images: {done['objects']:,} objects, "
        f"{done['parts']:,} parts, {done['expressions']:,} expressions in {arguments.out}\n"
    )
    print(f"{markdown(manifest['yields'])}\n")
    if arguments.gallery:
        print(draw_verdicts(arguments.out, arguments.out / "gallery.png", arguments.gallery))


def _command(arguments: argparse.Namespace) -> str:
    """The command with only those options that determine the bytes."""
    words = ["unires", "annotate", arguments.input, "--recipe", arguments.recipe.name]
    words += ["--out", arguments.out.absolute().name]
    words += ["--known", arguments.known] if arguments.known != "all" else []
    words += ["--held-out", *arguments.held_out] if arguments.held_out else []
    return shlex.join(words)


def _engine(arguments: argparse.Namespace):
    from unires_hf.engine.annotation import plain_loop

    if arguments.engine == "loop":
        return plain_loop
    if arguments.workers < 1:
        raise ValueError("--workers must be at least 1.")
    with needs_ray():
        from unires_hf.engine.ray_workers import ray_engine
    return ray_engine(arguments.workers, arguments.gpus)
