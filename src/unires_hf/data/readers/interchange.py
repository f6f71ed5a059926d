# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of what this package itself writes, and of the interchange form that an adapter for MRES-32M can write.

- Parquet in the schema: `ROOT/[data/]{split}-*.parquet`, with the pictures in it. It is MRES-32M's form on the Hub.
- JSONL: `ROOT/{split}.jsonl`, one image a line, in the full form of `folder`: the picture's path, targets with RLE
  masks, and expressions.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet

from unires_hf.data import masks
from unires_hf.data.brief import line
from unires_hf.data.schema import FEATURES, Row, Skipped

from .draft import Draft, drafted
from .folder import read_lines
from .records import take
from .source_files import inside, require_file

_BATCH = 16  # rows: pictures of a few hundred kB each


def read_interchange(
    root: str | Path, split: str = "train", source: str = "mres-32m", links: str = "no"
) -> Iterator[Row | Skipped]:
    """Yields the rows of Parquet shards, whose `source` they keep, or of a JSONL file.

    Args:
        root (`str` or `Path`): the folder.
        split (`str`, defaults to `"train"`): the split.
        source (`str`, defaults to `"mres-32m"`): the name that rows of JSONL carry.
        links (`str`, defaults to `"no"`): as for [`read_folder`].

    Raises:
        ValueError: if there is neither for the split.
    """
    own = re.compile(re.escape(split) + r"-\d+(-of-\d+)?(-[0-9a-f]+)?\.parquet")  # "val-*" were also those of val-hard
    folders = (Path(root), Path(root) / "data")
    shards = sorted(path for folder in folders for path in folder.glob("*.parquet") if own.fullmatch(path.name))
    if shards:
        for shard in shards:
            yield from _read_shard(source, shard)
    elif (Path(root) / f"{split}.jsonl").exists():
        yield from read_lines(source, Path(root) / f"{split}.jsonl", links=links)
    else:
        raise ValueError(f"{root} has neither {split}-*.parquet nor {split}.jsonl. Name another folder or split.")


def _read_shard(source: str, shard: Path) -> Iterator[Row | Skipped]:
    try:
        missing = set(FEATURES) - set(pyarrow.parquet.read_schema(require_file(shard, "Remove it.")).names)
        if missing:
            raise ValueError(f"it has no column {' or '.join(sorted(missing))}")
        for batch in pyarrow.parquet.ParquetFile(shard).iter_batches(_BATCH):
            table = pyarrow.Table.from_batches([batch]).select(list(FEATURES)).cast(FEATURES.arrow_schema)
            for row in table.to_pylist():
                yield from drafted(row.get("source") or source, row.get("image_id"), partial(_fill, row, shard.parent))
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        yield Skipped(source, shard.name, f"the rest of the shard is unreadable: {line(error)}.")


def _fill(row: Row, folder: Path, draft: Draft) -> None:
    take(row, "image_id", str)
    image = take(row, "image", dict)
    size = take(row, "height", int), take(row, "width", int)
    if image.get("bytes"):
        draft.open(image["bytes"], size)
        draft.image = image  # as it is, with the name of the embedded file
    else:
        draft.open(inside(folder, take(image, "path", str)), size)
    for number, target in enumerate(take(row, "targets", list)):
        with draft.attempt(f"image {draft.image_id}, target number {number}"):
            for key in ("target_id", "granularity", "category"):
                take(target, key, str)
            if take(target, "mask", dict, type(None)) is not None:
                masks.from_coco(target["mask"], draft.height, draft.width)
            draft.targets.append(target | {"expressions": take(target, "expressions", list)})
