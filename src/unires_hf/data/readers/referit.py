# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of the original ReferIt game in the files of text_objseg: expressions of regions of ImageCLEF's pictures.

```
ROOT/referit_query_val.json     {"38685_1": ["sky"]}          ROOT/referit_bbox.json    {"38685_1": [x1, y1, x2, y2]}
ROOT/referit_imsize.json        {"38685.jpg": [w, h]}         ROOT/images/38685.jpg     ROOT/mask/38685_1.mat
```
A region whose `.mat` is not there has only its box. Categories are not in these files.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from unires_hf.data import masks
from unires_hf.data.brief import brief
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .matlab import read_mat
from .records import take
from .source_files import inside, read_json, require

_CURE = "Put ReferIt's files there, or name another split: train, val, trainval or test."


def read_referit(root: str | Path, split: str = "val", images: str | Path | None = None) -> Iterator[Row | Skipped]:
    """Yields one row an image with its regions.

    Args:
        root (`str` or `Path`): the folder of the files.
        split (`str`, defaults to `"val"`): train, val, trainval or test.
        images (`str` or `Path`, *optional*): the folder of the pictures.

    Raises:
        ValueError: if a folder or file is missing.
    """
    queries = _read_dict(Path(root) / f"referit_query_{split}.json")
    boxes = _read_dict(Path(root) / "referit_bbox.json")
    sizes = _read_dict(Path(root) / "referit_imsize.json")
    pictures = require(Path(images) if images else Path(root) / "images", _CURE)
    regions: dict[str, list[str]] = {}
    for region in queries:
        regions.setdefault(region.rpartition("_")[0], []).append(region)
    for image, own in regions.items():
        fill = partial(
            _fill, pictures, f"{image}.jpg", sizes, {it: (queries[it], boxes.get(it)) for it in own}, Path(root)
        )
        yield from drafted("referit", image, fill)


def _fill(pictures: Path, name: str, sizes: dict, regions: dict[str, tuple], root: Path, draft: Draft) -> None:
    size = sizes.get(name)
    draft.open(inside(pictures, name), (size[1], size[0]) if isinstance(size, list) and len(size) == 2 else None)
    for region, (texts, box) in regions.items():
        with draft.attempt(f"region {region}"):
            if not isinstance(texts, list):
                raise ValueError(f"its expressions are a list, got {brief(texts)}.")
            mask = _mask(inside(root / "mask", f"{region}.mat"), draft)
            target = draft.add(region, "", mask, box=_xywh(box) if mask is None else None)
            for number, text in enumerate(texts):
                draft.say(target, f"{region}/{number}", text)


def _xywh(box: object) -> list[float]:
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(it, int | float) for it in box):
        raise ValueError(f"it has neither a mask nor a box x1, y1, x2, y2 in referit_bbox.json, got {brief(box)}.")
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def _mask(path: Path, draft: Draft) -> masks.RLE | None:
    """ImageCLEF's `segimg_t` is 0 inside of the region; None where there is no file."""
    if not path.is_file():
        return None
    outside = take(read_mat(path), "segimg_t", np.ndarray)
    if outside.shape != (draft.height, draft.width):
        raise ValueError(f"the mask is {outside.shape} (h, w), the image is {(draft.height, draft.width)}.")
    return masks.encode(outside == 0)


def _read_dict(path: Path) -> dict:
    content = read_json(path, _CURE)
    if not isinstance(content, dict):
        raise ValueError(f"{path} is an object of regions, got {type(content).__name__}. {_CURE}")
    return content
