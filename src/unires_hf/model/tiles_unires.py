# Copyright 2026 The unires-hf authors. All rights reserved.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Big pictures: the whole and overlapping tiles at two scales are looked at; what is most sure of itself answers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from transformers import ProcessorMixin

TILES = ("auto", "off")
SCALES = (4, 2)
"""Sides of a tile in sides of the model's input; a picture is big if it exceeds the last one. Our choice, see
docs/questions.md for what they bring and cost."""
STEP = 0.75
"""From tile to tile, in sides of a tile: what is up to a quarter as long is whole in one of them."""
DOUBT = 0.1
"""Of the doubt that the presence threshold leaves, so much is left to a tile: there are tens of them, and each may see
what is not meant. Our choice, on three mosaics of val photographs: 9 in place of 3 of 14 expressions that mean nothing
are denied (by the whole picture alone, 10), and the mIoU of the others falls from 25.6 to 23.4 (4.8)."""
VIEWS = 8
"""So many at once, so that memory does not grow with the picture."""

HINTS = {"points", "boxes"}

Box = tuple[int, int, int, int]
Results = list[dict[str, Any]]


def tile_boxes(image_size: tuple[int, int], size: tuple[int, int]) -> list[Box]:
    """
    The tiles (x0, y0, x1, y1) of a picture in pixels, large ones first; none if it is not big.

    Args:
        image_size: (height, width) of the picture.
        size: (height, width) of the model's input.
    """
    boxes = []
    for scale in SCALES:
        sides = [min(scale * side, length) for side, length in zip(size, image_size, strict=True)]
        if sides != list(image_size):
            tops, lefts = (_starts(*both) for both in zip(image_size, sides, strict=True))
            boxes += [(left, top, left + sides[1], top + sides[0]) for top in tops for left in lefts]
    return boxes


def _starts(length: int, side: int) -> list[int]:
    """Where tiles of a side begin that cover a length evenly."""
    steps = math.ceil((length - side) / (STEP * side))
    return [round(number * (length - side) / max(1, steps)) for number in range(steps + 1)]


def tiles_of(picture: Image.Image | torch.Tensor, processor: ProcessorMixin, tiles: str) -> list[Box]:
    """
    The tiles of an upright picture or a tensor (C, H, W) for the model of a processor; none if `tiles` is "off".

    Raises:
        ValueError: if `tiles` is neither "auto" nor "off".
    """
    if tiles not in TILES:
        raise ValueError(f"`tiles` is {tiles!r}: give 'auto' or 'off'.")
    size = processor.image_processor.size
    return tile_boxes(picture_size(picture), (size["height"], size["width"])) if tiles == "auto" else []


def picture_size(picture: Image.Image | torch.Tensor) -> tuple[int, int]:
    """(height, width) of an upright picture, or a tensor (C, H, W)."""
    return (picture.height, picture.width) if isinstance(picture, Image.Image) else tuple(picture.shape[-2:])


def segment_in_tiles(
    see: Callable[..., list[Results]],
    processor: ProcessorMixin,
    picture: Image.Image | torch.Tensor,
    text: Sequence[str],
    tiles: Sequence[Box],
    **settings: Any,
) -> Results:
    """
    The results of expressions about a picture: of the whole and of each tile, the one with the highest score.

    A tile knows nothing of what lies beside it: "the left one" is then the left one in it.

    Args:
        see (`Callable`): called with pictures, lists of expressions and settings; returns what
            [`UniResProcessor.post_process_referring_segmentation`] does.
        processor (`UniResProcessor`): the model's, which knows the presence threshold.
        picture: upright, or a tensor (C, H, W).
        text (`Sequence[str]`): the expressions.
        tiles (`Sequence[Box]`): of [`tile_boxes`].
        settings: of that method, `mask_threshold`, `presence_threshold`, `points` and `boxes`. A click counts in the
            tiles that it lies in, a box in those that hold it.
    """
    height, width = picture_size(picture)
    settings = {name: value for name, value in settings.items() if value is not None}
    (whole,) = see([picture], [list(text)], **settings)
    best = [(result, (0, 0, width, height)) for result in whole]
    settings = {name: _one_each(values, len(text)) for name, values in settings.items()}
    present = settings.get("presence_threshold") or [None] * len(text)
    least = [processor.presence_threshold if value is None else value for value in present]
    settings["presence_threshold"] = [1 - (1 - value) * DOUBT for value in least]
    for first in range(0, len(tiles), VIEWS):
        some = tiles[first : first + VIEWS]
        hints = {name: [] for name in settings}
        for tile in some:
            for name, values in settings.items():
                hints[name] += [_within(tile, value) if name in HINTS else value for value in values]
        seen = see([_crop(picture, tile) for tile in some], [list(text)] * len(some), **hints)
        for number, (tile, results) in enumerate(zip(some, seen, strict=True)):
            for place, result in enumerate(results):
                lost = any(
                    settings[name][place] is not None and hints[name][number * len(text) + place] is None
                    for name in HINTS & settings.keys()
                )
                if not lost and result["score"] > best[place][0]["score"]:
                    best[place] = result, tile
    return [_placed(result, view, (height, width)) for result, view in best]


def _one_each(values: Any, count: int) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values] * count


def _crop(picture: Image.Image | torch.Tensor, tile: Box) -> Image.Image | torch.Tensor:
    left, top, right, bottom = tile
    return picture.crop(tile) if isinstance(picture, Image.Image) else picture[..., top:bottom, left:right]


def _within(tile: Box, hint: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """A click or a box in the tile's own pixels; None if the tile does not hold it."""
    if hint is None:
        return None
    own = tuple(length - tile[axis % 2] for axis, length in enumerate(hint))
    ends = [tile[2 + axis % 2] - tile[axis % 2] for axis in range(len(own))]
    held = all(
        0 <= length <= end if len(own) == 4 else 0 <= length < end for length, end in zip(own, ends, strict=True)
    )
    return own if held else None


def _placed(result: dict[str, Any], view: Box, size: tuple[int, int]) -> dict[str, Any]:
    """The result of a view as one of the picture of `size`."""
    left, top, right, bottom = view
    if (bottom - top, right - left) == size:
        return result
    mask = torch.zeros(size, dtype=torch.bool)
    mask[top:bottom, left:right] = result["mask"]
    box = result["box"]
    return {**result, "mask": mask, "box": box and [box[0] + left, box[1] + top, box[2] + left, box[3] + top]}
