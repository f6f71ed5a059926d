# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires convert`: converts the files of a data set to Parquet."""

import argparse
import inspect
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import needs_ray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `convert`."""
    parser.add_argument(
        "source", help="the reader to use: refcoco, refcocom, paco, folder, … (an unknown name lists them all)"
    )
    parser.add_argument("--root", required=True, help="the folder that holds the source's files")
    parser.add_argument("--split", required=True, nargs="+", metavar="SPLIT", help="one or more splits of the source")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="the output folder; splits are added to one that exists"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the reader, such as split_by=google or images=FOLDER; may be repeated",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="leave out photographs that look the same as one in this folder, such as a benchmark's; may be repeated",
    )
    parser.add_argument(
        "--words",
        action="store_true",
        help="replace the source's words with expressions as people would say them, in val and test; train gets "
        "none, because training draws new ones each time it sees a photograph",
    )
    parser.add_argument(
        "--to",
        choices=("parquet", "coco"),
        default="parquet",
        help="the output format; coco is for other tools (default: parquet)",
    )
    parser.add_argument("--shard-rows", type=int, default=512, metavar="N", help="images in each shard (default: 512)")
    parser.add_argument(
        "--num-proc",
        type=int,
        default=1,
        metavar="N",
        help="shards to write at the same time, one thread each (default: 1)",
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="what runs the work; ray needs the extra `ray`"
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first item that would be skipped")
    parser.add_argument("--license", default="other", metavar="ID", help="the Hub's name of the license, for the card")
    parser.add_argument(
        "--push", metavar="REPO", help="upload the result to this dataset repository; a new one is made private"
    )


def convert(arguments: argparse.Namespace) -> None:
    """Convert a data set to a folder of Parquet files that `datasets.load_dataset` opens, or to COCO's format.

    If the command is interrupted, run it again: it continues where it stopped and writes the same bytes. If the source
    has changed since, the command stops and says so; it never mixes or overwrites earlier results.
    """
    from unires_hf.data.convert import convert as convert_rows
    from unires_hf.files import fingerprint

    options = _reader_options(arguments.source, arguments.set)
    if arguments.to == "coco":
        _to_coco(arguments, options)
        return
    source = fingerprint(arguments.root, *options.values(), *arguments.without, without=arguments.out)
    for split in arguments.split:
        done = convert_rows(
            _read(arguments.source, arguments.root, split, options, arguments.without, arguments.words),
            arguments.out,
            split,
            command=_convert_command(arguments, split),
            source=source,
            shard_rows=arguments.shard_rows,
            num_proc=arguments.num_proc,
            engine=_engine(arguments.engine),
            strict=arguments.strict,
            license=arguments.license,
        )
        print(
            f"{split}: {done['images']:,} images, {done['objects']:,} objects, {done['parts']:,} parts, "
            f"{done['expressions']:,} expressions in {len(done['shards'])} shards, {done['bytes'] / 1e6:,.1f} MB"
        )
        if done["boxes_only"]:
            print(f"{split}: {done['boxes_only']:,} targets have a box but no mask; training skips them")
        if done["skipped"]:
            print(f"{split}: {done['skipped']:,} items were skipped; see {arguments.out / 'skipped.jsonl'}")
    if arguments.push:
        from unires_hf.publish.hub_upload import push_folder

        # The pictures belong to others: the uploader decides who may see them, after a look at the repository.
        url = push_folder(arguments.out, arguments.push, repo_type="dataset", private=True)
        print(f"uploaded to {url}")


def _to_coco(arguments: argparse.Namespace, options: dict[str, str]) -> None:
    from unires_hf.data.coco_folder import write_coco

    for split in arguments.split:
        rows = _read(arguments.source, arguments.root, split, options, arguments.without, arguments.words)
        done = write_coco(rows, arguments.out, split)
        print(f"{split}: {done['images']:,} images, {done['annotations']:,} annotations in {arguments.out}")
        if done["skipped"]:
            lost = arguments.out / f"skipped_{split}.jsonl"
            print(f"{split}: {done['skipped']:,} items were skipped; see {lost}")


def _reader_options(source: str, pairs: list[str]) -> dict[str, str]:
    from unires_hf.data.readers.sources import SOURCES

    if source not in SOURCES:
        raise ValueError(f"There is no reader {source!r}; choose from {', '.join(SOURCES)}.")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    known = [name for name in inspect.signature(SOURCES[source]).parameters if name not in ("root", "split")]
    for name, value in options.items():
        if name not in known or not value:
            raise ValueError(f"--set {name}={value}: the reader {source} takes {', '.join(known) or 'no options'}.")
    return options


def _read(
    source: str, root: str, split: str, options: dict[str, str], left_out: list[Path], words: bool
) -> Iterator[Any]:
    from unires_hf.data.photo_expressions import voiced
    from unires_hf.data.readers.group_splits import without
    from unires_hf.data.readers.sources import SOURCES

    rows = SOURCES[source](root, split=split, **options)
    rows = without(rows, left_out) if left_out else rows
    return voiced(rows, split) if words else rows


def _convert_command(arguments: argparse.Namespace, split: str) -> str:
    """The command with only those options that determine the bytes of a split."""
    words = ["unires", "convert", arguments.source, "--root", arguments.root, "--split", split]
    words += ["--out", arguments.out.absolute().name]
    words += [word for pair in sorted(arguments.set) for word in ("--set", pair)]
    words += [word for folder in arguments.without for word in ("--without", str(folder))]
    words += ["--words"] if arguments.words else []
    words += ["--shard-rows", str(arguments.shard_rows)] if arguments.shard_rows != 512 else []
    words += ["--license", arguments.license] if arguments.license != "other" else []
    return shlex.join(words)


def _engine(name: str) -> Callable[..., Iterator[int]]:
    from unires_hf.data.convert import fill_with_threads

    if name == "local":
        return fill_with_threads
    with needs_ray():
        from unires_hf.data.ray_engine import fill_with_ray
    return fill_with_ray
