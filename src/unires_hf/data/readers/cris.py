# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of CRIS's layout: one record and one PNG a referent.

```
ROOT/anns/refcoco/val.json  ROOT/masks/refcoco/{segment_id}.png  ROOT/images/train2014/*.jpg
```
Its LMDB files hold the same and are not read.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from unires_hf.data.pictures import read_mask
from unires_hf.data.schema import Row, Skipped

from .coco_names import BY_INDEX
from .draft import Draft, drafted
from .records import find, grouped, take
from .refer import picture_folder, say_sentences
from .source_files import inside, read_json, require

_CURE = "Prepare it with CRIS's tools, or name another split."


def read_cris(
    root: str | Path, split: str = "val", dataset: str = "refcoco", images: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields one row an image with all its referents.

    Args:
        root (`str` or `Path`): CRIS's `datasets` folder.
        split (`str`, defaults to `"val"`): train, val, test, testA or testB.
        dataset (`str`, defaults to `"refcoco"`): refcoco, refcoco+, refcocog_u or refcocog_g.
        images (`str` or `Path`, *optional*): the folder of the pictures.

    Raises:
        ValueError: if a folder or file is missing.
    """
    records = read_json(Path(root) / "anns" / dataset / f"{split}.json", _CURE)
    masks = require(Path(root) / "masks" / dataset, _CURE)
    pictures = picture_folder(root, images, ("images/train2014", "images"))
    images_of = yield from grouped(f"cris/{dataset}", records, "img_name")
    for name, group in images_of.items():
        yield from drafted(f"cris/{dataset}", image_id(name), partial(_fill, pictures, name, group, masks))


def image_id(name: str) -> str:
    """A picture's name without its suffix, with the folders that it may have."""
    return str(Path(name).with_suffix(""))


def _fill(pictures: Path, name: str, records: list[Row], masks: Path, draft: Draft) -> None:
    draft.open(inside(pictures, name))
    for record in records:
        with draft.attempt(f"segment {record.get('segment_id')}"):
            add_segment(draft, record, masks)


def add_segment(draft: Draft, record: Row, folder: Path, **part: Any) -> Row:
    """Adds the target of a record `{segment_id, cat, sentences: [{sent_id, sent}]}` with its PNG and its sentences.

    Args:
        draft (`Draft`): of the record's image.
        record (`dict`): the record; without `cat`, the category is not known.
        folder (`Path`): holds `{segment_id}.png`.
        part: what `Draft.add` takes for a part.

    Raises:
        ValueError: if the record or its PNG is broken or missing.
    """
    segment = take(record, "segment_id", int, str)
    category = find(BY_INDEX, record["cat"]) if "cat" in record else ""
    mask = read_mask(inside(folder, f"{segment}.png"), draft.height, draft.width)
    target = draft.add(segment, category, mask, **part)
    say_sentences(draft, target, record)
    return target
