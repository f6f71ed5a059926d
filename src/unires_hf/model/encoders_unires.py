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
"""The encoders that can carry UniRES: for each family of transformers, how its ViT and its text encoder are used."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import (
    AutoModel,
    CLIPTextModel,
    CLIPVisionModel,
    DINOv3ViTModel,
    MetaClip2TextModel,
    MetaClip2VisionModel,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipTextModel,
    SiglipVisionModel,
    Tipsv2TextModel,
    Tipsv2VisionModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.processing_utils import Unpack
from transformers.utils import ModelOutput, TransformersKwargs, auto_docstring
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs


@auto_docstring(custom_intro="Everything of an image that its expressions need; computed once however many follow.")
@dataclass
class UniResVisionOutput(ModelOutput):
    r"""
    last_hidden_state (`torch.FloatTensor` of shape `(images, prefix + patches, hidden_size)`):
        The [CLS] and register tokens that the family has, and the patch tokens, after the last block and its norm.
    pooler_output (`torch.FloatTensor` of shape `(images, projection_dim)`, *optional*):
        The [CLS] token in the joint space of vision and text, where the family has one.
    hidden_states (`tuple(torch.FloatTensor)`, *optional*, returned when `output_hidden_states=True` is passed):
        The tokens between blocks, group tokens included.
    attentions (`tuple(torch.FloatTensor)`, *optional*, returned when `output_attentions=True` is passed):
        The attention weights of each block, groups included.
    low_level_groups (`torch.FloatTensor` of shape `(images, num_low_level_group_tokens, hidden_size)`, *optional*):
        The part-level groups, as they leave before block `group_split_layer`.
    high_level_groups (`torch.FloatTensor` of shape `(images, num_high_level_group_tokens, hidden_size)`, *optional*):
        The object-level groups, as they leave after the last block and its norm.
    image_embeds (`torch.FloatTensor` of shape `(images, grid_height, grid_width, projection_dim)`):
        The patch tokens in the joint space.
    pixel_embeds (`tuple(torch.FloatTensor)`, *optional*):
        The backbone's features (images, channels, height, width) for each step of the mask head.
    class_features (`torch.FloatTensor` of shape `(images, channels, height, width)`, *optional*):
        The backbone's last feature, which its classifier reads.
    """

    last_hidden_state: torch.FloatTensor | None = None
    pooler_output: torch.FloatTensor | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None
    attentions: tuple[torch.FloatTensor, ...] | None = None
    low_level_groups: torch.FloatTensor | None = None
    high_level_groups: torch.FloatTensor | None = None
    image_embeds: torch.FloatTensor | None = None
    pixel_embeds: tuple[torch.FloatTensor, ...] | None = None
    class_features: torch.FloatTensor | None = None


class Tower:
    """Stands before an encoder of transformers among the parents; weights and their names stay the encoder's own."""

    def _initialize_weights(self, module, is_custom_code: bool = False):
        super()._initialize_weights(module)  # as of `UniResPreTrainedModel`


class VisionTower(Tower):
    """
    A ViT through which group tokens travel beside the patches. A family answers five questions with what follows; the
    answers here are CLIP's.
    """

    num_prefix_tokens = 1
    """How many tokens, [CLS] and registers, stand before the patches."""
    groups_first = False
    """Whether group tokens go in front of all, as they must where positions count from the last token."""
    positions = "embeddings.position_embedding.weight"
    """The name of the learned positions, if there are any: they are interpolated to another input size."""

    def embed(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """From pixels (images, 3, height, width) to tokens (images, prefix + patches, hidden_size)."""
        return self.embeddings(pixel_values, interpolate_pos_encoding=True)

    def first_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.pre_layrnorm(tokens)

    def blocks(self) -> nn.ModuleList:
        return self.encoder.layers

    def last_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.post_layernorm(tokens)

    def block_inputs(self, pixel_values: torch.Tensor) -> dict:
        """What each block takes beside the tokens."""
        return {"attention_mask": None}

    @merge_with_config_defaults
    @capture_outputs(tie_last_hidden_states=False)
    @auto_docstring
    def forward(
        self,
        pixel_values: torch.Tensor,
        low_level_group_tokens: torch.Tensor | None = None,
        high_level_group_tokens: torch.Tensor | None = None,
        group_split_layer: int = 0,
        patch_embeds: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> UniResVisionOutput:
        r"""
        low_level_group_tokens (`torch.Tensor` of shape `(num_tokens, hidden_size)`, *optional*):
            Tokens that join before block 0 and leave before block `group_split_layer`.
        high_level_group_tokens (`torch.Tensor` of shape `(num_tokens, hidden_size)`, *optional*):
            Tokens that join before block `group_split_layer` and leave after the last one.
        group_split_layer (`int`, *optional*, defaults to 0):
            Where the one level leaves and the other joins.
        patch_embeds (`torch.Tensor` of shape `(images, patches, hidden_size)`, *optional*):
            Added to the patch embeddings before the first block.
        """
        tokens, prefix = self.embed(pixel_values), self.num_prefix_tokens
        if patch_embeds is not None:
            tokens = torch.cat([tokens[:, :prefix], tokens[:, prefix:] + patch_embeds], dim=1)
        low, high = low_level_group_tokens, high_level_group_tokens
        low = None if low is None else self.first_norm(low)
        kwargs |= self.block_inputs(pixel_values)
        tokens, low = self._travel(self.first_norm(tokens), low, self.blocks()[:group_split_layer], **kwargs)
        tokens, high = self._travel(tokens, high, self.blocks()[group_split_layer:], **kwargs)
        tokens = self.last_norm(tokens)
        return UniResVisionOutput(
            last_hidden_state=tokens,
            pooler_output=tokens[:, 0] if prefix else None,
            low_level_groups=low,
            high_level_groups=None if high is None else self.last_norm(high),
        )

    def _travel(
        self, tokens: torch.Tensor, groups: torch.Tensor | None, blocks: nn.ModuleList, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Image tokens and group tokens together through some blocks, and apart again."""
        number = 0
        if groups is not None:
            number = groups.shape[0]
            groups = groups.expand(tokens.shape[0], -1, -1).to(tokens.dtype)
            tokens = torch.cat([groups, tokens] if self.groups_first else [tokens, groups], dim=1)
        for block in blocks:
            tokens = block(tokens, **kwargs)
        if groups is None:
            return tokens, None
        if self.groups_first:
            return tokens[:, number:], tokens[:, :number]
        return tokens[:, :-number], tokens[:, -number:]


class CLIPVision(VisionTower, CLIPVisionModel):
    pass


class MetaClip2Vision(VisionTower, MetaClip2VisionModel):
    pass


class SiglipVision(VisionTower, SiglipVisionModel):
    """SigLIP, and SigLIP 2 of fixed resolution. Its pooling head, which compares whole images, is left out."""

    num_prefix_tokens = 0

    def __init__(self, config: PreTrainedConfig):
        config.vision_use_head = False
        super().__init__(config)

    def first_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens


class RegisterVision(VisionTower):
    """What TIPSv2 and DINOv3 have in common: registers, and a mask token for pre-training alone."""

    def __init__(self, config: PreTrainedConfig):
        super().__init__(config)
        self.num_prefix_tokens = 1 + config.num_register_tokens
        self.embeddings.mask_token.requires_grad_(False)

    def embed(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.embeddings(pixel_values)

    def first_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens


class Tipsv2Vision(RegisterVision, Tipsv2VisionModel):
    positions = "embeddings.position_embeddings"

    def blocks(self) -> nn.ModuleList:
        return self.encoder.layer

    def last_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.layernorm(tokens)


class DINOv3Vision(RegisterVision, DINOv3ViTModel):
    groups_first = True
    positions = None

    def blocks(self) -> nn.ModuleList:
        return self.model.layer

    def last_norm(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.norm(tokens)

    def block_inputs(self, pixel_values: torch.Tensor) -> dict:
        pixel_values = pixel_values.to(self.embeddings.patch_embeddings.weight.dtype)
        return {"attention_mask": None, "position_embeddings": self.rope_embeddings(pixel_values)}


class TextTower(Tower):
    """
    A text encoder: its `pooler_output` is the sentence. A family answers how wide that is, how words are padded and,
    by its own forward, what it attends to and where it reads the sentence; the answers here are CLIP's.
    """

    full_length = False
    """Whether sentences must be padded to all `max_position_embeddings`."""

    @staticmethod
    def sentence_size(config: PreTrainedConfig) -> int:
        return config.hidden_size


class CLIPText(TextTower, CLIPTextModel):
    pass


class MetaClip2Text(TextTower, MetaClip2TextModel):
    pass


class SiglipText(TextTower, SiglipTextModel):
    """It was trained without a mask, and reads the sentence at its last position, padding or not."""

    full_length = True

    @staticmethod
    def sentence_size(config: PreTrainedConfig) -> int:
        return config.projection_size

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutputWithPooling:
        length = self.config.max_position_embeddings
        if input_ids.shape[1] != length:
            raise ValueError(
                f"`input_ids` are {input_ids.shape[1]} tokens long, but this text encoder reads the sentence at the "
                f'last of exactly {length}: tokenize with padding="max_length", max_length={length}.'
            )
        return super().forward(input_ids, **kwargs)


class Tipsv2Text(TextTower, Tipsv2TextModel):
    def forward(self, input_ids: torch.Tensor, **kwargs: Unpack[TransformersKwargs]) -> BaseModelOutputWithPooling:
        outputs = super().forward(input_ids, **kwargs)
        outputs.pooler_output = outputs.pooler_output.to(outputs.last_hidden_state.dtype)  # a float32 mean
        return outputs


VISION = {
    "clip_vision_model": CLIPVision,
    "metaclip_2_vision_model": MetaClip2Vision,
    "siglip_vision_model": SiglipVision,
    "tipsv2_vision_model": Tipsv2Vision,
    "dinov3_vit": DINOv3Vision,
}
TEXT = {
    "clip_text_model": CLIPText,
    "metaclip_2_text_model": MetaClip2Text,
    "siglip_text_model": SiglipText,
    "tipsv2_text_model": Tipsv2Text,
}


def tower_class(towers: dict[str, type[Tower]], config: PreTrainedConfig) -> type[Tower]:
    """Of `VISION` or `TEXT`, the class for a config.

    Raises:
        ValueError: if no adapter is written for this family.
    """
    if config.model_type not in towers:
        raise ValueError(
            f"{config.model_type!r} has no adapter in encoders_unires.py, which has {', '.join(towers)}: take one of "
            "these, or write it as CONTRIBUTING.md shows."
        )
    return towers[config.model_type]


def load_encoders(
    vision: str, text: str | None, image_size: int, revision: str
) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    """
    Two pretrained encoders, as fields of a [`UniResConfig`] and as weights of a [`UniResModel`].

    Args:
        vision (`str`): a checkpoint with a ViT. Without `text`, it must have a text encoder too.
        text (`str`, *optional*): a checkpoint with a text encoder.
        image_size (`int`): side of the square input, to which positions are interpolated in the family's own way.
        revision (`str`): branch, tag or commit of both.
    """
    first = _load_whole(vision, revision)
    second = first if text is None else _load_whole(text, revision)
    if "text_config" not in second.config.sub_configs:
        raise ValueError(f"{text or vision!r} has no text encoder: name a second model, CLIP-like, that has one.")
    vision_model = first.vision_model if "vision_config" in first.config.sub_configs else first
    vision_config, text_config = vision_model.config, second.text_model.config
    weights = {f"vision_model.{name}": weight for name, weight in vision_model.state_dict().items()}
    weights |= {f"text_model.{name}": weight for name, weight in second.text_model.state_dict().items()}
    positions = positions_at(vision_model, image_size)
    weights |= {f"vision_model.{name}": weight for name, weight in positions.items()}

    # Where the family has no projections, the encoders meet in their own space; if they never met, one is learned.
    known, sentence_size = second.state_dict(), tower_class(TEXT, text_config).sentence_size(text_config)
    weights["text_projection.weight"] = known.get("text_projection.weight", torch.eye(sentence_size))
    if text is None:
        own_space = torch.eye(vision_config.hidden_size)
        weights["visual_projection.weight"] = known.get("visual_projection.weight", own_space)
    fields = {
        "text_config": text_config.to_dict(),
        "vision_config": {**vision_config.to_dict(), "image_size": image_size},
        "projection_dim": len(weights["text_projection.weight"]),
    }
    return fields, weights


def _load_whole(name: str, revision: str) -> PreTrainedModel:
    model, loading_info = AutoModel.from_pretrained(
        name, revision=revision, dtype=torch.float32, output_loading_info=True
    )
    lost = sorted({*loading_info["missing_keys"], *loading_info["unexpected_keys"]})
    if lost:
        raise ValueError(
            f"{name!r} is no whole checkpoint of a {type(model).__name__}: {len(lost)} weights are missing or "
            f"unknown, {lost[0]!r} among them; give one that loads fully."
        )
    return model


@torch.no_grad()
def positions_at(vision_model: PreTrainedModel, image_size: int) -> dict[str, torch.Tensor]:
    """A ViT's learned positions by their name, interpolated to a square of `image_size` pixels as the family does it;
    empty where there are none to learn."""
    name = tower_class(VISION, vision_model.config).positions
    if name is None:
        return {}
    weight, config = vision_model.get_parameter(name), vision_model.config
    side, own_side = image_size // config.patch_size, config.image_size // config.patch_size
    length = weight.shape[-2] - own_side**2 + side**2
    tokens = weight.new_empty(1, length, weight.shape[-1])
    positions = vision_model.embeddings.interpolate_pos_encoding(tokens, image_size, image_size)
    return {name: positions.reshape(*weight.shape[:-2], length, -1).clone()}
