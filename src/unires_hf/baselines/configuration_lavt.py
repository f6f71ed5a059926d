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

"""LAVT configuration: an image encoder, a text encoder, and what joins them."""

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, BertConfig, CLIPTextConfig, PreTrainedConfig, SwinConfig
from transformers.configuration_utils import SubConfigSpec
from transformers.utils import auto_docstring

from .configuration_baselines import PresetMixin


@auto_docstring(checkpoint="unires-hf/lavt-swin-b", custom_intro="Configuration of a [`LavtModel`].")
@strict
class LavtConfig(PresetMixin, PreTrainedConfig):
    r"""
    text_config (`dict` or `PreTrainedConfig`, *optional*):
        BERT, as published; or CLIP's text encoder (`"model_type": "clip_text_model"`), for comparisons on one encoder.
    backbone_config (`dict` or `PreTrainedConfig`, *optional*):
        An EfficientNet-Lite in place of the Swin transformer: its `out_features` end the stages after which words
        enter, at strides 4, 8, 16 and 32. Of `vision_config` only `image_size` counts then. Not published; for
        comparisons on one backbone.
    fusion_num_attention_heads (`list[int]`, *optional*, defaults to `[1, 1, 1, 1]`):
        Heads of the pixel-word attention after each stage of the image encoder.
    hidden_size (`int`, *optional*, defaults to 512):
        Channels of the convolutional decoder; published: half of the last stage's.
    class_weights (`list[float]`, *optional*, defaults to `[0.9, 1.1]`):
        Weights of background and referent in the cross-entropy loss.
    bce_loss_weight (`float`, *optional*, defaults to 1.0):
        Weight of that loss, the one LAVT was published with.
    dice_loss_weight (`float`, *optional*, defaults to 0.0):
        Weight of the Dice loss, as UniRES has it; for comparisons with one loss.
    mask_threshold (`float`, *optional*, defaults to 0.5):
        A pixel belongs to the mask above this probability; published: the larger one of two logits.
    presence_threshold (`float`, *optional*, defaults to 0.5):
        Without effect: LAVT has no presence head. Here for whoever handles LAVT and UniRES alike.

    Example:

    ```python
    >>> from unires_hf.baselines import LavtConfig, LavtModel

    >>> config = LavtConfig.from_preset("lavt-tiny")
    >>> model = LavtModel(config)
    >>> model.config.mask_threshold
    0.5
    ```"""

    model_type = "lavt"
    sub_configs_defaults = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type=BertConfig.model_type),
        "vision_config": SwinConfig,
        "backbone_config": SubConfigSpec(config_class=AutoConfig, model_type="efficientnet_lite", optional=True),
    }
    keys_to_ignore_at_inference = ["vision_embeds", "image_indices"]

    text_config: dict | BertConfig | CLIPTextConfig | None = None
    vision_config: dict | SwinConfig | None = None
    backbone_config: dict | PreTrainedConfig | None = None
    fusion_num_attention_heads: list[int] | tuple[int, ...] = (1, 1, 1, 1)
    hidden_size: int = 512
    class_weights: list[float | int] | tuple[float | int, ...] = (0.9, 1.1)
    bce_loss_weight: float | int = 1.0
    dice_loss_weight: float | int = 0.0
    mask_threshold: float = 0.5
    presence_threshold: float | int = 0.5
    initializer_range: float = 0.02

    @property
    def stage_channels(self) -> list[int]:
        """Channels of each stage of the image encoder."""
        if self.backbone_config is not None:
            return [self.backbone_config.hidden_sizes[index] for index in self.backbone_config.out_indices]
        return [self.vision_config.embed_dim * 2**index for index in range(len(self.vision_config.depths))]

    @property
    def logit_size(self) -> int:
        """Side of the square logit map: that of the input."""
        return self.vision_config.image_size

    def validate_backbone(self):
        kind = getattr(self.backbone_config, "model_type", None)
        if kind not in (None, "efficientnet_lite"):
            raise ValueError(
                f"`backbone_config` is of type {kind}: words enter between stages, which efficientnet_lite alone runs "
                "one by one."
            )

    def validate_vision(self):
        size, patch = self.vision_config.image_size, self.vision_config.patch_size
        coarsest = 2 ** (len(self.vision_config.depths) - 1) * patch
        if size < 2 * coarsest:
            raise ValueError(
                f"`vision_config.image_size` is {size}: the last stage, whose cells are {coarsest} pixels wide, must "
                "have more than one of them to normalize over."
            )

    def validate_fusion(self):
        stages, heads = len(self.stage_channels), self.fusion_num_attention_heads
        if len(heads) != stages:
            raise ValueError(
                f"`fusion_num_attention_heads` is {list(heads)}: it must hold one number for each of the {stages} "
                "stages of the image encoder."
            )
        for channels, count in zip(self.stage_channels, heads, strict=True):
            if channels % count:
                raise ValueError(f"A stage of {channels} channels cannot be split among {count} attention heads.")

    def validate_class_weights(self):
        if len(self.class_weights) != 2 or min(self.class_weights) <= 0:
            raise ValueError(f"`class_weights` is {list(self.class_weights)}: it must hold two positive numbers.")

    def validate_thresholds(self):
        if not 0 < self.mask_threshold < 1:
            raise ValueError(f"`mask_threshold` is {self.mask_threshold}: it is a probability between 0 and 1.")


__all__ = ["LavtConfig"]
