# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What readers need of picture files: the size that a picture is shown at, and masks drawn in one."""

import io
from pathlib import Path

import numpy as np
import PIL.Image

from . import masks

_ORIENTATION = 0x0112  # EXIF; 5 to 8 are turned by a quarter


def picture_size(picture: Path | bytes) -> tuple[int, int]:
    """(height, width) of a picture as it is shown, EXIF orientation included; only the header is read.

    Raises:
        ValueError: if there is no such picture, or it is none.
    """
    try:
        with PIL.Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
            width, height = opened.size
            turned = opened.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
    except FileNotFoundError as error:
        raise ValueError(f"{named(picture)} is missing.") from error
    except PIL.UnidentifiedImageError as error:  # Pillow's own words hold an address, other in every run
        raise ValueError(f"{named(picture)} is unreadable: it is in no format that Pillow knows.") from error
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged headers
        raise ValueError(f"{named(picture)} is unreadable: {error}.") from error
    return (width, height) if turned else (height, width)


def read_labels(path: Path, height: int, width: int) -> np.ndarray:
    """Reads a map of labels from a picture of one channel: (height, width), the integers as they are stored.

    Raises:
        ValueError: if the file is missing, unreadable, colored, or of another size.
    """
    pixels = _pixels(path, height, width)
    if pixels.ndim == 3:
        raise ValueError(f"the mask {path} has {pixels.shape[2]} channels. Labels are one number a pixel.")
    return pixels


def read_mask(path: Path, height: int, width: int) -> masks.RLE:
    """Reads a mask from a picture of one channel, or of three alike: whatever is not 0 belongs to it.

    Raises:
        ValueError: if the file is missing, unreadable, transparent, or of another size.
    """
    pixels = _pixels(path, height, width)
    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise ValueError(f"the mask {path} has an alpha channel. Save it as grey, 0 outside and 255 inside.")
    return masks.encode((pixels if pixels.ndim == 2 else pixels.max(axis=2)) > 0)


def _pixels(path: Path, height: int, width: int) -> np.ndarray:
    try:
        with PIL.Image.open(path) as opened:
            pixels = np.asarray(opened)
    except FileNotFoundError as error:
        raise ValueError(f"the mask {path} is missing.") from error
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
        raise ValueError(f"the mask {path} is unreadable: {error}.") from error
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"the mask {path} is {pixels.shape[:2]} (h, w), the image is {(height, width)}.")
    return pixels


def named(picture: Path | bytes) -> str:
    """How an error calls a picture."""
    return "the picture" if isinstance(picture, bytes) else f"the picture {picture}"
