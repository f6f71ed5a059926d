# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a picture shows is what counts: masks of every kind, sizes of turned pictures, and files that are none."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from unires_hf.data import masks
from unires_hf.data.readers.folder import read_folder
from unires_hf.data.schema import Skipped

HEIGHT, WIDTH = 60, 80
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 3 * 252 + [224, 224, 192]


@pytest.fixture
def meant() -> np.ndarray:
    """The object: 600 of 4,800 pixels, with a round edge, which JPEG smears."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x - 30) ** 2 + (y - 25) ** 2 < 190


def read_one(root: Path) -> dict | Skipped:
    """What the reader makes of ROOT/mask.png (or .jpg) on ROOT/picture.png."""
    name = next(it.name for it in root.iterdir() if it.stem == "mask")
    PIL.Image.new("RGB", (WIDTH, HEIGHT)).save(root / "picture.png")
    line = {"file_name": "picture.png", "text": "it", "mask": name}
    (root / "metadata.jsonl").write_text(json.dumps(line))
    (item,) = [it for it in read_folder(root) if isinstance(it, Skipped) or it["targets"]]
    return item


def read_mask(root: Path) -> np.ndarray:
    return masks.decode(read_one(root)["targets"][0]["mask"])


def gray(mask: np.ndarray) -> PIL.Image.Image:
    return PIL.Image.fromarray(mask.astype(np.uint8) * 255)


def indexed(values: np.ndarray, palette: list[int]) -> PIL.Image.Image:
    image = PIL.Image.fromarray(values.astype(np.uint8), mode="P")
    image.putpalette(palette)
    return image


def test_a_palette_with_white_first(meant, tmp_path):
    indexed(~meant, [255, 255, 255, 0, 0, 0]).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path), meant)


def test_pillows_own_quantization(meant, tmp_path):
    gray(meant).convert("RGB").quantize(2).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path), meant)


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_vocs_colors_without_the_void_around_them(mode, meant, tmp_path):
    values = meant * 1
    values[(np.roll(meant, 2, 1) | np.roll(meant, -2, 1)) & ~meant] = 255
    indexed(values, VOC).convert(mode).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path), meant)


@pytest.mark.parametrize("quality", [50, 75, 90])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg(quality, mode, meant, tmp_path):
    gray(meant).convert(mode).save(tmp_path / "mask.jpg", quality=quality)
    assert np.array_equal(read_mask(tmp_path), meant)


def test_smooth_edges(meant, tmp_path):
    large = gray(meant).resize((4 * WIDTH, 4 * HEIGHT), PIL.Image.Resampling.NEAREST)
    large.resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path), meant)


@pytest.mark.parametrize("inside", [1, 15, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_of_two_values_the_upper_is_inside(inside, dtype, meant, tmp_path):
    PIL.Image.fromarray(meant.astype(dtype) * dtype(inside)).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path), meant)


@pytest.mark.parametrize("other", [255, 3])
def test_a_map_of_labels_is_refused(other, meant, tmp_path):
    values = meant * 15
    values[:, :5] = other
    PIL.Image.fromarray(values.astype(np.uint8)).save(tmp_path / "mask.png")
    assert "is a map of the labels 0, " in read_one(tmp_path).reason


@pytest.mark.parametrize("kind", ["transparent palette", "alpha"])
def test_what_is_transparent_is_refused(kind, meant, tmp_path):
    if kind == "alpha":
        PIL.Image.merge("LA", [gray(meant), gray(meant)]).save(tmp_path / "mask.png")
    else:
        indexed(meant, [0, 0, 0, 255, 255, 255]).save(tmp_path / "mask.png", transparency=0)
    assert "alpha channel" in read_one(tmp_path).reason


def test_a_mask_is_turned_as_its_picture_is(meant, tmp_path):
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    gray(np.rot90(meant)).save(tmp_path / "mask.png", exif=turned)
    assert np.array_equal(read_mask(tmp_path), meant)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_the_size_of_a_turned_picture_is_the_one_it_is_shown_at(suffix, tmp_path):
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    name = f"picture.{suffix}"
    PIL.Image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / name, exif=turned)
    rle = masks.encode(np.eye(HEIGHT, WIDTH, dtype=bool))
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": name, "text": "it", "mask": rle}))
    (row,) = read_folder(tmp_path)
    with PIL.Image.open(tmp_path / name) as picture:
        assert PIL.ImageOps.exif_transpose(picture).size == (WIDTH, HEIGHT)
    assert (row["height"], row["width"]) == (HEIGHT, WIDTH)


def read_named(root: Path, name: str) -> Skipped:
    line = {"file_name": name, "text": "it", "bbox": [5, 5, 5, 5]}
    (root / "metadata.jsonl").write_text(json.dumps(line))
    (lost,) = read_folder(root)
    return lost


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes of POSIX")
def test_a_pipe_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "it is no file" in read_named(tmp_path, "pipe.png").reason


@pytest.mark.parametrize("suffix", ["eps", "pdf", "psd", "ico"])
def test_only_formats_that_pillow_decodes_itself(suffix, tmp_path):
    beginnings = {"eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 80 60\n", "psd": b"8BPS\0\1" + bytes(40)}
    if suffix in beginnings:
        (tmp_path / f"a.{suffix}").write_bytes(beginnings[suffix])
    else:
        PIL.Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / f"a.{suffix}")
    assert "it is none of JPEG, PNG" in read_named(tmp_path, f"a.{suffix}").reason
