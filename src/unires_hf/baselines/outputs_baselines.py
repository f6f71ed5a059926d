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

"""What the baselines have in common: the output, with the fields of UniRES's, checks of inputs, labels and losses."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.utils import ModelOutput, auto_docstring

START_LOGIT = -3.0
"""Of every pixel, where a model starts from random weights: most pixels are not meant (our choice). A start at 0 is
left by all weights together, since a bias alone moves slowly, and what the encoders know is lost on the way."""


@auto_docstring(custom_intro="Output of a referring segmentation model: one logit map an expression.")
@dataclass
class ReferringSegmentationOutput(ModelOutput):
    r"""
    loss (`torch.FloatTensor` of shape `(1,)`, *optional*, returned when `labels` is provided):
        The loss of the masks, as the model was published with it.
    logits (`torch.FloatTensor` of shape `(expressions, logit_height, logit_width)`):
        Mask logits over the whole input, padding included.
    presence_logits (`torch.FloatTensor` of shape `(expressions,)`, *optional*):
        Whether the expression has a referent at all; `None` from models that always find something.
    vision_embeds (`ModelOutput`, *optional*):
        What was computed of the images alone, to be passed back as `vision_embeds` with further expressions.
    image_indices (`torch.LongTensor` of shape `(expressions,)`):
        The image that each expression is about.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    presence_logits: torch.FloatTensor | None = None
    vision_embeds: ModelOutput | None = None
    image_indices: torch.LongTensor | None = None

    def to_tuple(self) -> tuple[Any]:
        return tuple(v.to_tuple() if isinstance(v, ModelOutput) else v for v in self.values())


def image_of_each_expression(
    image_indices: torch.Tensor | None, num_images: int, input_ids: torch.Tensor
) -> torch.Tensor:
    """
    `image_indices` checked, or made where they may be left out: for one image, and for one expression an image.

    Args:
        image_indices: (expressions,), or `None`.
        num_images: how many images there are.
        input_ids: (expressions, length).

    Raises:
        ValueError: if they are needed and missing, not one a row of `input_ids`, or no whole numbers.
    """
    expressions = len(input_ids)
    if image_indices is None:
        if num_images not in (1, expressions):
            raise ValueError(
                f"{num_images} images and {expressions} expressions: say with `image_indices` which image each "
                "expression is about."
            )
        indices = torch.arange(expressions, device=input_ids.device)
        return indices if num_images == expressions else torch.zeros_like(indices)
    if image_indices.dtype not in (torch.int32, torch.int64):
        raise ValueError(f"`image_indices` holds {image_indices.dtype}: give whole numbers (torch.int64).")
    if image_indices.shape != (expressions,):
        raise ValueError(
            f"`image_indices` has the shape {tuple(image_indices.shape)}: it must hold one number for each of the "
            f"{expressions} expressions."
        )
    torch._assert_async(
        ((image_indices >= 0) & (image_indices < num_images)).all(),
        f"`image_indices` must lie between 0 and {num_images - 1}, since there are {num_images} images.",
    )
    return image_indices


def dice_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """UniRES's Dice loss, a mean over expressions, of logits and labels (expressions, h, w)."""
    probabilities, labels = logits.float().sigmoid().flatten(1), labels.flatten(1)
    overlap = 2 * (probabilities * labels).sum(1)
    return 1 - ((overlap + 1) / (probabilities.sum(1) + labels.sum(1) + 1)).mean()


def labels_like(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Labels (expressions, H, W) in [0, 1] as float32 at the size of the logits, by shares of area."""
    labels = labels.to(logits.device, torch.float32)
    if labels.shape[-2:] == logits.shape[-2:]:
        return labels
    return nn.functional.interpolate(labels[:, None], size=logits.shape[-2:], mode="area")[:, 0]


class BaselineMixin:
    """What CRIS and LAVT do alike with their `backbone`, where they have one, and their `text_model`."""

    def train(self, mode: bool = True) -> "BaselineMixin":
        """Batch norms of the backbone keep the statistics they came with, as UniRES's do."""
        super().train(mode)
        for module in self.backbone.modules() if self.backbone is not None else ():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def get_input_embeddings(self) -> nn.Module:
        return self.text_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module):
        self.text_model.set_input_embeddings(value)


def check_inputs(pixel_values: Any, vision_embeds: Any, input_ids: Any):
    """Raises `ValueError` unless there are expressions, and images in one of their two forms."""
    if (pixel_values is None) == (vision_embeds is None):
        raise ValueError("Give either `pixel_values` or `vision_embeds`, one of the two.")
    if input_ids is None:
        raise ValueError("Give `input_ids`: the model segments what an expression refers to.")
