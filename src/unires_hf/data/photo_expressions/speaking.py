# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a row with masks to what is said about it."""

from collections import Counter
from random import Random

from PIL import Image

from ..part_expressions import spoken
from ..schema import Row


def speak(row: Row, image: Image.Image, rng: Random, limit: int) -> list[Row]:
    """Says up to `limit` things about a row, each true of exactly its mask.

    Args:
        row (`Row`): its targets have masks at the size of the image; words that they bring are left aside.
        image (`PIL.Image.Image`): the picture, RGB: colors are measured on it.
        rng (`Random`): the same one says the same.
        limit (`int`): how many expressions at most.

    Returns:
        `list[Row]`: the targets that are spoken of, with their expressions; several at once, and nothing, are targets
        of their own. The kind of an expression is the last field of its id (`kind_of`).
    """
    names = [spoken(it["part"] or it["category"]) for it in row["targets"]]
    count = Counter(names)
    said = []
    for target, name in zip(row["targets"], names, strict=True):
        if count[name] == 1 and target["mask"] is not None:
            kind = "part" if target["granularity"] == "part" else "class"
            expression = {"expression_id": f"{target['target_id']}:0:{kind}", "text": f"the {name}"}
            said.append({**target, "expressions": [expression]})
    return rng.sample(said, min(limit, len(said)))


def kind_of(expression_id: str) -> str:
    """The kind of an expression, the last field of its id: `"0017-hair:3:part"` → `"part"`."""
    return expression_id.rsplit(":", 1)[-1]
