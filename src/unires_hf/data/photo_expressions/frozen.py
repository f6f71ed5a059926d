# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Words that stay: what is said of photographs to measure on, and the digest by which it is known again."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from random import Random

from datasets import Image

from ..schema import Row, Skipped
from .speaking import speak

MEASURED = ("val", "test")
"""The splits whose words are written down; those of the others are drawn anew at each look."""
LIMIT = 12
"""Expressions of a row that is measured on, at most."""


def with_words(row: Row, limit: int = LIMIT) -> Row:
    """A row with words that depend on its `image_id` and what it shows alone; its silent targets stay, silent.

    Args:
        row (`Row`): its picture a file or decoded; words that it brings are lost.
        limit (`int`): how many expressions at most.
    """
    image = row["image"]
    image = Image().decode_example(image) if isinstance(image, dict) else image
    spoken = speak(row, image, Random(row["image_id"]), limit)
    said = {target["target_id"]: target for target in spoken}
    kept = [said.pop(it["target_id"], it | {"expressions": []}) for it in row["targets"]]
    return row | {"targets": kept + list(said.values())}


def voiced(rows: Iterable[Row | Skipped], split: str) -> Iterator[Row | Skipped]:
    """What a reader yields, with words in place of the source's own: those that stay in the splits to measure on, none
    in others, whose rows are spoken of anew at each look."""
    for row in rows:
        if isinstance(row, Skipped):
            yield row
        elif split in MEASURED:
            yield _spoken_of(row)
        else:
            yield row | {"targets": [target | {"expressions": []} for target in row["targets"]]}


def _spoken_of(row: Row) -> Row | Skipped:
    try:
        return with_words(row)
    except Exception as error:  # a broken file fails in whatever way its decoder likes
        return Skipped(row["source"], f"image {row['image_id']}", f"nothing can be said of it: {error}")


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 of all that is said of rows: each image, text and mask, in order of these."""
    said = sorted(
        (row["image_id"], expression["text"], *target["mask"]["size"], target["mask"]["counts"])
        for row in rows
        for target in row["targets"]
        for expression in target["expressions"]
    )
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
