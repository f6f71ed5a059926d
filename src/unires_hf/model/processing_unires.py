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
"""Processor of UniRES: pictures and expressions in, masks at the pictures' own size out."""

import math
from typing import Any

import torch
from transformers.feature_extraction_utils import BatchFeature
from transformers.image_utils import ImageInput
from transformers.processing_utils import ProcessingKwargs, ProcessorMixin, Unpack
from transformers.utils import ModelOutput, auto_docstring, logging

from .geometry_unires import connected_region, content_extent, inside_box, level_under, logits_to_mask
from .image_input_unires import flatten_images, group_masks

logger = logging.get_logger(__name__)

CLIP_TEXT_LENGTH = 77

_reported_lengths: set[int] = set()  # the text lengths whose first truncation has been reported


class UniResProcessorKwargs(ProcessingKwargs, total=False):
    pass


@auto_docstring(custom_intro="Wraps an image processor of UniRES and a CLIP tokenizer into one processor.")
class UniResProcessor(ProcessorMixin):
    valid_processor_kwargs = UniResProcessorKwargs
    text_kwargs = {"padding": True, "truncation": True}

    def __init__(
        self,
        image_processor=None,
        tokenizer=None,
        mask_threshold=0.35,
        presence_threshold=0.5,
        score_temperature=1.0,
        score_bias=0.0,
        full_length=False,
        **kwargs,
    ):
        r"""
        mask_threshold (`float`, *optional*, defaults to 0.35):
            A pixel belongs to the mask above this probability (paper, supplementary A.3).
        presence_threshold (`float`, *optional*, defaults to 0.5):
            The mask is empty below this probability that the expression has a referent. Our choice.
        score_temperature (`float`, *optional*, defaults to 1.0):
            What the logit of a score is divided by, so that scores are the shares of right masks; no mask changes.
        score_bias (`float`, *optional*, defaults to 0.0):
            What is added to it then.
        full_length (`bool`, *optional*, defaults to `False`):
            Whether all expressions are padded to the tokenizer's `model_max_length`, as SigLIP's text encoder needs.
        """
        if tokenizer is not None and len(tokenizer) <= len(tokenizer.all_special_ids):
            raise ValueError("The tokenizer has no words: the checkpoint's tokenizer.json is missing, or empty.")
        super().__init__(image_processor, tokenizer, **kwargs)
        self.mask_threshold = mask_threshold
        self.presence_threshold = presence_threshold
        self.score_temperature = score_temperature
        self.score_bias = score_bias
        self.full_length = full_length

    @property
    def model_input_names(self) -> list[str]:
        return [*super().model_input_names, "image_indices"]

    @auto_docstring
    def __call__(
        self,
        images: ImageInput | None = None,
        text: str | list[str] | list[list[str]] | None = None,
        segmentation_maps: Any | None = None,
        **kwargs: Unpack[UniResProcessorKwargs],
    ) -> BatchFeature:
        r"""
        text (`str`, `list[str]` or `list[list[str]]`, *optional*):
            The expressions: a string about every image, a list with one string an image (all of them about a single
            image), or one list an image.
        segmentation_maps (*optional*):
            One mask `(H, W)` an expression at the size of its upright image, flat or as one list an image.

        Returns:
            [`BatchFeature`] with `pixel_values` (images, 3, H, W), `original_sizes` (images, 2), `input_ids` and
            `attention_mask` (expressions, length), `image_indices` (expressions,), which says what image each
            expression is about, and with masks `labels` (expressions, h, w) in [0, 1]. `image_indices` is there
            whenever text comes with images or as nested lists.

        Raises:
            ValueError: no input, an empty expression, padding on the left, or numbers of images, texts and masks that
                do not fit.
        """
        if images is None and text is None:
            raise ValueError("Give `images`, `text` or both.")
        if images is None and segmentation_maps is not None:
            raise ValueError("`segmentation_maps` needs the `images` that the masks belong to.")
        # A tokenizer that has cut once saves that length as `max_length`; its `model_max_length` is what counts.
        usual = {name: value for name, value in self.tokenizer.init_kwargs.items() if name != "max_length"}
        merged = self._merge_kwargs(tokenizer_init_kwargs=usual, **kwargs)
        data = {}
        num_images = counts = None
        if images is not None:
            images = flatten_images(self.image_processor.fetch_images(images))
            num_images = len(images)
        if text is not None:
            text, counts = group_text(text, num_images)
            data.update(self._encode_text(text, **merged["text_kwargs"]))
        if counts is not None:
            data["image_indices"] = [index for index, count in enumerate(counts) for _ in range(count)]
        if images is not None:
            if segmentation_maps is not None:
                segmentation_maps = self.image_processor.fetch_images(segmentation_maps)
                segmentation_maps = group_masks(segmentation_maps, num_images, counts)
            data.update(self.image_processor(images, segmentation_maps, **merged["images_kwargs"]))
        return BatchFeature(data, tensor_type=merged["text_kwargs"].get("return_tensors"))

    @property
    def text_length(self) -> int:
        """Tokens at which expressions are cut, as the model was trained: the tokenizer's `model_max_length`."""
        return min(self.tokenizer.model_max_length, CLIP_TEXT_LENGTH)

    def _encode_text(self, text: list[str], **kwargs) -> dict[str, Any]:
        length = kwargs.get("max_length") or self.text_length
        if length > self.tokenizer.model_max_length:
            raise ValueError(
                f"`max_length` is {length}, but the model was trained with {self.tokenizer.model_max_length} tokens, "
                "the tokenizer's `model_max_length`: give no more."
            )
        if kwargs.get("padding_side", self.tokenizer.padding_side) != "right":
            raise ValueError("`padding_side` is 'left', but the model counts words from the left: pad on the right.")
        if self.full_length:
            if length != self.text_length:
                raise ValueError(
                    f"`max_length` is {length}, but the text encoder reads the sentence at the last of exactly "
                    f"{self.text_length} tokens: leave `max_length` out."
                )
            kwargs["padding"] = "max_length"
        if kwargs.get("truncation") and length not in _reported_lengths:
            self._report_truncation(text, length)
        return self._tokenize(text, length, **kwargs)

    def _tokenize(self, text: list[str], length: int, **kwargs) -> dict[str, Any]:
        return self.tokenizer(text, **{**kwargs, "max_length": length})

    def _report_truncation(self, text: list[str], length: int):
        for expression in text:
            if len(expression.encode()) + 2 <= length:  # a token is at least a byte
                continue
            tokens = len(self.tokenizer(expression, verbose=False)["input_ids"])
            if tokens > length:
                _reported_lengths.add(length)
                logger.warning(
                    f"Expressions are cut at {length} tokens; the first one, of {tokens} tokens, is {expression!r}. "
                    "This is reported once."
                )
                return

    def post_process_referring_segmentation(
        self,
        outputs: ModelOutput,
        target_sizes: torch.Tensor | list[tuple[int, int]] | None = None,
        mask_threshold: float | list[float | None] | None = None,
        text: str | list[str] | list[list[str]] | None = None,
        presence_threshold: float | list[float | None] | None = None,
        points: list[tuple[float, float] | None] | None = None,
        boxes: list[tuple[float, float, float, float] | None] | None = None,
        mask_size: tuple[int, int] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """
        Turn the output of [`UniResModel`] into masks at the pictures' own size.

        Padding is cut off, the logits are resized bilinearly, then thresholded (paper, supplementary A.3: at 0.35).
        Pictures must have been prepared with the `size` and `resize_mode` of this processor.

        Args:
            outputs (`UniResOutput`):
                `logits` (expressions, h, w), `presence_logits` (expressions,) or `None`, and `image_indices`
                (expressions,).
            target_sizes (`torch.Tensor` of shape `(images, 2)` or `list[tuple[int, int]]`, *optional*):
                Height and width of each picture: the processor's `original_sizes`. Without it, a mask covers the
                whole input of the model, padding included, at the input's size.
            mask_threshold (`float` or `list[float]`, *optional*, defaults to the processor's own):
                A pixel belongs to the mask above this probability, between 0 and 1. One number, or one an expression;
                `None` in the list stands for the default.
            text (`str`, `list[str]` or `list[list[str]]`, *optional*):
                The expressions, as they were given to the processor; they become the labels.
            presence_threshold (`float` or `list[float]`, *optional*, defaults to the processor's own):
                The mask is empty below this probability that the expression has a referent. One number, or one an
                expression.
            points (`list[tuple[float, float]]`, *optional*):
                For each expression a click (x, y) in pixels of the picture, or `None`. The mask becomes its connected
                region under the click. Where it leaves the click out, it is first drawn at the probability that the
                click's own pixel has. Our choice: the paper has no clicks.
            boxes (`list[tuple[float, float, float, float]]`, *optional*):
                For each expression a box (x0, y0, x1, y1) in pixels, or `None`. Pixels outside leave the mask.
            mask_size (`tuple[int, int]`, *optional*):
                Height and width at which all masks are drawn, the aspect ratio lost, in place of each picture's own:
                some papers compare there. Not with clicks or boxes.

        Returns:
            `list[list[dict]]`: for each picture one dict an expression, in their order:
            - **mask** (`torch.BoolTensor` of shape `(height, width)`, on the CPU).
            - **score** (`float`): the probability that there is a referent, times the mean probability over the cells
              of the logit map that exceed the threshold, calibrated by the processor's `score_temperature` and
              `score_bias`; 0.0 if the mask is empty. Our choice, as the paper has none.
            - **label** (`str` or `None`): the expression.
            - **box** (`list[int]` or `None`): [x0, y0, x1, y1] in pixels, x1 and y1 one past the last; `None` if
              empty.
            - **is_empty** (`bool`).

        Raises:
            ValueError: a threshold that is no probability, a click outside its picture, or numbers of pictures,
                expressions, texts, thresholds, clicks and boxes that do not fit.
        """
        logits = outputs.logits.detach().float().cpu()
        if outputs.image_indices.is_floating_point() or outputs.image_indices.dtype == torch.bool:
            raise ValueError(f"`image_indices` holds {outputs.image_indices.dtype}: give whole numbers (torch.int64).")
        indices = outputs.image_indices.tolist()
        if target_sizes is None:
            sizes = [None] * (max(indices, default=-1) + 1)
        else:
            sizes = [(int(height), int(width)) for height, width in target_sizes]
        if any(not 0 <= index < len(sizes) for index in indices):
            raise ValueError(f"`target_sizes` has {len(sizes)} pictures, but an expression is about {max(indices)}.")
        labels = [text] * len(indices) if text is None or isinstance(text, str) else group_text(text)[0]
        if len(labels) != len(indices):
            raise ValueError(f"`text` has {len(labels)} expressions, but `outputs` has {len(indices)}.")
        presence = [1.0] * len(indices)  # models without a presence head always find something
        if outputs.presence_logits is not None:
            presence = outputs.presence_logits.detach().float().sigmoid().tolist()
        own = (self.mask_threshold, self.presence_threshold)
        thresholds = zip(
            _thresholds("mask_threshold", mask_threshold, own[0], len(indices)),
            _thresholds("presence_threshold", presence_threshold, own[1], len(indices)),
            _one_each("points", points, len(indices)),
            _one_each("boxes", boxes, len(indices)),
            strict=True,
        )
        results = [[] for _ in sizes]
        for logit_map, probability, index, label, (least, least_presence, point, box) in zip(
            logits, presence, indices, labels, thresholds, strict=True
        ):
            level = math.log(least / (1 - least)) if probability >= least_presence else math.inf
            result = self._segment(logit_map, sizes[index], mask_size, level, point, box)
            results[index].append({**result, "score": self._calibrated(result["score"] * probability), "label": label})
        return results

    def _segment(
        self,
        logits: torch.Tensor,
        image_size: tuple[int, int] | None,
        mask_size: tuple[int, int] | None,
        level: float,
        point: tuple[float, float] | None,
        frame: tuple[float, float, float, float] | None,
    ) -> dict[str, Any]:
        size = (self.image_processor.size["height"], self.image_processor.size["width"])
        rows, columns = logits.shape
        if size[0] * columns != size[1] * rows:
            raise ValueError(
                f"The logits are {rows}x{columns}, which is not the shape of `size` {size[0]}x{size[1]} of this "
                "processor: post-process with the processor that prepared the pictures."
            )
        image_size = image_size or size
        mask, box = self._draw(logits, image_size, mask_size or image_size, level)
        if point is not None:
            _check_finite("click", point, "x, y")
            clicked = (math.floor(point[1]), math.floor(point[0]))
            if not (0 <= clicked[0] < image_size[0] and 0 <= clicked[1] < image_size[1]):
                raise ValueError(
                    f"The click {point} lies outside its picture of {image_size[1]}x{image_size[0]} pixels."
                )
            if not mask[clicked]:
                level = self._level_under(logits, image_size, clicked)
                mask, box = self._draw(logits, image_size, image_size, level)
            mask, box = connected_region(mask, clicked)
        if frame is not None:
            _check_finite("box", frame, "x0, y0, x1, y1")
            if frame[0] > frame[2] or frame[1] > frame[3]:
                raise ValueError(
                    f"The box {frame} ends before it begins: give x0, y0, x1, y1, not a width and a height."
                )
            mask, box = inside_box(mask, frame)
        score = 0.0 if box is None else self._score(logits, image_size, level)
        return {"mask": mask, "score": score, "box": box, "is_empty": box is None}

    def _calibrated(self, score: float) -> float:
        if not 0 < score < 1:
            return score
        logit = math.log(score / (1 - score)) / self.score_temperature + self.score_bias
        return 1 / (1 + math.exp(-logit))

    def _extent(self, logits: torch.Tensor, image_size: tuple[int, int]) -> tuple[float, float]:
        size = (self.image_processor.size["height"], self.image_processor.size["width"])
        return content_extent(image_size, size, self.image_processor.resize_mode, tuple(logits.shape))

    def _draw(
        self, logits: torch.Tensor, image_size: tuple[int, int], mask_size: tuple[int, int], level: float
    ) -> tuple[torch.Tensor, list[int] | None]:
        return logits_to_mask(logits, self._extent(logits, image_size), mask_size, level)

    def _level_under(self, logits: torch.Tensor, image_size: tuple[int, int], pixel: tuple[int, int]) -> float:
        return level_under(logits, self._extent(logits, image_size), image_size, pixel)

    def _score(self, logits: torch.Tensor, image_size: tuple[int, int], level: float) -> float:
        rows, columns = self._extent(logits, image_size)
        content = logits[: math.ceil(rows), : math.ceil(columns)]
        return content[content > level].sigmoid().mean().item()


def _one_each(name: str, values: Any, count: int) -> list:
    """One value an expression, from `None`, or a flat list, or one list an image."""
    if values is None:
        return [None] * count
    values = list(values)
    if values and all(isinstance(value, list) for value in values) and name.endswith("threshold"):
        values = [value for group in values for value in group]
    if len(values) != count:
        raise ValueError(f"`{name}` has {len(values)} entries, but there are {count} expressions.")
    return values


def _thresholds(name: str, values: Any, default: float, count: int) -> list[float]:
    if values is None or isinstance(values, int | float):
        values = [values] * count
    found = [default if value is None else value for value in _one_each(name, values, count)]
    for value in found:
        possible = isinstance(value, int | float) and (0 < value < 1 if name == "mask_threshold" else 0 <= value <= 1)
        if not possible:
            raise ValueError(f"`{name}` is {value}: give a probability between 0 and 1.")
    return found


def group_text(
    text: str | list[str] | list[list[str]], num_images: int | None = None
) -> tuple[list[str], list[int] | None]:
    """
    The expressions as one flat list, and how many of them each image has.

    Args:
        text: a string about every image; a list with one string an image, or all of them about a single image; or one
            list an image.
        num_images: how many images there are. Without images the counts are known for nested lists only, else `None`.

    Raises:
        ValueError: no expression, an empty one, or a number of texts that is not that of the images.
    """
    if isinstance(text, str):
        text = [text] * (num_images or 1)
    if not isinstance(text, list | tuple):
        raise ValueError(f"`text` is a {type(text).__name__}: give a string, a list of strings or a list of lists.")
    nested = [isinstance(item, list | tuple) for item in text]
    if any(nested) and not all(nested):
        raise ValueError("`text` mixes strings and lists: give one list an image, or strings only.")
    if any(nested):
        flat, counts = [expression for group in text for expression in group], [len(group) for group in text]
    else:
        flat = list(text)
        counts = None if num_images is None else [len(flat)] if num_images == 1 else [1] * len(flat)
    if num_images is not None and len(counts) != num_images:
        raise ValueError(
            f"There are {num_images} images but {len(counts)} texts: give one string or one list of strings an image."
        )
    if not flat:
        raise ValueError("`text` holds no expression.")
    for position, expression in enumerate(flat):
        if not isinstance(expression, str):
            raise ValueError(f"Expression {position} is a {type(expression).__name__}, not a string.")
        if not expression.strip():
            raise ValueError(f"Expression {position} is empty: {expression!r}. Say what to segment.")
    return flat, counts


def _check_finite(name: str, numbers: Any, form: str) -> None:
    try:
        fits = len(numbers) == len(form.split()) and all(map(math.isfinite, numbers))
    except TypeError:
        fits = False
    if not fits:
        raise ValueError(f"The {name} {numbers} is not of the form {form}, in pixels.")
