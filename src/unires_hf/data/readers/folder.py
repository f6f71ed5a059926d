# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of one's own pictures: a folder with a `metadata.jsonl`, as `datasets`' imagefolder has it.

```
ROOT/[SPLIT/]metadata.jsonl   ROOT/[SPLIT/]truck.jpg   ROOT/[SPLIT/]masks/truck.png
```
Without folders of splits, all is `train`. Paths are relative to `metadata.jsonl`. Each of its lines is a JSON object
of one of two forms; lines with one `file_name` become one row.

The simple form is one expression a line. Lines that differ only in `text` speak of one target.
```
{"file_name": "truck.jpg", "text": "the red truck", "mask": "masks/truck.png"}
{"file_name": "truck.jpg", "text": "its left wheel", "mask": [[10, 20, 40, 20, 40, 60]], "granularity": "part"}
{"file_name": "truck.jpg", "text": "a green bus", "no_target": true}
```
The full form is one image a line:
```
{"file_name": "truck.jpg", "targets": [
  {"target_id": "t", "category": "truck", "mask": {"size": [480, 640], "counts": "…"},
   "expressions": ["the red truck", "truck in front"]},
  {"granularity": "part", "category": "truck", "part": "wheel", "parent_id": "t", "bbox": [10, 20, 30, 40],
   "expressions": [{"expression_id": "e7", "text": "wheel of red truck"}]}]}
```
A target, in both forms, has
- `mask`: the path of a PNG (black outside, anything else inside; `mask_file_name` is the same), one polygon
  `[x1, y1, …]`, a list of polygons, or a COCO RLE, compressed or not. Left out, there must be
- `bbox`: x, y, w, h in pixels; or
- `no_target`: true where the picture shows nothing of what the expression says. An RLE without a pixel says the same;
- `granularity`: "object", which is the default, or "part"; `category`: of the object; `part`: the part's name;
- `target_id` and, for a part, `parent_id`, the target_id of its object in the same line.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from unires_hf.data import masks
from unires_hf.data.pictures import read_mask
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .json_index import line_table
from .records import as_record, take
from .source_files import inside

Files = Callable[[str], Path]
"""Gives the path of a file by its name in a line."""


def read_folder(root: str | Path, split: str = "train", links: str = "no") -> Iterator[Row | Skipped]:
    """Yields one row a picture.

    Args:
        root (`str` or `Path`): the folder.
        split (`str`, defaults to `"train"`): the folder in it, if it has folders of splits.
        links (`str`, defaults to `"no"`): "yes" also reads what lies elsewhere, by absolute names, ".." or links. Such
            pictures are then copied into what is made of the rows.

    Raises:
        ValueError: if there is no `metadata.jsonl` for the split.
    """
    path = Path(root) / split / "metadata.jsonl"
    if split == "train" and not path.exists():
        yield from read_lines("folder", Path(root) / "metadata.jsonl", links=links)
    else:
        yield from read_lines("folder", path, f"{split}/", links)


def read_lines(source: str, path: Path, scope: str = "", links: str = "no") -> Iterator[Row | Skipped]:
    """Yields the rows of a JSONL file in this module's format.

    Args:
        source (`str`): the name that rows carry.
        path (`Path`): the file, which paths in it are relative to.
        scope (`str`, *optional*): what stands before the pictures' names in their ids.
        links (`str`, *optional*, defaults to `"no"`): as for [`read_folder`].

    Raises:
        ValueError: if the file is missing, or `links` is neither "yes" nor "no".
    """
    if links not in ("yes", "no"):
        raise ValueError(f"links is yes or no, got {links!r}.")
    find = inside if links == "no" else Path.__truediv__
    table = yield from line_table(source, path, "file_name", "Write one, one JSON object a line.")
    files = partial(find, path.parent)
    for name in table.ids():
        yield from drafted(source, f"{scope}{name}", partial(_fill, str(name), table.get(name), files))


def _fill(name: str, records: list[Row], files: Files, draft: Draft) -> None:
    draft.open(files(name))
    same: dict[str, Row] = {}
    for number, record in enumerate(records):
        with draft.attempt(f"{name}, record number {number}"):
            if "targets" in record:
                _add_all(draft, take(record, "targets", list), files)
                continue
            text = take(record, "text", str)
            key = json.dumps(record | {"text": ""}, sort_keys=True)
            if key not in same:
                same[key] = _add(draft, record, f"line-{number}", files)
            draft.say(same[key], f"line-{number}", text)


def _add_all(draft: Draft, records: list, files: Files) -> None:
    if not records:
        raise ValueError("it has no targets.")
    for number, record in enumerate(records):
        with draft.attempt(f"{draft.image_id}, target number {number}"):
            target = _add(draft, as_record(record), number, files)
            for index, said in enumerate(take(record, "expressions", list)):
                with draft.attempt(f"{target['target_id']}, expression number {index}"):
                    said = {"text": said} if isinstance(said, str) else said
                    own_id = as_record(said).get("expression_id")
                    own_id = f"{number}/{index}" if own_id is None else own_id
                    draft.say(target, own_id, take(said, "text", str))


def _add(draft: Draft, record: Row, number: int | str, files: Files) -> Row:
    own_id = take(record, "target_id", int, str) if "target_id" in record else number
    mask = _mask(draft, record, files)
    parent = record.get("parent_id")
    return draft.add(
        own_id,
        _words(record, "category") or "",
        mask,
        box=record.get("bbox"),
        granularity=_words(record, "granularity") or "object",
        part=_words(record, "part"),
        parent=None if parent is None else draft.scoped(parent),
        no_target=record.get("no_target") is True or isinstance(record.get("mask"), dict),
    )


def _mask(draft: Draft, record: Row, files: Files) -> masks.RLE | None:
    given = record.get("mask", record.get("mask_file_name"))
    if record.get("no_target") is True:
        return masks.empty(draft.height, draft.width)
    if given is None:
        return None
    if isinstance(given, str):
        return read_mask(files(given), draft.height, draft.width)
    if isinstance(given, list) and given and isinstance(given[0], int | float):
        given = [given]
    return masks.from_coco(given, draft.height, draft.width)


def _words(record: Row, key: str) -> str | None:
    return None if record.get(key) is None else take(record, key, str)
