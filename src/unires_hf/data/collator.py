# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From rows to the flat batch that the model trains on: here data and processor meet."""

from dataclasses import dataclass

import torch
from transformers import BatchFeature, ProcessorMixin

from . import masks
from .schema import Row


@dataclass
class ReferringCollator:
    """
    Makes one batch of rows: each picture once, each mask once, every expression a line.

    Args:
        processor (`UniResProcessor`): prepares pictures, masks and words.

    Returns, when called with rows of `FEATURES` whose images are decoded:
        `pixel_values` (images, 3, H, W), `input_ids` and `attention_mask` (expressions, length), `image_indices`
        (expressions,), and `labels` (expressions, h, w), the share of each cell that the mask covers.
    """

    processor: ProcessorMixin

    def __call__(self, rows: list[Row]) -> BatchFeature:
        seen = [[target for target in row["targets"] if target["mask"] is not None] for row in rows]
        words = [[it["text"] for target in targets for it in target["expressions"]] for targets in seen]
        pictures = self.processor.image_processor(
            images=[row["image"] for row in rows],
            segmentation_maps=[[masks.decode(target["mask"]) for target in targets] for targets in seen],
            return_tensors="pt",
        )
        batch = self.processor(text=words, return_tensors="pt")
        mask_of_expression = torch.repeat_interleave(
            torch.tensor([len(target["expressions"]) for targets in seen for target in targets])
        )
        batch["pixel_values"] = pictures["pixel_values"]
        batch["labels"] = pictures["labels"][mask_of_expression]
        return batch
