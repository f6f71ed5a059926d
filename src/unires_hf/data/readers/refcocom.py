# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of the RefCOCOm release: expressions of parts and objects on RefCOCO's val, testA and testB.

```
ROOT/annotations/{val,testA,testB}_{part_only,object_part}.json  ROOT/masks/{segment_id}.png  ROOT/images/*.jpg
```
`object_part` lists the parts again, among the objects. The release names neither the part nor a part's object: both
are found here, by words and by masks.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data.part_expressions import singular
from unires_hf.data.schema import Row, Skipped

from .cris import add_segment, image_id
from .draft import Draft, drafted
from .records import grouped
from .refer import picture_folder
from .source_files import inside, read_json, require

HELD = 0.7
"""A part belongs to an object that holds this share of it (our choice: the two masks come from different sources)."""
_CURE = "Unpack the release there, or name another split: val, testA or testB."


def read_refcocom(root: str | Path, split: str = "val", images: str | Path | None = None) -> Iterator[Row | Skipped]:
    """Yields one row an image with its objects and parts; a part's object is its `parent_id` where that is clear.

    Args:
        root (`str` or `Path`): the unpacked release.
        split (`str`, defaults to `"val"`): val, testA or testB; there is no train split.
        images (`str` or `Path`, *optional*): the folder of the pictures, COCO's train2014.

    Raises:
        ValueError: if a folder or file is missing.
    """
    annotations = Path(root) / "annotations"
    parts = read_json(annotations / f"{split}_part_only.json", _CURE)
    both = read_json(annotations / f"{split}_object_part.json", _CURE)
    masks = require(Path(root) / "masks", _CURE)
    pictures = picture_folder(root, images, ("images/train2014", "images", "train2014"))
    parts_of = yield from grouped("refcocom", parts, "img_name")
    both_of = yield from grouped("refcocom", both, "img_name")
    names = _part_names(parts_of)
    for name in dict.fromkeys([*both_of, *parts_of]):
        fill = partial(_fill, pictures, name, both_of.get(name, []), parts_of.get(name, []), masks, names)
        yield from drafted("refcocom", image_id(name), fill)


def _fill(
    pictures: Path, name: str, both: list[Row], parts: list[Row], masks: Path, names: set[str], draft: Draft
) -> None:
    draft.open(inside(pictures, name))
    said_of_parts = [(record["segment_id"], _texts(record)) for record in parts if "segment_id" in record]
    part_ids = [own_id for own_id, _ in said_of_parts]
    for record in both:
        own_id = record.get("segment_id")
        with draft.attempt(f"segment {own_id}"):
            if own_id not in part_ids:
                add_segment(draft, record, masks)
            elif (own_id, _texts(record)) not in said_of_parts:
                raise ValueError("an object and a part have this segment_id: no one knows whose the mask is.")
    for record in parts:
        with draft.attempt(f"segment {record.get('segment_id')}"):
            part = add_segment(draft, record, masks, granularity="part", part=_part_name(record, names))
            part["parent_id"] = _parent(draft, part)


def _parent(draft: Draft, part: Row) -> str | None:
    """The one object of the part's category that holds it, and of several the one its expressions have most words of.

    None where two are equally good: no guess is made.
    """
    holders = draft.holders(part["mask"], part["category"], HELD)
    words = {word for it in part["expressions"] for word in it["text"].lower().split()}
    overlap = [_share_of_words(it, words) for it in holders]
    best = [it for it, share in zip(holders, overlap, strict=True) if share == max(overlap)]
    return best[0]["target_id"] if len(best) == 1 else None


def _share_of_words(target: Row, words: set[str]) -> float:
    """The largest share of an object's expression that is among the words."""
    said = [it["text"].lower().split() for it in target["expressions"]]
    return max((sum(word in words for word in it) / len(it) for it in said if it), default=0.0)


def _part_names(parts_of: dict[str, list[Row]]) -> set[str]:
    """The words that stand before "of" in the split's expressions: "white head of cow" gives "head"."""
    texts = (text for records in parts_of.values() for record in records for text in _texts(record))
    return {name for name in map(_before_of, texts) if name}


def _part_name(record: Row, names: set[str]) -> str | None:
    """The part, in the singular, as the record's expressions name it in either order of words; None if none does."""
    texts = _texts(record)
    said = [_before_of(text) for text in texts] + [text.split()[-1] for text in texts]
    return next((singular(name) for name in said if name in names), None)


def _texts(record: Row) -> list[str]:
    sentences = record.get("sentences")
    texts = [it.get("sent") for it in sentences if isinstance(it, dict)] if isinstance(sentences, list) else []
    return [text.lower() for text in texts if isinstance(text, str) and text.strip()]


def _before_of(text: str) -> str | None:
    found = re.match(r".*?(\w+) of ", text)
    return found.group(1) if found else None
