# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of building facades (a-hwang/building-facade-segmentation): COCO format, tiles of photographs of streets.

```
ROOT/annotations.json  ROOT/images/0001.jpg
```
Windows and balcony fences are parts of the facade that holds most of them; each of them is a target, 23 windows an
image. Image records may have `run`, which says which photographs were taken on one walk: they stay in one split.
"""

from collections.abc import Iterator
from pathlib import Path

from unires_hf.data.part_expressions import compose
from unires_hf.data.schema import Row, Skipped

from .coco import CocoFile, annotation_file, picture_folders
from .draft import Draft, drawn
from .json_index import Table
from .records import find, record_id, take

MOST = 0.5
"""A window belongs to the facade that holds this share of it: frames and fences stick out (our choice)."""
_PARTS = {"window", "balcony fence"}


def read_facades(root: str | Path, split: str = "train") -> Iterator[Row | Skipped]:
    """Yields one row a tile: facades, shops, cars, plants and the like, and windows and balcony fences as parts.

    Args:
        root (`str` or `Path`): the folder of `annotations.json` and `images`.
        split (`str`, defaults to `"train"`): train, val or test, by run, or all.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing, or there is no such split.
    """
    path = annotation_file(root, split, None, ("annotations.json",))
    folders = picture_folders(root, split, None, ("images",))
    yield from FacadesFile(source="facades", path=path, folders=folders, names=_object_and_part, split=split).rows()


class FacadesFile(CocoFile):
    """A COCO file in which every instance of a part is a target."""

    def image_id(self, image: Row) -> str:
        """Unique beside other sources."""
        return f"{self.source}-{image['id']}"

    def fill(self, image: Row, annotations: Table, draft: Draft) -> None:
        """Fills the draft of one image."""
        self.open(image, draft)
        parts: list[tuple[Row, str]] = []
        unbounded: set[str] = set()
        for record in annotations.get(image["id"]):
            category = None
            with draft.attempt(f"annotation {record.get('id')}") as lost:
                category, part = find(self.kinds, record.get("category_id"))
                if part is None:
                    draft.add(record_id(record), category, drawn(record, draft))
                else:
                    parts.append((record, part))
            unbounded |= {category} if lost else set()
        for record, part in parts:
            with draft.attempt(f"annotation {record.get('id')}"):
                mask = drawn(record, draft)
                owners = draft.holders(mask, "facade", MOST)
                parent = owners[0]["target_id"] if len(owners) == 1 else None
                draft.add(record_id(record), "facade", mask, granularity="part", part=part, parent=parent)
        if None not in unbounded:  # else the broken one may be of any category
            compose(draft.targets, draft.width, unbounded=unbounded)


def _object_and_part(category: Row) -> tuple[str, str | None]:
    name = take(category, "name", str).replace("-", " ")
    return ("facade", name) if name in _PARTS else (name, None)
