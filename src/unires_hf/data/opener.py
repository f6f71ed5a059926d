# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a row as it is stored to one that can be learned from; what cannot be read is left out, counted and said."""

import logging
import random

import torch
from datasets import Image

from . import masks
from .flip import flip_row
from .schema import Row

logger = logging.getLogger(__name__)

MANY = 50  # unreadable rows in succession: then the data set is broken, not a row of it


class Opener:
    """
    Opens narrowed rows: decodes the picture, checks the masks, and mirrors every second one if asked.

    Args:
        flip (`bool`): mirror half of the rows, with left and right exchanged in their words.
        strict (`bool`): stop at the first row that cannot be read, rather than leave it out with a warning.
    """

    def __init__(self, flip: bool, strict: bool):
        self.flip = flip
        self.strict = strict
        self.left_out = torch.zeros((), dtype=torch.int64).share_memory_()  # by all workers of a data loader
        self.in_succession = 0

    def __call__(self, row: Row, dealer: random.Random) -> Row | None:
        """The row with its picture decoded, or None if that, or a mask, cannot be read.

        Raises:
            ValueError: if that is to stop the run, or so many in succession cannot be read that more is wrong.
        """
        mirrored = self.flip and dealer.random() < 0.5
        try:
            opened = {**row, "image": _decoded(row["image"])}
            for target in row["targets"]:
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
        return flip_row(opened) if mirrored else opened


def _decoded(image):
    if isinstance(image, dict):
        return Image().decode_example(image)
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
