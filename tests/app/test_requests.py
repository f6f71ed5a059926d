# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What visitors send is checked before anything is read, and mistakes are sentences."""

import os
from pathlib import Path

import pytest
from PIL import Image

from unires_hf.app.examples import write_examples
from unires_hf.app.requests import MOST_PIXELS, read_expressions, read_threshold, read_upload


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def test_only_pictures_among_the_uploads_are_read(uploads: Path, tmp_path: Path) -> None:
    for folder in (uploads, tmp_path):
        Image.new("RGB", (8, 6), (1, 2, 3)).save(folder / "picture.png")
    assert read_upload({"path": str(uploads / "picture.png")}, uploads).size == (8, 6)
    (uploads / "link.png").symlink_to(tmp_path / "picture.png")
    os.mkfifo(uploads / "pipe.png")
    (uploads / "text.png").write_text("no picture")
    (uploads / "script.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    whole = (uploads / "picture.png").read_bytes()
    (uploads / "half.png").write_bytes(whole[: len(whole) // 2])
    for path, sentence in {
        tmp_path / "picture.png": "none of this page's uploads",
        uploads / "../picture.png": "none of this page's uploads",
        uploads / "link.png": "none of this page's uploads",
        uploads / "pipe.png": "none of this page's uploads",
        uploads: "none of this page's uploads",
        uploads / "gone.png": "not on the page any more",
        uploads / "a\0b": "not on the page any more",
        uploads / ("a" * 300): "not on the page any more",
        uploads / "text.png": "text.png is no picture",
        uploads / "script.eps": "script.eps is no picture",
        uploads / "half.png": "half.png is no picture",
    }.items():
        with pytest.raises(ValueError, match=sentence):
            read_upload({"path": str(path)}, uploads)
    for file in (None, "picture.png", {"path": 3}, {"path": ""}, {}, ["picture.png"]):
        with pytest.raises(ValueError, match="Choose a picture first"):
            read_upload(file, uploads)


@pytest.mark.parametrize("side", [10_001, 13_500])  # Pillow refuses the second one by itself
def test_pixels_are_counted_before_they_are_read(side: int, uploads: Path, monkeypatch) -> None:
    assert side**2 > MOST_PIXELS
    Image.new("1", (side, side)).save(uploads / "large.png")
    monkeypatch.setattr("unires_hf.app.requests.open_image", lambda _: pytest.fail("its pixels were read"))
    with pytest.raises(ValueError, match="too many pixels"):
        read_upload({"path": str(uploads / "large.png")}, uploads)


def test_transparency_lies_over_white(uploads: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(uploads / "clear.png")
    assert read_upload({"path": str(uploads / "clear.png")}, uploads).getpixel((3, 3)) == (255, 255, 255)


def test_expressions_are_lines() -> None:
    assert read_expressions("a dog\n\n  its tail ") == ["a dog", "its tail"]
    for text, sentence in {
        " \n\n": "at least one expression",
        3: "at least one expression",
        "a dog\n" * 33: "at most 32",
        "a" * 1001: "at most 1000 characters",
        "\ud800": "half of a character",
    }.items():
        with pytest.raises(ValueError, match=sentence):
            read_expressions(text)


def test_thresholds_are_numbers_between_the_ends() -> None:
    sent = [0.5, 1, 0, -3, float("nan"), float("inf"), None, "0.5", [0.5], True, 10**400]
    assert [read_threshold(value) for value in sent] == [0.5, 0.95, *[0.05] * 3, 0.95, *[0.05] * 4, 0.95]


def test_examples_are_what_a_visitor_may_send(tmp_path: Path) -> None:
    examples = write_examples(tmp_path)
    assert len(examples) > 1
    for path, text in examples:
        assert read_upload({"path": path}, tmp_path).size == Image.open(path).size
        assert len(read_expressions(text)) > 2
