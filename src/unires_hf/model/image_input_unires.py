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
"""What both image processors share: reading pictures and masks of every kind, and the letterbox."""

import base64
import os
import re
from io import BytesIO
from typing import Any, Literal

import numpy as np
import torch
from huggingface_hub.utils import httpx
from PIL import Image, ImageOps
from transformers.image_processing_base import BatchFeature
from transformers.image_processing_utils import get_size_dict
from transformers.image_utils import ChannelDimension, PILImageResampling, SizeDict
from transformers.processing_utils import ImagesKwargs
from transformers.utils.constants import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from .geometry_unires import content_extent, content_size, masks_to_coverage
from .picture_formats_unires import FORMATS, VOID

CHANNELS = (1, 3, 4)  # gray, RGB, RGBA
IMAGE_TYPES = (str, os.PathLike, Image.Image, np.ndarray, torch.Tensor)
RESIZE_MODES = ("letterbox", "squash")
BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*")


class UniResImageProcessorKwargs(ImagesKwargs, total=False):
    r"""
    resize_mode (`str`, *optional*, defaults to `"letterbox"`):
        `"letterbox"` keeps the aspect ratio and pads right and bottom; `"squash"` resizes to exactly `size`.
    mask_size (`dict[str, int]`, *optional*):
        The `{"height": int, "width": int}` of `labels`. Defaults to a quarter of `size`, the stride of the logits.
    """

    resize_mode: Literal["letterbox", "squash"]
    mask_size: int | dict[str, int] | None


class UniResImageInputs:
    """
    The part of the two image processors that does not depend on the backend; stands before it among the parents.

    "letterbox" scales a picture by min(H / h, W / w), puts it at the top left and pads right and bottom after
    normalization, so that the padding is 0, the mean color. "squash" resizes to exactly (H, W). Our choice: the paper
    does not say how it resizes.
    """

    resample = PILImageResampling.BICUBIC
    image_mean = OPENAI_CLIP_MEAN
    image_std = OPENAI_CLIP_STD
    size = {"height": 448, "width": 448}
    mask_size = None
    resize_mode = "letterbox"
    do_resize = True
    do_rescale = True
    do_normalize = True
    do_convert_rgb = True
    model_input_names = ["pixel_values", "original_sizes"]

    def preprocess(self, images: Any, segmentation_maps: Any = None, **kwargs) -> BatchFeature:
        """
        Prepare pictures, and the masks of their expressions, for [`UniResModel`].

        Args:
            images: a picture or a list of them: path, URL, PIL image of any 8-bit mode or "I;16", or array (H, W),
                (H, W, C) or (C, H, W) with 1, 3 or 4 channels: uint8, uint16 (65535 is white), or float in [0, 1].
                EXIF orientation is applied; transparency is laid over white.
            segmentation_maps: masks (H, W) at the size of their upright picture: bool, 0/1, 0/255 or float in [0, 1].
                One a picture, or one list a picture; a list of masks with a single picture belongs to that picture.

        Returns:
            `pixel_values` (images, 3, H, W); `original_sizes` (images, 2), height and width after EXIF rotation; and
            with masks `labels` (masks, h, w), float32 in [0, 1]: the share of each cell that the mask covers.

        Raises:
            ValueError: a picture or mask that cannot be read as one, by its position in the list.
        """
        return super().preprocess(images, segmentation_maps, **kwargs)

    def fetch_images(self, image_url_or_urls: Any) -> Any:
        """Open paths and URLs, in lists too; pass pictures on as they are."""
        if isinstance(image_url_or_urls, list | tuple):
            return [self.fetch_images(image) for image in image_url_or_urls]
        if isinstance(image_url_or_urls, str | os.PathLike):
            return open_image(image_url_or_urls)
        return image_url_or_urls

    def process_image(
        self,
        image: Image.Image | np.ndarray | torch.Tensor,
        do_convert_rgb: bool | None = None,
        input_data_format: str | ChannelDimension | None = None,
        do_rescale: bool | None = None,
        **kwargs,
    ) -> np.ndarray | torch.Tensor:
        """One upright picture (C, H, W) in the backend's own type; uint8, or float if it is not to be rescaled."""
        if isinstance(image, Image.Image):
            image = upright(image)
        else:
            image = channels_first(image, input_data_format)
            if do_rescale or not image.is_floating_point():
                image = eight_bit(image)
        return super().process_image(image, do_convert_rgb, ChannelDimension.FIRST, **kwargs)

    def _standardize_kwargs(self, size=None, mask_size=None, resize_mode=None, **kwargs) -> dict:
        if resize_mode not in RESIZE_MODES:
            raise ValueError(f"`resize_mode` must be one of {RESIZE_MODES}; got {resize_mode!r}.")
        kwargs = super()._standardize_kwargs(size=size, **kwargs)
        if not (kwargs["size"].height and kwargs["size"].width):
            raise ValueError(f"`size` must have 'height' and 'width', both positive; got {dict(kwargs['size'])}.")
        if mask_size is not None and not isinstance(mask_size, SizeDict):
            mask_size = SizeDict(**get_size_dict(mask_size, param_name="mask_size"))
        return {**kwargs, "mask_size": mask_size, "resize_mode": resize_mode}

    def _preprocess_image_like_inputs(
        self, images, segmentation_maps, do_convert_rgb, input_data_format, device=None, **kwargs
    ) -> BatchFeature:
        images = flatten_images(self.fetch_images(images))
        masks = None if segmentation_maps is None else group_masks(self.fetch_images(segmentation_maps), len(images))
        pictures = []
        for index, image in enumerate(images):
            try:
                picture = self.process_image(
                    image, do_convert_rgb, input_data_format, kwargs["do_rescale"], device=device
                )
            except ValueError as error:
                raise ValueError(f"images[{index}]: {error}") from None
            pictures.append(picture)
        sizes = [tuple(picture.shape[-2:]) for picture in pictures]
        labels = {} if masks is None else {"labels": self._labels(masks, sizes, **kwargs)}
        data = {**self._preprocess(pictures, **kwargs), "original_sizes": sizes, **labels}
        return BatchFeature(data, tensor_type=kwargs["return_tensors"])

    def _labels(self, masks, sizes, size, mask_size, resize_mode, **kwargs) -> np.ndarray:
        size = (size.height, size.width)
        grid = (size[0] // 4, size[1] // 4) if mask_size is None else (mask_size.height, mask_size.width)
        labels = [np.zeros((0, *grid), dtype=np.float32)]
        for index, (group, image_size) in enumerate(zip(masks, sizes, strict=True)):
            arrays = []
            for position, mask in enumerate(group):
                try:
                    arrays.append(read_mask(mask, image_size))
                except ValueError as error:
                    raise ValueError(f"segmentation_maps, mask {position} of images[{index}]: {error}") from None
            labels.append(masks_to_coverage(arrays, content_extent(image_size, size, resize_mode, grid), grid))
        return np.concatenate(labels)

    def _preprocess(self, images, do_resize, size, resize_mode, **kwargs) -> BatchFeature:
        if do_resize and resize_mode == "letterbox":
            kwargs = {**kwargs, "do_pad": True, "pad_size": size}
            size = SizeDict(max_height=size.height, max_width=size.width)
        return super()._preprocess(images, do_resize=do_resize, size=size, **kwargs)

    def resize(self, image, size: SizeDict, **kwargs):
        """Resize (..., H, W) to `size`, or to the letterbox content of `max_height` and `max_width`."""
        if size.max_height:
            height, width = content_size(tuple(image.shape[-2:]), (size.max_height, size.max_width), "letterbox")
            size = SizeDict(height=height, width=width)
        return super().resize(image, size, **kwargs)


def open_image(source: str | os.PathLike) -> Image.Image:
    """
    Open a picture from a path, an http(s) URL, a `data:image/` URI or base64 text, in one of `FORMATS`.

    Raises:
        ValueError: there is no such file or page, or it is no picture.
    """
    name = str(source)
    shown = name if len(name) < 200 else f"{name[:60]}…"
    try:
        if name.startswith(("http://", "https://")):
            source = BytesIO(httpx.get(name, follow_redirects=True, timeout=60).raise_for_status().content)
        elif name.startswith("data:image/"):
            source = BytesIO(base64.b64decode(name.partition(",")[2]))
        elif BASE64.fullmatch(name) and not os.path.exists(name):
            source, shown = BytesIO(base64.b64decode(name)), "in base64"
        elif os.path.exists(name) and not os.path.isfile(name):  # a pipe would be waited for
            raise ValueError("it is no file")
        image = Image.open(source, formats=FORMATS)
        image.load()
    except Exception as error:  # decoders of broken files raise errors of many kinds
        raise ValueError(f"could not open the picture {shown!r}: {error or type(error).__name__}") from error
    return image


def upright(image: Image.Image) -> Image.Image:
    """
    Apply the EXIF orientation, and bring 16-bit gray to 8 bits (65535 is white).

    Raises:
        ValueError: a picture of 0 pixels, or of mode "I" or "F", whose white level is unknown.
    """
    if not (image.width and image.height):
        raise ValueError(f"the picture is {image.width}x{image.height} and has no pixels.")
    if image.mode in ("I", "F"):
        raise ValueError(
            f"a picture of mode {image.mode!r} does not say which number is white: scale it to 0-255 and convert it "
            "to 'L' or 'RGB'."
        )
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray(eight_bit(torch.from_numpy(np.asarray(image).astype(np.uint16))).numpy())
    return image


def channels_first(image: np.ndarray | torch.Tensor, layout: str | ChannelDimension | None = None) -> torch.Tensor:
    """
    A picture as a tensor (C, H, W).

    Where the shape leaves it open, numpy arrays are taken as (H, W, C) and tensors as (C, H, W), as is usual.

    Raises:
        ValueError: no pixels, NaN or infinite ones, or a shape that is no picture's.
    """
    shape = tuple(image.shape)
    if 0 in shape:
        raise ValueError(f"an array of shape {shape} has no pixels.")
    is_tensor = isinstance(image, torch.Tensor)
    tensor = image if is_tensor else torch.from_numpy(np.require(image, requirements=["C", "W"]))
    if tensor.is_floating_point() and not tensor.isfinite().all():
        raise ValueError("the picture holds NaN or infinite pixels.")
    if len(shape) == 2:
        return tensor[None]
    first, last = (len(shape) == 3 and shape[axis] in CHANNELS for axis in (0, -1))
    if not (first or last):
        raise ValueError(
            f"an array of shape {shape} is no picture: give (H, W), (H, W, C) or (C, H, W) with 1, 3 or 4 channels."
        )
    if layout is None:
        layout = ChannelDimension.FIRST if first and (is_tensor or not last) else ChannelDimension.LAST
    return tensor if layout == ChannelDimension.FIRST else tensor.permute(2, 0, 1)


def eight_bit(image: torch.Tensor) -> torch.Tensor:
    """
    Pixels as uint8: uint16 is scaled (65535 is white), floats in [0, 1] are multiplied by 255.

    Raises:
        ValueError: values outside the range of their type.
    """
    if image.dtype == torch.uint8:
        return image
    if image.dtype == torch.uint16:
        return ((image.to(torch.int32) + 128) // 257).to(torch.uint8)
    if image.dtype == torch.bool:
        return image.to(torch.uint8) * 255
    name = str(image.dtype).removeprefix("torch.")
    white = 1 if image.is_floating_point() else 255
    if white == 255:
        image = image.to(torch.int64)  # PyTorch compares no uint32
    darkest, brightest = image.min().item(), image.max().item()
    if darkest < 0 or brightest > white:
        raise ValueError(
            f"{name} pixels must lie in [0, {white}], but these lie in "
            f"[{darkest:g}, {brightest:g}]: rescale them, or give uint8."
        )
    return (image * 255).round().to(torch.uint8) if white == 1 else image.to(torch.uint8)


def flatten_images(images: Any) -> list:
    """
    A picture, a batch array (N, ...), a list, or nested lists of pictures, as one flat list.

    Raises:
        ValueError: no picture at all, or something that is none.
    """
    flat = []
    stack = [images]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple) or (isinstance(item, np.ndarray | torch.Tensor) and item.ndim == 4):
            stack.extend(reversed(list(item)))
        elif isinstance(item, IMAGE_TYPES):
            flat.append(item)
        else:
            raise ValueError(
                f"images[{len(flat)}]: a {type(item).__name__} is no picture: give a path, a URL, a PIL image or an "
                "array."
            )
    if not flat:
        raise ValueError("`images` is empty: give at least one picture.")
    return flat


def group_masks(masks: Any, num_images: int, counts: list[int] | None = None) -> list[list]:
    """
    Masks as one list a picture.

    Args:
        masks: one mask, a flat list of masks, or one list (or array (k, H, W)) a picture.
        num_images: how many pictures there are.
        counts: how many masks each picture must have. By default a flat list means one mask a picture, or all masks
            of a single picture.

    Raises:
        ValueError: numbers that do not fit.
    """
    if isinstance(masks, Image.Image) or (not isinstance(masks, list | tuple) and masks.ndim == 2):
        masks = [masks]
    nested = [
        isinstance(mask, list | tuple) or (not isinstance(mask, Image.Image) and mask.ndim == 3) for mask in masks
    ]
    if all(nested) and len(masks) == num_images:
        groups = [list(group) for group in masks]
    else:
        lengths = counts or ([len(masks)] if num_images == 1 else [1] * num_images)
        if any(nested) or len(masks) != sum(lengths):
            raise ValueError(
                f"`segmentation_maps` holds {len(masks)} masks or lists of them for {num_images} images: give one "
                "mask an expression, or one list an image."
            )
        remaining = iter(masks)
        groups = [[next(remaining) for _ in range(length)] for length in lengths]
    for index, (group, count) in enumerate(zip(groups, counts or map(len, groups), strict=True)):
        if len(group) != count:
            raise ValueError(f"images[{index}] has {count} expressions but {len(group)} masks in `segmentation_maps`.")
    return groups


def read_mask(mask: Image.Image | np.ndarray | torch.Tensor, image_size: tuple[int, int]) -> np.ndarray:
    """
    A mask as an array (H, W), bool or float in [0, 1].

    A palette's colors count, not their numbers: black is outside, and so is PASCAL VOC's void, its index 255.

    Raises:
        ValueError: another size than its picture's, or values that are neither 0/1, nor 0/255, nor in [0, 1].
    """
    if isinstance(mask, Image.Image):
        mask = ImageOps.exif_transpose(mask)
        if mask.mode == "P":
            colors = np.asarray(mask.convert("RGB"))
            mask = colors.any(axis=2) & (colors != VOID).any(axis=2)
    array = np.asarray(mask)
    if array.shape != image_size:
        raise ValueError(
            f"the mask has shape {array.shape}, but its picture is {image_size[0]} high and {image_size[1]} wide "
            "(after EXIF rotation)."
        )
    if array.dtype == bool:
        return array
    if np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):
            raise ValueError("a float mask must lie in [0, 1].")
        return array
    values = np.unique(array)
    if not (np.isin(values, (0, 1)).all() or np.isin(values, (0, 255)).all()):
        raise ValueError(f"a mask must be bool, 0/1, 0/255 or float in [0, 1]; this one holds {values[:5].tolist()}.")
    return array > 0
