# Copyright 2026 The unires-hf authors. Apache-2.0.
"""SAM 3 on the flat batch: its best instance of the phrase is taken for the referent."""

import torch
from transformers import AutoTokenizer, Sam3Model
from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput
from transformers.utils.constants import IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD

from unires_hf.baselines.outputs_baselines import ReferringSegmentationOutput, check_inputs, image_of_each_expression
from unires_hf.baselines.processor import referring_processor
from unires_hf.model.processing_unires import UniResProcessor
from unires_hf.weights import load_whole

TEXT_LENGTH = 32


class ReferringSam3(Sam3Model):
    """
    `Sam3Model` with the inputs and the output of UniRES.

    SAM 3 finds every instance of a concept; an expression means one. The instance of the highest score is the answer
    (our choice), and the presence head is its own. Images are encoded once; for each expression the feature pyramid
    is repeated, which at 1008 pixels takes 0.1 GB in float32.
    """

    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        image_indices: torch.Tensor | None = None,
        vision_embeds: Sam3VisionEncoderOutput | None = None,
    ) -> ReferringSegmentationOutput:
        """As [`UniResModel.forward`], without a loss."""
        check_inputs(pixel_values, vision_embeds, input_ids)
        if vision_embeds is None:
            vision_embeds = self.get_vision_features(pixel_values)
        image_indices = image_of_each_expression(image_indices, len(vision_embeds.fpn_hidden_states[0]), input_ids)
        repeated = Sam3VisionEncoderOutput(
            fpn_hidden_states=tuple(level[image_indices] for level in vision_embeds.fpn_hidden_states),
            fpn_position_encoding=tuple(level[image_indices] for level in vision_embeds.fpn_position_encoding),
        )
        outputs = super().forward(vision_embeds=repeated, input_ids=input_ids, attention_mask=attention_mask)
        best = outputs.pred_logits.argmax(dim=1)
        return ReferringSegmentationOutput(
            logits=outputs.pred_masks[torch.arange(len(best), device=best.device), best],
            presence_logits=outputs.presence_logits.squeeze(-1),
            vision_embeds=vision_embeds,
            image_indices=image_indices,
        )


def load_sam3(name: str = "facebook/sam3", image_size: int = 1008) -> tuple[ReferringSam3, UniResProcessor]:
    """A published SAM 3, by its name on the Hub or its folder, and a processor with its settings."""
    processor = referring_processor(
        AutoTokenizer.from_pretrained(name, model_max_length=TEXT_LENGTH),
        image_size,
        image_size // 4,
        resize_mode="squash",
        image_mean=IMAGENET_STANDARD_MEAN,
        image_std=IMAGENET_STANDARD_STD,
    )
    return load_whole(ReferringSam3, name).eval(), processor
