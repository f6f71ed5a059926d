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
"""PyTorch convolutional pyramid: a backbone for models that start without pretrained features."""

from itertools import pairwise

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.backbone_utils import BackboneMixin
from transformers.modeling_outputs import BackboneOutput
from transformers.utils import auto_docstring
from transformers.utils.generic import can_return_tuple

from .configuration_conv_pyramid import ConvPyramidConfig


class ConvPyramidStage(nn.Module):
    """Halves the resolution, then looks around once more."""

    def __init__(self, num_channels: int, hidden_size: int):
        super().__init__()
        self.conv1 = nn.Conv2d(num_channels, hidden_size, kernel_size=3, stride=2, padding=1)
        self.norm1 = nn.GroupNorm(1, hidden_size)
        self.conv2 = nn.Conv2d(hidden_size, hidden_size, kernel_size=3, padding=1)
        self.norm2 = nn.GroupNorm(1, hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        hidden_states = nn.functional.gelu(self.norm1(self.conv1(hidden_states)))
        return hidden_states + nn.functional.gelu(self.norm2(self.conv2(hidden_states)))


@auto_docstring(custom_intro="Convolutions from the pixels downwards: features at strides 2, 4, 8 and so on.")
class ConvPyramidBackbone(BackboneMixin, PreTrainedModel):
    config: ConvPyramidConfig
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    has_attentions = False
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = True  # it attends to nothing

    def __init__(self, config: ConvPyramidConfig):
        super().__init__(config)
        widths = [config.num_channels, *config.hidden_sizes]
        self.num_features = widths
        self.stages = nn.ModuleList([ConvPyramidStage(*pair) for pair in pairwise(widths)])
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(self, pixel_values: torch.Tensor, **kwargs) -> BackboneOutput:
        hidden_states = pixel_values.to(self.stages[0].conv1.weight.dtype)
        features = [hidden_states]
        for stage in self.stages:
            hidden_states = stage(hidden_states)
            features.append(hidden_states)
        return BackboneOutput(feature_maps=tuple(features[index] for index in self.config.out_indices))


__all__ = ["ConvPyramidBackbone"]
