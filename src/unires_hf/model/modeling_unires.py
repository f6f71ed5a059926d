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
"""PyTorch UniRES model: two encoders, group tokens, region filters, two decoder stages and a mask head."""
# The ablation takes these away one by one; the configuration says why they are there.
# trf-ignore: TRF041 num_low_level_group_tokens, num_high_level_group_tokens, has_groups, backbone_config, beyond_paper

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from transformers import AutoBackbone, PreTrainedModel
from transformers import initialization as init
from transformers.loss.loss_for_object_detection import dice_loss
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.clip.modeling_clip import CLIPMLP, eager_attention_forward
from transformers.processing_utils import Unpack
from transformers.utils import ModelOutput, TransformersKwargs, auto_docstring, logging
from transformers.utils.generic import can_return_tuple

from .configuration_unires import UniResConfig, UniResDecoderConfig, check_fields
from .encoders_unires import TEXT, VISION, UniResVisionOutput, load_encoders, tower_class
from .modeling_conv_pyramid import ConvPyramidBackbone
from .modeling_efficientnet_lite import EfficientNetLiteBackbone

logger = logging.get_logger(__name__)

OWN_BACKBONES = {owner.config_class.model_type: owner for owner in (ConvPyramidBackbone, EfficientNetLiteBackbone)}
for owner in OWN_BACKBONES.values():
    AutoBackbone.register(owner.config_class, owner, exist_ok=True)


@auto_docstring(custom_intro="Output of [`UniResModel`]: one logit map an expression.")
@dataclass
class UniResOutput(ModelOutput):
    r"""
    loss (`torch.FloatTensor` of shape `(1,)`, *optional*, returned when `labels` is provided):
        Weighted sum of the mask and presence losses.
    logits (`torch.FloatTensor` of shape `(expressions, logit_height, logit_width)`):
        Mask logits; `logit_height` is `height / patch_size * 2^(len(mask_head_channels) - 1)`.
    presence_logits (`torch.FloatTensor` of shape `(expressions,)`):
        Whether the expression has a referent in its image at all.
    vision_embeds (`UniResVisionOutput`):
        What was computed of the images, to be passed back as `vision_embeds` with further expressions.
    image_indices (`torch.LongTensor` of shape `(expressions,)`):
        The image that each expression is about.
    """

    loss: torch.FloatTensor | None = None
    logits: torch.FloatTensor | None = None
    presence_logits: torch.FloatTensor | None = None
    vision_embeds: UniResVisionOutput | None = None
    image_indices: torch.LongTensor | None = None

    def to_tuple(self) -> tuple[Any]:
        return tuple(v.to_tuple() if isinstance(v, ModelOutput) else v for v in self.values())


class UniResAttention(nn.Module):
    """Multi-head attention of one sequence to another, or to itself."""

    def __init__(self, config: UniResDecoderConfig):
        super().__init__()
        self.config = config
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.is_causal = False
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.k_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.v_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(
        self, hidden_states: torch.Tensor, context: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """`hidden_states` (rows, tokens, hidden_size) after they attended to `context` where `attention_mask` is 1."""
        query, key, value = (
            states.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
            for states in (self.q_proj(hidden_states), self.k_proj(context), self.v_proj(context))
        )
        implementation = self.config._attn_implementation
        if attention_mask is not None:
            # Words have padding and queries have none, which flash attention cannot be told, but SDPA can.
            implementation, attention_mask = "sdpa", attention_mask[:, None, None, :].bool()
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(implementation, eager_attention_forward)
        dropout = self.config.attention_dropout if self.training else 0.0
        attended, _ = attend(self, query, key, value, attention_mask, scaling=self.head_dim**-0.5, dropout=dropout)
        return self.out_proj(attended.flatten(2))


class UniResRegionFilter(GradientCheckpointingLayer):
    """
    Language-guided region filter: `X = G + attention(G, T)`, `X + FFN(X)` (paper, model figure), for groups `G` and
    words `T`. Softmax attention with projections and pre-norms is our choice; the paper draws the two products only.
    """

    def __init__(self, config: UniResDecoderConfig, group_hidden_size: int):
        super().__init__()
        self.group_layer_norm = nn.LayerNorm(group_hidden_size, eps=config.layer_norm_eps)
        self.group_projection = nn.Linear(group_hidden_size, config.hidden_size)
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.cross_attn = UniResAttention(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = CLIPMLP(config)

    def forward(
        self,
        groups: torch.Tensor,
        words: torch.Tensor,
        attention_mask: torch.Tensor | None,
        image_indices: torch.Tensor,
    ) -> torch.Tensor:
        """From `groups` (images, tokens, group_hidden_size) to (expressions, tokens, hidden_size)."""
        groups = self.group_projection(self.group_layer_norm(groups))[image_indices]
        groups = groups + self.cross_attn(self.layer_norm1(groups), words, attention_mask)
        return groups + self.mlp(self.layer_norm2(groups))


class UniResDecoderLayer(GradientCheckpointingLayer):
    """Pre-norm self-attention, cross-attention and feed-forward layer."""

    def __init__(self, config: UniResDecoderConfig):
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self_attn = UniResAttention(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.cross_attn = UniResAttention(config)
        self.layer_norm3 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = CLIPMLP(config)

    def forward(
        self,
        hidden_states: torch.Tensor,
        context: torch.Tensor,
        attention_mask: torch.Tensor | None,
        image_indices: torch.Tensor | None,
    ) -> torch.Tensor:
        normed = self.layer_norm1(hidden_states)
        hidden_states = hidden_states + self.self_attn(normed, normed)
        # Up to here nothing depends on the words: rows are images, and become expressions as late as they can.
        if image_indices is not None:
            hidden_states = hidden_states[image_indices]
        hidden_states = hidden_states + self.cross_attn(self.layer_norm2(hidden_states), context, attention_mask)
        return hidden_states + self.mlp(self.layer_norm3(hidden_states))


class UniResBackboneFeatures(nn.Module):
    """
    Where a backbone's features go: those as coarse as the patches join the patch embeddings, the finer ones the step
    of the mask head that has the nearest resolution (our choice).
    """

    def __init__(self, config: UniResConfig, backbone: nn.Module):
        super().__init__()
        vision, strides, channels = config.vision_config, strides_of(backbone), backbone.channels
        self.coarse = [i for i, stride in enumerate(strides) if stride > vision.patch_size / 2**0.5]
        self.patch_projections = nn.ModuleList([nn.Conv2d(channels[i], vision.hidden_size, 1) for i in self.coarse])
        self.fine, self.projections = [], nn.ModuleList()
        for step, width in enumerate(config.mask_head_channels[1:], start=1):
            octaves = [abs(math.log2(stride * 2**step / vision.patch_size)) for stride in strides]
            self.fine.append(octaves.index(min(octaves)))
            self.projections.append(nn.Conv2d(channels[self.fine[-1]], width, kernel_size=1))

    def forward(
        self, features: tuple[torch.Tensor, ...], grid_size: tuple[int, int]
    ) -> tuple[torch.Tensor | None, tuple[torch.Tensor, ...]]:
        """The share of the patch embeddings (images, patches, hidden_size), or None, and what joins the mask head."""
        pairs = zip(self.coarse, self.patch_projections, strict=True)
        coarse = [resized(project(features[i]), grid_size) for i, project in pairs]
        pixel_embeds = tuple(
            resized(project(features[i]), tuple(side * 2**step for side in grid_size))
            for step, (i, project) in enumerate(zip(self.fine, self.projections, strict=True), start=1)
        )
        return sum(coarse).flatten(2).transpose(1, 2) if coarse else None, pixel_embeds


@torch.no_grad()
def strides_of(backbone: nn.Module, side: int = 64) -> list[float]:
    """The stride of each feature of a new backbone in pixels, by what it makes of a blank picture of side `side`."""
    features = backbone.eval()(next(backbone.parameters()).new_zeros(1, 3, side, side), return_dict=True).feature_maps
    backbone.train()
    return [side / level.shape[-1] for level in features]


def resized(features: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Features (images, channels, h, w) at another height and width."""
    if tuple(features.shape[-2:]) == tuple(size):
        return features
    return nn.functional.interpolate(features, size=size, mode="bilinear", align_corners=False)


class UniResMaskHead(nn.Module):
    """Doubles the resolution step by step, then convolves with a kernel made from the sentence: CRIS's projector."""

    kernel_size = 3  # CRIS's

    def __init__(self, config: UniResConfig):
        super().__init__()
        channels = list(config.mask_head_channels)
        self.num_channels = channels[-1]
        self.projection = nn.Linear(config.decoder_hidden_size, channels[0])
        self.convs = nn.ModuleList([nn.Conv2d(wide, narrow, 3, padding=1) for wide, narrow in pairwise(channels)])
        self.norms = nn.ModuleList([nn.GroupNorm(1, width) for width in channels[1:]])
        self.kernel = nn.Linear(config.projection_dim, self.num_channels * self.kernel_size**2)
        self.bias = nn.Linear(config.projection_dim, 1)

    def forward(
        self, hidden_states: torch.Tensor, text_embeds: torch.Tensor, pixel_embeds: tuple[torch.Tensor, ...] = ()
    ) -> torch.Tensor:
        """From `hidden_states` (expressions, grid_height, grid_width, hidden_size) to (expressions, height, width)."""
        features = self.projection(hidden_states).permute(0, 3, 1, 2)
        for step, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            features = conv(nn.functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False))
            if pixel_embeds:
                features = features + pixel_embeds[step]
            features = nn.functional.gelu(norm(features))
        return self.convolve(features, text_embeds) + self.bias(text_embeds)[:, :, None]

    def convolve(self, features: torch.Tensor, text_embeds: torch.Tensor) -> torch.Tensor:
        """Each expression's features with its sentence's kernel: (expressions, height, width)."""
        # One kernel an expression: a product of matrices, then a sum of its taps, each at its place. As a grouped
        # convolution, each expression a group, it takes several times as long.
        kernel = self.kernel(text_embeds).unflatten(1, (self.num_channels, -1)).flip(2).transpose(1, 2)
        taps, padding = kernel @ features.flatten(2), self.kernel_size // 2
        return nn.functional.fold(taps, features.shape[-2:], self.kernel_size, padding=padding)[:, 0]


class UniResTokenEmbeds(nn.Module):
    """
    The words' own embeddings, beside what the text encoder makes of them (our choice; not in the paper). One that has
    learned names alone passes over "left"; a decoder that never hears it marks all that a noun fits.
    """

    def __init__(self, config: UniResConfig):
        super().__init__()
        self.layer_norm = nn.LayerNorm(config.text_config.hidden_size, eps=config.text_config.layer_norm_eps)
        self.projection = nn.Linear(config.text_config.hidden_size, config.stage1_config.hidden_size, bias=False)

    def forward(self, token_embeds: torch.Tensor) -> torch.Tensor:
        """From (expressions, length, text width) to (expressions, length, width of stage 1)."""
        return self.projection(self.layer_norm(token_embeds))


class UniResSimilarity(nn.Module):
    """
    How similar each patch and the sentence are in the joint space, as a logit: it joins the output of stage 1 and
    the mask logits, so that what the encoders know counts from the first step (our choice; not in the paper).
    """

    mask_scale = 1.0

    def __init__(self, config: UniResConfig):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.empty(()))
        self.logit_bias = nn.Parameter(torch.empty(()))
        self.projection = nn.Linear(1, config.stage1_config.hidden_size)

    def forward(self, image_embeds: torch.Tensor, text_embeds: torch.Tensor) -> torch.Tensor:
        """Each (images, height, width, dim) with each of (expressions, dim): (images, expressions, height, width)."""
        image_embeds = nn.functional.normalize(image_embeds.float(), dim=-1)
        text_embeds = nn.functional.normalize(text_embeds.float(), dim=-1)
        cosines = torch.einsum("ihwc,ec->iehw", image_embeds, text_embeds)
        return cosines * self.logit_scale.float().exp() + self.logit_bias.float()


class UniResClassSimilarity(nn.Module):
    """
    How much each place looks like what the sentence names, by the backbone's own classifier (our choice; not in the
    paper): the sentence becomes a direction among the features that the classifier reads, where ImageNet's classes
    have theirs, so that a word counts for which no mask was ever seen. `training/class_directions.py` teaches it.
    """

    def __init__(self, config: UniResConfig, channels: int):
        super().__init__()
        self.fc1 = nn.Linear(config.projection_dim, channels // 2)
        self.fc2 = nn.Linear(channels // 2, channels)
        self.logit_scale = nn.Parameter(torch.empty(()))
        self.mask_scale = nn.Parameter(torch.empty(()))
        self.projection = nn.Linear(1, config.stage1_config.hidden_size)

    def directions(self, text_embeds: torch.Tensor) -> torch.Tensor:
        """From sentences (expressions, projection_dim) to unit vectors (expressions, channels)."""
        return nn.functional.normalize(self.fc2(nn.functional.gelu(self.fc1(text_embeds))).float(), dim=-1)

    def forward(self, class_features: torch.Tensor, text_embeds: torch.Tensor) -> torch.Tensor:
        """From (images, channels, height, width) to (images, expressions, height, width)."""
        features = class_features.float() / class_features.shape[1] ** 0.5
        return torch.einsum("ichw,ec->iehw", features, self.directions(text_embeds)) * self.logit_scale.float().exp()


class UniResPositions(nn.Module):
    """
    Where each patch is, for the decoders, which compare places: "leftmost", "above the mug". CRIS's decoder has sines
    of fixed wavelengths in pixels; here they are of shares of the picture, so that any grid will do.
    """

    num_frequencies = 4

    def __init__(self, hidden_size: int):
        super().__init__()
        self.projection = nn.Linear(2 + 4 * self.num_frequencies, hidden_size)

    def forward(self, grid_height: int, grid_width: int) -> torch.Tensor:
        """Of shape `(grid_height * grid_width, hidden_size)`."""
        weight = self.projection.weight
        rows, columns = (
            (2 * torch.arange(length, device=weight.device, dtype=weight.dtype) + 1) / length - 1
            for length in (grid_height, grid_width)
        )
        places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).flatten(0, 1)
        waves = [places * (torch.pi * 2**power) for power in range(self.num_frequencies)]
        return self.projection(torch.cat([places, *map(torch.sin, waves), *map(torch.cos, waves)], dim=-1))


class UniResPresenceHead(nn.Module):
    """One logit an expression: is its referent anywhere in the image (our choice; no-target expressions need it)."""

    def __init__(self, hidden_size: int, text_hidden_size: int):
        super().__init__()
        self.text_projection = nn.Linear(text_hidden_size, hidden_size)
        self.fc1 = nn.Linear(hidden_size, hidden_size)
        self.fc2 = nn.Linear(hidden_size, 1)

    def forward(self, hidden_states: torch.Tensor, text_embeds: torch.Tensor) -> torch.Tensor:
        strongest = hidden_states.flatten(1, 2).amax(dim=1)
        return self.fc2(nn.functional.gelu(self.fc1(strongest) + self.text_projection(text_embeds))).squeeze(-1)


@auto_docstring
class UniResPreTrainedModel(PreTrainedModel):
    config: UniResConfig
    base_model_prefix = "unires"
    main_input_name = "pixel_values"
    input_modalities = ("image", "text")
    _no_split_modules = ["UniResDecoderLayer", "UniResRegionFilter", "UniResMaskHead"]
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    accepts_loss_kwargs = False  # the loss is a mean over expressions: Trainer must divide it by accumulation steps

    def _initialize_weights(self, module, is_custom_code: bool = False):
        # Of code outside transformers it passes over modules without weights of their own, such as those of
        # places. They may have their say: the functions of `init` spare weights that were loaded.
        super()._initialize_weights(module)

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        std = self.config.initializer_range
        if isinstance(module, UniResPositions):
            # As long as what a patch shows. At the common range places drown in it, and models long mark all that the
            # noun fits ("left horse"); those that learn to choose have made these weights grow.
            mean_square = 2 / 3 + 2 * module.num_frequencies  # of the waves of a place, two of them straight lines
            init.normal_(module.projection.weight, std=std * (self.config.projection_dim / mean_square) ** 0.5)
        elif isinstance(module, UniResSimilarity):
            init.constant_(module.logit_scale, 2.66)  # CLIP's temperature starts at 14
            init.constant_(module.logit_bias, -4.0)  # a patch is unlike most names
        elif isinstance(module, UniResMaskHead):
            # A logit sums over the channels: of wide heads it is to start no larger than of narrow ones.
            init.normal_(module.kernel.weight, std=std * min(1, 8 / module.num_channels) ** 0.5)
        elif isinstance(module, UniResClassSimilarity):
            init.constant_(module.logit_scale, 2.6)  # a clear sight of a class is then about 5
            init.zeros_(module.mask_scale)  # how far to be trusted is learned
        elif isinstance(module, UniResModel):
            for tokens in (module.low_level_group_tokens, module.high_level_group_tokens):
                if tokens is not None:
                    init.normal_(tokens, std=std)


@auto_docstring(custom_intro="A decoder stage: image tokens attend to themselves and to a context.")
class UniResDecoder(UniResPreTrainedModel):
    config: UniResDecoderConfig

    def __init__(self, config: UniResDecoderConfig):
        super().__init__(config)
        self.layers = nn.ModuleList([UniResDecoderLayer(config) for _ in range(config.num_hidden_layers)])
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.post_init()

    @auto_docstring
    def forward(
        self,
        hidden_states: torch.Tensor,
        context: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        image_indices: torch.Tensor | None = None,
    ) -> torch.Tensor:
        r"""
        context (`torch.Tensor` of shape `(expressions, length, hidden_size)`):
            What they attend to: the words in stage 1, the filtered groups in stage 2.
        image_indices (`torch.LongTensor` of shape `(expressions,)`, *optional*):
            The image of each expression, if the rows of `hidden_states` are images and not yet expressions.
        """
        for layer in self.layers:
            hidden_states = layer(hidden_states, context, attention_mask, image_indices)
            image_indices = None  # rows are expressions now
        return self.layer_norm(hidden_states)


@auto_docstring(custom_intro="UniRES (CVPR 2024): segments what each expression refers to, an object or a part.")
class UniResModel(UniResPreTrainedModel):
    def __init__(self, config: UniResConfig):
        super().__init__(config)
        vision_width, text_width = config.vision_config.hidden_size, config.text_config.hidden_size
        low, high = config.num_low_level_group_tokens, config.num_high_level_group_tokens
        stage1, stage2, more = config.stage1_config, config.stage2_config, config.beyond_paper
        # Named as in CLIPModel and its likes, whose checkpoints load with no conversion.
        self.text_model = tower_class(TEXT, config.text_config)._from_config(config.text_config)
        self.vision_model = tower_class(VISION, config.vision_config)._from_config(config.vision_config)
        self.visual_projection = nn.Linear(vision_width, config.projection_dim, bias=False)
        sentence_width = self.text_model.sentence_size(config.text_config)
        self.text_projection = nn.Linear(sentence_width, config.projection_dim, bias=False)

        self.low_level_group_tokens = nn.Parameter(torch.empty(low, vision_width)) if low else None
        self.high_level_group_tokens = nn.Parameter(torch.empty(high, vision_width)) if high else None
        self.low_level_filter = UniResRegionFilter(stage2, vision_width) if low else None
        self.high_level_filter = UniResRegionFilter(stage2, vision_width) if high else None

        self.image_projection = nn.Linear(config.projection_dim, stage1.hidden_size)
        self.word_projection = nn.Linear(text_width, stage1.hidden_size)
        self.token_embeds = UniResTokenEmbeds(config) if "token_embeds" in more else None
        self.positions = UniResPositions(stage1.hidden_size) if "decoder_positions" in more else None
        self.stage1_decoder = UniResDecoder._from_config(stage1)
        self.similarity = UniResSimilarity(config) if "similarity" in more else None

        self.stage2_decoder = self.stage2_positions = None
        if config.has_groups:
            self.group_word_projection = nn.Linear(text_width, stage2.hidden_size)
            self.stage2_projection = nn.Linear(stage1.hidden_size, stage2.hidden_size)
            self.stage2_decoder = UniResDecoder._from_config(stage2)
            self.stage2_positions = UniResPositions(stage2.hidden_size) if "decoder_positions" in more else None

        self.backbone = self.backbone_features = self.class_similarity = None
        if config.backbone_config is not None:
            # By name, since remote code may come as two copies, and `AutoBackbone` knows the other one's config.
            own = OWN_BACKBONES.get(config.backbone_config.model_type)
            self.backbone = (own._from_config if own else AutoBackbone.from_config)(config.backbone_config)
            self.backbone_features = UniResBackboneFeatures(config, self.backbone)
            if "class_similarity" in more:
                self.class_similarity = UniResClassSimilarity(config, self.backbone.channels[-1])
        self.mask_head = UniResMaskHead(config)
        self.presence_head = UniResPresenceHead(config.decoder_hidden_size, config.projection_dim)
        self.post_init()

    @classmethod
    def from_encoders(
        cls, vision: str, text: str | None = None, image_size: int = 448, revision: str = "main", **config_fields
    ) -> "UniResModel":
        r"""
        A model whose two encoders are pretrained and whose other weights are new (paper, supplementary A.3).

        Args:
            vision (`str`):
                A checkpoint of the Hub, or a folder: CLIP, MetaCLIP 2, SigLIP, SigLIP 2, TIPSv2, or DINOv3 for vision.
            text (`str`, *optional*):
                Another one, whose text encoder to take; DINOv3 needs it.
            image_size (`int`, *optional*, defaults to 448):
                Side of the square input in pixels, to which position embeddings are interpolated.
            revision (`str`, *optional*, defaults to `"main"`):
                Branch, tag or commit of the checkpoints on the Hub.
            config_fields:
                Fields of [`UniResConfig`]; `group_split_layer` defaults to half of the blocks.

        Raises:
            ValueError: if a checkpoint is not whole, or of a family without an adapter, or there is no such field.
        """
        check_fields(cls.config_class, config_fields)
        encoders, weights = load_encoders(vision, text, image_size, revision)
        if "backbone_config" not in config_fields:  # patches do not hold the outline of a small part
            pixels = {"model_type": "conv_pyramid", "hidden_sizes": [16, 32], "out_features": ["stage2"]}
            config_fields["backbone_config"] = pixels
        config_fields.setdefault("group_split_layer", encoders["vision_config"]["num_hidden_layers"] // 2)
        model = cls(cls.config_class(**encoders, **config_fields))
        new = sorted({key.split(".")[0] for key in model.load_state_dict(weights, strict=False).missing_keys})
        sources = " and ".join(str(source) for source in (vision, text) if source)
        logger.warning(f"All weights of the encoders come from {sources}. New, and to be trained: {', '.join(new)}.")
        return model

    @classmethod
    def from_clip(cls, pretrained_model_name_or_path: str, **options) -> "UniResModel":
        """[`UniResModel.from_encoders`] of a CLIP, with which the paper starts."""
        return cls.from_encoders(pretrained_model_name_or_path, **options)

    def train(self, mode: bool = True) -> "UniResModel":
        """Batch norms of the backbone keep the statistics they came with, since batches are small (our choice)."""
        super().train(mode)
        for module in self.backbone.modules() if self.backbone is not None else ():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def get_input_embeddings(self) -> nn.Module:
        return self.text_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module):
        self.text_model.set_input_embeddings(value)

    @can_return_tuple
    @auto_docstring
    def get_text_features(
        self,
        input_ids: torch.LongTensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | BaseModelOutputWithPooling:
        r"""
        Returns the word features (`last_hidden_state`) and the sentence in the joint space (`pooler_output`, of shape
        `(expressions, projection_dim)`).
        """
        text_outputs = self.text_model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)
        text_outputs.pooler_output = self.text_projection(text_outputs.pooler_output)
        return text_outputs

    @can_return_tuple
    @auto_docstring
    def get_image_features(
        self, pixel_values: torch.FloatTensor, **kwargs: Unpack[TransformersKwargs]
    ) -> tuple | UniResVisionOutput:
        r"""
        Encodes images once, to be asked many times: pass the result to the model as `vision_embeds`. Any height and
        width that the patch size divides will do; position embeddings are interpolated.
        """
        grid_size = self._patch_grid(pixel_values)
        patch_embeds = pixel_embeds = class_features = None
        if self.backbone is not None:
            features = self.backbone(pixel_values, return_dict=True).feature_maps
            patch_embeds, pixel_embeds = self.backbone_features(features, grid_size)
            class_features = features[-1] if self.class_similarity is not None else None
        groups = (self.low_level_group_tokens, self.high_level_group_tokens, self.config.group_split_layer)
        vision_outputs = self.vision_model(pixel_values, *groups, patch_embeds, return_dict=True, **kwargs)
        joint_embeds = self.visual_projection(vision_outputs.last_hidden_state)
        prefix = self.vision_model.num_prefix_tokens
        vision_outputs.pooler_output = joint_embeds[:, 0] if prefix else None
        vision_outputs.image_embeds = joint_embeds[:, prefix:].unflatten(1, grid_size)
        vision_outputs.pixel_embeds, vision_outputs.class_features = pixel_embeds, class_features
        return vision_outputs

    @can_return_tuple
    @auto_docstring
    def forward(
        self,
        pixel_values: torch.FloatTensor | None = None,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        image_indices: torch.LongTensor | None = None,
        labels: torch.Tensor | None = None,
        vision_embeds: UniResVisionOutput | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | UniResOutput:
        r"""
        image_indices (`torch.LongTensor` of shape `(expressions,)`, *optional*):
            The image that each expression is about. May be left out for one image, and for as many images as
            expressions.
        labels (`torch.Tensor` of shape `(expressions, height, width)`, *optional*):
            The masks, with values in [0, 1]; of the size of the logits, or of another, which is then averaged to it. A
            mask without any pixel says that the expression has no referent.
        vision_embeds (`UniResVisionOutput`, *optional*):
            What [`UniResModel.get_image_features`] returned for the images, in place of `pixel_values`.
        """
        if (pixel_values is None) == (vision_embeds is None):
            raise ValueError("Give either `pixel_values` or `vision_embeds`, one of the two.")
        if input_ids is None:
            raise ValueError("Give `input_ids`: the model segments what an expression refers to.")
        if vision_embeds is None:
            vision_embeds = self.get_image_features(pixel_values, return_dict=True, **kwargs)
        images, *grid_size = vision_embeds.image_embeds.shape[:3]
        image_indices = self._image_indices(image_indices, images, input_ids)
        text_outputs = self.get_text_features(input_ids, attention_mask, return_dict=True, **kwargs)
        words, sentence = text_outputs.last_hidden_state, self._of_unit_size(text_outputs.pooler_output)

        # Stage 1: the image tokens attend to the words.
        image_tokens = self.image_projection(self._of_unit_size(vision_embeds.image_embeds.flatten(1, 2)))
        if self.positions is not None:
            image_tokens = image_tokens + self.positions(*grid_size)
        word_tokens = self.word_projection(words)
        if self.token_embeds is not None:
            word_tokens = word_tokens + self.token_embeds(self.get_input_embeddings()(input_ids))
        hidden_states = self.stage1_decoder(image_tokens, word_tokens, attention_mask, image_indices)
        similarities = self._similarities(vision_embeds, sentence, image_indices)
        for module, similarity in similarities:
            by_patch = similarity.flatten(2).transpose(1, 2).to(hidden_states.dtype)
            hidden_states = hidden_states + module.projection(by_patch)

        # Stage 2: they attend to the groups that the words let through.
        if self.stage2_decoder is not None:
            words = self.group_word_projection(words)
            groups = (vision_embeds.low_level_groups, vision_embeds.high_level_groups)
            levels = zip((self.low_level_filter, self.high_level_filter), groups, strict=True)
            filtered = [lrf(level, words, attention_mask, image_indices) for lrf, level in levels if lrf is not None]
            hidden_states = self.stage2_projection(hidden_states)
            if self.stage2_positions is not None:
                hidden_states = hidden_states + self.stage2_positions(*grid_size)
            hidden_states = self.stage2_decoder(hidden_states, torch.cat(filtered, dim=1))

        # Heads: the mask, and whether there is a referent at all.
        hidden_states = hidden_states.unflatten(1, grid_size)
        pixel_embeds = tuple(level[image_indices] for level in vision_embeds.pixel_embeds or ())
        logits = self.mask_head(hidden_states, sentence, pixel_embeds)
        for module, similarity in similarities:
            finer = resized(similarity, tuple(logits.shape[-2:]))[:, 0]
            logits = logits + (module.mask_scale * finer).to(logits.dtype)
        presence_logits = self.presence_head(hidden_states, sentence)

        return UniResOutput(
            loss=None if labels is None else self._loss(logits, presence_logits, labels),
            logits=logits,
            presence_logits=presence_logits,
            vision_embeds=vision_embeds,
            image_indices=image_indices,
        )

    def _similarities(
        self, vision_embeds: UniResVisionOutput, sentence: torch.Tensor, image_indices: torch.Tensor
    ) -> list[tuple[nn.Module, torch.Tensor]]:
        """Each similarity that the model has, with its maps (expressions, 1, grid_height, grid_width)."""
        pairs = [(self.similarity, vision_embeds.image_embeds), (self.class_similarity, vision_embeds.class_features)]
        own = torch.arange(sentence.shape[0], device=sentence.device)  # `len` would fix it in an ONNX graph
        grid_size = vision_embeds.image_embeds.shape[1:3]
        return [
            (module, resized(module(features, sentence)[image_indices, own][:, None], grid_size))
            for module, features in pairs
            if module is not None
        ]

    def get_sentences(self, input_ids: torch.LongTensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """The sentences as the decoders and heads read them: (expressions, projection_dim)."""
        return self._of_unit_size(self.get_text_features(input_ids, attention_mask, return_dict=True).pooler_output)

    def _of_unit_size(self, embeds: torch.Tensor) -> torch.Tensor:
        # Similarity is of directions alone, so nothing keeps their lengths from growing: they would drown the words.
        if self.similarity is None:
            return embeds
        return nn.functional.normalize(embeds, dim=-1) * embeds.shape[-1] ** 0.5

    def _patch_grid(self, pixel_values: torch.Tensor) -> tuple[int, int]:
        height, width = pixel_values.shape[-2:]
        patch_size = self.config.vision_config.patch_size
        if height % patch_size or width % patch_size:
            raise ValueError(
                f"`pixel_values` are {height} x {width} pixels, but the patch size {patch_size} must divide both: "
                f"set the image processor's `size` to multiples of {patch_size}."
            )
        return height // patch_size, width // patch_size

    def _image_indices(self, image_indices: torch.Tensor | None, images: int, input_ids: torch.Tensor) -> torch.Tensor:
        expressions = len(input_ids)
        if image_indices is None and images in (1, expressions):
            return torch.arange(expressions, device=input_ids.device) % images
        if image_indices is None or image_indices.shape != (expressions,):
            raise ValueError(
                f"{images} images and {expressions} expressions: say with `image_indices` which image each expression "
                f"is about, with one number for each of the {expressions} expressions."
            )
        if image_indices.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"`image_indices` holds {image_indices.dtype}: give whole numbers (torch.int64).")
        torch._assert_async(
            ((image_indices >= 0) & (image_indices < images)).all(),
            f"`image_indices` must lie between 0 and {images - 1}, since there are {images} images.",
        )
        return image_indices

    def _loss(self, logits: torch.Tensor, presence_logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mask and presence losses; the paper gives neither losses nor weights, so these are in the config."""
        present = (labels.flatten(1).amax(1) > 0).to(logits.device, torch.float32)
        presence_loss = nn.functional.binary_cross_entropy_with_logits(presence_logits.float(), present)
        masks_loss = mask_loss(logits, labels, self.config.bce_loss_weight, self.config.dice_loss_weight)
        return masks_loss + self.config.presence_loss_weight * presence_loss


def mask_loss(
    logits: torch.Tensor, labels: torch.Tensor, bce_loss_weight: float, dice_loss_weight: float
) -> torch.Tensor:
    """Weighted binary cross-entropy and Dice loss of `logits` (expressions, h, w), a mean over expressions; `labels`
    (expressions, H, W) in [0, 1] are brought to the size of the logits by shares of area."""
    labels = labels.to(logits.device, torch.float32)
    if labels.shape[-2:] != logits.shape[-2:]:
        labels = nn.functional.interpolate(labels[:, None], size=logits.shape[-2:], mode="area")[:, 0]
    logits, labels = logits.float().flatten(1), labels.flatten(1)
    bce_loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    return bce_loss_weight * bce_loss + dice_loss_weight * dice_loss(logits, labels, len(logits))


__all__ = ["UniResModel", "UniResPreTrainedModel"]
