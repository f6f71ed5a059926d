# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the engine starts from: a folder of pictures, or a table of images with what is known of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Image, load_dataset

from unires_hf.data.schema import FEATURES, Row
from unires_hf.loading import load_rows

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


class Folder(Sequence):
    """The pictures under a folder, in the order of their paths; nothing is known of them.

    A picture's id is its path under the folder without the ending, or with it where two pictures share the rest.
    """

    def __init__(self, root: Path):
        self.root = root
        self.paths = sorted(it for it in root.rglob("*") if it.suffix.lower() in ENDINGS and it.is_file())
        if not self.paths:
            raise ValueError(f"{root} holds no picture ({', '.join(sorted(ENDINGS))}).")
        bare = [str(it.relative_to(root).with_suffix("")) for it in self.paths]
        twice = len(set(bare)) < len(bare)
        self.ids = [str(it.relative_to(root)) for it in self.paths] if twice else bare

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Row:
        path = self.paths[index]
        image = {"bytes": path.read_bytes(), "path": path.name}
        return _bare(image, self.ids[index], self.root.name)


class Table(Sequence):
    """The rows of a table of the schema, or of one that has only pictures; pictures come as their files' bytes."""

    def __init__(self, rows: Dataset, source: str):
        self.rows, self.source = rows.cast_column("image", Image(decode=False)), source
        self.known = set(FEATURES) <= set(rows.column_names)
        self.named_by = next((it for it in ("image_id", "id") if it in rows.column_names), None)

    @property
    def ids(self) -> list[str]:
        """The pictures' ids; the pictures are not read."""
        names = self.rows[self.named_by] if self.named_by else [None] * len(self.rows)
        return [_name(index, name) for index, name in enumerate(names)]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        row = self.rows[index]
        image = dict(row["image"])
        if image["bytes"] is None:
            path = Path(image["path"])
            image = {"bytes": path.read_bytes(), "path": path.name}
        if self.known:
            return {**{name: row[name] for name in FEATURES}, "image": image}
        return _bare(image, _name(index, row.get(self.named_by)), self.source)


def open_input(specification: str, known: str = "all") -> Sequence[Row]:
    """The rows that a specification names: a folder of pictures; else what [`load_rows`] opens, COCO-format files
    (`coco,root=DIR,annotations=FILE`) among it; else any data set with a column `image`.

    Args:
        specification (`str`): as above.
        known (`str`, defaults to `"all"`): what of the rows is taken for known: `"all"`; `"objects"`, without their
            parts and words; `"nothing"`, pictures alone.

    Raises:
        ValueError: if it names nothing, or a data set without a column `image`.
    """
    folder = Path(specification)
    if folder.is_dir() and not any(folder.rglob("*.parquet")) and not any(folder.rglob("metadata.jsonl")):
        return Folder(folder)
    try:
        rows = load_rows([specification])
    except ValueError as error:
        if "has no column" not in str(error):
            raise
        name, _, split = specification.partition(",split=")
        rows = load_dataset(name, split=split or "train")
        if "image" not in rows.column_names:
            raise ValueError(
                f"{name} has no column 'image'; its columns are {', '.join(rows.column_names)}."
            ) from error
    table = Table(rows, specification.partition(",")[0])
    return table if known == "all" else Known(table, known)


class Known(Sequence):
    """Rows of which only the objects, or only the pictures, are known."""

    def __init__(self, rows: Sequence[Row], known: str):
        self.rows, self.known = rows, known

    @property
    def ids(self) -> list[str]:
        """The pictures' ids; the pictures are not read."""
        return self.rows.ids

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        row = self.rows[index]
        objects = [{**it, "expressions": []} for it in row["targets"] if it["granularity"] == "object"]
        return {**row, "targets": objects if self.known == "objects" else []}


def check_ids(rows: Sequence[Row]) -> None:
    """
    Raises:
        ValueError: if two rows of a list, or of what [`open_input`] opened, share an id. Other sequences are not
            checked: they may make a row only when asked for it.
    """
    if isinstance(rows, Folder | Table | Known):
        ids = rows.ids
    else:
        ids = [row["image_id"] for row in rows] if isinstance(rows, list) else []
    twice = next((name for name, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise ValueError(
            f"Two pictures have the id {twice!r}: give each one row, or choose one split, as DATA,split=val."
        )


def _name(index: int, name: Any) -> str:
    return f"{index:09d}" if name is None else str(name)


def _bare(image: dict[str, Any], image_id: str, source: str) -> Row:
    return {"image": image, "image_id": image_id, "source": source, "width": 0, "height": 0, "targets": []}
