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
"""PIL image processor of UniRES, which needs no torchvision."""

import numpy as np
import torch
from torch import nn
from transformers.image_processing_backends import PilBackend
from transformers.image_processing_utils import BatchFeature
from transformers.image_utils import PILImageResampling, SizeDict
from transformers.processing_utils import Unpack
from transformers.utils import auto_docstring

from .image_input_unires import UniResImageInputs, UniResImageProcessorKwargs


class LeanPilBackend(PilBackend):  # trf-ignore: TRF057 only the class below is public
    """`PilBackend` in a third of its time, for what a network wants: each picture is normalized into its batch."""

    torch_modes = {PILImageResampling.BILINEAR: "bilinear", PILImageResampling.BICUBIC: "bicubic"}

    def resize(self, image: np.ndarray, size: SizeDict, resample=None, **kwargs) -> np.ndarray:
        if image.shape[-2:] == (size.height, size.width):
            return image
        mode = self.torch_modes.get(resample)
        if mode is None or image.dtype != np.uint8:
            return super().resize(image, size, resample, **kwargs)
        # PyTorch's copy of Pillow's filters, vectorized: one pixel in 300 differs, by a gray level.
        pixels = torch.from_numpy(image)[None]
        return nn.functional.interpolate(pixels, (size.height, size.width), mode=mode, antialias=True)[0].numpy()

    def _preprocess(self, images: list[np.ndarray], do_resize: bool, size: SizeDict, resample, **kwargs):
        if do_resize:
            images = [self.resize(image, size, resample=resample) for image in images]
        usual = kwargs["do_rescale"] and kwargs["do_normalize"] and not kwargs["do_center_crop"]
        channels, height, width = np.max([image.shape for image in images], axis=0)
        if kwargs["do_pad"]:
            usual &= height <= kwargs["pad_size"].height and width <= kwargs["pad_size"].width
            height, width = kwargs["pad_size"].height, kwargs["pad_size"].width
        else:
            usual &= len({image.shape for image in images}) == 1
        if not usual:
            return super()._preprocess(images, do_resize=False, size=size, resample=resample, **kwargs)
        mean, std = (np.reshape(kwargs[name], (-1, 1, 1)) for name in ("image_mean", "image_std"))
        scale, shift = np.float32(kwargs["rescale_factor"] / std), np.float32(-mean / std)
        pixel_values = np.zeros((len(images), channels, height, width), dtype=np.float32)
        for place, image in zip(pixel_values, images, strict=True):
            inside = place[:, : image.shape[1], : image.shape[2]]
            np.multiply(image, scale, out=inside)
            inside += shift
        return BatchFeature({"pixel_values": pixel_values}, tensor_type=kwargs["return_tensors"])


@auto_docstring(custom_intro="Prepares pictures and masks for [`UniResModel`] with PIL, NumPy and PyTorch.")
class UniResImageProcessorPil(UniResImageInputs, LeanPilBackend):
    valid_kwargs = UniResImageProcessorKwargs

    def __init__(self, **kwargs: Unpack[UniResImageProcessorKwargs]):
        super().__init__(**kwargs)
