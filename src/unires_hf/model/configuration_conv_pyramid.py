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
"""Configuration of a small convolutional pyramid, a backbone for models that start without pretrained features."""

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.backbone_utils import BackboneConfigMixin
from transformers.utils import auto_docstring


@auto_docstring(checkpoint="unires-hf/unires-tiny", custom_intro="Configuration of a [`ConvPyramidBackbone`].")
@strict
class ConvPyramidConfig(BackboneConfigMixin, PreTrainedConfig):
    r"""
    hidden_sizes (`list[int]`, *optional*, defaults to `[16, 48, 96, 192]`):
        Channels of each level; the first has half the picture's resolution, each further one half of that.
    """

    model_type = "conv_pyramid"

    num_channels: int = 3
    hidden_sizes: list[int] | tuple[int, ...] = (16, 48, 96, 192)
    initializer_range: float = 0.02
    _out_features: list[str] | None = None
    _out_indices: list[int] | None = None

    def __post_init__(self, **kwargs):
        self.stage_names = ["stem", *(f"stage{number}" for number in range(1, len(self.hidden_sizes) + 1))]
        self.set_output_features_output_indices(
            out_indices=kwargs.pop("out_indices", None), out_features=kwargs.pop("out_features", None)
        )
        super().__post_init__(**kwargs)


__all__ = ["ConvPyramidConfig"]
