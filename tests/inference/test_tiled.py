# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`--tiles auto`: pipeline, segmenter and commands give one mask, and a bounded number of views at once."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import pipeline

from unires_hf import cli
from unires_hf.data import masks
from unires_hf.model.tiles_unires import VIEWS, tile_boxes

WORDS = ["the dark side", "its edge"]
LOW = {"presence_threshold": 0.0}


@pytest.fixture
def big() -> Image.Image:
    """More than twice as wide as the model's 32 pixels."""
    noise = np.random.default_rng(3).integers(0, 256, (90, 150, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.fixture
def small() -> Image.Image:
    return Image.linear_gradient("L").resize((50, 30)).convert("RGB")


def same(results, expected) -> None:
    for result, wanted in zip(results, expected, strict=True):
        assert np.array_equal(np.asarray(result["mask"]) > 0, np.asarray(wanted["mask"]) > 0)
        assert result["box"] == wanted["box"] and result["is_empty"] == wanted["is_empty"]
        assert result["score"] == pytest.approx(wanted["score"], abs=1e-5)


def by_hand(segmenter, picture: Image.Image) -> list[dict]:
    """Each view and expression alone."""
    views = [(0, 0, *picture.size), *tile_boxes(picture.size[::-1], (32, 32))]
    found = []
    for word in WORDS:
        best = None
        for number, view in enumerate(views):
            present = 0.9 if number else 0.0  # of the doubt, a tenth is left to tiles
            ((result,),) = segmenter.masks(
                segmenter.ask(segmenter.encode([picture.crop(view)]), [[word]]), presence_threshold=present
            )
            if best is None or result["score"] > best[0]["score"]:
                best = result, view
        result, (left, top, right, bottom) = best
        mask = np.zeros(picture.size[::-1], bool)
        mask[top:bottom, left:right] = result["mask"]
        box = result["box"] and [result["box"][0] + left, result["box"][1] + top] + [
            result["box"][2] + left,
            result["box"][3] + top,
        ]
        found.append({**result, "mask": mask, "box": box})
    return found


@pytest.fixture
def sure(segmenter):
    """Its presence is beyond doubt, so that tiles have a say."""
    with torch.no_grad():
        segmenter.model.presence_head.fc2.bias.fill_(6)
    return segmenter


def test_the_segmenter_takes_the_surest_view(sure, big):
    views = []
    sure.model.vision_model.register_forward_hook(lambda _, __, outputs: views.append(len(outputs[0])))
    results = sure.segment(big, WORDS, "auto", **LOW)
    assert max(views) == VIEWS and sum(views) == 1 + len(tile_boxes((90, 150), (32, 32)))
    expected = by_hand(sure, big)
    same(results, expected)
    whole = sure.segment(big, WORDS, **LOW)
    assert not all(torch.equal(one["mask"], two["mask"]) for one, two in zip(results, whole, strict=True))
    assert all(one["score"] > two["score"] for one, two in zip(results, whole, strict=True)), "a tile answers"


def test_pipeline_and_commands_agree(sure, checkpoint, big, small, tmp_path):
    sure.model.save_pretrained(tmp_path / "sure")
    sure.processor.save_pretrained(tmp_path / "sure")
    ask = pipeline("referring-segmentation", model=str(tmp_path / "sure"))
    expected = {"big.png": sure.segment(big, WORDS, "auto"), "small.png": sure.segment(small, WORDS)}
    pictures = {"big.png": big, "small.png": small}
    for batch_size in (1, 3):
        given = [small, big, np.asarray(big)]
        answers = ask(given, text=WORDS, tiles="auto", batch_size=batch_size)
        for results, name in zip(answers, ("small.png", "big.png", "big.png"), strict=True):
            same(results, expected[name])
    same(ask(big, text=WORDS), sure.segment(big, WORDS))
    (tmp_path / "pictures").mkdir()
    for name, picture in pictures.items():
        picture.save(tmp_path / "pictures" / name)
    lines = [json.dumps({"file_name": name, "text": WORDS}) + "\n" for name in pictures]
    (tmp_path / "said.jsonl").write_text("".join(lines))
    model = ["--model", str(tmp_path / "sure"), "--tiles", "auto"]
    many = ["--images", str(tmp_path / "pictures"), "--expressions", str(tmp_path / "said.jsonl")]
    assert cli.main(["segment", *many, "--out", str(tmp_path / "many"), *model]) == 0
    for line in map(json.loads, (tmp_path / "many/masks.jsonl").read_text().splitlines()):
        found = [{**it, "mask": masks.decode(it["mask"])} for it in line["results"]]
        same(found, expected[line["file_name"]])
    one = [str(tmp_path / "pictures/big.png"), *WORDS, "--out", str(tmp_path / "one"), *model]
    assert cli.main(["segment", *one]) == 0
    for number, wanted in enumerate(expected["big.png"], 1):
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"one/mask-{number}.png")) > 0, wanted["mask"])


def test_another_word_is_refused(segmenter, big, checkpoint):
    with pytest.raises(ValueError, match="give 'auto' or 'off'"):
        segmenter.segment(big, WORDS, "always")
    with pytest.raises(ValueError, match="give 'auto' or 'off'"):
        pipeline("referring-segmentation", model=str(checkpoint))(big, text=WORDS, tiles="always")
