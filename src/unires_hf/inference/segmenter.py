# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A model that sees a picture once, is asked about it many times, and is thresholded without being asked again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor
from transformers.image_transforms import convert_to_rgb

from unires_hf.checkpoints import checkpoint_path
from unires_hf.model.configuration_unires import UniResConfig
from unires_hf.model.image_input_unires import open_image, upright
from unires_hf.model.modeling_unires import UniResModel, UniResOutput
from unires_hf.model.processing_unires import UniResProcessor

MOST_EXPRESSIONS = 32


@dataclass(frozen=True)
class Answer:
    """What the model said of a picture, before any threshold.

    Args:
        picture (`PIL.Image.Image`): upright, RGB.
        expressions (`list[str]`): what was asked for.
        outputs (`UniResOutput`): the logits (expressions, h, w) and presence logits (expressions,).
    """

    picture: Image.Image
    expressions: list[str]
    outputs: UniResOutput


class Segmenter:
    """
    Answers expressions about pictures; the last pictures' encodings are kept, so that more can be asked of them.

    Args:
        model (`UniResModel`): on the device it shall run on.
        processor (`UniResProcessor`): the model's.
        pictures (`int`, *optional*, defaults to 8): how many encodings are kept. Our choice: of `base` at 448 px, one
            takes a few MB.
    """

    def __init__(self, model: UniResModel, processor: UniResProcessor, pictures: int = 8) -> None:
        self.model, self.processor, self.pictures = model.eval(), processor, pictures
        self._seen: OrderedDict[bytes, Any] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def from_pretrained(cls, name: str) -> "Segmenter":
        """The segmenter of a checkpoint: `default`, a folder, or a repository of the Hub; on the GPU if there is one.

        Raises:
            OSError: if there is no such checkpoint.
            ValueError: if it is no UniRES.
        """
        checkpoint = checkpoint_path(name)
        model = AutoModel.from_pretrained(checkpoint)
        if model.config.model_type != UniResConfig.model_type:
            raise ValueError(
                f"{name} holds a model of type {model.config.model_type!r}: the app asks models of type "
                f"{UniResConfig.model_type!r}, which see a picture once for all expressions."
            )
        return cls(model.to("cuda" if torch.cuda.is_available() else "cpu"), AutoProcessor.from_pretrained(checkpoint))

    @torch.inference_mode()
    def ask(self, picture: Image.Image, expressions: Sequence[str]) -> Answer:
        """Runs the model on expressions about a picture; its vision encoder only if the picture was not seen lately.

        Args:
            picture (`PIL.Image.Image`): upright, RGB, as [`read_picture`] returns it.
            expressions (`Sequence[str]`): one or more.

        Raises:
            ValueError: if an expression is empty, or there is none.
        """
        text = self.processor(text=list(expressions), return_tensors="pt").to(self.model.device)
        outputs = self.model(
            input_ids=text["input_ids"], attention_mask=text["attention_mask"], vision_embeds=self._see(picture)
        )
        kept = {name: outputs[name].cpu() for name in ("logits", "presence_logits", "image_indices")}
        return Answer(picture, list(expressions), UniResOutput(**kept))

    def masks(
        self, answer: Answer, threshold: float | None = None, size: tuple[int, int] | None = None
    ) -> list[dict[str, Any]]:
        """An answer's masks at a threshold; the model is not run.

        Args:
            answer (`Answer`): of this segmenter.
            threshold (`float`, *optional*, defaults to the model's `mask_threshold`): as for the pipeline.
            size (`tuple[int, int]`, *optional*): (height, width) of the masks in pixels, by default the picture's.

        Returns:
            One dict an expression, as [`UniResProcessor.post_process_referring_segmentation`] describes.
        """
        config = self.model.config
        return self.processor.post_process_referring_segmentation(
            answer.outputs,
            [size or answer.picture.size[::-1]],
            threshold=config.mask_threshold if threshold is None else threshold,
            presence_threshold=config.presence_threshold,
            text=answer.expressions,
        )[0]

    def _see(self, picture: Image.Image) -> Any:
        key = sha256(repr(picture.size).encode() + picture.tobytes()).digest()
        with self._lock:  # two who ask about one picture at once wait for one encoding
            if key not in self._seen:
                pixels = self.processor.image_processor(picture, return_tensors="pt")["pixel_values"]
                pixels = pixels.to(self.model.device, self.model.dtype)
                self._seen[key] = self.model.get_image_features(pixels)
                if len(self._seen) > self.pictures:
                    self._seen.popitem(last=False)
            self._seen.move_to_end(key)
            return self._seen[key]


def read_picture(path: str | Path) -> Image.Image:
    """The picture of a file, upright and RGB, transparency over white, as the processor sees it.

    Raises:
        ValueError: if the file is no picture, has no pixels or too many, or does not say which number is white.
    """
    path = Path(path)
    try:
        image = open_image(path)
    except ValueError:
        raise ValueError(f"{path.name} is no picture that can be read: choose a PNG, JPEG or WebP file.") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{path.name} has too many pixels: choose one of fewer than 100 million.") from None
    return Image.fromarray(convert_to_rgb(upright(image), return_numpy=True))


def read_expressions(text: str) -> list[str]:
    """The expressions of a text, one a line; blank lines do not count.

    Raises:
        ValueError: if there is none, or more than `MOST_EXPRESSIONS`.
    """
    expressions = [line.strip() for line in text.splitlines() if line.strip()]
    if not expressions:
        raise ValueError("Write at least one expression, such as: left wheel of the red truck.")
    if len(expressions) > MOST_EXPRESSIONS:
        raise ValueError(f"Write at most {MOST_EXPRESSIONS} expressions at a time; these are {len(expressions)}.")
    return expressions


def mask_picture(result: dict[str, Any]) -> Image.Image:
    """The mask of one result as a picture of mode "L": 255 inside, 0 outside."""
    return Image.fromarray(result["mask"].numpy().view(np.uint8) * 255)
