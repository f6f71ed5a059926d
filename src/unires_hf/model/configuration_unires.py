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
"""UniRES configuration: every choice that the paper makes, and every choice that it leaves open."""

import json
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec
from transformers.utils import auto_docstring

from .configuration_conv_pyramid import ConvPyramidConfig
from .configuration_efficientnet_lite import EfficientNetLiteConfig

for backbone_class in (ConvPyramidConfig, EfficientNetLiteConfig):
    AutoConfig.register(backbone_class.model_type, backbone_class, exist_ok=True)

PRESETS_FOLDER = Path(__file__).with_name("presets")
BEYOND_PAPER = ("similarity", "class_similarity", "decoder_positions", "token_embeds")  # what `beyond_paper` may hold


@auto_docstring(checkpoint="unires-hf/unires-base", custom_intro="Configuration of one UniRES decoder stage.")
@strict
class UniResDecoderConfig(PreTrainedConfig):
    r"""
    Width and depth of a vision-language decoder. The paper gives neither; the defaults are our choice, so that a
    further expression costs under a tenth of the image's encoding (`scripts/benchmark.py`). CRIS, on which the
    authors built, has 3 layers of width 512: the preset `base-wide`.

    Example:

    ```python
    >>> from unires_hf import UniResConfig, UniResDecoderConfig

    >>> config = UniResConfig(stage2_config=UniResDecoderConfig(hidden_size=512, num_hidden_layers=3))
    >>> config.stage2_config.hidden_size
    512
    ```"""

    model_type = "unires_decoder"

    hidden_size: int = 256
    intermediate_size: int = 1024
    num_hidden_layers: int = 2
    num_attention_heads: int = 8
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-5
    attention_dropout: float | int = 0.0
    initializer_range: float = 0.02

    def validate_architecture(self):
        if self.num_hidden_layers < 1:
            raise ValueError(
                f"`num_hidden_layers` is {self.num_hidden_layers}: a decoder stage needs at least 1 layer."
            )
        if self.hidden_size % self.num_attention_heads != 0:
            raise ValueError(
                f"`hidden_size` {self.hidden_size} is not a multiple of `num_attention_heads` "
                f"{self.num_attention_heads}: change one of them."
            )


@auto_docstring(checkpoint="unires-hf/unires-base", custom_intro="Configuration of a [`UniResModel`].")
@strict
class UniResConfig(PreTrainedConfig):
    r"""
    text_config, vision_config (`dict` or `PreTrainedConfig`, *optional*):
        The encoders: CLIP's by default (paper), or of another family that `encoders_unires.py` has an adapter for.
    stage1_config (`dict` or `UniResDecoderConfig`, *optional*):
        The stage-1 decoder, in which image tokens attend to the words (paper, model figure).
    stage2_config (`dict` or `UniResDecoderConfig`, *optional*):
        The stage-2 decoder, in which the output of stage 1 attends to the filtered groups. The language-guided region
        filters have its width.
    num_low_level_group_tokens (`int`, *optional*, defaults to 64):
        Learned tokens that join before the first block; 0 for none. Unknown in the paper; 64 and 8 are GroupViT's two
        levels. With none of either level there is no stage 2, which would have nothing to attend to.
    num_high_level_group_tokens (`int`, *optional*, defaults to 8):
        Learned tokens that join at block `group_split_layer`; 0 for none. Unknown in the paper.
    group_split_layer (`int`, *optional*, defaults to 6):
        The vision block before which the low-level groups leave and the high-level groups join. The paper says "an
        intermediate block"; half of the depth is our choice.
    mask_head_channels (`list[int]`, *optional*, defaults to `[64, 64, 32]`):
        Channels of the mask head at the patch grid and after each doubling: n + 1 numbers make logits of 2^n cells a
        patch side (stride 4 for patches of 16 and two doublings). The mask head is unknown in the paper; with
        `[512, 512, 256]` it is CRIS's projector.
    backbone_config (`dict` or `PreTrainedConfig`, *optional*):
        A backbone that `AutoBackbone` opens: its coarse `out_features` join the patch embeddings, the finer ones the
        steps of the mask head, where the edges are. Our choice: patches of 16 pixels do not hold the outline of a
        small part, and a model that starts without CLIP's weights learns faster on features of a backbone.
    beyond_paper (`list[str]`, *optional*, defaults to `[]`):
        What the model has that the paper's does not have. All four are our choice, for models that start without
        CLIP's weights; `docs/results.md` says what the presets `tiny` and `small` gain by them.

        - `"similarity"`: the cosine of each patch and the sentence in CLIP's joint space joins the output of stage 1
          and the mask logits. For models whose encoders `unires warmup` has prepared.
        - `"class_similarity"`: sentences become directions among the backbone's last features, where its classes have
          theirs; the similarity of each place joins likewise. For a backbone with ImageNet's weights.
        - `"decoder_positions"`: each decoder stage is told where each patch is, as CRIS's decoder is; CLIP's patch
          tokens know it too, but those of an encoder that has learned names alone hardly do.
        - `"token_embeds"`: the words' own embeddings join what the text encoder makes of them, on their way to stage
          1. For text encoders that have learned names alone, as `unires warmup` teaches them.
    bce_loss_weight (`float`, *optional*, defaults to 5.0):
        Weight of the mean binary cross-entropy of the logit map. CRIS trains with it alone; losses are unknown in the
        paper.
    dice_loss_weight (`float`, *optional*, defaults to 2.0):
        Weight of the Dice loss. Our choice: a part covers few pixels, which a mean over pixels forgets.
    presence_loss_weight (`float`, *optional*, defaults to 0.2):
        Weight of the presence loss. Our choice; on data in which every expression has a referent it goes to zero.
    mask_threshold (`float`, *optional*, defaults to 0.35):
        A pixel belongs to the mask above this probability (paper, supplementary A.3).
    presence_threshold (`float`, *optional*, defaults to 0.5):
        The mask is empty below this probability that the expression has a referent. Our choice.
    notice (`str`, *optional*):
        A sentence that the pipeline logs when it starts, such as what the weights have never seen. Whoever trains the
        model further makes another one, without it.

    Example:

    ```python
    >>> from unires_hf import UniResConfig, UniResModel

    >>> config = UniResConfig.from_preset("tiny")
    >>> model = UniResModel(config)
    >>> model.config.group_split_layer
    3
    ```"""

    model_type = "unires"
    sub_configs_defaults = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="clip_text_model"),
        "vision_config": SubConfigSpec(
            config_class=AutoConfig, model_type="clip_vision_model", init_kwargs={"image_size": 448, "patch_size": 16}
        ),
        "stage1_config": UniResDecoderConfig,
        "stage2_config": UniResDecoderConfig,
        "backbone_config": SubConfigSpec(
            config_class=AutoConfig, model_type=EfficientNetLiteConfig.model_type, init_kwargs={}, optional=True
        ),
    }
    keys_to_ignore_at_inference = ["vision_embeds", "image_indices"]

    text_config: dict | PreTrainedConfig | None = None
    vision_config: dict | PreTrainedConfig | None = None
    stage1_config: dict | UniResDecoderConfig | None = None
    stage2_config: dict | UniResDecoderConfig | None = None
    backbone_config: dict | PreTrainedConfig | None = None
    beyond_paper: list[str] | tuple[str, ...] = ()
    projection_dim: int = 512
    num_low_level_group_tokens: int = 64
    num_high_level_group_tokens: int = 8
    group_split_layer: int = 6
    mask_head_channels: list[int] | tuple[int, ...] = (64, 64, 32)
    bce_loss_weight: float | int = 5.0
    dice_loss_weight: float | int = 2.0
    presence_loss_weight: float | int = 0.2
    mask_threshold: float = 0.35
    presence_threshold: float | int = 0.5
    initializer_range: float = 0.02
    notice: str | None = None

    def __post_init__(self, **kwargs):
        old = {name: kwargs[f"use_{name}"] for name in BEYOND_PAPER if f"use_{name}" in kwargs}
        if old:  # silently, it would become the paper's model, and drop the weights of what it had
            had = json.dumps([name for name, value in old.items() if value])
            raise ValueError(
                f"The config is of an older version, with `use_{next(iter(old))}`: in its config.json, write "
                f'"beyond_paper": {had} in place of the fields `use_...`, and take out `backbone_strides`.'
            )
        super().__post_init__(**kwargs)

    @classmethod
    def from_preset(cls, name: str, **overrides) -> "UniResConfig":
        """The configuration in `presets/{name}.json`, with fields replaced by `overrides`.

        Raises:
            ValueError: if there is no preset of that name; the sentence lists those that exist. If there is no such
                field.
        """
        check_fields(cls, overrides)
        path = PRESETS_FOLDER / f"{name}.json"
        if not path.is_file():
            names = ", ".join(sorted(preset.stem for preset in PRESETS_FOLDER.glob("*.json"))) or "none in this folder"
            raise ValueError(f"There is no preset {name!r}; the presets are: {names}.")
        return cls(**{**json.loads(path.read_text()), **overrides})

    @classmethod
    def get_config_dict(cls, pretrained_model_name_or_path, **kwargs):
        # transformers would take the defaults for a folder without a config, and then stumble over every weight.
        folder = Path(pretrained_model_name_or_path, kwargs.get("subfolder") or "")
        if folder.is_dir() and not (folder / "config.json").is_file():
            raise OSError(f"{folder} has no config.json: give a folder that `save_pretrained` of a model has written.")
        return super().get_config_dict(pretrained_model_name_or_path, **kwargs)

    @property
    def has_groups(self) -> bool:
        """Whether there are group tokens of either level, and with them stage 2."""
        return self.num_low_level_group_tokens + self.num_high_level_group_tokens > 0

    @property
    def decoder_hidden_size(self) -> int:
        """Width of the last decoder stage, which the heads read."""
        return self.stage2_config.hidden_size if self.has_groups else self.stage1_config.hidden_size

    def validate_vision(self):
        size, patch = self.vision_config.image_size, self.vision_config.patch_size
        if not isinstance(size, int) or not isinstance(patch, int) or size % patch != 0:
            raise ValueError(
                f"`vision_config.image_size` {size} must be a multiple of `vision_config.patch_size` {patch}: both "
                f"are the side of a square, in pixels."
            )

    def validate_groups(self):
        for name in ("num_low_level_group_tokens", "num_high_level_group_tokens"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` is {getattr(self, name)}: give 0 for none, or how many.")
        depth = self.vision_config.num_hidden_layers
        if self.has_groups and not 1 <= self.group_split_layer < depth:
            raise ValueError(
                f"`group_split_layer` is {self.group_split_layer}: it must lie between 1 and {depth - 1}, since the "
                f"vision encoder has {depth} blocks and both levels of groups need one."
            )

    def validate_mask_head(self):
        channels, patch = self.mask_head_channels, self.vision_config.patch_size
        if len(channels) < 1 or min(channels) < 1:
            raise ValueError(f"`mask_head_channels` is {list(channels)}: it must hold positive numbers, at least one.")
        if 2 ** (len(channels) - 1) > patch:
            raise ValueError(
                f"`mask_head_channels` has {len(channels)} numbers, so that a patch of {patch} pixels would become "
                f"{2 ** (len(channels) - 1)} cells wide: give fewer."
            )

    def validate_beyond_paper(self):
        for name in self.beyond_paper:
            if name not in BEYOND_PAPER:
                raise ValueError(f"`beyond_paper` has {name!r}: give some of {', '.join(BEYOND_PAPER)}, or none.")
        if "class_similarity" in self.beyond_paper and self.backbone_config is None:
            raise ValueError(
                "`beyond_paper` has 'class_similarity', which needs a backbone: set `backbone_config` too."
            )

    def validate_thresholds(self):
        for name in ("mask_threshold", "presence_threshold"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` is {getattr(self, name)}: it is a probability, at least 0 and under 1.")


def check_fields(config_class: type[PreTrainedConfig], names: Iterable[str]):
    """
    Raises `ValueError` for a name that no field has, with the nearest one: transformers would keep it as an attribute
    that nothing reads, and another model than meant would be trained.
    """
    known = [field.name for field in fields(config_class)]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1, 0)[0]
            raise ValueError(f"{config_class.__name__} has no field {name!r}; the nearest is {near!r}.")


__all__ = ["UniResConfig", "UniResDecoderConfig"]
