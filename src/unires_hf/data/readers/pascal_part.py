# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of Pascal-Part: one MATLAB file a picture of PASCAL VOC 2010, with 20 kinds of objects and their parts.

```
ROOT/Annotations_Part/2008_000008.mat  ROOT/JPEGImages/2008_000008.jpg  ROOT/ImageSets/Main/val.txt
```
Pascal's left and right are the object's own, an expression's are the viewer's: parts of both sides, and upper and
lower limbs, become one mask ("arms"), as in RefCOCOm.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unires_hf.data import masks
from unires_hf.data.part_expressions import Traits, compose
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .matlab import read_mat
from .records import take
from .source_files import first_existing, inside, require, require_file

_CURE = "Put Pascal-Part's Annotations_Part and PASCAL VOC 2010's folders there."
# l/r, then f/b, then u/l: "lfuleg" is the left front upper leg, "rear" a right ear.
_SIDED = re.compile(r"([lr])([fb]?)[lu]?(eye|ear|ebrow|wing|foot|hand|arm|leg|pa|ho|horn)")
_SPOKEN = {
    "ebrow": "eyebrow",
    "pa": "paw",
    "ho": "hoof",
    "fwheel": "wheel",
    "bwheel": "wheel",
    "chainwheel": "chain wheel",
    "fliplate": "license plate",
    "bliplate": "license plate",
    "leftmirror": "mirror",
    "rightmirror": "mirror",
}
_FACE = re.compile(r"[hc]?(front|back|roof|left|right)side")
_CATEGORIES = {"aeroplane": "airplane", "diningtable": "dining table", "motorbike": "motorcycle"}
_CATEGORIES |= {"pottedplant": "potted plant", "sofa": "couch", "tvmonitor": "tv"}


def read_pascal_part(
    root: str | Path, split: str = "val", images: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields one row an image with objects, parts and composed expressions.

    Args:
        root (`str` or `Path`): VOC 2010's folder with `Annotations_Part` in it.
        split (`str`, defaults to `"val"`): train, val or trainval, as VOC's `ImageSets/Main` lists them, or all.
        images (`str` or `Path`, *optional*): the folder of the pictures.

    Raises:
        ValueError: if a folder or the list of the split is missing.
    """
    annotations = require(Path(root) / "Annotations_Part", _CURE)
    pictures = first_existing(root, ("JPEGImages",), _CURE) if images is None else require(Path(images), _CURE)
    if split == "all":
        names = sorted(path.stem for path in annotations.glob("*.mat"))
    else:
        listed = require_file(Path(root) / "ImageSets" / "Main" / f"{split}.txt", f"{_CURE} Or read the split 'all'.")
        names = listed.read_text(encoding="utf-8", errors="replace").split()
    for name in names:
        yield from drafted("pascal-part", name, partial(_fill, annotations, pictures, name))


def part_name(name: str) -> tuple[str, str]:
    """How one says a part, and which instance of it this is: "lfuleg" is a "leg", the left front one."""
    stem = re.sub(r"_\d+$", "", name)
    sided, face = _SIDED.fullmatch(stem), _FACE.fullmatch(stem)
    if sided:
        return _SPOKEN.get(sided.group(3), sided.group(3)), sided.group(1) + sided.group(2)
    if face:
        return face.group(1).replace("left", "side").replace("right", "side"), name
    return _SPOKEN.get(stem, stem), name


def _fill(annotations: Path, pictures: Path, name: str, draft: Draft) -> None:
    annotation = take(read_mat(inside(annotations, f"{name}.mat")), "anno", dict)
    objects = _records(take(annotation, "objects", dict, list, np.ndarray))
    draft.open(inside(pictures, f"{name}.jpg"))
    traits: dict[str, Traits] = {}
    unbounded: set[str] = set()
    for number, record in enumerate(objects):
        category = None
        with draft.attempt(f"object number {number}") as lost:
            category = take(record, "class", str)
            category = _CATEGORIES.get(category, category)
            target = draft.add(number, category, _mask(record, draft))
        if not lost:
            with draft.attempt(f"parts of object number {number}"):
                traits |= _add_parts(draft, target, number, record)
        unbounded |= {category} if lost else set()
    if None not in unbounded:  # else the broken object may be of any category
        compose(draft.targets, draft.width, traits, unbounded)


def _add_parts(draft: Draft, owner: Row, number: int, record: Row) -> dict[str, Traits]:
    """Adds the parts of an object, both sides in one, and returns how many instances each has."""
    pieces: dict[str, list[Row]] = {}
    instances: dict[str, set[str]] = {}
    for piece in _records(record.get("parts")):
        name, instance = part_name(take(piece, "part_name", str))
        pieces.setdefault(name, []).append(piece)
        instances.setdefault(name, set()).add(instance)
    traits = {}
    for name, group in pieces.items():
        with draft.attempt(f"{name} of object number {number}"):
            mask = masks.union([_mask(piece, draft) for piece in group])
            own_id, parent = f"{number}-{name.replace(' ', '-')}", owner["target_id"]
            target = draft.add(own_id, owner["category"], mask, granularity="part", part=name, parent=parent)
            traits[target["target_id"]] = Traits(instances=len(instances[name]))
    return traits


def _records(value: Any) -> list:
    """scipy gives a struct array of one element as the element, and an empty one as an empty array."""
    return [] if value is None else list(np.atleast_1d(np.asarray(value, dtype=object)).ravel())


def _mask(record: Row, draft: Draft) -> masks.RLE:
    mask = take(record, "mask", np.ndarray)
    if mask.shape != (draft.height, draft.width):
        raise ValueError(f"the mask is {mask.shape} (h, w), the image is {(draft.height, draft.width)}.")
    return masks.encode(mask)
