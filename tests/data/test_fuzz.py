# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A file never makes a traceback: on damaged files of every layout, commands say what they lost, within bounds.

`make fuzz` goes on for an hour, or for `UNIRES_FUZZ_SECONDS` or `UNIRES_FUZZ_MUTATIONS`; a failure names the seed that
brings it back.
"""

import contextlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from mutations import damage_bytes, damaged
from tiny_unires import save_checkpoint, tiny_processor

from unires_hf.cli import TRACEBACK, main
from unires_hf.data.schema import validate_row
from unires_hf.data.shards import SCHEMA

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and pipes of POSIX")

SECONDS, GIGABYTE = 10, 1 << 20  # of work; ru_maxrss counts in KB
WAIT = 120  # seconds on the clock, on a machine that others use, too
SPLITS = {"folder": "train", "interchange": "train"}
SLOW = ("hub", "stats", "checkpoint", "stream")  # they take as long as all others together
PAINTED = ("fasseg", "clothing-co-parsing")  # what lies beyond the border of a label map is no loss of the reader's
SPLITS |= dict.fromkeys(("gseval", "instruct-part", "paco-queries"), "test")
SPLITS |= dict.fromkeys(("clothing-co-parsing", "car-parts", "facades", "fasseg", "figure-ground"), "all")


class Hangs(BaseException):
    """It takes longer than a file may take."""


@dataclass
class Target:
    """What is damaged, and the command that reads it.

    Args:
        write: writes it whole, or with other records.
        command: the words of the command, by the folders to read and to write.
        records: what may be damaged in its records; nothing where only bytes may be.
        composes: whether expressions are made of what is read, so that their number says nothing.
    """

    write: Callable[[Path, Any], None]
    command: Callable[[Path, Path], list[str]]
    records: Any = None
    composes: bool = False
    whole: dict[str, int] = field(default_factory=dict)


def converted(source: str) -> Callable[[Path, Path], list[str]]:
    words = ["convert", source, "--split", SPLITS.get(source, "val")]
    return lambda root, out: [*words, "--root", str(root), "--out", str(out)]


@pytest.fixture(scope="module")
def targets(layouts, tmp_path_factory) -> dict[str, Target]:
    made = {}
    for source, make in layouts.items():
        layout = make()
        made[source] = Target(layout.write, converted(source), layout.records, layout.composes)
    hub = layouts["hub"]()

    def write_hub(root: Path, records: Any) -> None:
        hub.write(root / "pictures", records)
        rows = json.loads((root / "pictures/rows.json").read_text())
        (root / "pictures/rows.json").unlink()
        for split in ("train", "validation", "test", "testB"):  # those of the data set on the Hub
            path = root / f"rows/data/{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            Dataset.from_list(rows, features=hub.features).to_parquet(path)

    made["hub"] = Target(write_hub, hub_command, hub.records)
    rows, _ = layouts["refcoco"]().rows(tmp_path_factory.mktemp("rows"))
    for row in rows:
        path = Path(row["image"]["path"])
        row["image"] = {"bytes": path.read_bytes(), "path": path.name}
    made["parquet"] = Target(
        lambda root, records: write_parquet(root / "train-00000-of-00001.parquet", rows), converted("interchange")
    )
    checkpoint = save_checkpoint(tmp_path_factory.mktemp("checkpoint"), tiny_processor())
    made["checkpoint"] = Target(partial(write_checkpoint, checkpoint), segment_one)
    made["stream"] = Target(write_stream, partial(segment_many, checkpoint))
    made["stats"] = Target(made["parquet"].write, lambda root, out: ["stats", str(root), "--out", str(out)])
    return made


def write_checkpoint(checkpoint: Path, root: Path, records: Any) -> None:
    shutil.copytree(checkpoint, root)


def segment_one(root: Path, out: Path) -> list[str]:
    PIL.Image.new("RGB", (80, 60)).save(root.parent / "picture.png")
    return ["segment", str(root.parent / "picture.png"), "a dog", "--model", str(root), "--out", str(out)]


def write_stream(root: Path, records: Any) -> None:
    (root / "pictures").mkdir(parents=True)
    names = ("a.png", "b.jpg", "c.webp")
    for name in names:
        PIL.Image.new("RGB", (80, 60), (90, 120, 60)).save(root / "pictures" / name)
    lines = [json.dumps({"file_name": name, "text": ["the dog", "a head"]}) + "\n" for name in names]
    (root / "said.jsonl").write_text("".join(lines))


def segment_many(checkpoint: Path, root: Path, out: Path) -> list[str]:
    asked = ["--images", str(root / "pictures"), "--expressions", str(root / "said.jsonl")]
    return ["segment", *asked, "--model", str(checkpoint), "--out", str(out)]


def hub_command(root: Path, out: Path) -> list[str]:
    words = ["convert", "hub", "--root", str(root / "rows"), "--split", "validation", "--out", str(out)]
    return [*words, "--set", f"images={root / 'pictures'}"]


def write_parquet(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)


@contextlib.contextmanager
def limited(where: str) -> Iterator[None]:
    """Ends what takes too long, and fails what takes too much room."""

    def ring(*_: Any) -> None:
        raise Hangs(f"{where}: more than {WAIT} s")

    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    usual = signal.signal(signal.SIGALRM, ring)
    signal.alarm(WAIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)
    assert time.process_time() - begun < SECONDS, f"{where}: more than {SECONDS} s of work"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GIGABYTE, f"{where}: more than 1 GB"


def run(words: list[str], where: str) -> tuple[int, str]:
    """Exit code and errors of a command."""
    with contextlib.redirect_stderr(io.StringIO()) as errors, contextlib.redirect_stdout(io.StringIO()):
        with limited(where):
            code = main(words)
    return code, errors.getvalue()


def check(name: str, target: Target, seed: int, base: Path) -> str:
    """One mutation: what it was and the exit code."""
    rng = random.Random(f"{name} {seed}")
    root, out = base / "root", base / "out"
    for folder in (root, out):
        shutil.rmtree(folder, ignore_errors=True)
    in_records = target.records is not None and rng.random() < 0.5
    try:
        target.write(root, damaged(target.records, rng) if in_records else target.records)
    except (UnicodeEncodeError, OverflowError):  # MATLAB's files cannot hold such a text, Parquet not such a number
        return "records 0"
    how = "records" if in_records else damage_bytes(root, rng)
    where = f"{name}, seed {seed}, {how}"
    code, errors = run(target.command(root, out), where)
    assert "Traceback" not in errors and TRACEBACK not in errors, f"{where}: {errors}"
    if code:
        assert code == 2 and errors.rstrip("\n").split("\n")[-1].startswith("unires: "), f"{where}: {code} {errors}"
        assert not list(out.glob("*.parquet")), f"{where}: something half-written"
    elif target.command(root, out)[0] == "convert":
        counts = read_back(out, where)
        kept = counts["targets"] + (0 if target.composes else counts["expressions"])
        if in_records and name not in PAINTED and kept < target.whole["all"]:
            assert counts["skipped"], f"{where}: something was lost in silence"
    return f"{how.partition(': ')[2].partition(' at')[0] or how} {code}"


def read_back(out: Path, where: str) -> dict[str, int]:
    """Counts of a converted folder, which must be whole."""
    ((_, entry),) = json.loads((out / "manifest.json").read_text())["splits"].items()
    rows = [row for shard in entry["shards"] for row in pq.read_table(out / shard["file"]).to_pylist()]
    for row in rows:
        validate_row(row)
        PIL.Image.open(io.BytesIO(row["image"]["bytes"])).load()
    lost = (out / "skipped.jsonl").read_bytes().splitlines()
    assert len(rows) == entry["images"] and len(lost) == entry["skipped"], where
    assert not [it.name for it in out.iterdir() if it.name.startswith(".") or it.name.endswith(".part")], where
    targets = [it for row in rows for it in row["targets"]]
    spoken = sum(len(it["expressions"]) for it in targets)
    return {"targets": len(targets), "expressions": spoken, "skipped": len(lost)}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    PIL.Image.init()
    np.seterr(all="ignore")


def measure(targets: dict[str, Target], base: Path) -> None:
    """Counts each target while it is whole."""
    for name, target in targets.items():
        target.write(base / name / "root", target.records)
        code, errors = run(target.command(base / name / "root", base / name / "out"), f"{name}, whole")
        assert code == 0, f"{name}: {errors}"
        if target.command(base, base)[0] == "convert":
            counts = read_back(base / name / "out", name)
            assert not counts["skipped"], name
            target.whole["all"] = counts["targets"] + (0 if target.composes else counts["expressions"])


def test_damaged_files_are_said_to_be(targets, tmp_path):
    measure(targets, tmp_path / "whole")
    numbers = {name: range(4 if name in SLOW else 20) for name in targets}
    seen = [check(name, target, seed, tmp_path) for name, target in targets.items() for seed in numbers[name]]
    assert len({it.rpartition(" ")[0] for it in seen}) > 10 and {it[-1] for it in seen} == {"0", "2"}


@pytest.mark.slow
def test_for_long(targets, tmp_path):
    measure(targets, tmp_path / "whole")
    end = time.monotonic() + float(os.environ.get("UNIRES_FUZZ_SECONDS", 120))
    first, most = int(os.environ.get("UNIRES_FUZZ_SEED", 1000)), float(os.environ.get("UNIRES_FUZZ_MUTATIONS", "inf"))
    number, failures = 0, []
    for seed in itertools.count(first):
        for name, target in targets.items():
            if name in SLOW and seed % 8:
                continue
            try:
                check(name, target, seed, tmp_path)
            except (Exception, Hangs) as error:
                failures.append(f"{name}, seed {seed}: {type(error).__name__}: {error}"[:2000])
                print(failures[-1], flush=True)
            number += 1
            if number % 1000 == 0:
                print(f"{number:,} mutations, {len(failures)} failures", flush=True)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        if time.monotonic() > end or number >= most:
            break
    print(f"{number:,} mutations of {len(targets)} layouts, {len(failures)} failures", flush=True)
    assert not failures, "\n".join(failures)
