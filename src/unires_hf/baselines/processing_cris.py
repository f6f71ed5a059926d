# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS's way in and out, as published: a letterbox in the middle, corner on corner, and probabilities warped back."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from transformers.image_utils import SizeDict

from unires_hf.model.geometry_unires import box_of
from unires_hf.model.image_input_unires import read_mask
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.processing_unires import UniResProcessor

STEPS = 32  # in a pixel: OpenCV's `warpAffine`, which CRIS uses, looks no closer
CUBIC = -0.75  # of OpenCV's and PyTorch's bicubic kernels

Taps = tuple[np.ndarray, np.ndarray]


class CrisImageProcessor(UniResImageProcessorPil):
    """
    Scales a picture by min(H / h, W / w) into the middle of the input, by plain bicubic interpolation.

    Pixel (0, 0) of the picture comes to the corner of its place, not half a pixel off; nothing is blurred where pixels
    are left out; around it lies the mean color. All as published, since CRIS learned where things are in the input.
    """

    def _standardize_kwargs(self, resize_mode=None, **kwargs) -> dict:
        if resize_mode != "letterbox":
            raise ValueError(f"`resize_mode` is {resize_mode!r}: CRIS knows 'letterbox' only, in the middle.")
        return super()._standardize_kwargs(resize_mode=resize_mode, **kwargs)

    def _preprocess(self, images, do_resize, size, image_mean, **kwargs):
        if do_resize:
            images = [letterbox(image, (size.height, size.width), image_mean) for image in images]
        return super()._preprocess(images, do_resize=False, size=size, image_mean=image_mean, **kwargs)

    def _labels(self, masks, sizes, size: SizeDict, mask_size: SizeDict, **kwargs) -> np.ndarray:
        """As published: the mask is warped bilinearly to the input, of which every fourth pixel is taken."""
        size, grid = (size.height, size.width), (mask_size.height, mask_size.width)
        labels = [np.zeros((0, *grid), dtype=np.float32)]
        for index, (group, image_size) in enumerate(zip(masks, sizes, strict=True)):
            for position, mask in enumerate(group):
                try:
                    array = read_mask(mask, image_size).astype(np.float32)
                except ValueError as error:
                    raise ValueError(f"segmentation_maps, mask {position} of images[{index}]: {error}") from None
                taps = [linear_taps(*line) for line in _lines(image_size, size)]
                picked = [np.arange(cells) * side // cells for cells, side in zip(grid, size, strict=True)]
                rows, columns = ((places[at], weights[at]) for (places, weights), at in zip(taps, picked, strict=True))
                labels.append(_warp(array[None], rows, columns))
        return np.concatenate(labels)


class CrisProcessor(UniResProcessor):
    """
    Masks as CRIS makes them: the probabilities are enlarged to the input, corner on corner, and warped back to the
    picture, both by bicubic interpolation; then comes the threshold.
    """

    def _draw(
        self, logits: torch.Tensor, image_size: tuple[int, int], mask_size: tuple[int, int], level: float
    ) -> tuple[torch.Tensor, list[int] | None]:
        mask = self._probabilities(logits, image_size, mask_size) > torch.tensor(level).sigmoid()
        return mask, box_of(mask.numpy())

    def _level_under(self, logits: torch.Tensor, image_size: tuple[int, int], pixel: tuple[int, int]) -> float:
        probability = self._probabilities(logits, image_size, image_size)[pixel]
        return probability.clamp(1e-6, 1 - 1e-6).logit().item() - 1e-4

    def _score(self, logits: torch.Tensor, image_size: tuple[int, int], level: float) -> float:
        above = logits[logits > level]  # none, where bicubic interpolation alone rose above the level
        return (above if len(above) else torch.tensor([level])).sigmoid().mean().item()

    def _probabilities(
        self, logits: torch.Tensor, image_size: tuple[int, int], mask_size: tuple[int, int]
    ) -> torch.Tensor:
        size = (self.image_processor.size["height"], self.image_processor.size["width"])
        scale, shifts = _place(image_size, size)
        down, across = (
            _enlargement(length, pixels, scale, shift, side, cells)
            for length, pixels, shift, side, cells in zip(
                mask_size, image_size, shifts, size, logits.shape, strict=True
            )
        )
        return down @ logits.sigmoid() @ across.T


def letterbox(image: np.ndarray, size: tuple[int, int], mean: list[float] | tuple[float, ...]) -> np.ndarray:
    """A picture (3, h, w), uint8 or float, in the middle of (3, H, W)."""
    white = 255 if image.dtype == np.uint8 else 1
    border = white * np.asarray(mean, np.float32)[:, None, None]
    if image.dtype == np.uint8:
        border = border.round()
    rows, columns = (cubic_taps(*line) for line in _lines(image.shape[-2:], size))
    placed = _warp(image - border, rows, columns) + border
    return placed.round().clip(0, 255).astype(np.uint8) if image.dtype == np.uint8 else placed


def _place(image_size: tuple[int, int], size: tuple[int, int]) -> tuple[float, tuple[float, float]]:
    """The scale of a picture in the input, and how far down and right it lies there, in pixels of the input."""
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    return scale, ((size[0] - image_size[0] * scale) / 2, (size[1] - image_size[1] * scale) / 2)


def _lines(image_size: tuple[int, int], size: tuple[int, int]) -> list[tuple[np.ndarray, int]]:
    """For rows and columns of the input: where each looks in the picture, and how many there are in the picture."""
    scale, shifts = _place(image_size, size)
    return [
        (_positions(side, 1 / scale, -shift / scale), length)
        for side, length, shift in zip(size, image_size, shifts, strict=True)
    ]


def _positions(length: int, step: float, start: float) -> np.ndarray:
    """start + step * x in steps of 1/32, for x = 0 … length - 1; summed in 1/1024 as OpenCV does."""
    units = 1024
    return (np.rint(start * units) + units // STEPS // 2 + np.rint(step * units * np.arange(length))) // (
        units // STEPS
    )


def cubic_taps(positions: np.ndarray, length: int) -> Taps:
    """The four neighbors of each position among `length` pixels, and their weights: 0 for those outside."""
    first, rest = np.divmod(positions, STEPS)
    near, far = rest / STEPS, 1 - rest / STEPS
    outer = [((CUBIC * (x + 1) - 5 * CUBIC) * (x + 1) + 8 * CUBIC) * (x + 1) - 4 * CUBIC for x in (near, far)]
    inner = [((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1 for x in (near, far)]
    return _inside(first[:, None] + np.arange(-1, 3), np.stack([outer[0], *inner, outer[1]], axis=1), length)


def linear_taps(positions: np.ndarray, length: int) -> Taps:
    """As [`cubic_taps`], of two neighbors."""
    first, rest = np.divmod(positions, STEPS)
    return _inside(first[:, None] + np.arange(2), np.stack([1 - rest / STEPS, rest / STEPS], axis=1), length)


def _inside(places: np.ndarray, weights: np.ndarray, length: int) -> Taps:
    weights = np.where((places >= 0) & (places < length), weights, 0)
    return places.clip(0, length - 1).astype(np.int64), weights.astype(np.float32)


def _warp(planes: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """(k, h, w) → (k, H, W), one axis after the other."""
    places, weights = rows
    planes = sum(planes[:, place] * weight[:, None] for place, weight in zip(places.T, weights.T, strict=True))
    places, weights = columns
    return sum(planes[:, :, place] * weight for place, weight in zip(places.T, weights.T, strict=True))


@lru_cache(maxsize=64)
def _enlargement(length: int, pixels: int, scale: float, shift: float, side: int, cells: int) -> torch.Tensor:
    """
    (length, cells): what each of `length` lines of the mask takes of the cells of the logit map.

    A line of the picture, which has `pixels` of them, is `scale` lines of the input, which has `side`. Where a mask of
    another size than the picture's is asked for, its lines lie evenly on the picture's, middle on middle.
    """
    if length == pixels:
        positions = _positions(length, scale, shift)
    else:
        step = pixels / length
        positions = _positions(length, scale * step, shift + scale * (step - 1) / 2)
    places, weights = cubic_taps(positions, side)
    back = torch.zeros(length, side).scatter_add_(1, torch.from_numpy(places), torch.from_numpy(weights))
    enlarged: Any = torch.nn.functional.interpolate(
        torch.eye(cells)[None, None], size=(side, cells), mode="bicubic", align_corners=True
    )
    return back @ enlarged[0, 0]
