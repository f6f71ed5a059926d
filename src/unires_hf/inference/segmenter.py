# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encode pictures once, ask about them many times, and threshold the answers without asking again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import PreTrainedModel, ProcessorMixin
from transformers.utils import ModelOutput, logging

from unires_hf.loading import load_model
from unires_hf.model.modeling_unires import UniResOutput
from unires_hf.model.pipeline_referring_segmentation import answer
from unires_hf.model.processing_unires import group_text
from unires_hf.model.tiles_unires import Box, segment_in_tiles, tiles_of

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class Encoded:
    """
    What a model sees in pictures, whatever is said about them.

    Args:
        vision_embeds (`ModelOutput`): the model's, on its device.
        sizes (`list[tuple[int, int]]`): (height, width) of each upright picture in pixels.
    """

    vision_embeds: ModelOutput
    sizes: list[tuple[int, int]]


@dataclass(frozen=True)
class Answer:
    """
    What a model says of expressions, before any threshold.

    Args:
        outputs (`UniResOutput`): `logits` (expressions, h, w), `presence_logits` (expressions,) and `image_indices`
            (expressions,), on the CPU.
        sizes (`list[tuple[int, int]]`): of the pictures.
        text (`list[str]`): the expressions.
    """

    outputs: UniResOutput
    sizes: list[tuple[int, int]]
    text: list[str]

    def one_by_one(self) -> Iterator["Answer"]:
        """Yields the answer of each expression, so that masks of large pictures need not be in memory together."""
        for number, expression in enumerate(self.text):
            part = {name: values[number : number + 1] for name, values in self.outputs.items()}
            yield Answer(UniResOutput(**part), self.sizes, [expression])


class Segmenter:
    """
    A model and its processor, as everybody uses them who has pictures and expressions.

    Args:
        model (`PreTrainedModel`): a UniRES, CRIS or LAVT, on the device that it shall run on.
        processor (`ProcessorMixin`): the model's, which knows the thresholds.

    Example:

    ```python
    >>> segmenter = Segmenter.from_pretrained("default")
    >>> seen = segmenter.encode([picture])
    >>> said = segmenter.ask(seen, [["the red truck", "left wheel of the red truck"]])
    >>> (results,) = segmenter.masks(said, mask_threshold=[0.5, 0.3])
    ```
    """

    def __init__(self, model: PreTrainedModel, processor: ProcessorMixin) -> None:
        self.model, self.processor = model.eval(), processor

    @classmethod
    def from_pretrained(
        cls, name: str, device: str | torch.device = "auto", image_size: int | None = None
    ) -> "Segmenter":
        """The segmenter of a checkpoint, see [`load_model`]; logs what the checkpoint says of itself."""
        model, processor = load_model(name, device, image_size)
        if getattr(model.config, "notice", None):  # baselines have none
            logger.warning_once(model.config.notice)
        return cls(model, processor)

    @torch.inference_mode()
    def encode(self, pictures: Sequence[Any]) -> Encoded:
        """Runs the vision encoder once on pictures of any kind that the processor takes."""
        inputs = self.processor(images=list(pictures), return_tensors="pt")
        pixel_values = inputs["pixel_values"].to(self.model.device, self.model.dtype)
        sizes = [(int(height), int(width)) for height, width in inputs["original_sizes"]]
        return Encoded(self.model.get_image_features(pixel_values), sizes)

    @torch.inference_mode()
    def ask(self, seen: Encoded, text: Sequence[Sequence[str]]) -> Answer:
        """Runs the rest of the model on the expressions about each picture, any number of them.

        Raises:
            ValueError: if an expression is empty, there is none, or there are more or fewer lists than pictures.
        """
        words, _ = group_text(text := [list(group) for group in text], len(seen.sizes))
        inputs = self.processor(text=text, return_tensors="pt").to(self.model.device)
        return Answer(answer(self.model, seen.vision_embeds, **inputs), seen.sizes, words)

    def masks(
        self, said: Answer, sizes: Sequence[tuple[int, int]] | None = None, **settings: Any
    ) -> list[list[dict[str, Any]]]:
        """The masks of an answer; the model is not run.

        Args:
            said (`Answer`): what [`Segmenter.ask`] returned.
            sizes (*optional*): (height, width) of the masks of each picture, by default the picture's own.
            settings: `mask_threshold`, `presence_threshold`, `points` and `boxes` of
                [`UniResProcessor.post_process_referring_segmentation`].

        Returns:
            For each picture one dict an expression, as that method describes.
        """
        return self.processor.post_process_referring_segmentation(
            said.outputs, said.sizes if sizes is None else sizes, text=said.text, **settings
        )

    def segment(self, picture: Any, text: Sequence[str], tiles: str = "off", **settings: Any) -> list[dict[str, Any]]:
        """The masks of the expressions about one picture, in one call.

        Args:
            picture: an upright PIL image, or a tensor (C, H, W).
            text (`Sequence[str]`): the expressions.
            tiles (`str`, *optional*, defaults to `"off"`): `"auto"` looks at big pictures in tiles too, see
                [`segment_in_tiles`].
            settings: as for [`Segmenter.masks`].
        """
        if boxes := self.tiles_of(picture, tiles):
            return segment_in_tiles(self._see, self.processor, picture, text, boxes, **settings)
        return self._see([picture], [text], **settings)[0]

    def tiles_of(self, picture: Any, tiles: str) -> list[Box]:
        """The tiles of a picture; none if it is not big, or `tiles` is "off"."""
        return tiles_of(picture, self.processor, tiles)

    def _see(
        self, pictures: Sequence[Any], text: Sequence[Sequence[str]], **settings: Any
    ) -> list[list[dict[str, Any]]]:
        return self.masks(self.ask(self.encode(pictures), text), **settings)


def mask_picture(result: dict[str, Any]) -> Image.Image:
    """The mask of one result as a picture of mode "L": 255 inside, 0 outside."""
    return Image.fromarray(result["mask"].numpy().view(np.uint8) * 255)
