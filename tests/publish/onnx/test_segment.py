# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The runtime, in processes where torch and transformers cannot be imported, against the pipeline."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from transformers import pipeline

from unires_hf import UniResImageProcessorPil, UniResProcessor

TEXT = ["the red truck", "left wheel of the red truck", "Ein Hütchen, 🎩!", "the " * 30 + "truck"]

# What the masks, scores and boxes are written by; the folder is all that it may take from here.
ALONE = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "unires_hf"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
try:
    import torch
except ModuleNotFoundError:
    sys.path.insert(0, sys.argv[1])
    from PIL import Image
    from segment import Segmenter

    segmenter = Segmenter()
    texts, answers = json.loads(sys.argv[3]), []
    for number in range(int(sys.argv[4])):
        with Image.open(f"{sys.argv[2]}/picture-{number}.png") as image:
            results = segmenter.segment(segmenter.encode(image), texts)
        for place, result in enumerate(results):
            result.pop("mask").save(f"{sys.argv[2]}/mask-{number}-{place}.png")
        answers.append(results)
    print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Of every shape and mode that a picture may come in: wide, tall and tiny; turned, see-through, 16-bit."""
    folder = tmp_path_factory.mktemp("pictures")
    wide = Image.effect_mandelbrot((61, 37), (-2, -1.2, 1, 1.2), 60).convert("RGB")
    ImageDraw.Draw(wide).ellipse((8, 5, 30, 30), fill=(200, 60, 40))
    turned = Image.Exif()
    turned[0x0112] = 6
    see_through = wide.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(wide.size))
    deep = Image.fromarray(np.asarray(wide.convert("L")).astype(np.uint16) * 250)
    images = [wide, wide.rotate(90, expand=True), wide, see_through, deep, wide.quantize(8), wide.resize((5, 200))]
    for number, image in enumerate(images):
        image.save(folder / f"picture-{number}.png", **({"exif": turned} if number == 2 else {}))
    return [folder / f"picture-{number}.png" for number in range(len(images))]


def test_alone_it_gives_the_masks_of_the_pipeline(exported: Path, checkpoint: Path, pictures: list[Path]) -> None:
    command = [sys.executable, "-c", ALONE, exported, pictures[0].parent, json.dumps(TEXT), str(len(pictures))]
    answers = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    processor = UniResProcessor.from_pretrained(checkpoint)
    processor.image_processor = UniResImageProcessorPil.from_pretrained(checkpoint)  # torchvision resizes otherwise
    segmenter = pipeline("referring-segmentation", model=str(checkpoint), processor=processor, device="cpu")
    expected = segmenter([str(path) for path in pictures], text=TEXT)
    shares = []
    for number, (answer, results) in enumerate(zip(answers, expected, strict=True)):
        for place, (told, result) in enumerate(zip(answer, results, strict=True)):
            mask = np.asarray(Image.open(pictures[0].parent / f"mask-{number}-{place}.png"))
            wanted = np.asarray(result.pop("mask"))
            assert mask.shape == wanted.shape and mask.dtype == wanted.dtype
            # A pixel whose logit is the threshold to the last bit may fall on either side.
            assert np.count_nonzero(mask != wanted) <= 1
            shares.append(np.mean(wanted > 0))
            assert told == {**result, "score": pytest.approx(result["score"], abs=1e-4), "box": told["box"]}
            if np.array_equal(mask, wanted):
                assert told["box"] == result["box"]
    assert 0.1 < np.mean(shares) < 0.9, "masks that are empty or full would all be the same"


def test_command_line(exported: Path, pictures: list[Path], tmp_path: Path) -> None:
    command = [sys.executable, exported / "segment.py", pictures[0], *TEXT[:2], "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["mask-1.png", "mask-2.png"]
    assert Image.open(tmp_path / "out/mask-2.png").size == Image.open(pictures[0]).size
    assert TEXT[1] in done.stdout.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere.png", "the dog"], "nowhere.png"),
        (["segment.py", "the dog"], "segment.py"),
        (["PICTURE", " "], "say what to segment"),
        (["PICTURE", "the dog", "--mask-threshold", "1"], "between 0 and 1"),
    ],
)
def test_a_mistake_is_one_sentence(exported: Path, pictures: list[Path], words, complaint, tmp_path: Path) -> None:
    (tmp_path / "segment.py").write_text("no picture")
    words = [str(pictures[0]) if word == "PICTURE" else word for word in words]
    command = [sys.executable, exported / "segment.py", *words, "--out", "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_expressions_are_independent_and_thresholds_bite(exported: Path, pictures: list[Path]) -> None:
    from unires_hf.publish.onnx_segment import Segmenter

    segmenter = Segmenter(exported)
    picture = segmenter.encode(Image.open(pictures[0]))
    together = segmenter.segment(picture, TEXT)
    for text, result in zip(TEXT, together, strict=True):
        (alone,) = segmenter.segment(picture, [text])
        assert alone["score"] == pytest.approx(result["score"], abs=1e-5)
        assert np.count_nonzero(np.asarray(alone["mask"]) != np.asarray(result["mask"])) <= 1
    areas = [np.count_nonzero(segmenter.segment(picture, TEXT[:1], threshold)[0]["mask"]) for threshold in (0.3, 0.6)]
    assert areas[0] > areas[1] > 0
    (denied,) = segmenter.segment(picture, TEXT[:1], presence_threshold=1.0)
    assert denied["is_empty"] and denied["box"] is None and denied["score"] == 0
    with pytest.raises(ValueError, match="mode 'F'"):
        segmenter.encode(Image.new("F", (8, 8)))
