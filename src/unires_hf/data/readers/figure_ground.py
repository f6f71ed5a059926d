# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of figure-ground folders, such as the Weizmann horses: one thing a picture, with its mask.

```
ROOT/images/horse001.jpg  ROOT/masks/horse001.png
```
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data.part_expressions import compose
from unires_hf.data.pictures import read_mask
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .group_splits import in_split
from .source_files import require

_CURE = "Put pictures in images and a mask of the same name for each in masks, 0 outside."


def read_figure_ground(root: str | Path, split: str = "train", category: str = "horse") -> Iterator[Row | Skipped]:
    """Yields one row a picture with its one object.

    Args:
        root (`str` or `Path`): the folder of `images` and `masks`.
        split (`str`, defaults to `"train"`): train, val or test, by group, or all.
        category (`str`, defaults to `"horse"`): what the things are.

    Raises:
        ValueError: if a folder is missing, or there is no such split.
    """
    figures = require(require(Path(root), _CURE) / "masks", _CURE)
    images = require(Path(root) / "images", _CURE)
    pictures = {path.stem: images / f"{path.stem}.jpg" for path in sorted(figures.glob("*.png"))}
    for name in in_split(split, pictures):
        fill = partial(_fill, figures / f"{name}.png", pictures[name], category)
        yield from drafted("figure-ground", f"figure-ground-{name}", fill)


def _fill(path: Path, picture: Path, category: str, draft: Draft) -> None:
    draft.open(picture)
    draft.add(category, category, read_mask(path, draft.height, draft.width))
    compose(draft.targets, draft.width)
