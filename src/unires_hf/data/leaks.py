# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Pictures that are measured on, and so must not be trained on: known by their COCO id, and by how they look."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset
from datasets import Image as ImageFeature
from PIL.Image import Image

from .readers import safe_pickle
from .readers.group_splits import TWIN_BITS, difference_hash
from .schema import Row

_COCO_NAME = re.compile(r"(?:COCO_(?:train|val|test)20\d\d_)?(\d{12})(?:\.\w+)?")
_COCO_SOURCES = {
    "coco",
    "coco-parts",
    "paco",
    "refcoco",
    "refcoco+",
    "refcocog",
    "grefcoco",
    "refcocom",
    "cris",
    "hub",
}


class HeldOut:
    """Pictures to refuse.

    Args:
        coco_ids (`Iterable[int]`): their ids in MS COCO.
        hashes (`Sequence` or `np.ndarray`): their difference hashes, bool (pictures, 256).
    """

    def __init__(self, coco_ids: Iterable[int], hashes: Sequence | np.ndarray):
        self.coco_ids, self.hashes = set(coco_ids), np.asarray(hashes, bool).reshape(-1, 256)

    @classmethod
    def of(cls, rows: Dataset) -> "HeldOut":
        """The pictures of a table of the schema, such as RefCOCO's val, testA and testB."""
        ids, hashes = set(), []
        for row in _undecoded(rows):
            ids |= set(coco_ids(row))
            bits = difference_hash(row["image"]["bytes"] or Path(row["image"]["path"]))
            hashes += [] if bits is None else [bits]
        return cls(ids, np.array(hashes, bool))

    def kept(self, rows: Dataset) -> Dataset:
        """The rows that are not refused.

        Raises:
            ValueError: if none is left.
        """
        indices = [index for index, row in enumerate(_undecoded(rows)) if self.reason(row) is None]
        if not indices:
            raise ValueError("Every picture of the training data is held out: nothing is left to learn from.")
        return rows.select(indices)

    def reason(self, row: Row, picture: Image | None = None) -> str | None:
        """Why a row is refused, or None."""
        if found := self.coco_ids & set(coco_ids(row)):
            return f"held out: COCO's picture {min(found)} is measured on"
        if len(self.hashes):
            image = row["image"]
            bits = difference_hash((image["bytes"] or Path(image["path"])) if picture is None else _png(picture))
            if bits is not None and ((self.hashes != bits).sum(1) <= TWIN_BITS).any():
                return "held out: it looks like a picture that is measured on"
        return None


def annotation_files(folder: str | Path) -> list[Path]:
    """The `refs(….p)` of a folder of the REFER layout, such as `REFER/refcoco`; none of anything else."""
    return sorted(Path(folder).glob("refs(*).p"))


def measured_ids(annotations: Path) -> set[int]:
    """The COCO ids of the pictures of val and of every test split in a `refs(….p)`; pictures are not needed.

    Raises:
        ValueError: if the file is no list of refs.
    """
    refs = safe_pickle.load(annotations)
    try:
        return {int(ref["image_id"]) for ref in refs if ref["split"] != "train"}
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{annotations} is no list of refs with `image_id` and `split`.") from error


def _undecoded(rows: Dataset) -> Dataset:
    return rows.select_columns(["image", "image_id", "source"]).cast_column("image", ImageFeature(decode=False))


def coco_ids(row: Row) -> Iterator[int]:
    """The ids in MS COCO that a row's names say."""
    for name in (row["image"].get("path"), row["image_id"]):
        if name and (known := _COCO_NAME.fullmatch(Path(name).name)):
            yield int(known[1])
    if row["source"] in _COCO_SOURCES and row["image_id"].isdecimal():
        yield int(row["image_id"])


def _png(picture: Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=0)
    return file.getvalue()
