# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The one schema of all data: a row is one image with everything that is said about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Features, Image, List, Value

from .brief import brief

Row = dict[str, Any]
GRANULARITIES = ("object", "part")
_SURROGATE = re.compile("[\ud800-\udfff]")

FEATURES = Features(
    {
        "image": Image(),
        "image_id": Value("string"),
        "source": Value("string"),
        "width": Value("int32"),
        "height": Value("int32"),
        "targets": List(
            {
                "target_id": Value("string"),
                "granularity": Value("string"),
                "category": Value("string"),
                "part": Value("string"),
                "parent_id": Value("string"),
                "bbox": List(Value("float32"), length=4),
                "mask": {"size": List(Value("int32"), length=2), "counts": Value("string")},
                "expressions": List({"expression_id": Value("string"), "text": Value("string")}),
            }
        ),
    }
)
"""`bbox` is x, y, w, h in pixels. `part` and `parent_id` (a part's object) are null for an object, and where they are
not known. `mask` is at the original image size; it is null for a target with only a box, and has no pixel for a
no-target expression."""


class RowError(ValueError):
    """A row that breaks the schema's rules, in one sentence that names what is wrong."""


@dataclass(frozen=True)
class Skipped:
    """Something that a reader met and could not turn into data: no reader loses anything without one.

    Args:
        source (`str`): the reader's name.
        where (`str`): the image, target or expression, by the source's own ids or line.
        reason (`str`): one sentence.
    """

    source: str
    where: str
    reason: str

    def __post_init__(self):
        for name in ("source", "where", "reason"):  # half of a surrogate pair fits in no file
            object.__setattr__(self, name, getattr(self, name).encode("utf-8", "backslashreplace").decode())


def validate_row(row: Row) -> None:
    """Checks what the types of `FEATURES` cannot: ids, links, sizes and words.

    Raises:
        RowError: at the first thing that is wrong.
    """
    for name in FEATURES:
        if name not in row:
            raise RowError(f"the row has no '{name}'.")
    for name in ("image_id", "source"):
        if not is_text(row[name]):
            raise RowError(f"the {name} is {brief(row[name])}, which is no text.")
    targets = row["targets"]
    seen: set[str] = set()
    said: set[str] = set()
    for target in targets:
        problems = [target_problem(target, row["height"], row["width"], seen)]
        problems += [expression_problem(expression, said) for expression in target["expressions"]]
        if any(problems):
            problem = next(filter(None, problems))
            raise RowError(f"image {row['image_id']}, target {target['target_id']}: {problem}")
    for target, problem in parent_problems(targets):
        raise RowError(f"image {row['image_id']}, target {target['target_id']}: {problem}")


def target_problem(target: Row, height: int, width: int, seen: set[str]) -> str | None:
    """What is wrong with a target by itself, or None; a good target's id is added to `seen`."""
    mask, box, part = target["mask"], target["bbox"], target["part"]
    for name in ("target_id", "category", "part", "parent_id"):
        if not is_text(target[name]) and (target[name] is not None or name in ("target_id", "category")):
            return f"the {name} is {brief(target[name])}, which is no text."
    if target["target_id"] in seen:
        return f"the target_id {target['target_id']} occurs twice in the image."
    if target["granularity"] not in GRANULARITIES:
        return f"the granularity is {' or '.join(map(repr, GRANULARITIES))}, got {brief(target['granularity'])}."
    if target["granularity"] == "object" and (part is not None or target["parent_id"] is not None):
        return f"an object has no part and no parent_id, got {brief(part)} and {brief(target['parent_id'])}."
    if mask is not None and list(mask["size"]) != [height, width]:
        return f"the mask is {list(mask['size'])} (h, w), the image is {[height, width]}."
    if not _is_box(box) or not (min(box) >= 0 and box[0] + box[2] <= width + 0.5 and box[1] + box[3] <= height + 0.5):
        return f"the bbox {brief(box)} (x, y, w, h) does not lie in the image of {width} x {height}."
    seen.add(target["target_id"])
    return None


def _is_box(box: Any) -> bool:
    return box is not None and len(box) == 4 and all(isinstance(side, int | float | np.number) for side in box)


def expression_problem(expression: Row, said: set[str]) -> str | None:
    """What is wrong with an expression, or None; a good expression's id is added to `said`."""
    if not is_text(expression["expression_id"]):
        return f"the expression_id is {brief(expression['expression_id'])}, which is no text."
    if expression["expression_id"] in said:
        return f"the expression_id {expression['expression_id']} occurs twice in the image."
    if not is_text(expression["text"]) or not expression["text"].strip():
        return f"the text of expression {expression['expression_id']} has no words: {brief(expression['text'])}."
    said.add(expression["expression_id"])
    return None


def parent_problems(targets: list[Row]) -> Iterator[tuple[Row, str]]:
    """The targets whose parent_id names no object of the image."""
    objects = {target["target_id"] for target in targets if target["granularity"] == "object"}
    for target in targets:
        if target["parent_id"] is not None and target["parent_id"] not in objects:
            yield target, f"the parent_id {target['parent_id']} is no object of this image."


def is_text(value: Any) -> bool:
    """Whether the value is a string that a file can hold, which half of a surrogate pair in one prevents."""
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))
