# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One Parquet shard: planned with the paths of its pictures, then filled with the pictures' own bytes."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from errno import ENOENT
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unires_hf.files import whole

from .pictures import open_picture, picture_size
from .schema import FEATURES, Row, Skipped

SCHEMA = FEATURES.arrow_schema
GROUP_ROWS = 64
"""Rows of a Parquet row group, which is what one thread holds and what a reader loads at once (our choice: 8 MB of
MS COCO's pictures)."""
GROUP_BYTES = 1 << 26
"""A row group ends early when its pictures exceed this."""
# Named ones repeat; a dictionary of pictures or of masks would only copy them.
_REPEATED = ["source", *(f"targets.list.element.{name}" for name in ("granularity", "category", "part"))]


class Broken(ValueError):
    """What a strict conversion stops at."""

    def __init__(self, lost: Skipped):
        super().__init__(f"{lost.source}, {lost.where}: {lost.reason} Mend it, or convert without --strict.")


def skipped_line(lost: Skipped, split: str) -> str:
    """The line of `skipped.jsonl`: split, source, where, reason."""
    return json.dumps({"split": split, **asdict(lost)}, ensure_ascii=False) + "\n"


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Writes rows, a group at a time; their pictures are paths, as in a plan, or encoded already.

    Args:
        path (`Path`): the Parquet file to make.
        rows (`Iterable[dict]`): rows of the schema. Paths are made absolute, since others may read them.

    Returns:
        `int`: the number of rows.
    """
    rows, count = iter(rows), 0
    with whole(path) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd", use_dictionary=_REPEATED) as writer:
        while group := list(islice(rows, GROUP_ROWS)):
            count += len(group)
            group = [{**row, "image": _absolute(row["image"])} for row in group]
            writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
    return count


def fill_shard(plan: Path, shard: Path, strict: bool = False) -> dict[str, Any]:
    """Writes a planned shard with its pictures, whole or not at all, and the same bytes each time.

    A picture's bytes are copied as they are, after a look whether they can be decoded at the planned size. A row whose
    picture cannot be is left out.

    Args:
        plan (`Path`): what `write_rows` wrote.
        shard (`Path`): the Parquet file to make.
        strict (`bool`, defaults to `False`): stop at the first such row.

    Returns:
        `dict`: the counts `images`, `objects`, `parts`, `expressions` and `boxes_only` (targets without a mask), the
        shard's `bytes` and `sha256`, and `skipped`, a list of `[source, where, reason]`.

    Raises:
        Broken: in a strict conversion.
    """
    skipped: list[Skipped] = []
    counts = dict.fromkeys(("images", "objects", "parts", "expressions", "boxes_only"), 0)
    with whole(shard) as part:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd", use_dictionary=_REPEATED) as writer:
            for rows in pq.ParquetFile(plan).iter_batches(batch_size=GROUP_ROWS):
                for group in _filled(pa.Table.from_batches([rows], schema=SCHEMA), skipped):
                    if strict and skipped:
                        raise Broken(skipped[0])
                    writer.write_table(group)
                    for name, value in _counts(group).items():
                        counts[name] += value
            if strict and skipped:
                raise Broken(skipped[0])
        with open(part, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = part.stat().st_size
    return {**counts, "bytes": size, "sha256": digest, "skipped": [[it.source, it.where, it.reason] for it in skipped]}


def _filled(rows: pa.Table, skipped: list[Skipped]) -> Iterator[pa.Table]:
    """The rows with pictures, in groups of at most about `GROUP_BYTES`."""
    kept: list[int] = []
    pictures: list[Row] = []
    described = rows.select(["image", "image_id", "source", "width", "height"]).to_pylist()
    for index, row in enumerate(described):
        try:
            content = _content(row["image"])
            _check(content, row["height"], row["width"])
        except ValueError as error:
            skipped.append(Skipped(row["source"], f"image {row['image_id']}", str(error)))
            continue
        kept.append(index)
        pictures.append({"bytes": content, "path": Path(row["image"]["path"] or "").name or None})
        if sum(len(it["bytes"]) for it in pictures) >= GROUP_BYTES:
            yield _with_pictures(rows.take(kept), pictures)
            kept, pictures = [], []
    if kept:
        yield _with_pictures(rows.take(kept), pictures)


def _with_pictures(rows: pa.Table, pictures: list[Row]) -> pa.Table:
    return rows.set_column(0, SCHEMA.field("image"), pa.array(pictures, SCHEMA.field("image").type))


def _content(image: Row) -> bytes:
    if image["bytes"] is not None:
        return image["bytes"]
    try:
        if not Path(image["path"]).is_file():  # of a pipe one would wait for the end
            raise FileNotFoundError(ENOENT, "it is no file")
        return Path(image["path"]).read_bytes()
    except OSError as error:
        raise ValueError(f"the picture {image['path']} cannot be read: {error.strerror}.") from error


def _check(content: bytes, height: int, width: int) -> None:
    with open_picture(content) as picture:
        try:
            picture.load()
        except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
            raise ValueError(f"the picture is damaged: {error}.") from error
    if picture_size(content) != (height, width):
        raise ValueError(f"the picture is {picture_size(content)} (h, w), its row says {(height, width)}.")


def _counts(rows: pa.Table) -> dict[str, int]:
    targets = rows["targets"].combine_chunks().flatten()
    objects = pc.sum(pc.equal(targets.field("granularity"), "object")).as_py() or 0
    return {
        "images": len(rows),
        "objects": objects,
        "parts": len(targets) - objects,
        "expressions": pc.sum(pc.list_value_length(targets.field("expressions"))).as_py() or 0,
        "boxes_only": targets.field("mask").null_count,
    }


def _absolute(image: Row) -> Row:
    return image if image["path"] is None else {**image, "path": str(Path(image["path"]).absolute())}
