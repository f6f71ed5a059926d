# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What readers need of picture files: the size that a picture is shown at, and masks drawn in one."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

from unires_hf.model.picture_formats_unires import FORMATS, VOID

from . import masks

_ORIENTATION = 0x0112  # EXIF; 5 to 8 are turned by a quarter
_FEW = 16  # colors: a drawing has fewer, a photograph of one, or what JPEG made of it, has more


def open_picture(picture: Path | bytes) -> PIL.Image.Image:
    """Opens a picture; its pixels are not read.

    Raises:
        ValueError: if there is no such file, or it is no picture.
    """
    try:
        if isinstance(picture, bytes):
            return PIL.Image.open(io.BytesIO(picture), formats=FORMATS)
        if Path(picture).exists() and not Path(picture).is_file():  # of a pipe one would wait for the end
            raise ValueError("it is no file")
        return PIL.Image.open(picture, formats=FORMATS)
    except FileNotFoundError as error:
        raise ValueError(f"{named(picture)} is missing.") from error
    except PIL.UnidentifiedImageError as error:  # Pillow's own words hold an address, other in every run
        raise ValueError(f"{named(picture)} is unreadable: it is none of {', '.join(FORMATS)}.") from error
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged headers
        raise ValueError(f"{named(picture)} is unreadable: {error}.") from error


def picture_size(picture: Path | bytes) -> tuple[int, int]:
    """(height, width) of a picture as it is shown, EXIF orientation included; only the header is read.

    Raises:
        ValueError: if there is no such picture, or it is none.
    """
    with open_picture(picture) as opened:
        width, height = opened.size
        try:
            turned = opened.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        except Exception as error:  # as above
            raise ValueError(f"{named(picture)} is unreadable: {error}.") from error
        turned &= opened.format != "TIFF"  # whose size Pillow turns itself
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
    """Reads a mask as a picture shows it: black is outside, also where a palette calls it 1.

    Gray is inside from half of its range on, which is what JPEG and smooth edges leave of a mask; of two values, as 0
    and 1, the upper one is. Of color, all but black and VOC's void is inside.

    Raises:
        ValueError: if the file is missing, unreadable, transparent, of another size, or a map of labels, of which no
            one knows which is meant.
    """
    pixels = _pixels(path, height, width, shown=True)
    try:
        return masks.encode(_inside(pixels))
    except ValueError as error:
        raise ValueError(f"the mask {path} {error}") from error


def _pixels(path: Path, height: int, width: int, shown: bool = False) -> np.ndarray:
    """The pixels as they are stored, or in the colors in which a palette shows them."""
    with open_picture(path) as opened:
        try:
            turned = PIL.ImageOps.exif_transpose(opened)
            if turned.has_transparency_data:
                raise ValueError("it has an alpha channel. Save it as gray, 0 outside and 255 inside")
            colored = shown and turned.mode not in ("1", "L", "I", "I;16", "F")
            pixels = np.asarray(turned.convert("RGB") if colored else turned)
        except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
            raise ValueError(f"the mask {path} is unreadable: {error}.") from error
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"the mask {path} is {pixels.shape[:2]} (h, w), the image is {(height, width)}.")
    return pixels


def _inside(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 3 and (pixels != pixels[..., :1]).any():
        return _inside_colors(pixels)
    gray = pixels if pixels.ndim == 2 else pixels[..., 0]
    values = np.unique(gray)
    if len(values) <= 2:
        return gray > values[0] if len(values) == 2 else gray > 0
    white = _white(values)
    if values[-1] <= white / 2 or (values[-1] == white and values[-2] <= white / 2):
        raise ValueError(
            f"is a map of the labels {', '.join(f'{it:g}' for it in values[:8])}{' …' * (len(values) > 8)}: save the "
            "one that is meant as 255, and 0 outside."
        )
    return gray > white / 2


def _inside_colors(pixels: np.ndarray) -> np.ndarray:
    colors = np.unique(pixels @ np.array([1 << 16, 1 << 8, 1]))
    brightest = pixels.max(axis=2)
    outside = 0 if len(colors) <= _FEW else brightest.max() / 2
    return (brightest > outside) & (pixels != VOID).any(axis=2)


def _white(values: np.ndarray) -> float:
    """The top of the range that the values are of: 1, 255 or 65535."""
    return next((top for top in (1, 255, 65535) if values[-1] <= top), values[-1])


def named(picture: Path | bytes) -> str:
    """How an error calls a picture."""
    return "the picture" if isinstance(picture, bytes) else f"the picture {picture}"
