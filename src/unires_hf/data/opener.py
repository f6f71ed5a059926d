# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a row as it is stored to one that can be learned from; what cannot be read is left out, counted and said."""

import logging
import random
from collections.abc import Callable, Sequence

import datasets
import torch
from PIL import Image

from . import masks
from .augmentation import Augmentation
from .flip import flip_row
from .schema import Row

logger = logging.getLogger(__name__)

MANY = 50  # unreadable rows in succession: then the data set is broken, not a row of it


class Opener:
    """
    Opens narrowed rows: decodes the picture, checks the masks, and changes the picture and draws words if asked.

    Args:
        flip (`bool`, *optional*): mirror half of the rows, with left and right exchanged in their words.
        strict (`bool`, *optional*): stop at the first row that cannot be read, rather than leave it out and warn.
        augmentation (`Augmentation`, *optional*): what else happens to pictures.
        speak (`Callable`, *optional*): draws words for a row that comes without any: called with the row as it is
            seen, its picture and a `random.Random`, returns targets with expressions.
    """

    def __init__(
        self,
        flip: bool = False,
        strict: bool = False,
        augmentation: Augmentation | None = None,
        speak: Callable[[Row, Image.Image, random.Random], list[Row]] | None = None,
    ):
        self.flip = flip
        self.strict = strict
        self.augmentation = augmentation
        self.speak = speak
        self.left_out = torch.zeros((), dtype=torch.int64).share_memory_()  # by all workers of a data loader
        self.in_succession = 0

    def draws_words(self, row: Row) -> bool:
        """Whether a row gets its words here: all its targets are needed then."""
        return self.speak is not None and not any(target["expressions"] for target in row["targets"])

    def __call__(self, row: Row, rng: random.Random, others: Sequence[Row] = ()) -> Row | None:
        """
        The row with its picture decoded, or None if that, or a mask, cannot be read, or nothing can be said of it.

        Args:
            row (`Row`): as it is stored.
            rng (`random.Random`): decides what is left to chance.
            others (`Sequence[Row]`, *optional*): rows of which one may take part in a scene.

        Raises:
            ValueError: if that is to stop the run, or so many in succession cannot be read that more is wrong.
        """
        mirrored = self.flip and rng.random() < 0.5
        drawn = self.draws_words(row)
        row = self._read(row)
        if row is None:
            return None
        row = flip_row(row) if mirrored else row
        if self.augmentation is not None:
            other = None
            if drawn and others and rng.random() < self.augmentation.scenes:
                other = self._read(others[rng.randrange(len(others))])
            row = self.augmentation.free(row, rng, other) if drawn else self.augmentation.fixed(row, rng)
        if drawn:
            row = {**row, "targets": self.speak(row, row["image"], rng)}
        return row if row["targets"] else None

    def _read(self, row: Row) -> Row | None:
        try:
            opened = {**row, "image": _decoded(row["image"])}
            for target in row["targets"]:
                if target["mask"] is not None:
                    _check_mask(target, opened["image"].size)
        # A broken file fails in whatever way its decoder likes.
        except Exception as error:
            self.left_out += 1
            self.in_succession += 1
            reason = f"Image {row['image_id']} of {row['source']} cannot be read: {error}"
            if self.strict:
                raise ValueError(reason) from error
            if self.in_succession == MANY:
                raise ValueError(f"{reason} So it was with {MANY} in succession: is the data set whole?") from error
            logger.warning("%s It is left out; that makes %d by now.", reason, self.left_out)
            return None
        self.in_succession = 0
        return opened


def _decoded(image):
    if isinstance(image, dict):
        return datasets.Image().decode_example(image)
    image.load()
    return image


def _check_mask(target: Row, size: tuple[int, int]) -> None:
    masks.area(target["mask"])  # fails if the RLE is broken
    width, height = size
    if list(target["mask"]["size"]) != [height, width]:
        raise ValueError(
            f"the mask of target {target['target_id']} is {list(target['mask']['size'])} (h, w), the picture "
            f"{[height, width]}."
        )
