# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of PACO-LVIS: objects with attributes and 456 kinds of object parts, on COCO 2017's pictures."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from unires_hf.data.schema import Row, Skipped

from .borrowing import Lender
from .coco import CocoFile, annotation_file, picture_folders

FILES = ("paco_lvis_v1_{split}.json", "annotations/paco_lvis_v1_{split}.json")


def read_paco(
    root: str | Path,
    split: str = "val",
    images: str | Path | None = None,
    refer: Iterable[Row | Skipped] = (),
) -> Iterator[Row | Skipped]:
    """Yields one row an image with objects, parts and composed expressions.

    Args:
        root (`str` or `Path`): holds `[annotations/]paco_lvis_v1_{split}.json` and COCO's `train2017`, `val2017`.
        split (`str`, defaults to `"val"`): train, val or test.
        images (`str` or `Path`, *optional*): the folder that holds `train2017` and `val2017`.
        refer (`Iterable`, *optional*): rows of a REFER reader, whose expressions the same objects then carry.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing.
    """
    yield from CocoFile(
        source="paco",
        path=annotation_file(root, split, None, FILES),
        folders=picture_folders(root, split, images, ("images",)),
        lender=Lender(refer),
    ).rows()
