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
"""PyTorch EfficientNet-Lite: MBConv without squeeze-and-excite, ReLU6, TensorFlow's "same" padding."""

from contextlib import nullcontext

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.backbone_utils import BackboneMixin
from transformers.modeling_outputs import BackboneOutput, ImageClassifierOutputWithNoAttention
from transformers.utils import auto_docstring
from transformers.utils.generic import can_return_tuple

from .configuration_efficientnet_lite import STAGES, EfficientNetLiteConfig


class EfficientNetLiteConv(nn.Module):
    """Convolution, batch norm and, but for the last one of a block, ReLU6."""

    def __init__(
        self,
        config: EfficientNetLiteConfig,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ):
        super().__init__()
        # TensorFlow pads as little as it must, and the odd pixel at the end: at stride 2 a 3 x 3 gets (0, 1), a 5 x 5
        # (1, 2), where sizes are even, as they are at every stride here.
        padding = kernel_size - stride
        self.padding = (padding // 2, padding - padding // 2) if stride > 1 else None
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=0 if self.padding else kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(out_channels, eps=config.batch_norm_eps, momentum=0.01)
        self.activation = nn.ReLU6(inplace=True) if activate else nn.Identity()

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        if self.norm.training or type(self.conv) is not nn.Conv2d:  # but an adapter's, around it
            return self.activation(self.norm(self.conv(self._padded(hidden_states))))
        # A norm that keeps its statistics is a scale of the kernel: maps are many times larger than kernels.
        norm, padding, on_cpu = self.norm, self.conv.padding, hidden_states.device.type == "cpu"
        scale = norm.weight * torch.rsqrt(norm.running_var.float() + norm.eps)
        kernel = (self.conv.weight * scale[:, None, None, None]).to(hidden_states.dtype)
        bias = (norm.bias - norm.running_mean * scale).to(hidden_states.dtype)
        if kernel.shape[2:] == (1, 1) and on_cpu and not self.training and not torch.compiler.is_exporting():
            # As a product of matrices it takes one thread a sixth of the time where maps are wide and channels few.
            pixels = nn.functional.linear(hidden_states.permute(0, 2, 3, 1), kernel.flatten(1), bias)
            return self.activation(pixels.permute(0, 3, 1, 2))
        # A row and a column of zeros pad as much as a copy of the map; ONNX's optimizer loses large padded kernels.
        if self.padding and not self.training and not torch.compiler.is_exporting():
            kernel, padding = nn.functional.pad(kernel, (1, 0, 1, 0)), self.padding[1]
        else:
            hidden_states = self._padded(hidden_states)
        # A depthwise kernel's gradient in bfloat16 takes CPUs three times as long as in float32.
        exact = self.conv.groups > 1 and on_cpu and torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False) if exact else nullcontext():
            if exact:
                hidden_states, kernel, bias = hidden_states.float(), kernel.float(), bias.float()
            hidden_states = nn.functional.conv2d(
                hidden_states, kernel, bias, self.conv.stride, padding, groups=self.conv.groups
            )
        return self.activation(hidden_states)

    def _padded(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(hidden_states, self.padding * 2) if self.padding else hidden_states


class EfficientNetLiteBlock(nn.Module):
    """Inverted bottleneck: widen, look around a channel at a time, narrow."""

    def __init__(
        self,
        config: EfficientNetLiteConfig,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        expansion: int,
    ):
        super().__init__()
        wide = in_channels * expansion
        self.expand = EfficientNetLiteConv(config, in_channels, wide) if expansion > 1 else nn.Identity()
        self.depthwise = EfficientNetLiteConv(config, wide, wide, kernel_size, stride, groups=wide)
        self.project = EfficientNetLiteConv(config, wide, out_channels, activate=False)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        projected = self.project(self.depthwise(self.expand(hidden_states)))
        return hidden_states + projected if self.residual else projected


class EfficientNetLiteStage(nn.Module):
    def __init__(self, config: EfficientNetLiteConfig, index: int):
        super().__init__()
        _, kernel_size, stride, expansion, _ = STAGES[index]
        in_channels, out_channels = config.hidden_sizes[index : index + 2]
        self.blocks = nn.ModuleList(
            [
                EfficientNetLiteBlock(
                    config,
                    out_channels if block else in_channels,
                    out_channels,
                    kernel_size,
                    1 if block else stride,
                    expansion,
                )
                for block in range(config.depths[index])
            ]
        )

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            hidden_states = block(hidden_states)
        return hidden_states


@auto_docstring
class EfficientNetLitePreTrainedModel(PreTrainedModel):
    config: EfficientNetLiteConfig
    base_model_prefix = "efficientnet_lite"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    _no_split_modules = ["EfficientNetLiteBlock"]
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = True  # it attends to nothing

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out")


@auto_docstring(custom_intro="EfficientNet-Lite as a backbone: features at strides 2 to 32.")
class EfficientNetLiteBackbone(BackboneMixin, EfficientNetLitePreTrainedModel):
    has_attentions = False

    def __init__(self, config: EfficientNetLiteConfig):
        super().__init__(config)
        self.num_features = config.hidden_sizes
        self.stem = EfficientNetLiteConv(config, config.num_channels, config.hidden_sizes[0], kernel_size=3, stride=2)
        # What lies behind the last feature asked for is not built.
        last = max(config.out_indices)
        self.stages = nn.ModuleList([EfficientNetLiteStage(config, i) for i in range(min(last, len(STAGES)))])
        self.head = EfficientNetLiteConv(config, *config.hidden_sizes[-2:]) if last > len(STAGES) else None
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(self, pixel_values: torch.Tensor, **kwargs) -> BackboneOutput:
        r"""
        Example:

        ```python
        >>> import torch
        >>> from unires_hf import EfficientNetLiteBackbone, EfficientNetLiteConfig

        >>> model = EfficientNetLiteBackbone(EfficientNetLiteConfig(out_features=["stage2", "stage5"]))
        >>> [tuple(level.shape) for level in model(torch.zeros(1, 3, 64, 64)).feature_maps]
        [(1, 24, 16, 16), (1, 112, 4, 4)]
        ```"""
        hidden_states = pixel_values.to(self.stem.conv.weight.dtype)
        if hidden_states.device.type == "cpu":  # whose convolutions want a pixel's channels side by side
            hidden_states = hidden_states.contiguous(memory_format=torch.channels_last)
        features = []
        for place in range(len(self.config.out_indices)):
            hidden_states = self.next_feature(hidden_states, place)
            features.append(hidden_states)
        return BackboneOutput(feature_maps=tuple(features))

    def next_feature(self, hidden_states: torch.Tensor, place: int) -> torch.Tensor:
        """
        The `place`-th of `out_features`, from the one before it, or from the pixels if it is the first: for models
        that change features on their way.
        """
        layers = [self.stem, *self.stages] + ([] if self.head is None else [self.head])
        first = self.config.out_indices[place - 1] + 1 if place else 0
        for layer in layers[first : self.config.out_indices[place] + 1]:
            hidden_states = layer(hidden_states)
        return hidden_states


@auto_docstring(custom_intro="EfficientNet-Lite with the classifier of ImageNet's 1,000 classes.")
class EfficientNetLiteForImageClassification(EfficientNetLitePreTrainedModel):
    def __init__(self, config: EfficientNetLiteConfig):
        super().__init__(config)
        config.out_features = ["head"]
        self.efficientnet_lite = EfficientNetLiteBackbone(config)
        self.classifier = nn.Linear(config.hidden_sizes[-1], config.num_labels)
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(self, pixel_values: torch.Tensor, **kwargs) -> ImageClassifierOutputWithNoAttention:
        features = self.efficientnet_lite(pixel_values, return_dict=True).feature_maps[-1]
        return ImageClassifierOutputWithNoAttention(logits=self.classifier(features.mean(dim=(2, 3))))


__all__ = ["EfficientNetLiteBackbone", "EfficientNetLiteForImageClassification", "EfficientNetLitePreTrainedModel"]
