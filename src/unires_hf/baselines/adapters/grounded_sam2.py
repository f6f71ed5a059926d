# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Grounding DINO and SAM 2, one after the other: the best box of the expression, and the mask in that box."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    BatchFeature,
    GroundingDinoForObjectDetection,
    Sam2Model,
)
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_transforms import center_to_corners_format
from transformers.image_utils import ChannelDimension
from transformers.modeling_utils import ModuleUtilsMixin
from transformers.utils import ModelOutput
from transformers.utils.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from unires_hf.baselines.outputs_baselines import ReferringSegmentationOutput, check_inputs, image_of_each_expression
from unires_hf.baselines.processor import referring_processor
from unires_hf.model.image_input_unires import flatten_images
from unires_hf.model.processing_unires import UniResProcessor
from unires_hf.weights import load_whole


@dataclass
class GroundedSam2VisionOutput(ModelOutput):
    """SAM 2's maps of each image, and the image as Grounding DINO, which reads the words early, takes it."""

    image_embeddings: tuple[torch.Tensor, ...] | None = None
    detector_pixel_values: torch.Tensor | None = None
    detector_pixel_mask: torch.Tensor | None = None


class GroundedSam2(ModuleUtilsMixin, nn.Module):
    """
    Two models in a row, with the inputs and the output of UniRES.

    The box of the highest score prompts SAM 2 for a single mask, however low that score (our choice); something is
    always found. SAM 2 encodes an image once, Grounding DINO runs once an expression.

    Args:
        detector (`GroundingDinoForObjectDetection`): text to boxes.
        segmenter (`Sam2Model`): box to mask.
    """

    def __init__(self, detector: GroundingDinoForObjectDetection, segmenter: Sam2Model):
        super().__init__()
        self.detector = detector
        self.segmenter = segmenter

    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        image_indices: torch.Tensor | None = None,
        detector_pixel_values: torch.Tensor | None = None,
        detector_pixel_mask: torch.Tensor | None = None,
        vision_embeds: GroundedSam2VisionOutput | None = None,
    ) -> ReferringSegmentationOutput:
        """As [`UniResModel.forward`], without a loss; the images come twice, in the sizes of the two models."""
        check_inputs(pixel_values, vision_embeds, input_ids)
        if vision_embeds is None:
            vision_embeds = GroundedSam2VisionOutput(
                image_embeddings=tuple(self.segmenter.get_image_embeddings(pixel_values)),
                detector_pixel_values=detector_pixel_values,
                detector_pixel_mask=detector_pixel_mask,
            )
        maps = vision_embeds.image_embeddings
        image_indices = image_of_each_expression(image_indices, len(maps[0]), input_ids)
        found = self.detector(
            pixel_values=vision_embeds.detector_pixel_values[image_indices],
            pixel_mask=vision_embeds.detector_pixel_mask[image_indices],
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            return_dict=True,
        )
        best = found.logits.amax(dim=-1).argmax(dim=1)
        boxes = center_to_corners_format(found.pred_boxes[torch.arange(len(best), device=best.device), best])
        side = self.segmenter.prompt_encoder.input_image_size
        outputs = self.segmenter(
            image_embeddings=[level[image_indices] for level in maps],
            input_boxes=boxes[:, None] * side,
            multimask_output=False,
        )
        return ReferringSegmentationOutput(
            logits=outputs.pred_masks[:, 0, 0], vision_embeds=vision_embeds, image_indices=image_indices
        )


class GroundedSam2Processor:
    """
    Prepares pictures for both models, and expressions as Grounding DINO was trained on them: ending with a full stop.

    Args:
        processor (`UniResProcessor`): SAM 2's settings, and Grounding DINO's tokenizer.
        detector_image_processor (`BaseImageProcessor`): Grounding DINO's.
    """

    def __init__(self, processor: UniResProcessor, detector_image_processor: BaseImageProcessor):
        self.processor = processor
        self.detector_image_processor = detector_image_processor
        self.post_process_referring_segmentation = processor.post_process_referring_segmentation

    tokenizer = property(attrgetter("processor.tokenizer"))
    image_processor = property(attrgetter("processor.image_processor"))
    mask_threshold = property(attrgetter("processor.mask_threshold"))
    presence_threshold = property(attrgetter("processor.presence_threshold"))
    score_temperature = property(attrgetter("processor.score_temperature"))
    score_bias = property(attrgetter("processor.score_bias"))
    text_length = property(attrgetter("processor.text_length"))

    def __call__(self, images: Any, text: list[list[str]], **kwargs) -> BatchFeature:
        """As [`UniResProcessor`] with one list of expressions an image; adds the pictures for Grounding DINO."""
        text = [[f"{expression.strip().lower().rstrip('.')}." for expression in group] for group in text]
        inputs = self.processor(images=images, text=text, **kwargs)
        own = self.processor.image_processor
        pictures = [own.process_image(picture, True, do_rescale=True) for picture in flatten_images(images)]
        detected = self.detector_image_processor(
            images=pictures, input_data_format=ChannelDimension.FIRST, return_tensors="pt"
        )
        inputs["detector_pixel_values"], inputs["detector_pixel_mask"] = (
            detected["pixel_values"],
            detected["pixel_mask"],
        )
        return inputs


def load_grounded_sam2(
    detector: str = "IDEA-Research/grounding-dino-base",
    segmenter: str = "facebook/sam2.1-hiera-large",
    image_size: int = 1024,
) -> tuple[GroundedSam2, GroundedSam2Processor]:
    """Both published models, by their names on the Hub or their folders, and the processor for them."""
    processor = referring_processor(
        AutoTokenizer.from_pretrained(detector),
        image_size,
        image_size // 4,
        resize_mode="squash",
        image_mean=IMAGENET_DEFAULT_MEAN,
        image_std=IMAGENET_DEFAULT_STD,
    )
    model = GroundedSam2(load_whole(GroundingDinoForObjectDetection, detector), load_whole(Sam2Model, segmenter))
    return model.eval(), GroundedSam2Processor(processor, AutoImageProcessor.from_pretrained(detector))
