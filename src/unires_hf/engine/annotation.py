# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The whole run: shards of the input, made by one worker or by many, published when the last is whole.

As in the conversion, all happens in a hidden folder; a shard counts as made once its receipt is there, so that a run
that was stopped in whatever way goes on with the shards that lack one. What is written depends on the pictures and the
recipe only.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from unires_hf.data.leaks import HeldOut
from unires_hf.data.schema import Row
from unires_hf.files import only_writer, read_json, write_json, write_text

from . import engine_card
from .intake import check_ids
from .recipe import Recipe
from .shard_work import COUNTS, ShardWork
from .yields import markdown, summed

Engine = Callable[[ShardWork, Sequence[int], Callable[[int], Any]], Iterator[int]]


def annotate(
    rows: Sequence[Row],
    out: str | Path,
    recipe: Recipe,
    *,
    command: str,
    split: str = "train",
    engine: Engine | None = None,
    held_out: HeldOut | None = None,
) -> dict[str, Any]:
    """Annotates pictures, or finishes what an interrupted call with the same recipe began.

    Args:
        rows (`Sequence`): of the schema, pictures as bytes; see [`open_input`].
        out (`str` or `Path`): the folder to make: `{split}-00000-of-00016.parquet`, `rejected/00000.jsonl` with what
            was refused and why, `manifest.json` and the card, `README.md`.
        recipe (`Recipe`): the stages.
        command (`str`): what makes this, for the card.
        split (`str`, defaults to `"train"`): the name of the split.
        engine (`Callable`, *optional*): who makes the shards; [`plain_loop`] by default.
        held_out (`HeldOut`, *optional*): pictures that are refused.

    Returns:
        `dict`: the manifest.

    Raises:
        ValueError: if there is no picture, two have the same id, or the folder holds something else.
    """
    out = Path(out)
    manifest = read_json(out / "manifest.json")
    identity = {"recipe_key": recipe.key(), "images": len(rows), "command": command}
    if manifest is not None:
        _same(manifest["made_from"], identity, out)
        return manifest
    if not len(rows):
        raise ValueError("There is no picture to annotate.")
    check_ids(rows)
    with only_writer(out):
        return _annotate(rows, out, recipe, identity, split, engine or plain_loop, held_out)


def _annotate(
    rows: Sequence[Row],
    out: Path,
    recipe: Recipe,
    identity: dict[str, Any],
    split: str,
    engine: Engine,
    held_out: HeldOut | None,
) -> dict[str, Any]:
    staging = out / ".annotating"
    begun = read_json(staging / "begun.json")
    if begun is None or not any(staging.glob("0*.json")):  # a missing model binds no one to the recipe that named it
        staging.mkdir(parents=True, exist_ok=True)
        write_json(staging / "begun.json", identity)
    else:
        _same(begun, identity, staging)
    shards = -(-len(rows) // recipe.shard_images)
    missing = [number for number in range(shards) if not (staging / f"{number:05d}.json").exists()]
    work = ShardWork(recipe, rows, staging.absolute(), held_out)
    before = len(rows) - sum(min(recipe.shard_images, len(rows) - recipe.shard_images * it) for it in missing)
    with tqdm(total=len(rows), initial=before, desc="annotate", unit=" images") as progress:
        for _ in engine(work, missing, progress.update):
            pass
    return _publish(out, staging, split, shards, recipe, identity)


def plain_loop(work: ShardWork, missing: Sequence[int], progress: Callable[[int], Any]) -> Iterator[int]:
    """One worker, in this process: the shards one after another."""
    for number in missing:
        yield work(number, progress)


def _same(earlier: dict[str, Any], identity: dict[str, Any], folder: Path) -> None:
    for name, value in identity.items():
        if earlier[name] != value:
            what = {"recipe_key": "another recipe", "images": "other pictures"}.get(name, f"`{earlier[name]}`")
            raise ValueError(f"{folder} was begun with {what}. Delete it, or choose another folder.")


def _publish(
    out: Path, staging: Path, split: str, shards: int, recipe: Recipe, identity: dict[str, Any]
) -> dict[str, Any]:
    """Moves the shards out and writes what goes with them, the manifest last; may be interrupted and done again."""
    receipts = [read_json(staging / f"{number:05d}.json") for number in range(shards)]
    (out / "rejected").mkdir(exist_ok=True)
    files = []
    for number, receipt in enumerate(receipts):
        name = f"{split}-{number:05d}-of-{shards:05d}.parquet"
        for made, place in ((f"{number:05d}.parquet", name), (f"{number:05d}.jsonl", f"rejected/{number:05d}.jsonl")):
            if (staging / made).exists():
                os.replace(staging / made, out / place)
        files.append(
            {"file": name, "images": receipt["images"], "bytes": receipt["bytes"], "sha256": receipt["sha256"]}
        )
    entry = {name: sum(it[name] for it in receipts) for name in (*COUNTS, "bytes")}
    yields = summed(receipts)
    skipped = identity["images"] - entry["images"]
    manifest = {
        "made_from": identity,
        "license": recipe.license,
        "splits": {split: {"command": identity["command"], **entry, "skipped": skipped, "shards": files}},
        "recipe": recipe.as_dict(),
        "yields": yields,
    }
    write_text(out / "README.md", engine_card.render(manifest, out.absolute().name, markdown(yields)))
    write_json(out / "manifest.json", manifest)
    shutil.rmtree(staging)
    return manifest
