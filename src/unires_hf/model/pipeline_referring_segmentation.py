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
from transformers.modeling_utils import PreTrainedModel
from transformers.pipelines.base import Pipeline
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator
from transformers.utils import ModelOutput, logging

from .image_input_unires import channels_first, eight_bit, upright
from .modeling_unires import UniResOutput
from .processing_unires import group_text
from .tiles_unires import segment_in_tiles, tiles_of

logger = logging.get_logger(__name__)


PASS = 64  # expressions through the decoders at once, so that memory has a bound whatever is said of a picture


def answer(model: PreTrainedModel, vision_embeds: ModelOutput, **inputs: torch.Tensor) -> UniResOutput:
    """
    What a model says of pictures that it has encoded, in passes of `PASS` expressions.

    Args:
        model (`PreTrainedModel`): a UniRES, CRIS or LAVT.
        vision_embeds (`ModelOutput`): what its `get_image_features` returned for the pictures.
        inputs: what the processor made of the expressions: `input_ids`, `attention_mask` and `image_indices`.

    Returns:
        [`UniResOutput`] with `logits` (expressions, h, w), `presence_logits` (expressions,), or `None` where the model
        has no presence head, and `image_indices` (expressions,), all on the CPU.
    """
    logits, presence = [], []
    for first in range(0, len(inputs["input_ids"]), PASS):
        part = {name: values[first : first + PASS] for name, values in inputs.items()}
        outputs = model(vision_embeds=vision_embeds, **part)
        logits.append(outputs.logits.cpu())
        presence.append(outputs.presence_logits)
    presence_logits = None if presence[0] is None else torch.cat(presence).cpu()
    return UniResOutput(
        logits=torch.cat(logits), presence_logits=presence_logits, image_indices=inputs["image_indices"].cpu()
    )


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
        if getattr(self.model.config, "notice", None):  # baselines have none
            logger.warning_once(self.model.config.notice)

    def __call__(self, images: Any = None, text: str | list[str] | list[list[str]] | None = None, **kwargs):
        """
        Segment expressions in pictures.

        Args:
            images: one picture (path, URL, base64, PIL image or array), one dict `{"image": ..., "text": [...]}`, or a
                list, generator, torch dataset or `datasets.Dataset` of either. `KeyPairDataset(data, "image", "text")`
                works as well. The keywords `image` and `inputs` of other pipelines mean the same.
            text: the expressions. A string or a list of strings is about every picture; a list of lists has one list a
                picture. Left out where the pictures are dicts with a "text" of their own.
            mask_threshold (`float` or `list[float]`, *optional*, defaults to the processor's own):
                A pixel belongs to the mask above this probability. One number, or for one picture one an expression.
            presence_threshold (`float` or `list[float]`, *optional*, defaults to the processor's own):
                The mask is empty below this probability that the expression has a referent.
            points, boxes (`list`, *optional*):
                For one picture: a click (x, y) or a box (x0, y0, x1, y1) for each expression, or `None`. See
                [`UniResProcessor.post_process_referring_segmentation`].
            tiles (`str`, *optional*, defaults to `"off"`):
                `"auto"` looks at pictures above twice the model's size in tiles too, and takes for each expression
                the answer with the highest score: small parts are found that squeezing loses, in many passes instead
                of one. Places in the picture ("the left one") are then those in a tile.
            batch_size (`int`, *optional*, defaults to 1):
                How many pictures go through the model at once, each with all its expressions.

        Returns:
            For one picture a list with one dict an expression, in their order: "score" (`float`), "label" (`str`),
            "mask" (PIL image of mode "L", 0 or 255, of the picture's upright size), "box" ([x0, y0, x1, y1], or `None`
            if the mask is empty) and "is_empty" (`bool`). For a list of pictures a list of such lists; for a generator
            or a dataset an iterator over them.

        Raises:
            ValueError: a picture that cannot be read, or has no expression; more lists of one than of the other; as
                many strings as pictures, which may mean one each or all of each.
        """
        given = [images, *(kwargs.pop(name, None) for name in ("image", "inputs"))]
        if sum(value is not None for value in given) != 1:
            raise ValueError("Give the pictures once, as `images` (or `image`, or `inputs`).")
        (images,) = (value for value in given if value is not None)
        if isinstance(images, str | os.PathLike | Image.Image | np.ndarray | torch.Tensor | dict):
            return super().__call__(images, text=text, **kwargs)
        if isinstance(text, list | tuple) and any(isinstance(item, list | tuple) for item in text):
            images, text = _pair(images, text), None
        elif isinstance(images, list | tuple):
            images = list(images)
            if isinstance(text, list | tuple) and len(text) == len(images) > 1:
                raise ValueError(
                    f"{len(images)} pictures and {len(text)} strings: write [['a'], ['b']] for one expression a "
                    "picture, or [['a', 'b']] * 2 for all of them about each."
                )
        elif not isinstance(images, Dataset):
            images = (image for image in images)
        return [] if images == [] else super().__call__(images, text=text, **kwargs)

    def _sanitize_parameters(self, text=None, tiles=None, **settings):
        unknown = set(settings) - {"mask_threshold", "presence_threshold", "points", "boxes"}
        if unknown:
            raise TypeError(f"The pipeline has no setting {min(unknown)!r}.")
        settings = {name: value for name, value in settings.items() if value is not None}
        given = {name: value for name, value in {"text": text, "tiles": tiles}.items() if value is not None}
        return given, {}, settings

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
            big = batch.pop("big")
            seen = iter(
                self.postprocess(self.forward(batch, **forward_params), **postprocess_params)
                if "text" in batch
                else ()
            )
            for item in big:
                yield _as_pictures(self._in_tiles(item, postprocess_params)) if item else next(seen)

    def _in_tiles(self, item: dict[str, Any], settings: dict[str, Any]) -> list[dict[str, Any]]:
        """The results of a big picture."""

        def see(pictures, text, **settings):
            items = [
                self.preprocess({"image": one, "text": of_one}) for one, of_one in zip(pictures, text, strict=True)
            ]
            batch = self.collate(items)
            del batch["big"]
            return self._results(self.forward(batch), **settings)

        return segment_in_tiles(see, self.processor, item["picture"], item["text"], item["tiles"], **settings)

    def run_single(self, inputs, preprocess_params, forward_params, postprocess_params) -> list[dict[str, Any]]:
        """The results of one picture."""
        return next(self.get_iterator([inputs], 0, 1, preprocess_params, forward_params, postprocess_params))

    def preprocess(self, inputs: Any, text: str | list[str] | None = None, tiles: str = "off") -> dict[str, Any]:
        """A picture, or a dict with "image" and "text", as `pixel_values`, `original_sizes` and `text`; a big one for
        tiles as itself."""
        if isinstance(inputs, dict):
            if "text_pair" in inputs:  # of transformers' KeyPairDataset
                inputs = {"image": inputs["text"], "text": inputs["text_pair"]}
            if "image" not in inputs:
                raise ValueError(f"A dict of a picture needs the key 'image'; this one has {sorted(inputs)}.")
            inputs, text = inputs["image"], inputs.get("text", text)
        if text is None:
            raise ValueError("There is no expression: give `text`, or dicts with 'image' and 'text'.")
        if tiles != "off":
            inputs = self.processor.image_processor.fetch_images(inputs)
            inputs = upright(inputs) if isinstance(inputs, Image.Image) else eight_bit(channels_first(inputs))
            if boxes := tiles_of(inputs, self.processor, tiles):
                return {"picture": inputs, "tiles": boxes, "text": group_text(text, 1)[0]}
        return {**self.processor(images=[inputs], return_tensors="pt"), "text": group_text(text, 1)[0]}

    def collate(self, items: list[dict[str, Any]]) -> BatchFeature:
        """The flat batch: pictures one after another, and all expressions with the index of their picture; `big` has
        one entry an item, itself if it is to be seen in tiles."""
        big = [item if "tiles" in item else None for item in items]
        items = [item for item in items if "tiles" not in item]
        if not items:
            return BatchFeature({"big": big})
        text = [item["text"] for item in items]
        batch = self.processor(text=text, return_tensors="pt")
        batch["big"] = big
        for name in ("pixel_values", "original_sizes"):
            batch[name] = torch.cat([item[name] for item in items])
        batch["text"] = text
        return batch

    def _forward(self, model_inputs: dict[str, Any]) -> dict[str, Any]:
        kept = {name: model_inputs.pop(name) for name in ("text", "original_sizes")}
        seen = self.model.get_image_features(model_inputs.pop("pixel_values").to(self.model.dtype))
        return {**answer(self.model, seen, **model_inputs), **kept}

    def postprocess(self, model_outputs: dict[str, Any], **settings) -> list[list[dict[str, Any]]]:
        """One list of results a picture, for the whole batch."""
        return [_as_pictures(results) for results in self._results(model_outputs, **settings)]

    def _results(self, model_outputs: dict[str, Any], **settings) -> list[list[dict[str, Any]]]:
        text, sizes = model_outputs.pop("text"), model_outputs.pop("original_sizes")
        return self.processor.post_process_referring_segmentation(
            UniResOutput(**model_outputs), sizes, text=text, **settings
        )

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs):
        """Save the model and the processor; the base class would save the processor in parts and copy code beside."""
        self.model.save_pretrained(save_directory, **kwargs)
        self.processor.save_pretrained(save_directory, **kwargs)


def _as_pictures(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results with masks as pictures of mode "L"."""
    return [{**one, "mask": Image.fromarray(one["mask"].numpy().view(np.uint8) * 255)} for one in results]


def _pair(images: Any, text: list[list[str]]) -> list[dict[str, Any]]:
    if not isinstance(images, list | tuple):
        raise ValueError(
            "One list of expressions a picture needs a list of pictures; let a generator or a dataset yield dicts "
            "with 'image' and 'text'."
        )
    if len(images) != len(text):
        raise ValueError(f"There are {len(images)} pictures but {len(text)} lists of expressions.")
    return [{"image": image, "text": expressions} for image, expressions in zip(images, text, strict=True)]
