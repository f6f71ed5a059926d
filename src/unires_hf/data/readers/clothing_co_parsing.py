# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of Clothing Co-Parsing (CCP, Yang et al. 2014): people in the street, one MATLAB label map a photograph.

```
ROOT/annotations/pixel-level/0001.mat  ROOT/photos/0001.jpg  ROOT/label_list.mat
```
A label is of a class, not of an instance: both shoes are one mask. The person is the union of all labels, bag
included; others in the background are not labeled. Photographs with image-level labels only are not read.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from unires_hf.data import masks
from unires_hf.data.part_expressions import compose
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .group_splits import in_split
from .matlab import read_mat
from .records import take
from .source_files import require

SOURCE = "clothing-co-parsing"
_CURE = "Put the files of the repository bearpaw/clothing-co-parsing there."


def read_clothing_co_parsing(root: str | Path, split: str = "train") -> Iterator[Row | Skipped]:
    """Yields one row a photograph: the person, and what the person wears, hair and skin as parts.

    Args:
        root (`str` or `Path`): the folder of the repository.
        split (`str`, defaults to `"train"`): train, val or test, by group, or all.

    Raises:
        ValueError: if a folder or the list of labels is missing, or there is no such split.
    """
    maps = require(require(Path(root), _CURE) / "annotations" / "pixel-level", _CURE)
    photographs = require(Path(root) / "photos", _CURE)
    names = [str(name).lower() for name in take(read_mat(Path(root) / "label_list.mat"), "label_list", np.ndarray)]
    pictures = {path.stem: photographs / f"{path.stem}.jpg" for path in sorted(maps.glob("*.mat"))}
    for name in in_split(split, pictures):
        fill = partial(_fill, maps / f"{name}.mat", pictures[name], names)
        yield from drafted(SOURCE, f"{SOURCE}-{name}", fill)


def _fill(path: Path, picture: Path, names: list[str], draft: Draft) -> None:
    labels = take(read_mat(path), "groundtruth", np.ndarray)
    draft.open(picture)
    if labels.shape != (draft.height, draft.width):
        raise ValueError(f"the labels are {labels.shape} (h, w), the image is {(draft.height, draft.width)}.")
    person = draft.add("person", "person", masks.encode(labels != 0))
    for label in np.unique(labels[labels != 0]).tolist():
        with draft.attempt(f"label {label}"):
            if label >= len(names):
                raise ValueError(f"the list of labels has no name for it, only {len(names)} names.")
            part = {"granularity": "part", "part": names[label], "parent": person["target_id"]}
            draft.add(names[label], "person", masks.encode(labels == label), **part)
    compose(draft.targets, draft.width)
