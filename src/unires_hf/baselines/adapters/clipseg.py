# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CLIPSeg (CVPR 2022) on the flat batch: CLIP runs once an image, the small decoder once an expression."""

from typing import Any

import torch
from transformers import AutoTokenizer, CLIPSegConfig, CLIPSegForImageSegmentation, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import PROCESSOR_NAME, cached_file
from transformers.utils.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from unires_hf.baselines.configuration_baselines import read_preset
from unires_hf.baselines.outputs_baselines import (
    START_LOGIT,
    ReferringSegmentationOutput,
    check_inputs,
    image_of_each_expression,
    labels_like,
)
from unires_hf.baselines.processor import referring_processor
from unires_hf.model.processing_unires import UniResProcessor
from unires_hf.weights import load_whole

IMAGE_SIZE = 352  # of the published model, whatever its config's `image_size`


class ReferringCLIPSeg(CLIPSegForImageSegmentation):
    """
    `CLIPSegForImageSegmentation` with the inputs and the output of UniRES.

    Published, CLIP is frozen. Here it trains as the rest does, so that the model can start from random weights; to
    freeze it, call `model.clip.requires_grad_(False)`. Weights that no mask depends on are frozen in any case.
    """

    accepts_loss_kwargs = False

    def __init__(self, config: CLIPSegConfig):
        super().__init__(config)
        # Not in `_init_weights`: the decoder is a model of its own, which has started its weights already.
        mask_head = self.decoder.transposed_convolution
        last = mask_head[-1] if config.use_complex_transposed_convolution else mask_head
        torch.nn.init.constant_(last.bias, START_LOGIT)
        self.clip.logit_scale.requires_grad_(False)
        self.clip.visual_projection.requires_grad_(False)
        self.clip.vision_model.post_layernorm.requires_grad_(False)
        self.clip.vision_model.encoder.layers[max(config.extract_layers) + 1 :].requires_grad_(False)

    def set_attn_implementation(self, *args, **kwargs):
        super().set_attn_implementation(*args, **kwargs)
        for layer in self.decoder.layers:  # they have a copy of the config, which transformers overlooks
            layer.self_attn.config._attn_implementation = self.config._attn_implementation

    def get_image_features(self, pixel_values: torch.Tensor) -> BaseModelOutputWithPooling:
        """What CLIP makes of the images, to be passed to the model as `vision_embeds`."""
        return self.clip.get_image_features(
            pixel_values, interpolate_pos_encoding=True, output_hidden_states=True, return_dict=True
        )

    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        image_indices: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        vision_embeds: BaseModelOutputWithPooling | None = None,
    ) -> ReferringSegmentationOutput:
        """As [`UniResModel.forward`]; images are square. The loss is the published one, binary cross-entropy."""
        check_inputs(pixel_values, vision_embeds, input_ids)
        if vision_embeds is None:
            vision_embeds = self.get_image_features(pixel_values)
        states = vision_embeds.hidden_states
        image_indices = image_of_each_expression(image_indices, len(states[0]), input_ids)
        activations = [states[layer + 1][image_indices] for layer in self.extract_layers]
        sentence = self.clip.get_text_features(
            input_ids, attention_mask=attention_mask, return_dict=True
        ).pooler_output
        logits = self.decoder(activations, sentence, return_dict=True).logits

        loss = None
        if labels is not None:
            labels = labels_like(logits, labels)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        return ReferringSegmentationOutput(
            loss=loss, logits=logits, vision_embeds=vision_embeds, image_indices=image_indices
        )


def clipseg_config(preset: str = "clipseg-tiny", **overrides) -> CLIPSegConfig:
    """
    The configuration in `presets/{preset}.json`: about the size of UniRES's preset `tiny`, to be trained.

    It has an `initializer_range`, for want of which transformers starts the decoder with weights of variance 1.
    """
    return CLIPSegConfig(**{**read_preset("clipseg", preset), **overrides})


def clipseg_processor(tokenizer: PreTrainedTokenizerBase, image_size: int = IMAGE_SIZE) -> UniResProcessor:
    """The processor of a CLIPSeg for square inputs of `image_size` pixels; its logits have the input's size."""
    return referring_processor(
        tokenizer,
        image_size,
        image_size,
        resize_mode="squash",
        image_mean=IMAGENET_DEFAULT_MEAN,
        image_std=IMAGENET_DEFAULT_STD,
    )


def load_clipseg(
    name: str = "CIDAS/clipseg-rd64-refined", **overrides: Any
) -> tuple[ReferringCLIPSeg, UniResProcessor]:
    """A CLIPSeg, by its name on the Hub or its folder, and its processor: a published one, or one that was trained
    here, at its own input size."""
    model = load_whole(ReferringCLIPSeg, name, overrides).eval()
    if cached_file(name, PROCESSOR_NAME, _raise_exceptions_for_missing_entries=False) is not None:
        return model, UniResProcessor.from_pretrained(name)  # published ones have a file of another name
    return model, clipseg_processor(AutoTokenizer.from_pretrained(name))
