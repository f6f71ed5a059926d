# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Segments what expressions refer to, with an exported UniRES. Needs numpy, pillow, onnxruntime and tokenizers alone.

python segment.py street.jpg "the red truck" "left wheel of the red truck"

Lies beside vision.onnx, expressions.onnx, tokenizer.json and settings.json, and may be copied anywhere with them.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image, ImageOps
from tokenizers import Tokenizer


class Picture(NamedTuple):
    """What `Segmenter.encode` made of a picture: the inputs of the second graph, and (height, width) in pixels."""

    embeds: dict[str, np.ndarray]
    size: tuple[int, int]


class Segmenter:
    """
    The two graphs of an exported UniRES.

    Args:
        folder (`str` or `Path`, *optional*): where they lie; by default beside this file.
        providers (`Sequence[str]`, *optional*): onnxruntime's execution providers, the preferred one first.
        threads (`int`, *optional*, defaults to 0): how many may work on one call; 0 for one a core.

    Raises:
        OSError: if a file is missing.
    """

    def __init__(
        self,
        folder: str | Path = Path(__file__).parent,
        providers: Sequence[str] = ("CPUExecutionProvider",),
        threads: int = 0,
    ) -> None:
        folder = Path(folder)
        self.settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        self.tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
        options = SessionOptions()
        options.intra_op_num_threads = threads
        self.vision, self.expressions = (
            InferenceSession((folder / name).read_bytes(), options, providers=list(providers))
            for name in ("vision.onnx", "expressions.onnx")
        )

    def encode(self, image: Image.Image) -> Picture:
        """Runs the first graph on a picture of any mode and size, once for all that will be asked of it.

        Raises:
            ValueError: if the picture has no pixels, or is of mode "I" or "F", whose white level is unknown.
        """
        image = _upright_rgb(image)
        names = [output.name for output in self.vision.get_outputs()]
        embeds = self.vision.run(names, {"pixel_values": self._pixel_values(image)[None]})
        return Picture(dict(zip(names, embeds, strict=True)), (image.height, image.width))

    def segment(
        self,
        picture: Image.Image | Picture,
        expressions: Sequence[str],
        mask_threshold: float | None = None,
        presence_threshold: float | None = None,
    ) -> list[dict[str, Any]]:
        """
        Runs the second graph on all expressions at once.

        Args:
            picture: a picture, or what `encode` made of it.
            expressions: what to segment.
            mask_threshold (*optional*): a pixel belongs to a mask above this probability; by default the checkpoint's.
            presence_threshold (*optional*): a mask is empty below this probability that there is a referent.

        Returns:
            For each expression "label", "mask" (PIL image of mode "L", 0 or 255, of the picture's upright size),
            "score" (`float`), "box" ([x0, y0, x1, y1] in pixels, `None` if the mask is empty) and "is_empty".

        Raises:
            ValueError: if there is no expression, an empty one, or a threshold outside (0, 1).
        """
        if not expressions or not all(expression.strip() for expression in expressions):
            raise ValueError("give one expression or more, none of them empty: say what to segment.")
        mask_threshold = self.settings["mask_threshold"] if mask_threshold is None else mask_threshold
        if not 0 < mask_threshold < 1:
            raise ValueError(f"the mask threshold is {mask_threshold}: give a probability between 0 and 1.")
        if presence_threshold is None:
            presence_threshold = self.settings["presence_threshold"]
        embeds, size = picture if isinstance(picture, Picture) else self.encode(picture)
        words = self.tokenizer.encode_batch(list(expressions))
        logits, presence_logits = self.expressions.run(
            ["logits", "presence_logits"],
            {
                **embeds,
                "input_ids": np.array([word.ids for word in words], np.int64),
                "attention_mask": np.array([word.attention_mask for word in words], np.int64),
                "image_indices": np.zeros(len(words), np.int64),
            },
        )
        level = math.log(mask_threshold / (1 - mask_threshold))
        results = []
        for label, logit_map, presence in zip(expressions, logits, _sigmoid(presence_logits), strict=True):
            mask, mean = self._mask(logit_map, size, level if presence >= presence_threshold else math.inf)
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if rows.size else None
            results.append(
                {
                    "label": label,
                    "mask": Image.fromarray(mask.view(np.uint8) * 255),
                    "score": self._calibrated(float(presence * mean)) if box else 0.0,
                    "box": box and [int(edge) for edge in box],
                    "is_empty": box is None,
                }
            )
        return results

    def _calibrated(self, score: float) -> float:
        if not 0 < score < 1:
            return score
        logit = math.log(score / (1 - score)) / self.settings["score_temperature"] + self.settings["score_bias"]
        return 1 / (1 + math.exp(-logit))

    def _content_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The (height, width) that a picture of `size` takes in the input, at its top left."""
        height, width = self.settings["size"]
        if self.settings["resize_mode"] == "squash":
            return height, width
        scale = min(height / size[0], width / size[1])
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def _pixel_values(self, image: Image.Image) -> np.ndarray:
        """An RGB picture as float32 (3, H, W), normalized, then padded right and bottom with 0."""
        height, width = self._content_size((image.height, image.width))
        resized = np.asarray(image.resize((width, height), self.settings["resample"]))
        mean, std = (np.array(self.settings[name], np.float32) for name in ("image_mean", "image_std"))
        content = ((resized * self.settings["rescale_factor"]).astype(np.float32) - mean) / std
        pixel_values = np.zeros((3, *self.settings["size"]), np.float32)
        pixel_values[:, :height, :width] = content.transpose(2, 0, 1)
        return pixel_values

    def _mask(self, logits: np.ndarray, size: tuple[int, int], level: float) -> tuple[np.ndarray, float]:
        """The bool mask (H, W) of a logit map, and the mean probability of the cells above `level`."""
        content, whole = self._content_size(size), self.settings["size"]
        extent = [content[axis] * logits.shape[axis] / whole[axis] for axis in (0, 1)]
        logits = logits[: math.ceil(extent[0]), : math.ceil(extent[1])]
        above = logits[logits > level]
        if not above.size:
            return np.zeros(size, bool), 0.0
        for axis in (1, 0):
            logits = _stretch(logits, axis, extent[axis], size[axis])
        return logits > level, float(_sigmoid(above).mean())


def _stretch(logits: np.ndarray, axis: int, extent: float, length: int) -> np.ndarray:
    """Bilinear along one axis: the first `extent` cells, not a whole number in general, become `length` pixels."""
    position = ((np.arange(length, dtype=np.float32) + 0.5) * np.float32(extent / length) - 0.5).clip(0)
    lower = position.astype(np.int64)
    upper = np.minimum(lower + 1, logits.shape[axis] - 1)
    weight = (position - lower).reshape((-1, 1) if axis == 0 else (1, -1))
    first = logits.take(lower, axis)
    return first + weight * (logits.take(upper, axis) - first)


def _upright_rgb(image: Image.Image) -> Image.Image:
    """EXIF orientation applied, 16-bit gray brought to 8 bits, transparency laid over white."""
    if not (image.width and image.height):
        raise ValueError(f"the picture is {image.width}x{image.height} and has no pixels.")
    if image.mode in ("I", "F"):
        raise ValueError(f"a picture of mode {image.mode!r} does not say which number is white: convert it to 'L'.")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray(((np.asarray(image).astype(np.int32) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("image", type=Path, help="a picture")
    parser.add_argument("expressions", nargs="+", metavar="EXPRESSION", help='such as "the red truck"')
    parser.add_argument(
        "--mask-threshold", type=float, help="a pixel belongs to a mask above it (default: the model's)"
    )
    parser.add_argument("--out", type=Path, default=Path("segmented"), metavar="DIR", help="default: segmented")
    arguments = parser.parse_args()
    try:
        with Image.open(arguments.image) as image:
            results = Segmenter().segment(image, arguments.expressions, arguments.mask_threshold)
        arguments.out.mkdir(parents=True, exist_ok=True)
        for number, result in enumerate(results, 1):
            path = arguments.out / f"mask-{number}.png"
            result["mask"].save(path)
            found = "nothing" if result["is_empty"] else f"score {result['score']:.2f}, box {result['box']}"
            print(f"{path}: {result['label']}: {found}")
    except (OSError, ValueError) as error:
        print(f"segment.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
