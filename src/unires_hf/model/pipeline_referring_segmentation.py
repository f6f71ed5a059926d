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
"""`pipeline("referring-segmentation")`: pictures and expressions in, one mask an expression out."""

import os
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from transformers.feature_extraction_utils import BatchFeature
from transformers.pipelines.base import Pipeline
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator
from transformers.utils import logging

from .modeling_unires import UniResOutput
from .processing_unires import group_text

logger = logging.get_logger(__name__)


class ReferringSegmentationPipeline(Pipeline):
    """
    Segments what each expression refers to in its picture, at object and at part level.

    A picture is encoded once, however many expressions are about it.

    Example:

    ```python
    >>> import unires_hf
    >>> from transformers import pipeline

    >>> segmenter = pipeline("referring-segmentation", model="path/to/checkpoint")
    >>> results = segmenter("truck.jpg", text=["the red truck", "left wheel of the red truck"])
    >>> results[1]["mask"].save("wheel.png")
    ```
    """

    _load_processor = True
    _load_image_processor = False
    _load_video_processor = False
    _load_feature_extractor = False
    _load_tokenizer = False

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if getattr(self.model.config, "notice", None):  # rivals have none
            logger.warning_once(self.model.config.notice)

    def __call__(self, images: Any, text: str | list[str] | list[list[str]] | None = None, **kwargs):
        """
        Segment expressions in pictures.

        Args:
            images: one picture (path, URL, PIL image or array), one dict `{"image": ..., "text": [...]}`, or a list,
                generator, torch dataset or `datasets.Dataset` of either.
            text: the expressions. A string or a list of strings is about every picture; a list of lists has one list a
                picture. Left out where the pictures are dicts with a "text" of their own.
            threshold (`float`, *optional*, defaults to the model's `mask_threshold`):
                A pixel belongs to the mask above this probability.
            presence_threshold (`float`, *optional*, defaults to the model's `presence_threshold`):
                The mask is empty below this probability that the expression has a referent.
            batch_size (`int`, *optional*, defaults to 1):
                How many pictures go through the model at once, each with all its expressions.

        Returns:
            For one picture a list with one dict an expression, in their order: "score" (`float`), "label" (`str`),
            "mask" (PIL image of mode "L", 0 or 255, of the picture's upright size), "box" ([x0, y0, x1, y1], or `None`
            if the mask is empty) and "is_empty" (`bool`). For a list of pictures a list of such lists; for a generator
            or a dataset an iterator over them.

        Raises:
            ValueError: a picture that cannot be read, or has no expression; more lists of one than of the other.
        """
        if isinstance(images, str | os.PathLike | Image.Image | np.ndarray | torch.Tensor | dict):
            return super().__call__(images, text=text, **kwargs)
        if isinstance(text, list | tuple) and any(not isinstance(item, str) for item in text):
            images, text = _pair(images, text), None
        elif isinstance(images, list | tuple):
            images = list(images)
        elif not isinstance(images, Dataset):
            images = (image for image in images)
        return [] if images == [] else super().__call__(images, text=text, **kwargs)

    def _sanitize_parameters(self, text=None, threshold=None, presence_threshold=None):
        postprocess = {"threshold": threshold, "presence_threshold": presence_threshold}
        postprocess = {name: value for name, value in postprocess.items() if value is not None}
        return {} if text is None else {"text": text}, {}, postprocess

    def get_iterator(
        self, inputs, num_workers: int, batch_size: int, preprocess_params, forward_params, postprocess_params
    ) -> Iterator[list[dict[str, Any]]]:
        """One list of results a picture. The base class batches by stacking, which expressions are not fit for."""
        if isinstance(inputs, Sized):
            dataset = PipelineDataset(inputs, self.preprocess, preprocess_params)
        else:
            dataset = PipelineIterator(inputs, self.preprocess, preprocess_params)
            num_workers = min(num_workers, 1)  # more would each read the whole stream
        loader = DataLoader(dataset, num_workers=num_workers, batch_size=batch_size, collate_fn=self.collate)
        for batch in loader:
            yield from self.postprocess(self.forward(batch, **forward_params), **postprocess_params)

    def run_single(self, inputs, preprocess_params, forward_params, postprocess_params) -> list[dict[str, Any]]:
        """The results of one picture."""
        return next(self.get_iterator([inputs], 0, 1, preprocess_params, forward_params, postprocess_params))

    def preprocess(self, inputs: Any, text: str | list[str] | None = None) -> dict[str, Any]:
        """A picture, or a dict with "image" and "text", as `pixel_values`, `original_sizes` and `text`."""
        if isinstance(inputs, dict):
            if "image" not in inputs:
                raise ValueError(f"A dict of a picture needs the key 'image'; this one has {sorted(inputs)}.")
            inputs, text = inputs["image"], inputs.get("text", text)
        if text is None:
            raise ValueError("There is no expression: give `text`, or dicts with 'image' and 'text'.")
        return {**self.processor(images=[inputs], return_tensors="pt"), "text": group_text(text, 1)[0]}

    def collate(self, items: list[dict[str, Any]]) -> BatchFeature:
        """The flat batch: pictures one after another, and all expressions with the index of their picture."""
        text = [item["text"] for item in items]
        batch = self.processor(text=text, return_tensors="pt")
        for name in ("pixel_values", "original_sizes"):
            batch[name] = torch.cat([item[name] for item in items])
        batch["text"] = text
        return batch

    def _forward(self, model_inputs: dict[str, Any]) -> dict[str, Any]:
        kept = {name: model_inputs.pop(name) for name in ("text", "original_sizes")}
        model_inputs["pixel_values"] = model_inputs["pixel_values"].to(self.model.dtype)
        outputs = self.model(**model_inputs)
        wanted = ("logits", "presence_logits", "image_indices")  # a model without a presence head has None
        return {name: getattr(outputs, name) for name in wanted} | kept

    def postprocess(
        self, model_outputs: dict[str, Any], threshold: float | None = None, presence_threshold: float | None = None
    ) -> list[list[dict[str, Any]]]:
        """One list of results a picture, for the whole batch."""
        text, sizes = model_outputs.pop("text"), model_outputs.pop("original_sizes")
        config = self.model.config
        pictures = self.processor.post_process_referring_segmentation(
            UniResOutput(**model_outputs),
            sizes,
            threshold=config.mask_threshold if threshold is None else threshold,
            presence_threshold=config.presence_threshold if presence_threshold is None else presence_threshold,
            text=text,
        )
        for result in (result for picture in pictures for result in picture):
            result["mask"] = Image.fromarray(result["mask"].numpy().view(np.uint8) * 255)
        return pictures

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs):
        """Save the model and the processor; the base class would save the processor in parts and copy code beside."""
        self.model.save_pretrained(save_directory, **kwargs)
        self.processor.save_pretrained(save_directory, **kwargs)


def _pair(images: Any, text: list[list[str]]) -> list[dict[str, Any]]:
    if not isinstance(images, list | tuple):
        raise ValueError(
            "One list of expressions a picture needs a list of pictures; let a generator or a dataset yield dicts "
            "with 'image' and 'text'."
        )
    if len(images) != len(text):
        raise ValueError(f"There are {len(images)} pictures but {len(text)} lists of expressions.")
    return [{"image": image, "text": expressions} for image, expressions in zip(images, text, strict=True)]
