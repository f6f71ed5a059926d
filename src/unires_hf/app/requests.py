# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a page's visitors send, checked: whatever is none of an upload, some lines and a number is one sentence."""

from pathlib import Path
from typing import Any

from PIL import Image
from transformers.image_transforms import convert_to_rgb

from unires_hf.model.image_input_unires import open_image, upright
from unires_hf.model.picture_formats_unires import FORMATS

MOST_EXPRESSIONS = 32
LONGEST = 1000  # characters of an expression; the model reads about 20 words
MOST_PIXELS = 100_000_000
LOWEST, HIGHEST = 0.05, 0.95  # thresholds


def read_upload(file: Any, folder: Path) -> Image.Image:
    """The picture that a request names, upright and RGB, transparency over white, as the processor sees it.

    Args:
        file: gradio's account of an upload, `{"path": ...}`, as the client sent it.
        folder (`Path`): where uploads lie; nothing else is read.

    Raises:
        ValueError: if it is no upload, no picture, has no pixels or more than `MOST_PIXELS`, or does not say which
            number is white.
    """
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not path:
        raise ValueError("Choose a picture first: drop one, or click on an example.")
    try:
        path = Path(path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise ValueError("The picture is not on the page any more: choose it again.") from None
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError("The picture is none of this page's uploads: choose it again.")
    try:
        with Image.open(path, formats=FORMATS) as opened:
            width, height = opened.size
    except Image.DecompressionBombError:
        width = height = MOST_PIXELS
    except Exception:  # Pillow's plug-ins raise nearly anything on damaged headers
        raise ValueError(f"{path.name} is no picture that can be read: choose a PNG, JPEG or WebP file.") from None
    if width * height > MOST_PIXELS:
        raise ValueError(f"{path.name} has too many pixels: choose one of fewer than 100 million.")
    try:
        return Image.fromarray(convert_to_rgb(upright(open_image(path)), return_numpy=True))
    except Exception:  # nor are they choosier on damaged pixels
        raise ValueError(f"{path.name} is no picture that can be read: choose a PNG, JPEG or WebP file.") from None


def read_expressions(text: Any) -> list[str]:
    """The expressions of a text, one a line; blank lines do not count.

    Raises:
        ValueError: if there is none, there are more than `MOST_EXPRESSIONS`, or one is longer than `LONGEST`.
    """
    expressions = [line.strip() for line in text.splitlines() if line.strip()] if isinstance(text, str) else []
    if not expressions:
        raise ValueError("Write at least one expression, such as: left wheel of the red truck.")
    if len(expressions) > MOST_EXPRESSIONS:
        raise ValueError(f"Write at most {MOST_EXPRESSIONS} expressions at a time; these are {len(expressions)}.")
    if max(map(len, expressions)) > LONGEST:
        raise ValueError(f"Write expressions of at most {LONGEST} characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("The text holds half of a character: write it again.") from None
    return expressions


def read_threshold(value: Any) -> float:
    """A threshold between `LOWEST` and `HIGHEST`; who types 0.5 is at 0 for a moment."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return LOWEST
    return float(min(max(value, LOWEST), HIGHEST))
