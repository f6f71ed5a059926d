# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of GSEval, GroundingSuite's benchmark: stuff, parts, several and single things on COCO's unlabeled pictures.

```
ROOT/GroundingSuite-Eval.jsonl   ROOT/[images/]unlabeled2017/000000000267.jpg
{"idx": 0, "image_path": "unlabeled2017/000000000267.jpg", "class_id": 1, "label": "smoke", "caption": "A trail of …",
 "box": [x1, y1, x2, y2], "segmentation": {"size": [h, w], "counts": "…"}}
```
`caption` is the expression. Class 2 is a part; which object it is of is not said.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted, drawn
from .json_index import line_table
from .records import take
from .source_files import Pictures, require

FILE = "GroundingSuite-Eval.jsonl"
PART = 2
_CURE = "Put the files of the data set hustvl/GSEval there."


def read_gseval(root: str | Path, split: str = "test", images: str | Path | None = None) -> Iterator[Row | Skipped]:
    """Yields one row an image.

    Args:
        root (`str` or `Path`): the folder of the file.
        split (`str`, defaults to `"test"`): there is no other.
        images (`str` or `Path`, *optional*): the folder that holds `unlabeled2017`, or its pictures.

    Raises:
        ValueError: if the file or the folder is missing, or another split is asked for.
    """
    if split != "test":
        raise ValueError(f"GSEval has no split {split!r}, only test.")
    table = yield from line_table("gseval", Path(root) / FILE, "image_path", _CURE)
    folders = [require(Path(images), _CURE)] if images else [Path(root), Path(root) / "images"]
    pictures = Pictures(folders, lambda: map(str, table.ids()))
    for name in table.ids():
        yield from drafted("gseval", Path(str(name)).stem, partial(_fill, str(name), table.get(name), pictures))


def _fill(name: str, records: list[Row], pictures: Pictures, draft: Draft) -> None:
    draft.open(pictures.locate(name))
    for number, record in enumerate(records):
        own_id = record.get("idx", number)
        with draft.attempt(f"idx {own_id}"):
            is_part = take(record, "class_id", int) == PART
            label = take(record, "label", str)
            kind = {"granularity": "part", "part": label} if is_part else {}
            target = draft.add(own_id, "" if is_part else label, drawn(record, draft), **kind)
            draft.say(target, own_id, take(record, "caption", str))
