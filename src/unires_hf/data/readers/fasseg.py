# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of FASSEG's frontal faces: one label picture a photograph.

```
ROOT/photos/frontal-train-1.jpg  ROOT/labels/frontal-train-1.png
```
Labels: 0 background, 1 hair and eyebrows, 2 skin, 3 nose, 4 mouth, 5 eyes. What hair there is inside the face is the
eyebrows, which become a part of their own. Skin goes on over ears and neck, so "face" does, too. The published train
and test share six photographs; they are put together here and split anew.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw

from unires_hf.data import masks
from unires_hf.data.part_expressions import compose
from unires_hf.data.pictures import read_labels
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .group_splits import in_split
from .source_files import require

TEST = 0.2
"""The share of photographs to test on: of 70, the usual share would be too few (our choice)."""
_CURE = "Put FASSEG's photographs and label pictures there, under the same names."
_HAIR = 1
_PARTS = {2: "skin", 3: "nose", 4: "mouth", 5: "eyes"}


def read_fasseg(root: str | Path, split: str = "train") -> Iterator[Row | Skipped]:
    """Yields one row a photograph: the person, of whom head and neck are seen, and parts, one of which is the face.

    Args:
        root (`str` or `Path`): the folder of `photos` and `labels`.
        split (`str`, defaults to `"train"`): train, val or test, by group, or all.

    Raises:
        ValueError: if a folder is missing, or there is no such split.
    """
    labels = require(require(Path(root), _CURE) / "labels", _CURE)
    photographs = require(Path(root) / "photos", _CURE)
    pictures = {path.stem: photographs / f"{path.stem}.jpg" for path in sorted(labels.glob("*.png"))}
    for name in in_split(split, pictures, test=TEST):
        fill = partial(_fill, labels / f"{name}.png", pictures[name])
        yield from drafted("fasseg", f"fasseg-{name}", fill)


def _fill(path: Path, picture: Path, draft: Draft) -> None:
    draft.open(picture)
    labels = read_labels(path, draft.height, draft.width)
    unknown = set(np.unique(labels).tolist()) - {0, _HAIR, *_PARTS}
    if unknown:
        raise ValueError(f"the labels are 0 to 5, got {sorted(unknown)}.")
    person = draft.add("person", "person", masks.encode(labels != 0))
    face = filled(labels > _HAIR)
    brows = face & (labels == _HAIR)
    parts = {"hair": (labels == _HAIR) & ~face, "eyebrows": brows, "face": face}
    parts |= {part: labels == label for label, part in _PARTS.items()}
    for part, mask in parts.items():
        if mask.any():  # the bald have no hair
            named = {"granularity": "part", "part": part, "parent": person["target_id"]}
            draft.add(part, "person", masks.encode(mask), **named)
    compose(draft.targets, draft.width)


def filled(mask: np.ndarray) -> np.ndarray:
    """The mask with its holes, which are what no path of pixels joins to the border."""
    around = PIL.Image.fromarray(np.pad(mask, 1).astype(np.uint8)).copy()  # floodfill leaves a shared array as it is
    PIL.ImageDraw.floodfill(around, (0, 0), 2)
    return np.asarray(around)[1:-1, 1:-1] != 2
