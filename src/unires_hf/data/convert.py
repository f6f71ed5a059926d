# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Rows of any reader to a folder of Parquet that `datasets.load_dataset` opens, at any size and resumable.

Two passes. The first runs the reader and plans every shard with the paths of its pictures, so that the number of
shards is known and memory stays bounded. The second fills the shards with the pictures' own bytes: that is most of the
work, needs nothing but the number of a shard, and is done by threads of this machine or by Ray on many. All happens in
a hidden folder, and the shards move out of it when the last is whole. An interrupted conversion goes on where it was.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from unires_hf import __version__
from unires_hf.files import only_writer, read_json, whole, write_json, write_text

from . import dataset_card
from .schema import Row, RowError, Skipped, validate_row
from .shards import Broken, fill_shard, skipped_line, write_rows

SHARD_ROWS = 512
"""Our choice: 60 to 80 MB of MS COCO, and 34 shards of RefCOCO's train split for the workers that share them."""
SPLIT_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)
"""What `datasets` takes for the name of a split; no such name followed by "-" begins another's shards."""
COUNTS = ("images", "objects", "parts", "expressions", "boxes_only", "bytes")
Engine = Callable[[Callable[[int], int], list[int], int], Iterator[int]]


def convert(
    rows: Iterable[Row | Skipped],
    out: str | Path,
    split: str,
    *,
    command: str,
    source: str = "",
    shard_rows: int = SHARD_ROWS,
    num_proc: int = 1,
    engine: Engine | None = None,
    strict: bool = False,
    license: str = "other",
) -> dict[str, Any]:
    """Converts one split, or finishes what an interrupted call with the same command began.

    The folder's bytes depend on the rows, `command`, `shard_rows` and `license` only. Splits are added to a folder one
    after another.

    Args:
        rows (`Iterable`): what a reader yields. Not read again when an earlier call has read them all.
        out (`str` or `Path`): the folder: `{split}-00000-of-00064.parquet`, `manifest.json`, `skipped.jsonl` (what
            was lost and why) and the card, `README.md`.
        split (`str`): the split's name.
        command (`str`): what makes this split; it stands in the card, and tells this conversion from another.
        source (`str`, *optional*): a [`fingerprint`] of what the rows are read from. A conversion of what it was
            before is not gone on with.
        shard_rows (`int`, defaults to 512): images a shard.
        num_proc (`int`, defaults to 1): shards that are filled at once.
        engine (`Callable`, *optional*): what fills them; threads by default, since reading, decoding and writing leave
            Python to others. See `unires_hf.data.ray_engine`.
        strict (`bool`, defaults to `False`): stop at the first thing that would be skipped.
        license (`str`, defaults to `"other"`): the Hub's name of the license, for the card.

    Returns:
        `dict`: the split's entry in the manifest.

    Raises:
        ValueError: if the folder holds another conversion of this split, or one of what the source was before, another
            process writes there, the split's name is none that `datasets` takes, there is not one row, or, in a strict
            conversion, something is broken.
    """
    if shard_rows < 1 or num_proc < 1:
        raise ValueError(f"shard_rows and num_proc are 1 or more, got {shard_rows} and {num_proc}.")
    if not SPLIT_NAME.fullmatch(split):
        raise ValueError(f"{split!r} cannot name a split of Parquet: rename it with letters, digits and _ alone.")
    with only_writer(Path(out)):
        made_from = {"command": command, "source": source, "version": __version__}
        return _convert(rows, Path(out), split, made_from, shard_rows, num_proc, engine, strict, license)


def _convert(
    rows: Iterable[Row | Skipped],
    out: Path,
    split: str,
    made_from: dict[str, str],
    shard_rows: int,
    num_proc: int,
    engine: Engine | None,
    strict: bool,
    license: str,
) -> dict[str, Any]:
    staging = out / f".converting-{split}"
    manifest = read_json(out / "manifest.json") or {"splits": {}}
    if split not in manifest["splits"]:
        plan = _resumed(staging, made_from) or _plan(rows, out, split, made_from, shard_rows, strict)
        _fill(staging, plan, num_proc, engine or fill_with_threads, strict)
        manifest = _publish(out, split, plan, manifest, strict, license)
    done = manifest["splits"][split]
    _same(done, made_from, out)
    if strict and done["skipped"]:
        raise ValueError(f"{out} was converted without {done['skipped']} things; skipped.jsonl there says which.")
    shutil.rmtree(staging, ignore_errors=True)
    return done


def fill_with_threads(work: Callable[[int], int], shards: list[int], num_proc: int) -> Iterator[int]:
    """Calls `work` with the numbers of the shards, `num_proc` at once, and yields what it returns as it ends."""
    with ThreadPoolExecutor(num_proc) as pool:
        futures = [pool.submit(work, number) for number in shards]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _resumed(staging: Path, made_from: dict[str, str]) -> dict[str, Any] | None:
    plan = read_json(staging / "plan.json")
    if plan is not None:
        _same(plan, made_from, staging)
    return plan


def _same(earlier: dict[str, Any], made_from: dict[str, str], folder: Path) -> None:
    """Raises a ValueError where what was made earlier is not what would be made now."""
    changed = next((key for key, value in made_from.items() if earlier.get(key) != value), None)
    if changed:
        before = {
            "command": f"another conversion, `{earlier.get('command')}`",
            "source": "a conversion of another source, or of this one before its files changed",
            "version": f"a conversion by version {earlier.get('version')} of this package",
        }[changed]
        raise ValueError(f"{folder} holds {before}. Delete it, or choose another folder.")


def _plan(
    rows: Iterable[Row | Skipped], out: Path, split: str, made_from: dict[str, str], shard_rows: int, strict: bool
) -> dict[str, Any]:
    strangers = sorted(it.name for it in out.glob(f"{split}-*.parquet"))
    if strangers:
        raise ValueError(f"{out} holds {strangers[0]}, which no manifest knows. Delete it, or choose another folder.")
    rows = iter(rows)
    first = list(islice(rows, 1))  # whatever is wrong with the request shows here, before a folder is made
    staging = out / f".converting-{split}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        images, shards = _write_plans(chain(first, rows), staging, split, shard_rows, strict)
    except BaseException:
        shutil.rmtree(staging)
        raise
    plan = {**made_from, "images": images, "shards": shards, "shard_rows": shard_rows}
    write_json(staging / "plan.json", plan)
    return plan


def _write_plans(
    rows: Iterable[Row | Skipped], staging: Path, split: str, shard_rows: int, strict: bool
) -> tuple[int, int]:
    """Writes the plans and the losses, and returns the numbers of images and shards."""
    images = shards = 0
    with open(staging / "skipped.jsonl", "w+", encoding="utf-8") as skipped:
        sound = _sound(tqdm(rows, desc=f"{split}: read annotations", unit=" rows"), skipped, split, strict)
        for first in sound:
            images += write_rows(_plan_path(staging, shards), chain([first], islice(sound, shard_rows - 1)))
            shards += 1
        skipped.flush()
        os.fsync(skipped.fileno())
        if not images:
            skipped.seek(0)
            raise ValueError(f"The split {split} has no row; the first loss: {skipped.readline().strip() or 'none'}")
    return images, shards


def _sound(items: Iterable[Row | Skipped], skipped: Any, split: str, strict: bool) -> Iterator[Row]:
    """The rows among the items that keep the schema's rules; the rest is written down."""
    seen: set[int] = set()
    for item in items:
        if not isinstance(item, Skipped):
            try:
                validate_row(item)
                if (key := hash((item["source"], item["image_id"]))) in seen:
                    raise RowError(f"another image before it is called {item['image_id']}.")
                seen.add(key)
                yield item
                continue
            except RowError as error:
                item = Skipped(str(item.get("source")), f"image {item.get('image_id')}", str(error))
        if strict:
            raise Broken(item)
        skipped.write(skipped_line(item, split))


def _fill(staging: Path, plan: dict[str, Any], num_proc: int, engine: Engine, strict: bool) -> None:
    missing = [number for number in range(plan["shards"]) if not _receipt_path(staging, number).exists()]
    sizes = [min(plan["shard_rows"], plan["images"] - plan["shard_rows"] * number) for number in missing]
    split = staging.name.removeprefix(".converting-")
    with tqdm(
        total=plan["images"], initial=plan["images"] - sum(sizes), desc=f"{split}: embed pictures", unit=" images"
    ) as progress:
        for images in engine(partial(fill_planned, staging.absolute(), strict=strict), missing, num_proc):
            progress.update(images)


def fill_planned(staging: Path, number: int, strict: bool) -> int:
    """Fills one planned shard and leaves its receipt.

    Returns:
        `int`: the number of images that were planned for it.
    """
    receipt = fill_shard(_plan_path(staging, number), staging / f"{number:05d}.parquet", strict)
    write_json(_receipt_path(staging, number), receipt)
    _plan_path(staging, number).unlink()  # with rows that came with their pictures it is as large as the shard
    return receipt["images"] + len(receipt["skipped"])


def _publish(
    out: Path, split: str, plan: dict[str, Any], manifest: dict[str, Any], strict: bool, license: str
) -> dict[str, Any]:
    """Moves the shards out and writes what goes with them, the manifest last; may be interrupted and done again."""
    staging = out / f".converting-{split}"
    receipts = [read_json(_receipt_path(staging, number)) for number in range(plan["shards"])]
    lost = [skipped_line(Skipped(*it), split) for receipt in receipts for it in receipt["skipped"]]
    with open(staging / "skipped.jsonl", encoding="utf-8") as earlier:
        count = sum(1 for _ in earlier) + len(lost)
    if strict and count:
        raise ValueError(f"{count} things would be skipped; {staging} holds the list. Convert without --strict.")
    names = [f"{split}-{number:05d}-of-{plan['shards']:05d}.parquet" for number in range(plan["shards"])]
    for number, name in enumerate(names):
        shard = staging / f"{number:05d}.parquet"
        if shard.exists():
            os.replace(shard, out / name)
    with whole(out / "skipped.jsonl") as part, open(part, "w", encoding="utf-8") as file:
        file.writelines(_lines_of_others(out / "skipped.jsonl", split))
        with open(staging / "skipped.jsonl", encoding="utf-8") as earlier:
            shutil.copyfileobj(earlier, file)
        file.writelines(lost)
    entry = {key: plan[key] for key in ("command", "source", "version")}
    entry |= {key: sum(it[key] for it in receipts) for key in COUNTS} | {"skipped": count}
    entry["shards"] = [
        {"file": name, "images": receipt["images"], "bytes": receipt["bytes"], "sha256": receipt["sha256"]}
        for name, receipt in zip(names, receipts, strict=True)
    ]
    manifest = {"license": license, "splits": {**manifest["splits"], split: entry}}
    write_text(out / "README.md", dataset_card.render(manifest, out.absolute().name))
    write_json(out / "manifest.json", manifest)
    return manifest


def _lines_of_others(path: Path, split: str) -> Iterator[str]:
    if path.exists():
        with open(path, encoding="utf-8") as lines:
            yield from (line for line in lines if json.loads(line)["split"] != split)


def _plan_path(staging: Path, number: int) -> Path:
    return staging / f"{number:05d}.plan.parquet"


def _receipt_path(staging: Path, number: int) -> Path:
    return staging / f"{number:05d}.json"
