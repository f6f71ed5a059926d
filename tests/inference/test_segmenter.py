# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encode once, ask many: one vision pass, none for other words or another threshold, and the pipeline's own masks."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_unires import save_checkpoint, tiny_processor
from transformers import AutoProcessor, pipeline

from unires_hf.cli import main
from unires_hf.data import masks
from unires_hf.inference.segmenter import Segmenter
from unires_hf.model import pipeline_referring_segmentation

WORDS = ["the dark side", "its edge"]


@pytest.fixture
def picture() -> Image.Image:
    return Image.linear_gradient("L").resize((50, 30)).convert("RGB")


def ask(segmenter: Segmenter, picture: Image.Image, words: list[str]):
    return segmenter.ask(segmenter.encode([picture]), [words])


def test_other_words_and_other_thresholds_need_no_further_pass(segmenter, picture) -> None:
    calls = Counter()
    segmenter.model.vision_model.register_forward_hook(lambda *_: calls.update(["vision"]))
    segmenter.model.register_forward_hook(lambda *_: calls.update(["model"]))
    seen = segmenter.encode([picture])
    assert calls == {"vision": 1}
    said = segmenter.ask(seen, [WORDS])
    segmenter.ask(seen, [["something else"]])
    assert calls == {"vision": 1, "model": 2}
    for threshold in (0.1, 0.5, 0.9):
        segmenter.masks(said, mask_threshold=threshold)
    assert calls == {"vision": 1, "model": 2}


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_masks_are_the_pipelines(segmenter, checkpoint: Path, picture, threshold: float) -> None:
    ask_pipeline = pipeline("referring-segmentation", model=str(checkpoint))
    expected = ask_pipeline(picture, text=WORDS, mask_threshold=threshold)
    (results,) = segmenter.masks(ask(segmenter, picture, WORDS), mask_threshold=threshold)
    for result, wanted in zip(results, expected, strict=True):
        assert np.array_equal(result["mask"], np.asarray(wanted["mask"]) > 0)
        assert result["score"] == pytest.approx(wanted["score"], abs=1e-5)
        assert result["label"] == wanted["label"]


def test_another_image_size_gives_one_mask_whoever_is_asked(checkpoint: Path, picture, tmp_path: Path) -> None:
    side = 96
    twice = AutoProcessor.from_pretrained(checkpoint, size={"height": side, "width": side})
    expected = pipeline("referring-segmentation", model=str(checkpoint), processor=twice)(picture, text=WORDS)
    segmenter = Segmenter.from_pretrained(str(checkpoint), "cpu", image_size=side)
    usual = Segmenter.from_pretrained(str(checkpoint), "cpu").segment(picture, WORDS)
    results = segmenter.segment(picture, WORDS)
    for result, wanted, other in zip(results, expected, usual, strict=True):
        assert result["score"] == pytest.approx(wanted["score"], abs=1e-5)
        assert result["score"] != pytest.approx(other["score"], abs=1e-5)
    answers = {"segmenter": [it["mask"].numpy() for it in results]}
    (tmp_path / "in").mkdir()
    picture.save(tmp_path / "in/one.png")
    (tmp_path / "said.jsonl").write_text(json.dumps({"file_name": "one.png", "text": WORDS}))
    asked = ["--model", str(checkpoint), "--image-size", str(side)]
    assert main(["segment", str(tmp_path / "in/one.png"), *WORDS, *asked, "--out", str(tmp_path / "one")]) == 0
    answers["one"] = [np.asarray(Image.open(tmp_path / f"one/mask-{number}.png")) > 0 for number in (1, 2)]
    many = ["--images", str(tmp_path / "in"), "--expressions", str(tmp_path / "said.jsonl")]
    assert main(["segment", *many, *asked, "--out", str(tmp_path / "many")]) == 0
    line = json.loads((tmp_path / "many/masks.jsonl").read_text())
    answers["many"] = [masks.decode(it["mask"]) for it in line["results"]]
    assert line["made_by"]["image_size"] == side
    for found in answers.values():
        for mask, wanted in zip(found, expected, strict=True):
            assert np.array_equal(mask, np.asarray(wanted["mask"]) > 0)
    assert [it["score"] for it in line["results"]] == pytest.approx([it["score"] for it in results], abs=1e-3)


def test_pictures_keep_their_own_words_and_sizes(segmenter, picture) -> None:
    other = picture.rotate(90, expand=True)
    together = segmenter.masks(segmenter.ask(segmenter.encode([picture, other]), [WORDS, WORDS[:1]]))
    alone = [segmenter.masks(ask(segmenter, one, words))[0] for one, words in ((picture, WORDS), (other, WORDS[:1]))]
    assert [[result["label"] for result in results] for results in together] == [WORDS, WORDS[:1]]
    for results, expected in zip(together, alone, strict=True):
        for result, wanted in zip(results, expected, strict=True):
            assert torch.equal(result["mask"], wanted["mask"])


def test_any_number_of_expressions_goes_through_in_passes(segmenter, picture, monkeypatch) -> None:
    words = [f"thing {number}" for number in range(7)]
    whole = ask(segmenter, picture, words)
    sizes = []
    segmenter.model.register_forward_hook(lambda _, __, outputs: sizes.append(len(outputs.logits)))
    monkeypatch.setattr(pipeline_referring_segmentation, "PASS", 3)
    parts = ask(segmenter, picture, words)
    assert sizes == [3, 3, 1]
    torch.testing.assert_close(parts.outputs.logits, whole.outputs.logits, rtol=1e-5, atol=1e-5)
    assert [one.text for one in parts.one_by_one()] == [[word] for word in words]
    singles = [segmenter.masks(one)[0][0]["mask"] for one in parts.one_by_one()]
    assert all(map(torch.equal, singles, (result["mask"] for result in segmenter.masks(parts)[0])))


def test_baselines_are_asked_alike(checkpoints_of_baselines, picture) -> None:
    for folder in checkpoints_of_baselines:
        segmenter = Segmenter.from_pretrained(str(folder), "cpu")
        (results,) = segmenter.masks(ask(segmenter, picture, WORDS))
        expected = pipeline("referring-segmentation", model=str(folder))(picture, text=WORDS)
        for result, wanted in zip(results, expected, strict=True):
            assert np.array_equal(result["mask"], np.asarray(wanted["mask"]) > 0)


def test_the_processor_owns_the_thresholds(tmp_path, picture) -> None:
    """Whatever the config says, which has only the defaults that a processor is made with."""
    folder = save_checkpoint(tmp_path / "tiny", tiny_processor(mask_threshold=0.6, presence_threshold=0.3))
    segmenter = Segmenter.from_pretrained(str(folder), "cpu")
    assert segmenter.model.config.mask_threshold == 0.35
    said = ask(segmenter, picture, WORDS)
    own, spelt = segmenter.masks(said), segmenter.masks(said, mask_threshold=0.6, presence_threshold=0.3)
    other = segmenter.masks(said, mask_threshold=0.35)
    assert all(torch.equal(one["mask"], two["mask"]) for one, two in zip(own[0], spelt[0], strict=True))
    assert not all(torch.equal(one["mask"], two["mask"]) for one, two in zip(own[0], other[0], strict=True))


@pytest.mark.parametrize(
    ("words", "sentence"), [([["a", " "]], "empty"), ([[]], "no expression"), ([["a"], ["b"]], "1 images but 2")]
)
def test_mistakes_are_sentences(segmenter, picture, words, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        segmenter.ask(segmenter.encode([picture]), words)
