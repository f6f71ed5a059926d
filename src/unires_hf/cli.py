# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The command `unires`: each subcommand is one function for its arguments and one that runs it.

Errors of what one asked for are one sentence and exit code 2.
"""

import argparse
import inspect
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

EXPECTED = ("refcoco", "refcoco+", "refcocog", "refcocom", "mres-32m")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv (`Sequence[str]`, *optional*): the words after `unires`; by default those it was called with.

    Returns:
        `int`: the exit code: 0; 2 if something was asked for that cannot be done; 130 if interrupted.
    """
    parser = argparse.ArgumentParser(prog="unires", description="Segments what a phrase refers to (UniRES).")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add_arguments, run in COMMANDS:
        about = inspect.getdoc(run)
        command = commands.add_parser(
            run.__name__,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_arguments(command)
        command.set_defaults(run=run)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f"unires: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("unires: interrupted", file=sys.stderr)
        return 130
    return 0


def add_convert_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `convert`."""
    parser.add_argument("source", help="the reader: refcoco, refcocom, paco, folder, … (a wrong name lists them all)")
    parser.add_argument("--root", required=True, help="where the source's files are")
    parser.add_argument(
        "--split", required=True, nargs="+", metavar="SPLIT", help="one or more of the source's splits"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder to make, or to add to")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another argument of the reader, such as split_by=google or images=FOLDER; repeatable",
    )
    parser.add_argument("--shard-rows", type=int, default=512, metavar="N", help="images a shard (default: 512)")
    parser.add_argument(
        "--num-proc", type=int, default=1, metavar="N", help="shards to write at once, one thread each (default: 1)"
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="ray needs the extra `ray`")
    parser.add_argument("--strict", action="store_true", help="stop at the first thing that would be skipped")
    parser.add_argument("--license", default="other", metavar="ID", help="for the card, as the Hub names licences")
    parser.add_argument("--push", metavar="REPO", help="then upload to this data set repository; a new one is private")


def convert(arguments: argparse.Namespace) -> None:
    """Convert a source to a folder of Parquet that `datasets.load_dataset` opens.

    Interrupted, the same command goes on where it was; the result is the same to the byte.
    """
    from unires_hf.data.convert import convert as convert_rows

    options = _reader_options(arguments.source, arguments.set)
    for split in arguments.split:
        done = convert_rows(
            _read(arguments.source, arguments.root, split, options),
            arguments.out,
            split,
            command=_convert_command(arguments, split),
            shard_rows=arguments.shard_rows,
            num_proc=arguments.num_proc,
            engine=_engine(arguments.engine),
            strict=arguments.strict,
            licence=arguments.license,
        )
        print(
            f"{split}: {done['images']:,} images, {done['objects']:,} objects, {done['parts']:,} parts, "
            f"{done['expressions']:,} expressions in {len(done['shards'])} shards, {done['bytes'] / 1e6:,.1f} MB"
        )
        if done["boxes_only"]:
            print(f"{split}: {done['boxes_only']:,} targets have a box but no mask; training leaves them out")
        if done["skipped"]:
            print(f"{split}: {done['skipped']:,} things were skipped; {arguments.out / 'skipped.jsonl'} says why")
    if arguments.push:
        _push(arguments.out, arguments.push)


def _reader_options(source: str, pairs: list[str]) -> dict[str, str]:
    from unires_hf.data.sources import SOURCES

    if source not in SOURCES:
        raise ValueError(f"There is no reader {source!r}; choose from {', '.join(SOURCES)}.")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    known = [name for name in inspect.signature(SOURCES[source]).parameters if name not in ("root", "split")]
    for name, value in options.items():
        if name not in known or not value:
            raise ValueError(f"--set {name}={value}: the reader {source} takes {', '.join(known) or 'nothing more'}.")
    return options


def _read(source: str, root: str, split: str, options: dict[str, str]) -> Iterator[Any]:
    from unires_hf.data.sources import SOURCES

    return SOURCES[source](root, split=split, **options)


def _convert_command(arguments: argparse.Namespace, split: str) -> str:
    """What decides the bytes of a split, and nothing else."""
    words = ["unires", "convert", arguments.source, "--root", arguments.root, "--split", split]
    words += ["--out", arguments.out.absolute().name]
    words += [word for pair in sorted(arguments.set) for word in ("--set", pair)]
    words += ["--shard-rows", str(arguments.shard_rows)] if arguments.shard_rows != 512 else []
    words += ["--license", arguments.license] if arguments.license != "other" else []
    return shlex.join(words)


def _engine(name: str) -> Callable[..., Iterator[int]]:
    from unires_hf.data.convert import fill_with_threads

    if name == "local":
        return fill_with_threads
    try:
        from unires_hf.data.ray_engine import fill_with_ray
    except ImportError as error:
        raise ValueError("--engine ray needs Ray Data: pip install 'unires-hf[ray]'.") from error
    return fill_with_ray


def _push(folder: Path, repo: str) -> None:
    from huggingface_hub import HfApi

    api = HfApi()
    # The pictures are other people's: who may see them is for the uploader to decide, after looking.
    url = api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
    api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder, ignore_patterns=[".*", "*.part"])
    print(f"uploaded to {url}")


def add_stats_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `stats`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `unires convert` made")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: DIR/stats)")
    parser.add_argument("--split", nargs="+", metavar="SPLIT", help="only these splits")
    parser.add_argument("--expect", choices=EXPECTED, help="compare with the paper's counts of this data set")


def stats(arguments: argparse.Namespace) -> None:
    """Count what is in a data set, and draw it: statistics.json, statistics.md and PNGs.

    The drawings need the extra `report`.
    """
    from unires_hf.report import write_report

    for path in write_report(arguments.folder, arguments.out, splits=arguments.split, expect=arguments.expect):
        if path.suffix == ".md":
            print(path.read_text(encoding="utf-8"))
        print(path, file=sys.stderr)


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
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


def add_segment_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `segment`."""
    parser.add_argument("image", help="a picture: a path or a URL")
    parser.add_argument("text", nargs="+", metavar="EXPRESSION", help='what to segment, such as "the red truck"')
    parser.add_argument("--model", required=True, help="a folder or Hub repository with a UniRES checkpoint")
    parser.add_argument("--out", type=Path, default=Path("segmented"), metavar="DIR", help="default: segmented")
    parser.add_argument("--threshold", type=float, help="a pixel belongs to a mask above it (default: the model's)")
    parser.add_argument("--json", action="store_true", help="also write results.json, with the masks as RLE")


def segment(arguments: argparse.Namespace) -> None:
    """Segment expressions in a picture: overlay.png, and mask-1.png … in the order of the expressions."""
    import json

    import numpy as np
    from transformers import pipeline

    from unires_hf.data import masks
    from unires_hf.model.image_input_unires import open_image, upright
    from unires_hf.report.overlay import draw_overlays

    picture = upright(open_image(arguments.image))
    segmenter = pipeline("referring-segmentation", model=arguments.model)
    options = {} if arguments.threshold is None else {"threshold": arguments.threshold}
    results = segmenter(picture, text=arguments.text, **options)
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_overlays(picture, results).save(arguments.out / "overlay.png")
    for number, result in enumerate(results, 1):
        result["mask"].save(arguments.out / f"mask-{number}.png")
        found = "nothing" if result["is_empty"] else f"score {result['score']:.2f}, box {result['box']}"
        print(f"{result['label']}: {found}")
    if arguments.json:
        rows = [{**result, "mask": masks.encode(np.asarray(result["mask"]) > 0)} for result in results]
        (arguments.out / "results.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(arguments.out / "overlay.png")


COMMANDS: list[tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], None]]] = [
    (add_segment_arguments, segment),
    (add_convert_arguments, convert),
    (add_stats_arguments, stats),
    (add_evaluate_arguments, evaluate),
]

if __name__ == "__main__":
    sys.exit(main())
