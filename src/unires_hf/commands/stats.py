# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires stats`: counts what is in a data set."""

import argparse
import sys
from pathlib import Path

EXPECTED = ("refcoco", "refcoco+", "refcocog", "refcocom", "mres-32m", "grefcoco", "gseval", "ref-adv-s")
EXPECTED += ("instruct-part", "paco", "phrasecut")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `stats`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that `unires convert` made")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the output folder (default: DIR/stats)")
    parser.add_argument("--split", nargs="+", metavar="SPLIT", help="count only these splits")
    parser.add_argument("--expect", choices=EXPECTED, help="compare with the published counts of this data set")


def stats(arguments: argparse.Namespace) -> None:
    """Count what is in a data set: writes statistics.json, statistics.md and diagrams (PNG).

    The diagrams need the extra `report`; the counts do not.
    """
    from unires_hf.report import write_report

    for path in write_report(arguments.folder, arguments.out, splits=arguments.split, expect=arguments.expect):
        if path.suffix == ".md":
            print(path.read_text(encoding="utf-8"))
        print(path, file=sys.stderr)
