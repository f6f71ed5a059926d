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

"""PyTorch LAVT model (CVPR 2022): a Swin transformer that attends to words after every stage, and a small decoder."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoBackbone, BertConfig, BertModel, CLIPTextModel, PreTrainedModel, SwinModel
from transformers import initialization as init
from transformers.masking_utils import create_bidirectional_mask
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.processing_utils import Unpack
from transformers.utils import ModelOutput, TransformersKwargs, auto_docstring
from transformers.utils.generic import can_return_tuple

from .configuration_lavt import LavtConfig
from .outputs_baselines import (
    START_LOGIT,
    BaselineMixin,
    ReferringSegmentationOutput,
    check_inputs,
    dice_loss,
    image_of_each_expression,
    labels_like,
)


@auto_docstring(custom_intro="What LAVT computes of an image before it meets the words.")
@dataclass
class LavtVisionOutput(ModelOutput):
    r"""
    last_hidden_state (`torch.FloatTensor` of shape `(images, height, width, channels)`):
        The output of the first stage's blocks, at stride 4.
    """

    last_hidden_state: torch.FloatTensor | None = None


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


class LavtPixelWordAttention(nn.Module):
    """
    PWAM: every pixel gathers from the words what concerns it, and the result multiplies the pixel's own features.
    Queries and the gathered words are normalized over the pixels of each channel (instance norm).
    """

    def __init__(self, config: LavtConfig, stage: int):
        super().__init__()
        channels = config.stage_channels[stage]
        self.config = config
        self.head_dim = channels // config.fusion_num_attention_heads[stage]
        self.scaling = channels**-0.5  # of the full width, however many heads
        self.is_causal = False
        self.vision_projection = nn.Linear(channels, channels)
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(config.text_config.hidden_size, channels)
        self.v_proj = nn.Linear(config.text_config.hidden_size, channels)
        self.out_proj = nn.Linear(channels, channels)
        self.output_projection = nn.Linear(channels, channels)

    def forward(
        self,
        hidden_states: torch.Tensor,
        words: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> torch.Tensor:
        """From `hidden_states` (expressions, pixels, channels) and `words` (expressions, length, text width)."""
        query = instance_norm(self.q_proj(hidden_states)).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        key = self.k_proj(words).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        value = self.v_proj(words).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        attention_interface: Callable = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        gathered, _ = attention_interface(
            self, query, key, value, attention_mask, scaling=self.scaling, dropout=0.0, **kwargs
        )
        gathered = instance_norm(self.out_proj(gathered.reshape(hidden_states.shape).contiguous()))
        vision = nn.functional.gelu(self.vision_projection(hidden_states))
        return nn.functional.gelu(self.output_projection(vision * gathered))


class LavtLanguageGate(nn.Module):
    """How much of what the words say goes on into the next stage: one number in (-1, 1) a pixel and channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.fc1 = nn.Linear(channels, channels, bias=False)
        self.fc2 = nn.Linear(channels, channels, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.fc2(nn.functional.relu(self.fc1(hidden_states))))


class LavtConvLayer(nn.Module):
    """3 x 3 convolution without bias, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.normalization = nn.BatchNorm2d(out_channels)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.normalization(self.convolution(hidden_states)))


class LavtDecoder(nn.Module):
    """From the coarsest map to the finest: upsample, concatenate the next finer one, two convolutions."""

    def __init__(self, config: LavtConfig):
        super().__init__()
        coarse, *finer = reversed(config.stage_channels)
        widths = [coarse] + [config.hidden_size] * len(finer)
        self.first_layers = nn.ModuleList(
            [LavtConvLayer(width + skip, config.hidden_size) for width, skip in zip(widths, finer, strict=False)]
        )
        self.second_layers = nn.ModuleList([LavtConvLayer(config.hidden_size, config.hidden_size) for _ in finer])
        self.classifier = nn.Conv2d(config.hidden_size, 2, kernel_size=1)

    def forward(self, feature_maps: list[torch.Tensor]) -> torch.Tensor:
        """From maps (expressions, ...), finest first, to (expressions, 2, h, w) at the size of the finest."""
        coarse, *finer = reversed(feature_maps)
        for skip, first, second in zip(finer, self.first_layers, self.second_layers, strict=True):
            coarse = nn.functional.interpolate(coarse, size=skip.shape[-2:], mode="bilinear", align_corners=True)
            coarse = second(first(torch.cat([coarse, skip], dim=1)))
        return self.classifier(coarse)


@auto_docstring
class LavtPreTrainedModel(PreTrainedModel):
    config: LavtConfig
    base_model_prefix = "lavt"
    main_input_name = "pixel_values"
    input_modalities = ("image", "text")
    _no_split_modules = ["LavtPixelWordAttention", "LavtLanguageGate", "LavtDecoder"]
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_attention_backend = True
    # The loss is a mean over pixels of all expressions: Trainer must divide it by the accumulation steps.
    accepts_loss_kwargs = False

    def _initialize_weights(self, module, is_custom_code: bool = False):
        # As CRIS's: the decoder, which has no weights of its own, may have its say too.
        super()._initialize_weights(module)

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, nn.Linear | nn.Conv2d):
            # Our choice: PyTorch's own start, so that words enter softly. With outputs as large as inputs, what
            # passes the first gate is a third as large as what the encoder knows already, and blurs it.
            bound = module.weight[0].numel() ** -0.5
            init.uniform_(module.weight, -bound, bound)
            if module.bias is not None:
                init.uniform_(module.bias, -bound, bound)
        elif isinstance(module, LavtDecoder):
            init.copy_(module.classifier.bias, torch.tensor([-START_LOGIT / 2, START_LOGIT / 2]))

    def save_pretrained(self, *args, save_original_format: bool = False, **kwargs):
        """
        As of every model, but the weights keep their names. By default transformers would write those that Swin's had
        in earlier versions, which `Trainer` does not find again when it resumes.
        """
        return super().save_pretrained(*args, save_original_format=save_original_format, **kwargs)


@auto_docstring(
    custom_intro="""
    LAVT ("Language-Aware Vision Transformer for Referring Image Segmentation", CVPR 2022).

    The words enter after the first of four stages, so that all but the first stage runs once an expression. Published
    models also hold a language gate after the last stage, whose output nothing reads; it is left out here.
    """
)
class LavtModel(BaselineMixin, LavtPreTrainedModel):
    def __init__(self, config: LavtConfig):
        super().__init__(config)
        channels = config.stage_channels
        self.vision_model = self.backbone = None
        # CODEPATH: published models have BERT and Swin; comparisons on the same encoders have those.
        if isinstance(config.text_config, BertConfig):
            self.text_model = BertModel._from_config(config.text_config, add_pooling_layer=False)
        else:
            self.text_model = CLIPTextModel._from_config(config.text_config)
        # CODEPATH: as the text encoder.
        if config.backbone_config is None:
            self.vision_model = SwinModel._from_config(config.vision_config, add_pooling_layer=False)
            self.vision_model.layernorm = nn.Identity()  # of the last stage, which the fusion takes the place of
        else:
            self.backbone = AutoBackbone.from_config(config.backbone_config)
        self.fusions = nn.ModuleList([LavtPixelWordAttention(config, stage) for stage in range(len(channels))])
        self.gates = nn.ModuleList([LavtLanguageGate(width) for width in channels[:-1]])
        self.layer_norms = nn.ModuleList([nn.LayerNorm(width) for width in channels])
        self.decoder = LavtDecoder(config)
        self.post_init()

    @can_return_tuple
    @auto_docstring
    def get_text_features(
        self,
        input_ids: torch.LongTensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | BaseModelOutputWithPoolingAndCrossAttentions:
        r"""
        Returns the word features (`last_hidden_state`).
        """
        if token_type_ids is not None:  # CLIP's text encoder knows none
            kwargs["token_type_ids"] = token_type_ids
        return self.text_model(input_ids=input_ids, attention_mask=attention_mask, return_dict=True, **kwargs)

    @can_return_tuple
    @auto_docstring
    def get_image_features(
        self, pixel_values: torch.FloatTensor, **kwargs: Unpack[TransformersKwargs]
    ) -> tuple | LavtVisionOutput:
        r"""
        The part of the image encoder that the words do not touch, to be passed to the model as `vision_embeds`: the
        patches and the blocks of the first stage, no more.
        """
        if self.backbone is not None:
            pixel_values = pixel_values.to(self.dtype)
            return LavtVisionOutput(last_hidden_state=self.backbone.next_feature(pixel_values, 0).permute(0, 2, 3, 1))
        hidden_states, grid = self.vision_model.embeddings(pixel_values.to(self.dtype), interpolate_pos_encoding=True)
        hidden_states = self._blocks(0, hidden_states, grid, **kwargs)
        return LavtVisionOutput(last_hidden_state=hidden_states.unflatten(1, grid))

    @can_return_tuple
    @auto_docstring
    def forward(
        self,
        pixel_values: torch.FloatTensor | None = None,
        input_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.LongTensor | None = None,
        image_indices: torch.LongTensor | None = None,
        labels: torch.Tensor | None = None,
        vision_embeds: LavtVisionOutput | None = None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> tuple | ReferringSegmentationOutput:
        r"""
        image_indices (`torch.LongTensor` of shape `(expressions,)`, *optional*):
            The image that each expression is about. May be left out for one image, and for as many images as
            expressions.
        labels (`torch.Tensor` of shape `(expressions, height, width)`, *optional*):
            The masks, with values in [0, 1]; of the size of the logits, or of another, which is then averaged to it.
        vision_embeds (`LavtVisionOutput`, *optional*):
            What [`LavtModel.get_image_features`] returned for the images, in place of `pixel_values`.

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
        first_stage = vision_embeds.last_hidden_state
        image_indices = image_of_each_expression(image_indices, len(first_stage), input_ids)
        words = self.get_text_features(
            input_ids, attention_mask, token_type_ids, return_dict=True, **kwargs
        ).last_hidden_state

        feature_maps = self._language_aware_stages(first_stage[image_indices], words, attention_mask, **kwargs)
        # As published: corners of the map lie on corners of the input, which is four times its size.
        class_logits = nn.functional.interpolate(
            self.decoder(feature_maps),
            scale_factor=self.config.vision_config.patch_size,
            mode="bilinear",
            align_corners=True,
        )
        # The softmax of two logits is the sigmoid of their difference.
        logits = class_logits[:, 1] - class_logits[:, 0]

        loss = None
        if labels is not None:
            loss = self._loss(logits, labels)

        return ReferringSegmentationOutput(
            loss=loss, logits=logits, vision_embeds=vision_embeds, image_indices=image_indices
        )

    def _language_aware_stages(
        self,
        first_stage: torch.Tensor,
        words: torch.Tensor,
        attention_mask: torch.Tensor | None,
        **kwargs: Unpack[TransformersKwargs],
    ) -> list[torch.Tensor]:
        """Maps (expressions, channels, h, w), finest first: what each stage's pixels and the words make together."""
        grid = first_stage.shape[1:3]
        hidden_states = first_stage.flatten(1, 2)
        word_mask = create_bidirectional_mask(
            config=self.config,
            inputs_embeds=hidden_states,
            attention_mask=attention_mask,
            encoder_hidden_states=words,
        )
        feature_maps = []
        for stage, (fusion, layer_norm) in enumerate(zip(self.fusions, self.layer_norms, strict=True)):
            mask = None if word_mask is None else word_mask[:, :, : hidden_states.shape[1]]
            fused = fusion(hidden_states, words, mask, **kwargs)
            feature_maps.append(layer_norm(fused).transpose(1, 2).unflatten(2, grid))
            if stage < len(self.gates):
                hidden_states = hidden_states + self.gates[stage](fused) * fused
                hidden_states, grid = self._next_stage(stage + 1, hidden_states, grid, **kwargs)
        return feature_maps

    def _next_stage(
        self, stage: int, hidden_states: torch.Tensor, grid: tuple[int, int], **kwargs: Unpack[TransformersKwargs]
    ) -> tuple[torch.Tensor, tuple[int, int]]:
        """From the pixels (expressions, pixels, channels) of a grid to those of the next, half as wide and high."""
        if self.backbone is not None:
            features = self.backbone.next_feature(hidden_states.transpose(1, 2).unflatten(2, grid), stage)
            return features.flatten(2).transpose(1, 2), tuple(features.shape[-2:])
        hidden_states = self.vision_model.encoder.layers[stage - 1].downsample(hidden_states, grid)
        grid = ((grid[0] + 1) // 2, (grid[1] + 1) // 2)
        return self._blocks(stage, hidden_states, grid, **kwargs), grid

    def _blocks(
        self, stage: int, hidden_states: torch.Tensor, grid: tuple[int, int], **kwargs: Unpack[TransformersKwargs]
    ) -> torch.Tensor:
        # As in dense prediction with Swin: windows are padded, never shrunk to a small map.
        for block in self.vision_model.encoder.layers[stage].blocks:
            hidden_states, _ = block(hidden_states, grid, always_partition=True, **kwargs)
        return hidden_states

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """
        Cross-entropy of two weighted classes, divided by the sum of the pixels' weights; labels may be soft. With a
        `dice_loss_weight`, which published models have not, the Dice loss too.
        """
        labels = labels_like(logits, labels)
        background_weight, weight = self.config.class_weights
        weights = weight * labels + background_weight * (1 - labels)
        referent = weight * labels * nn.functional.logsigmoid(logits.float())
        background = background_weight * (1 - labels) * nn.functional.logsigmoid(-logits.float())
        bce_loss = -(referent + background).sum() / weights.sum()
        return self.config.bce_loss_weight * bce_loss + self.config.dice_loss_weight * dice_loss(logits, labels)


def instance_norm(hidden_states: torch.Tensor) -> torch.Tensor:
    """Each channel of (expressions, pixels, channels) to mean 0 and variance 1 over its pixels."""
    return nn.functional.instance_norm(hidden_states.transpose(1, 2)).transpose(1, 2)


__all__ = ["LavtModel", "LavtPreTrainedModel"]
