# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of Car-Parts-Segmentation (dsmlr): COCO format, 18 kinds of parts of one car a photograph.

```
ROOT/trainingset/annotations.json  ROOT/trainingset/JPEGImages/train1.jpg
```
Left and right are the car's own: in a front view its left light is on the right of the picture. All wheels are one
annotation in half of the photographs, and become one mask in all. Nobody drew the whole car: the object is the union
of its parts, and misses roof and fenders.
"""

from collections.abc import Iterator
from pathlib import Path

from unires_hf.data import masks
from unires_hf.data.part_expressions import Traits, compose
from unires_hf.data.schema import Row, Skipped

from .coco import CocoFile, annotation_file, picture_folders
from .draft import Draft, drawn
from .json_index import Table
from .records import find, take


def read_car_parts(root: str | Path, split: str = "train") -> Iterator[Row | Skipped]:
    """Yields one row a photograph: the car, as the union of its parts, and the parts.

    Args:
        root (`str` or `Path`): the repository's folder, or one with `annotations.json`.
        split (`str`, defaults to `"train"`): train, val or test, by group, or all. The published test set is not known
            to be apart from the training set, which is what is read.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing, or there is no such split.
    """
    path = annotation_file(root, split, None, ("trainingset/annotations.json", "annotations.json"))
    folders = picture_folders(path.parent, split, None, ("JPEGImages",))
    yield from CarPartsFile(source="car-parts", path=path, folders=folders, names=_spoken, split=split).rows()


class CarPartsFile(CocoFile):
    """A COCO file of the parts of one car an image."""

    def image_id(self, image: Row) -> str:
        """Unique beside other sources."""
        return f"{self.source}-{image['id']}"

    def picture(self, image: Row) -> str:
        """`path` comes before `file_name`, which some records of the release have from another picture."""
        return take(image, "path" if "path" in image else "file_name", str)

    def fill(self, image: Row, annotations: Table, draft: Draft) -> None:
        """Fills the draft of one image."""
        self.open(image, draft)
        pieces: dict[str, list[masks.RLE]] = {}
        counts: dict[str, int] = {}
        broken: set[str | None] = set()
        for record in annotations.get(image["id"]):
            part = None
            with draft.attempt(f"annotation {record.get('id')}") as lost:
                part, _ = find(self.kinds, record.get("category_id"))
                pieces.setdefault(part, []).append(drawn(record, draft))
                outlines = record["segmentation"]
                counts[part] = counts.get(part, 0) + (len(outlines) if isinstance(outlines, list) else 1)
            broken |= {part} if lost else set()
        whole = [part for part in pieces if pieces[part] and part not in broken]
        if not whole:
            return
        car = draft.add("car", "car", masks.union([mask for part in whole for mask in pieces[part]]))
        traits = {}
        for part in whole:
            named = {"granularity": "part", "part": part, "parent": car["target_id"]}
            target = draft.add(part.replace(" ", "-"), "car", masks.union(pieces[part]), **named)
            traits[target["target_id"]] = Traits(instances=counts[part] if part == "wheel" else 1)
        compose(draft.targets, draft.width, traits)


def _spoken(category: Row) -> tuple[str, None]:
    """ "back_left_door" is the part "back left door" of the car."""
    return take(category, "name", str).strip("_").replace("_", " "), None
