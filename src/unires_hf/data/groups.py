# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Groups of expressions about one image, so that an epoch says every expression once and encodes images seldom."""

import logging
import random

import torch
from datasets import Dataset

from .schema import Row

logger = logging.getLogger(__name__)


class ExpressionGroups(torch.utils.data.Dataset):
    """
    A map-style data set of rows that hold at most `expressions_per_image` expressions each.

    An epoch has every expression of every target that has a mask exactly once; what is said about one image is dealt
    into groups, differently in every epoch. Targets with boxes only cannot be learned from: they are left out, and
    counted in one log line.

    Args:
        rows (`datasets.Dataset`): rows of `FEATURES`.
        expressions_per_image (`int`): the largest group. Our choice of 8 in the recipes: RefCOCO has 7 an image.
        seed (`int`, *optional*, defaults to 0): with the epoch's number it decides who is grouped with whom.

    Raises:
        ValueError: if there is nothing to learn from, or `expressions_per_image` is less than 1.
    """

    def __init__(self, rows: Dataset, expressions_per_image: int, seed: int = 0):
        if expressions_per_image < 1:
            raise ValueError(f"`expressions_per_image` is {expressions_per_image}: a group needs at least 1.")
        self.rows = rows
        self.expressions_per_image = expressions_per_image
        self.seed = seed
        # (place of the target, place of the expression) of all that is said in each row; the images stay unread.
        self.sayings: list[list[tuple[int, int]]] = []
        without_mask = 0
        for targets in rows.select_columns("targets")["targets"]:
            without_mask += sum(len(target["expressions"]) for target in targets if target["mask"] is None)
            self.sayings.append(
                [
                    (place, number)
                    for place, target in enumerate(targets)
                    if target["mask"] is not None
                    for number in range(len(target["expressions"]))
                ]
            )
        if without_mask:
            logger.warning("%d expressions are left out: their targets have boxes but no masks.", without_mask)
        self.num_expressions = sum(map(len, self.sayings))
        if not self.num_expressions:
            raise ValueError("There is no expression with a mask in these rows: nothing can be learned from them.")
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Deals the expressions into the groups of this epoch; the number of groups stays the same."""
        dealer = random.Random(f"{self.seed} {epoch}")
        self.groups: list[tuple[int, list[tuple[int, int]]]] = []
        size = self.expressions_per_image
        for index, sayings in enumerate(self.sayings):
            dealt = dealer.sample(sayings, len(sayings))
            self.groups += [(index, dealt[start : start + size]) for start in range(0, len(dealt), size)]

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> Row:
        row_index, sayings = self.groups[index]
        row = self.rows[row_index]
        chosen: dict[int, list[int]] = {}
        for place, number in sayings:
            chosen.setdefault(place, []).append(number)
        targets = []
        for place, numbers in chosen.items():
            target = row["targets"][place]
            targets.append({**target, "expressions": [target["expressions"][number] for number in numbers]})
        return {**row, "targets": targets}
