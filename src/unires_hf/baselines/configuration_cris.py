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

"""CRIS configuration: an image encoder, CLIP's text encoder, and the sizes of neck, decoder and projector."""

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, CLIPTextConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec
from transformers.utils import auto_docstring

from .configuration_baselines import PresetMixin

STRIDE = 32  # of the last stage of the ResNet


@auto_docstring(checkpoint="unires-hf/cris-r50", custom_intro="Configuration of CRIS's CLIP-ResNet.")
@strict
class CrisVisionConfig(PreTrainedConfig):
    r"""
    embedding_size (`int`, *optional*, defaults to 64):
        Channels after the stem; the stages have 4, 8, 16 and 32 times as many.
    depths (`list[int]`, *optional*, defaults to `[3, 4, 6, 3]`):
        Bottleneck blocks of each stage: `[3, 4, 23, 3]` for R101.
    projection_dim (`int`, *optional*, defaults to 1024):
        Width of CLIP's joint space, which the attention pool maps to: 512 for R101.
    position_grid_size (`int`, *optional*, defaults to 7):
        Side of the grid that the attention pool has position embeddings for, CLIP's 224 / 32; other grids are
        interpolated.

    Example:

    ```python
    >>> from unires_hf.baselines import CrisVisionConfig

    >>> CrisVisionConfig(depths=[3, 4, 23, 3], projection_dim=512).hidden_sizes
    [256, 512, 1024, 2048]
    ```"""

    model_type = "cris_vision"
    base_config_key = "vision_config"

    num_channels: int = 3
    image_size: int = 416
    embedding_size: int = 64
    depths: list[int] | tuple[int, ...] = (3, 4, 6, 3)
    num_attention_heads: int = 32
    projection_dim: int = 1024
    position_grid_size: int = 7
    attention_dropout: float | int = 0.0
    initializer_range: float = 0.02

    @property
    def hidden_sizes(self) -> list[int]:
        """Channels of the four stages."""
        return [self.embedding_size * factor for factor in (4, 8, 16, 32)]

    @property
    def hidden_size(self) -> int:
        """Channels of the last stage, which the attention pool works at."""
        return self.hidden_sizes[-1]

    def validate_architecture(self):
        if self.image_size % STRIDE:
            raise ValueError(f"`image_size` is {self.image_size}: it must be a multiple of {STRIDE} pixels.")
        if len(self.depths) != 4 or min(self.depths) < 1:
            raise ValueError(f"`depths` is {list(self.depths)}: it must hold four positive numbers.")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"The last stage has {self.hidden_size} channels, not a multiple of `num_attention_heads` "
                f"{self.num_attention_heads}: change one of them."
            )


@auto_docstring(checkpoint="unires-hf/cris-r50", custom_intro="Configuration of a [`CrisModel`].")
@strict
class CrisConfig(PresetMixin, PreTrainedConfig):
    r"""
    backbone_config (`dict` or `PreTrainedConfig`, *optional*):
        A backbone that `AutoBackbone` opens, in place of the CLIP-ResNet: its three `out_features` are the maps at
        strides 8, 16 and 32. Of `vision_config` only `image_size` and `projection_dim` count then. Not published; for
        comparisons on one backbone.
    hidden_size (`int`, *optional*, defaults to 512):
        Width of the decoder. The neck works at half of it, at it and at twice it; the projector ends at half of it.
    mask_kernel_size (`int`, *optional*, defaults to 3):
        Side of the convolution kernel that the sentence makes.
    bce_loss_weight (`float`, *optional*, defaults to 1.0):
        Weight of the mean binary cross-entropy, which CRIS was published with.
    dice_loss_weight (`float`, *optional*, defaults to 0.0):
        Weight of the Dice loss, as UniRES has it; for comparisons with one loss.
    mask_threshold (`float`, *optional*, defaults to 0.35):
        A pixel belongs to the mask above this probability, as CRIS was published.
    presence_threshold (`float`, *optional*, defaults to 0.5):
        Without effect: CRIS has no presence head. Here for whoever handles CRIS and UniRES alike.

    Example:

    ```python
    >>> from unires_hf.baselines import CrisConfig, CrisModel

    >>> config = CrisConfig.from_preset("cris-tiny")
    >>> model = CrisModel(config)
    >>> model.config.mask_threshold
    0.35
    ```"""

    model_type = "cris"
    sub_configs_defaults = {
        "text_config": CLIPTextConfig,
        "vision_config": CrisVisionConfig,
        "backbone_config": SubConfigSpec(config_class=AutoConfig, model_type="efficientnet_lite", optional=True),
    }
    keys_to_ignore_at_inference = ["vision_embeds", "image_indices"]

    text_config: dict | CLIPTextConfig | None = None
    vision_config: dict | CrisVisionConfig | None = None
    backbone_config: dict | PreTrainedConfig | None = None
    hidden_size: int = 512
    intermediate_size: int = 2048
    num_hidden_layers: int = 3
    num_attention_heads: int = 8
    hidden_dropout: float | int = 0.1
    attention_dropout: float | int = 0.1
    layer_norm_eps: float = 1e-5
    mask_kernel_size: int = 3
    bce_loss_weight: float | int = 1.0
    dice_loss_weight: float | int = 0.0
    mask_threshold: float = 0.35
    presence_threshold: float | int = 0.5
    initializer_range: float = 0.02

    @property
    def logit_size(self) -> int:
        """Side of the square logit map: a quarter of the input's."""
        return self.vision_config.image_size // 4

    def validate_backbone(self):
        features = getattr(self.backbone_config, "out_features", None)
        if features is not None and len(features) != 3:
            raise ValueError(
                f"`backbone_config` has {len(features)} `out_features` ({', '.join(features)}): the neck joins three, "
                "at strides 8, 16 and 32."
            )

    def validate_decoder(self):
        if self.text_config.hidden_size != self.hidden_size:
            raise ValueError(
                f"`hidden_size` is {self.hidden_size} and `text_config.hidden_size` {self.text_config.hidden_size}: "
                "the decoder attends to the words as they are, so give both the same."
            )
        if self.hidden_size % 4 or self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"`hidden_size` {self.hidden_size} is not a multiple of 4 (position embeddings) and of "
                f"`num_attention_heads` {self.num_attention_heads}: change one of them."
            )
        if self.mask_kernel_size % 2 == 0 or self.mask_kernel_size < 1:
            raise ValueError(f"`mask_kernel_size` is {self.mask_kernel_size}: it must be odd and positive.")

    def validate_thresholds(self):
        if not 0 < self.mask_threshold < 1:
            raise ValueError(f"`mask_threshold` is {self.mask_threshold}: it is a probability between 0 and 1.")


__all__ = ["CrisConfig", "CrisVisionConfig"]
