# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Categories that a model shall never have been shown: for zero-shot scores, they leave pictures and words alike."""

import random
import re
from collections.abc import Callable, Sequence

from datasets import Dataset
from PIL import Image

from .photo_expressions.vocabulary import label, many
from .schema import Row


def without_categories(rows: Dataset, categories: Sequence[str]) -> Dataset:
    """The rows in whose pictures nothing of the categories is annotated.

    Raises:
        ValueError: if none is left, or they are drawn scenes, of which nothing is known before they are drawn.
    """
    if not isinstance(rows, Dataset):
        raise ValueError(
            "Drawn scenes are not searched for categories to leave out: name the kinds to be drawn instead."
        )
    shown = set(categories)
    kept = [
        index
        for index, targets in enumerate(rows.select_columns("targets")["targets"])
        if not any(target["category"] in shown for target in targets)
    ]
    if not kept:
        raise ValueError(f"Every picture shows one of {', '.join(categories)}: nothing is left to learn from.")
    return rows.select(kept)


class Unsaid:
    """Draws words as `speak` does, without those that name a category.

    Args:
        speak: as [`Opener`] takes it.
        categories (`Sequence[str]`): with their synonyms and plurals.
    """

    def __init__(self, speak: Callable[..., list[Row]], categories: Sequence[str]):
        self.speak = speak
        nouns = {noun for category in categories for noun in (category, *label(category).names)}
        words = sorted(nouns | {many(noun) for noun in nouns}, key=len, reverse=True)
        self.pattern = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)

    def __call__(self, row: Row, image: Image.Image, rng: random.Random) -> list[Row]:
        targets = [
            {**target, "expressions": [it for it in target["expressions"] if not self.pattern.search(it["text"])]}
            for target in self.speak(row, image, rng)
        ]
        return [target for target in targets if target["expressions"]]
