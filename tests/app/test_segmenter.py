# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One vision pass a picture, none for other words or another threshold, and the pipeline's own masks."""

from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from transformers import pipeline

from unires_hf.app import Segmenter
from unires_hf.app.drawing import colour, lay_over, legend, write_archive
from unires_hf.app.examples import SAID, SIZE, write_examples
from unires_hf.inference.segmenter import read_expressions, read_picture
from unires_hf.scenes import PartScenes

WORDS = ["the dark side", "its edge"]


@pytest.fixture
def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((50, 30)).convert("RGB")


@pytest.fixture
def calls(segmenter: Segmenter) -> Counter:
    """How often the vision encoder and the whole model ran."""
    counted = Counter()
    segmenter.model.vision_model.register_forward_hook(lambda *_: counted.update(["vision"]))
    segmenter.model.register_forward_hook(lambda *_: counted.update(["model"]))
    return counted


def test_a_picture_is_seen_once(segmenter: Segmenter, picture: Image.Image, calls: Counter) -> None:
    answer = segmenter.ask(picture, WORDS)
    assert calls == {"vision": 1, "model": 1}
    segmenter.ask(picture.copy(), ["something else"])
    assert calls == {"vision": 1, "model": 2}
    for threshold in (0.1, 0.5, 0.9):
        segmenter.masks(answer, threshold)
    assert calls == {"vision": 1, "model": 2}
    segmenter.ask(picture.rotate(180), WORDS)
    assert calls == {"vision": 2, "model": 3}


def test_the_longest_unused_picture_is_forgotten(segmenter: Segmenter, picture: Image.Image, calls: Counter) -> None:
    segmenter.pictures = 2
    for angle in (0, 90, 0, 180, 0, 90):  # 180 drives out 90, not 0
        segmenter.ask(picture.rotate(angle), WORDS)
    assert calls["vision"] == 4


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_masks_are_the_pipelines(
    segmenter: Segmenter, checkpoint: Path, picture: Image.Image, threshold: float
) -> None:
    expected = pipeline("referring-segmentation", model=str(checkpoint))(picture, text=WORDS, threshold=threshold)
    results = segmenter.masks(segmenter.ask(picture, WORDS), threshold)
    for result, wanted in zip(results, expected, strict=True):
        assert np.array_equal(result["mask"], np.asarray(wanted["mask"]) > 0)
        assert result["score"] == pytest.approx(wanted["score"], abs=1e-5)
        assert result["label"] == wanted["label"]


def test_the_archive_holds_the_masks(segmenter: Segmenter, picture: Image.Image, tmp_path: Path) -> None:
    results = segmenter.masks(segmenter.ask(picture, WORDS))
    with ZipFile(write_archive(results, tmp_path / "here/masks.zip")) as archive:
        assert archive.namelist() == ["01-the-dark-side.png", "02-its-edge.png"]
        for name, result in zip(archive.namelist(), results, strict=True):
            with archive.open(name) as file:
                assert np.array_equal(np.asarray(Image.open(file)) > 0, result["mask"])


def test_parts_lie_above_objects() -> None:
    whole, part = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    whole[2:18, 2:18], part[5:12, 5:12] = True, True
    gray = Image.new("RGB", (20, 20), (128, 128, 128))
    shown = np.asarray(lay_over(gray, [{"mask": part}, {"mask": whole}]), int)
    for place, number in (((8, 8), 0), ((15, 15), 1)):
        assert np.abs(shown[place] - (128 + np.array(colour(number))) / 2).max() <= 1
    assert len({colour(number) for number in range(18)}) == 18


def test_the_legend_escapes_what_was_written() -> None:
    shown = legend([{"label": "<b>", "score": 0.5, "is_empty": False}, {"label": "x", "score": 0, "is_empty": True}])
    assert "&lt;b&gt;" in shown and "<b>" not in shown and "0.50" in shown and "nothing found" in shown


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="text.png is no picture"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(ValueError, match="at least one expression"):
        read_expressions(" \n\n")
    with pytest.raises(ValueError, match="at most 32"):
        read_expressions("a dog\n" * 33)
    assert read_expressions("a dog\n\n  its tail ") == ["a dog", "its tail"]


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((3, 3)) == (255, 255, 255)


def test_examples_are_what_the_scenes_say(tmp_path: Path) -> None:
    scenes = PartScenes("val", size=SIZE)
    for number, (path, text) in zip(SAID, write_examples(tmp_path), strict=True):
        assert read_picture(path).size == (SIZE, SIZE)
        said = {it["text"]: target for target in scenes[number]["targets"] for it in target["expressions"]}
        meant = [said[expression] for expression in read_expressions(text)]
        assert [target["granularity"] for target in meant] == ["object", "object", "part", "part"]
        assert all(target["bbox"][2] for target in meant)  # each means something
