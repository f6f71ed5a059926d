# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires annotate`: from pictures to objects, parts and words with masks, verified."""

import argparse
import shlex
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `annotate`."""
    parser.add_argument("input", metavar="INPUT", help="a folder of pictures; or a data set: see `docs/engine.md`")
    parser.add_argument("--recipe", required=True, type=Path, metavar="FILE", help="the YAML file of the stages")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder to make, or to go on with")
    parser.add_argument(
        "--known",
        choices=("all", "objects", "nothing"),
        default="all",
        help="what of the input's labels the engine is given (default: all)",
    )
    parser.add_argument("--split", default="train", help="the name of the split that is made (default: train)")
    parser.add_argument(
        "--held-out",
        nargs="+",
        default=[],
        metavar="DATA",
        help="refuse the pictures of these data sets, such as refcoco,root=REFER,split=val+testA+testB; or those that "
        "are val or test in a folder of annotations alone, such as REFER/refcoco",
    )
    parser.add_argument("--engine", choices=("loop", "ray"), default="loop", help="ray needs the extra `ray`")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="of Ray (default: 2)")
    parser.add_argument("--gpus", type=float, default=0.0, metavar="N", help="of each of Ray's workers (default: 0)")
    parser.add_argument("--gallery", type=int, default=4, metavar="N", help="cases a stage and verdict (default: 4)")


def annotate(arguments: argparse.Namespace) -> None:
    """Find objects and parts in pictures, say what they are, and verify both.

    Interrupted, the same command goes on where it was; the result is the same to the byte, with one worker or many.
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
    """What decides the bytes, and nothing else."""
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
        raise ValueError("--workers is 1 or more.")
    try:
        from unires_hf.engine.ray_workers import ray_engine
    except ImportError as error:
        raise ValueError("--engine ray needs Ray Data: pip install 'unires-hf[ray]'.") from error
    return ray_engine(arguments.workers, arguments.gpus)
