# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of InstructPart: parts of household things, and what one does with them.

```
ROOT/test/data_test.json   ROOT/train/train1800/data_train.json   ROOT/test/images/cup-cup-handle.jpg
ROOT/test/masks/cup-cup-handle.png
[{"image_path": "cup.jpg", "part_list": [{"object": "cup", "part": "handle", "affordance": "hold", "action": "…",
  "instruction": [six ways of saying it]}]}]
```
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data.pictures import read_mask
from unires_hf.data.schema import Row, Skipped

from .draft import Draft, drafted
from .records import as_record, take
from .source_files import inside, read_json

FOLDERS = {"train": "train/train1800", "test": "test"}
WAYS = ("human", "rewritten", "object-part", "object-part-affordance", "part-of-object", "part-of-object-affordance")
_CURE = "Put InstructPart's folders train and test there."


def read_instruct_part(
    root: str | Path, split: str = "test", instruction: str = "part-of-object"
) -> Iterator[Row | Skipped]:
    """Yields one row a part, each of which has a picture file of its own.

    Args:
        root (`str` or `Path`): the folder of `train` and `test`.
        split (`str`, defaults to `"test"`): train or test.
        instruction (`str`, defaults to `"part-of-object"`): which of the six ways of saying it; "human" and
            "rewritten" ask for a task and leave the part unsaid.

    Raises:
        ValueError: if a file is missing, or there is no such split or way.
    """
    if split not in FOLDERS or instruction not in WAYS:
        raise ValueError(f"InstructPart has the splits train and test, and says parts in the ways {', '.join(WAYS)}.")
    folder = Path(root) / FOLDERS[split]
    entries = read_json(folder / f"data_{split}.json", _CURE)
    if not isinstance(entries, list):
        raise ValueError(f"{folder / f'data_{split}.json'} is a list of pictures. {_CURE}")
    for number, entry in enumerate(entries):
        try:
            stem, parts = Path(take(entry, "image_path", str)).stem, take(entry, "part_list", list)
        except ValueError as error:
            yield Skipped("instruct-part", f"picture number {number}", str(error))
            continue
        for place, part in enumerate(parts):
            try:
                names = [take(as_record(part), key, str) for key in ("object", "part")]
            except ValueError as error:
                yield Skipped("instruct-part", f"{stem}, part number {place}", str(error))
                continue
            name = "-".join([stem, *(it.replace(" ", "_") for it in names)])
            yield from drafted("instruct-part", name, partial(_fill, folder, name, part, WAYS.index(instruction)))


def _fill(folder: Path, name: str, record: Row, way: int, draft: Draft) -> None:
    draft.open(inside(folder / "images", f"{name}.jpg"))
    mask = read_mask(inside(folder / "masks", f"{name}.png"), draft.height, draft.width)
    said = take(record, "instruction", list)
    if way >= len(said):
        raise ValueError(f"it is said in {len(said)} ways only.")
    target = draft.add("part", record["object"], mask, granularity="part", part=record["part"])
    draft.say(target, "part", said[way])
