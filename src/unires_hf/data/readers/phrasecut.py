# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of PhraseCut: phrases of one or several instances, as polygons, on Visual Genome's pictures.

```
ROOT/refer_val.json  ROOT/image_data_split3000.json  ROOT/images/{image_id}.jpg
```
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data import masks
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .json_index import Table, read_tables
from .records import take
from .source_files import inside, require

_CURE = "Download PhraseCut there, or name another split: train, val, test or miniv."


def read_phrasecut(root: str | Path, split: str = "val", images: str | Path | None = None) -> Iterator[Row | Skipped]:
    """Yields one row an image; a phrase's instances are one mask.

    Args:
        root (`str` or `Path`): PhraseCut's folder.
        split (`str`, defaults to `"val"`): train, val, test or miniv.
        images (`str` or `Path`, *optional*): the folder of the pictures.

    Raises:
        ValueError: if a folder or file is missing.
    """
    tasks = read_tables(Path(root) / f"refer_{split}.json", {None: "image_id"}, _CURE)[0][None]
    known = read_tables(Path(root) / "image_data_split3000.json", {None: "image_id"}, _CURE)[0][None]
    pictures = require(Path(images) if images else Path(root) / "images", _CURE)
    for reason in tasks.lost:
        yield Skipped("phrasecut", tasks.path.name, reason)
    for image_id in tasks.ids():
        yield from drafted("phrasecut", image_id, partial(_fill, image_id, tasks, known, pictures))


def _fill(image_id: int, tasks: Table, known: Table, pictures: Path, draft: Draft) -> None:
    record = known.one(image_id)
    # Its polygons are wrong where the picture has another size: 17 pictures of the release.
    size = take(record, "height", int), take(record, "width", int)
    draft.open(inside(pictures, f"{image_id}.jpg"), size)
    for number, task in enumerate(tasks.get(image_id)):
        with draft.attempt(f"task {task.get('task_id', f'number {number}')}"):
            structure = take(task, "phrase_structure", dict)
            target = draft.add(take(task, "task_id", int, str), take(structure, "name", str), _mask(task, draft))
            draft.say(target, task["task_id"], take(task, "phrase", str))


def _mask(task: Row, draft: Draft) -> masks.RLE:
    """The union of the instances, each a list of polygons, each a list of points."""
    instances = take(task, "Polygons", list)
    if not instances:
        raise ValueError("it has no polygons.")
    return masks.union([masks.from_polygons(_flat(it), draft.height, draft.width) for it in instances])


def _flat(instance: list) -> list[list[float]]:
    try:
        return [[side for point in polygon for side in point] for polygon in instance]
    except TypeError as error:
        raise ValueError("an instance is a list of polygons of points x, y.") from error
