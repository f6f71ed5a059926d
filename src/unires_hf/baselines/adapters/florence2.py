# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Florence-2 (CVPR 2024), which writes polygons: its task "referring expression segmentation"."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoProcessor,
    BatchFeature,
    Florence2ForConditionalGeneration,
    Florence2Processor,
)
from transformers.modeling_utils import ModuleUtilsMixin
from transformers.utils import ModelOutput

from unires_hf.data import masks
from unires_hf.model.image_input_unires import flatten_images, upright
from unires_hf.model.processing_unires import group_text
from unires_hf.weights import load_whole

TASK = "<REFERRING_EXPRESSION_SEGMENTATION>"


@dataclass
class Florence2Output(ModelOutput):
    """The tokens written about each expression; there are neither logits nor a word on presence."""

    sequences: torch.LongTensor | None = None
    image_indices: torch.LongTensor | None = None
    presence_logits: torch.Tensor | None = None
    vision_embeds: ModelOutput | None = None


class ReferringFlorence2(ModuleUtilsMixin, nn.Module):
    """
    Florence-2, asked to generate; nothing is shared between the expressions of an image.

    Args:
        florence (`Florence2ForConditionalGeneration`): the model.
        generation (`dict`, *optional*): arguments of `generate`; the model card's by default.
    """

    def __init__(self, florence: Florence2ForConditionalGeneration, generation: dict[str, Any] | None = None):
        super().__init__()
        self.florence = florence
        self.generation = generation or {"max_new_tokens": 1024, "num_beams": 3, "do_sample": False}

    def forward(
        self,
        pixel_values: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        image_indices: torch.Tensor,
    ) -> Florence2Output:
        """`pixel_values` (images, 3, H, W), and prompts (expressions, length) in which the image has its place."""
        sequences = self.florence.generate(
            pixel_values=pixel_values[image_indices],
            input_ids=input_ids,
            attention_mask=attention_mask,
            **self.generation,
        )
        return Florence2Output(sequences=sequences, image_indices=image_indices)


class ReferringFlorence2Processor:
    """
    Expressions as prompts of the task, and polygons as masks.

    The evaluator's control "empty_expression" is not for this model, whose prompts are never empty.

    Args:
        processor (`Florence2Processor`): the model's own.
    """

    def __init__(self, processor: Florence2Processor):
        self.processor = processor

    mask_threshold = presence_threshold = score_temperature = score_bias = text_length = None  # it has none of them
    tokenizer = property(attrgetter("processor.tokenizer"))
    image_processor = property(attrgetter("processor.image_processor"))

    def __call__(self, images: Any, text: Any, return_tensors: str = "pt", **kwargs) -> BatchFeature:
        """
        As [`UniResProcessor`], for PIL images; expressions with or without one list an image.

        `max_length` and other arguments of the text are left unheeded: a prompt that is cut has lost its question.
        """
        pictures = [upright(image).convert("RGB") for image in flatten_images(images)]
        text, counts = group_text(text, len(pictures))
        indices = torch.repeat_interleave(torch.tensor(counts))
        prompts = self.processor(
            images=[pictures[index] for index in indices],
            text=[TASK + expression for expression in text],
            padding=True,
            return_tensors=return_tensors,
        )
        first = [counts[:index] for index in range(len(counts))]
        prompts["pixel_values"] = prompts["pixel_values"][[sum(before) for before in first]]
        sizes = torch.tensor([(picture.height, picture.width) for picture in pictures])
        return BatchFeature({**prompts, "image_indices": indices, "original_sizes": sizes})

    def post_process_referring_segmentation(
        self,
        outputs: Florence2Output,
        target_sizes: torch.Tensor | list[tuple[int, int]],
        mask_threshold: float | None = None,
        text: Any = None,
        presence_threshold: float | None = None,
        mask_size: tuple[int, int] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """
        As [`UniResProcessor.post_process_referring_segmentation`]; `score` is `None`.

        Polygons have neither a threshold nor a presence; both arguments are left unheeded.
        """
        indices = outputs.image_indices.tolist()
        labels = [None] * len(indices) if text is None else group_text(text, len(target_sizes))[0]
        results = [[] for _ in target_sizes]
        for tokens, index, label in zip(outputs.sequences, indices, labels, strict=True):
            height, width = mask_size or (int(side) for side in target_sizes[index])
            mask = torch.from_numpy(masks.decode(self._mask(tokens, height, width)).copy())
            rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
            box = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1] if len(rows) else None
            results[index].append({"mask": mask, "score": None, "label": label, "box": box, "is_empty": box is None})
        return results

    def _mask(self, tokens: torch.Tensor, height: int, width: int) -> masks.RLE:
        written = self.tokenizer.decode(tokens, skip_special_tokens=False)
        answer = self.processor.post_process_generation(written, task=TASK, image_size=(width, height))[TASK]
        polygons = [polygon for instance in answer["polygons"] for polygon in instance if len(polygon) >= 6]
        return masks.from_polygons(polygons, height, width) if polygons else masks.empty(height, width)


def load_florence2(
    name: str = "florence-community/Florence-2-large-ft",
) -> tuple[ReferringFlorence2, ReferringFlorence2Processor]:
    """A published Florence-2, by its name on the Hub or its folder, and the processor for it."""
    model = ReferringFlorence2(load_whole(Florence2ForConditionalGeneration, name))
    return model.eval(), ReferringFlorence2Processor(AutoProcessor.from_pretrained(name))
