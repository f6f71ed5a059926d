# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a model draws for some expressions of some images, beside the truth."""

from collections.abc import Iterable, Iterator

import torch
from PIL import Image
from transformers import PreTrainedModel, ProcessorMixin

from unires_hf.data import masks
from unires_hf.data.schema import Row
from unires_hf.report.overlay import draw_overlays

SHOWN = 5  # expressions an image


@torch.inference_mode()
def draw_examples(model: PreTrainedModel, processor: ProcessorMixin, rows: Iterable[Row]) -> Iterator[Image.Image]:
    """
    Yields a sheet for each row that has masks: its picture, and what the model draws for its first expressions.

    Args:
        model, processor: on any device; the model's mode, training or not, is restored.
        rows: of the schema, pictures decoded.
    """
    was_training = model.training
    model.eval()
    for row in rows:
        said = [(it["text"], target) for target in row["targets"] if target["mask"] for it in target["expressions"]]
        if said:
            # Spread over the image's targets, so that objects and parts are among them.
            said = said[:: -(-len(said) // SHOWN)]
            texts = [text for text, _ in said]
            inputs = processor(images=row["image"], text=texts, return_tensors="pt")
            sizes = inputs.pop("original_sizes")
            outputs = model(**inputs.to(model.device, dtype=model.dtype))
            (results,) = processor.post_process_referring_segmentation(outputs, sizes, text=texts)
            yield draw_overlays(row["image"], results, [masks.decode(target["mask"]) for _, target in said])
    model.train(was_training)
