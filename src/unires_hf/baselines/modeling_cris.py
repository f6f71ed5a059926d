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

"""PyTorch CRIS model (CVPR 2022): CLIP-ResNet, text-aware neck, vision-language decoder, text-to-pixel projector."""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from transformers import AutoBackbone, CLIPTextModel, PreTrainedModel
from transformers import initialization as init
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BackboneOutput, BaseModelOutputWithPooling
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs, auto_docstring
from transformers.utils.generic import can_return_tuple

from .configuration_cris import STRIDE, CrisConfig, CrisVisionConfig
from .outputs_baselines import (
    START_LOGIT,
    BaselineMixin,
    ReferringSegmentationOutput,
    check_inputs,
    dice_loss,
    image_of_each_expression,
    labels_like,
)


def eager_attention_forward(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Unpack[TransformersKwargs],
):
    attn_weights = torch.matmul(query, key.transpose(-1, -2)) * scaling
    if attention_mask is not None:
        attn_weights = attn_weights + attention_mask
    attn_weights = nn.functional.softmax(attn_weights, dim=-1, dtype=torch.float32).to(query.dtype)
    attn_weights = nn.functional.dropout(attn_weights, p=dropout, training=module.training)
    attn_output = torch.matmul(attn_weights, value).transpose(1, 2).contiguous()
    return attn_output, attn_weights


class CrisAttention(nn.Module):
    """Multi-head attention whose queries, keys and values may differ, for the pool and the decoder."""

    def __init__(self, config: CrisConfig | CrisVisionConfig, output_size: int | None = None):
        super().__init__()
        hidden_size = config.hidden_size
        self.config = config
        self.head_dim = hidden_size // config.num_attention_heads
        self.scaling = self.head_dim**-0.5
        self.attention_dropout = config.attention_dropout
        self.is_causal = False
        self.q_proj = nn.Linear(hidden_size, hidden_size)
        self.k_proj = nn.Linear(hidden_size, hidden_size)
        self.v_proj = nn.Linear(hidden_size, hidden_size)
        self.out_proj = nn.Linear(hidden_size, output_size or hidden_size)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        query_shape = query.shape
        query = self.q_proj(query).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        key = self.k_proj(key).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        value = self.v_proj(value).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        attention_interface: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        attn_output, attn_weights = attention_interface(
            self,
            query,
            key,
            value,
            attention_mask,
            scaling=self.scaling,
            dropout=0.0 if not self.training else self.attention_dropout,
            **kwargs,
        )
        return self.out_proj(attn_output.reshape(query_shape).contiguous()), attn_weights


class CrisConvLayer(nn.Module):
    """Convolution without bias that keeps the size, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1):
        super().__init__()
        self.convolution = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2, bias=False
        )
        self.normalization = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.normalization(self.convolution(hidden_states)))


class CrisVisionBottleneck(nn.Module):
    """ResNet bottleneck in which, as in CLIP, average pooling takes the place of strides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        width = out_channels // 4
        self.stride = stride
        self.layer1 = CrisConvLayer(in_channels, width)
        self.layer2 = CrisConvLayer(width, width, kernel_size=3)
        self.convolution = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.normalization = nn.BatchNorm2d(out_channels)
        self.shortcut = None
        if in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
            self.shortcut_normalization = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        residual = hidden_states
        hidden_states = self.layer2(self.layer1(hidden_states))
        if self.stride > 1:
            hidden_states = nn.functional.avg_pool2d(hidden_states, self.stride)
            residual = nn.functional.avg_pool2d(residual, self.stride)
        hidden_states = self.normalization(self.convolution(hidden_states))
        if self.shortcut is not None:
            residual = self.shortcut_normalization(self.shortcut(residual))
        return nn.functional.relu(hidden_states + residual)


class CrisAttentionPool(nn.Module):
    """CLIP's attention pool kept spatial: every cell attends to all cells; beside it a new convolution (`connect`)."""

    def __init__(self, config: CrisVisionConfig):
        super().__init__()
        hidden_size = config.hidden_size
        self.position_grid_size = config.position_grid_size
        # The first row is CLIP's for its mean token, which no cell here takes the place of.
        self.position_embedding = nn.Parameter(torch.empty(config.position_grid_size**2 + 1, hidden_size))
        self.attention = CrisAttention(config, config.projection_dim)
        self.connect_convolution = nn.Conv2d(hidden_size, config.projection_dim, kernel_size=1, bias=False)
        self.connect_normalization = nn.BatchNorm2d(config.projection_dim)

    def forward(self, hidden_states: torch.Tensor, **kwargs: Unpack[TransformersKwargs]) -> torch.Tensor:
        """From (images, hidden_size, h, w) to (images, projection_dim, h, w)."""
        residual = self.connect_normalization(self.connect_convolution(hidden_states))
        grid = hidden_states.shape[-2:]
        positions = self.position_embedding[1:].unflatten(0, (self.position_grid_size, self.position_grid_size))
        positions = nn.functional.interpolate(
            positions.permute(2, 0, 1)[None], size=grid, mode="bicubic", align_corners=False
        )
        cells = (hidden_states + positions).flatten(2).transpose(1, 2)
        pooled, _ = self.attention(cells, cells, cells, **kwargs)
        return nn.functional.relu(pooled.transpose(1, 2).unflatten(2, grid) + residual)


@auto_docstring
class CrisPreTrainedModel(PreTrainedModel):
    config: CrisConfig
    base_model_prefix = "cris"
    main_input_name = "pixel_values"
    input_modalities = ("image", "text")
    _no_split_modules = ["CrisVisionBottleneck", "CrisAttentionPool", "CrisNeck", "CrisDecoderLayer", "CrisProjector"]
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_attention_backend = True
    # The loss is a mean over expressions: Trainer must divide it by the accumulation steps.
    accepts_loss_kwargs = False

    def _initialize_weights(self, module, is_custom_code: bool = False):
        # Of code outside transformers it passes over modules without weights of their own, such as the
        # bottlenecks. They may have their say: the functions of `init` spare weights that were loaded.
        super()._initialize_weights(module)

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d):
            # Our choice, as widths go from 3 to 2048: outputs as large as inputs.
            init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        elif isinstance(module, CrisAttentionPool):
            init.normal_(module.position_embedding, std=self.config.initializer_range)
        elif isinstance(module, CrisVisionBottleneck):
            # As CLIP's: each block starts as its shortcut.
            init.zeros_(module.normalization.weight)
        elif isinstance(module, CrisProjector):
            bias = torch.zeros_like(module.kernel.bias)
            bias[-1] = START_LOGIT
            init.copy_(module.kernel.bias, bias)


@auto_docstring(custom_intro="CLIP's ResNet with its attention pool kept spatial.")
class CrisVisionModel(CrisPreTrainedModel):
    config: CrisVisionConfig
    input_modalities = ("image",)

    def __init__(self, config: CrisVisionConfig):
        super().__init__(config)
        width = config.embedding_size
        self.stem = nn.ModuleList(
            [
                CrisConvLayer(config.num_channels, width // 2, kernel_size=3, stride=2),
                CrisConvLayer(width // 2, width // 2, kernel_size=3),
                CrisConvLayer(width // 2, width, kernel_size=3),
            ]
        )
        self.stages = nn.ModuleList()
        for index, (depth, channels) in enumerate(zip(config.depths, config.hidden_sizes, strict=True)):
            stride = 1 if index == 0 else 2
            blocks = [CrisVisionBottleneck(width, channels, stride)]
            blocks += [CrisVisionBottleneck(channels, channels, stride=1) for _ in range(depth - 1)]
            self.stages.append(nn.ModuleList(blocks))
            width = channels
        self.attention_pool = CrisAttentionPool(config)
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def forward(self, pixel_values: torch.FloatTensor, **kwargs: Unpack[TransformersKwargs]) -> tuple | BackboneOutput:
        hidden_states = pixel_values.to(self.dtype)
        for layer in self.stem:
            hidden_states = layer(hidden_states)
        hidden_states = nn.functional.avg_pool2d(hidden_states, 2)
        feature_maps = []
        for stage in self.stages:
            for block in stage:
                hidden_states = block(hidden_states)
            feature_maps.append(hidden_states)
        pooled = self.attention_pool(hidden_states, **kwargs)
        return BackboneOutput(feature_maps=(feature_maps[1], feature_maps[2], pooled))


class CrisNeck(nn.Module):
    """
    Text-aware feature pyramid: the sentence multiplies the coarsest map, then three scales meet at stride 16.
    """

    def __init__(self, config: CrisConfig, channels: Sequence[int]):
        super().__init__()
        low, middle, top = channels
        hidden_size = config.hidden_size
        self.text_projection = nn.Linear(config.vision_config.projection_dim, 2 * hidden_size, bias=False)
        self.text_normalization = nn.BatchNorm1d(2 * hidden_size)
        self.top_projection = CrisConvLayer(top, 2 * hidden_size)
        self.top_normalization = nn.BatchNorm2d(2 * hidden_size)
        self.middle_projection = CrisConvLayer(middle, hidden_size, kernel_size=3)
        self.middle_fusion = CrisConvLayer(3 * hidden_size, hidden_size)
        self.low_projection = CrisConvLayer(low, hidden_size // 2, kernel_size=3)
        self.low_fusion = CrisConvLayer(hidden_size // 2 + hidden_size, hidden_size)
        self.top_output = CrisConvLayer(2 * hidden_size, hidden_size, kernel_size=3)
        self.middle_output = CrisConvLayer(hidden_size, hidden_size, kernel_size=3)
        self.low_output = CrisConvLayer(hidden_size, hidden_size, kernel_size=3)
        self.aggregation = CrisConvLayer(3 * hidden_size, hidden_size)
        self.coordinate_convolution = CrisConvLayer(hidden_size + 2, hidden_size, kernel_size=3)
        self.output_convolution = CrisConvLayer(hidden_size, hidden_size, kernel_size=3)

    def forward(
        self, feature_maps: tuple[torch.Tensor, ...], sentence: torch.Tensor, image_indices: torch.Tensor
    ) -> torch.Tensor:
        """From maps (images, ...) of strides 8, 16, 32 to (expressions, hidden_size, h, w) of stride 16."""
        low, middle, top = feature_maps
        # What the words do not touch is computed once an image.
        top = self.top_projection(top)[image_indices]
        middle = self.middle_projection(middle)[image_indices]
        low = nn.functional.avg_pool2d(self.low_projection(low), 2)[image_indices]

        gate = nn.functional.relu(self.text_normalization(self.text_projection(sentence)))
        top = nn.functional.relu(self.top_normalization(top * gate[:, :, None, None]))
        middle = self.middle_fusion(torch.cat([middle, double(top)], dim=1))
        low = self.low_fusion(torch.cat([low, middle], dim=1))

        # Not tried with published weights: the order of the scales, and of x and y.
        scales = [self.low_output(low), self.middle_output(middle), double(self.top_output(top))]
        hidden_states = self.aggregation(torch.cat(scales, dim=1))
        coordinates = unit_coordinates(hidden_states).expand(len(hidden_states), -1, -1, -1)
        hidden_states = self.coordinate_convolution(torch.cat([hidden_states, coordinates], dim=1))
        return self.output_convolution(hidden_states)


class CrisDecoderLayer(GradientCheckpointingLayer):
    """
    Pre-norm self-attention, cross-attention to the words and feed-forward, with a further norm after each attention
    and inside the feed-forward.
    """

    def __init__(self, config: CrisConfig):
        super().__init__()
        size, eps = config.hidden_size, config.layer_norm_eps
        self.dropout = config.hidden_dropout
        self.self_attn = CrisAttention(config)
        self.cross_attn = CrisAttention(config)
        self.layer_norm1 = nn.LayerNorm(size, eps=eps)
        self.layer_norm2 = nn.LayerNorm(size, eps=eps)
        self.layer_norm3 = nn.LayerNorm(size, eps=eps)
        self.self_attn_layer_norm = nn.LayerNorm(size, eps=eps)
        self.cross_attn_layer_norm = nn.LayerNorm(size, eps=eps)
        self.fc1 = nn.Linear(size, config.intermediate_size)
        self.intermediate_layer_norm = nn.LayerNorm(config.intermediate_size, eps=eps)
        self.fc2 = nn.Linear(config.intermediate_size, size)

    def forward(
        self,
        hidden_states: torch.Tensor,
        words: torch.Tensor,
        cell_positions: torch.Tensor,
        word_positions: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        normed = self.layer_norm1(hidden_states)
        query = normed + cell_positions
        attn_output, _ = self.self_attn(query, query, normed, **kwargs)
        hidden_states = hidden_states + self._drop(self.self_attn_layer_norm(attn_output))

        query = self.layer_norm2(hidden_states) + cell_positions
        attn_output, _ = self.cross_attn(query, words + word_positions, words, attention_mask, **kwargs)
        hidden_states = hidden_states + self._drop(self.cross_attn_layer_norm(attn_output))

        intermediate = self._drop(nn.functional.relu(self.fc1(self.layer_norm3(hidden_states))))
        return hidden_states + self._drop(self.fc2(self.intermediate_layer_norm(intermediate)))

    def _drop(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(hidden_states, self.dropout, self.training)


class CrisProjector(nn.Module):
    """Text-to-pixel: two doublings, then a convolution whose kernel and bias the sentence makes."""

    def __init__(self, config: CrisConfig):
        super().__init__()
        self.num_channels = config.hidden_size // 2
        self.kernel_size = config.mask_kernel_size
        self.layer1 = CrisConvLayer(config.hidden_size, config.hidden_size, kernel_size=3)
        self.layer2 = CrisConvLayer(config.hidden_size, self.num_channels, kernel_size=3)
        self.convolution = nn.Conv2d(self.num_channels, self.num_channels, kernel_size=1)
        self.kernel = nn.Linear(config.vision_config.projection_dim, self.num_channels * self.kernel_size**2 + 1)

    def forward(self, hidden_states: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """From (expressions, hidden_size, h, w) to logits (expressions, 4h, 4w)."""
        features = self.convolution(self.layer2(double(self.layer1(double(hidden_states)))))
        expressions, _, height, width = features.shape
        kernel = self.kernel(sentence)
        # One kernel an expression: a grouped convolution in which each expression is a group.
        logits = nn.functional.conv2d(
            features.reshape(1, -1, height, width),
            kernel[:, :-1].view(expressions, self.num_channels, self.kernel_size, self.kernel_size),
            padding=self.kernel_size // 2,
            groups=expressions,
        )
        return logits[0] + kernel[:, -1, None, None]


@auto_docstring(
    custom_intro="""
    CRIS ("CLIP-Driven Referring Image Segmentation", CVPR 2022), the baseline that UniRES was built on.

    Images do not see the text before the neck, so that the ResNet runs once however many expressions follow. Trained
    with batch norm over expressions: a training batch needs at least two of them.
    """
)
class CrisModel(BaselineMixin, CrisPreTrainedModel):
    def __init__(self, config: CrisConfig):
        super().__init__(config)
        self.vision_model = self.backbone = None
        # CODEPATH: published models have CLIP's ResNet; comparisons on one backbone have that.
        if config.backbone_config is None:
            self.vision_model = CrisVisionModel._from_config(config.vision_config)
            channels = [*config.vision_config.hidden_sizes[1:3], config.vision_config.projection_dim]
        else:
            self.backbone = AutoBackbone.from_config(config.backbone_config)
            channels = self.backbone.channels
        self.text_model = CLIPTextModel._from_config(config.text_config)
        self.text_projection = nn.Linear(
            config.text_config.hidden_size, config.vision_config.projection_dim, bias=False
        )
        self.neck = CrisNeck(config, channels)
        self.decoder_layers = nn.ModuleList([CrisDecoderLayer(config) for _ in range(config.num_hidden_layers)])
        self.decoder_layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.projector = CrisProjector(config)
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def get_text_features(
        self,
        input_ids: torch.LongTensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | BaseModelOutputWithPooling:
        r"""
        Returns the word features (`last_hidden_state`) and the sentence in CLIP's joint space (`pooler_output`, of
        shape `(expressions, projection_dim)`).
        """
        text_outputs = self.text_model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)
        text_outputs.pooler_output = self.text_projection(text_outputs.pooler_output)
        return text_outputs

    @can_return_tuple
    @auto_docstring
    def get_image_features(
        self, pixel_values: torch.FloatTensor, **kwargs: Unpack[TransformersKwargs]
    ) -> tuple | BackboneOutput:
        r"""
        Encodes images once, to be asked many times: pass the result to the model as `vision_embeds`. Height and width
        must be multiples of 32.
        """
        height, width = pixel_values.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"`pixel_values` are {height} x {width} pixels, but {STRIDE} must divide both: set the image "
                f"processor's `size` to multiples of {STRIDE}."
            )
        if self.backbone is not None:
            return self.backbone(pixel_values, return_dict=True)
        return self.vision_model(pixel_values, return_dict=True, **kwargs)

    @can_return_tuple
    @auto_docstring
    def forward(
        self,
        pixel_values: torch.FloatTensor | None = None,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        image_indices: torch.LongTensor | None = None,
        labels: torch.Tensor | None = None,
        vision_embeds: BackboneOutput | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | ReferringSegmentationOutput:
        r"""
        image_indices (`torch.LongTensor` of shape `(expressions,)`, *optional*):
            The image that each expression is about. May be left out for one image, and for as many images as
            expressions.
        labels (`torch.Tensor` of shape `(expressions, height, width)`, *optional*):
            The masks, with values in [0, 1]; of the size of the logits, or of another, which is then averaged to it.
        vision_embeds (`BackboneOutput`, *optional*):
            What [`CrisModel.get_image_features`] returned for the images, in place of `pixel_values`.

        Example:

        ```python
        >>> from PIL import Image
        >>> from transformers import AutoModel, AutoProcessor
        >>> import unires_hf

        >>> model = AutoModel.from_pretrained("path/to/checkpoint")
        >>> processor = AutoProcessor.from_pretrained("path/to/checkpoint")

        >>> inputs = processor(images=Image.open("street.jpg"), text=["the red truck"], return_tensors="pt")
        >>> outputs = model(**inputs)
        >>> masks = processor.post_process_referring_segmentation(outputs, target_sizes=inputs["original_sizes"])[0]
        ```"""
        check_inputs(pixel_values, vision_embeds, input_ids)
        if vision_embeds is None:
            vision_embeds = self.get_image_features(pixel_values, return_dict=True, **kwargs)
        feature_maps = vision_embeds.feature_maps
        image_indices = image_of_each_expression(image_indices, len(feature_maps[0]), input_ids)
        text_outputs = self.get_text_features(input_ids, attention_mask, return_dict=True, **kwargs)
        words, sentence = text_outputs.last_hidden_state, text_outputs.pooler_output

        features = self.neck(feature_maps, sentence, image_indices)
        grid = features.shape[-2:]
        hidden_states = features.flatten(2).transpose(1, 2)
        # Published: padding is whatever has the number 0, which in CLIP's vocabulary is also a "!" inside a word.
        seen = input_ids != 0 if attention_mask is None else attention_mask.bool() & (input_ids != 0)
        word_mask = create_bidirectional_mask(
            config=self.config,
            inputs_embeds=hidden_states,
            attention_mask=seen,
            encoder_hidden_states=words,
        )
        cell_positions = grid_positions(features)
        word_positions = sine_positions(words.shape[1], words)
        for layer in self.decoder_layers:
            hidden_states = layer(hidden_states, words, cell_positions, word_positions, word_mask, **kwargs)
        hidden_states = self.decoder_layer_norm(hidden_states)
        logits = self.projector(hidden_states.transpose(1, 2).unflatten(2, grid), sentence)

        loss = None
        if labels is not None:
            # Published: mean binary cross-entropy at stride 4, of labels taken by nearest neighbor.
            labels = labels_like(logits, labels)
            bce_loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
            loss = self.config.bce_loss_weight * bce_loss + self.config.dice_loss_weight * dice_loss(logits, labels)

        return ReferringSegmentationOutput(
            loss=loss, logits=logits, vision_embeds=vision_embeds, image_indices=image_indices
        )


def double(features: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def unit_coordinates(features: torch.Tensor) -> torch.Tensor:
    """(1, 2, h, w): the x and y of each cell, from -1 to 1."""
    height, width = features.shape[-2:]
    y = torch.linspace(-1, 1, height, device=features.device, dtype=features.dtype)
    x = torch.linspace(-1, 1, width, device=features.device, dtype=features.dtype)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])[None]


def sine_positions(length: int, like: torch.Tensor, width: int | None = None) -> torch.Tensor:
    """(length, width or that of `like`): sines at even channels, cosines at odd ones, wavelengths up to 10000."""
    width = width or like.shape[-1]
    exponents = torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] / 10000**exponents
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).to(like.dtype)


def grid_positions(features: torch.Tensor) -> torch.Tensor:
    """(h * w, channels): the sine positions of the column in the first half of the channels, of the row after."""
    channels, height, width = features.shape[-3:]
    columns = sine_positions(width, features, channels // 2).expand(height, -1, -1)
    rows = sine_positions(height, features, channels // 2)[:, None].expand(-1, width, -1)
    return torch.cat([columns, rows], dim=-1).flatten(0, 1)


__all__ = ["CrisModel", "CrisPreTrainedModel", "CrisVisionModel"]
