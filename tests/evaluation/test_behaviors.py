# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Behaviors and calibration against slow implementations, of a model that looks at pictures and has known faults."""

import copy
import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image, ImageOps
from transformers import AutoProcessor

from unires_hf.data import masks
from unires_hf.evaluation import evaluate_model
from unires_hf.evaluation.behaviors import behavior_table, boundary_iou, concept_scores, middle
from unires_hf.evaluation.calibration import calibrate, calibration_error, fit_scores, reliability
from unires_hf.model.modeling_unires import UniResOutput
from unires_hf.report.reliability import draw_reliability


class Looker(torch.nn.Module):
    """Draws what is bright, on the side that the words name. "stuck" makes it take every side for the left one, and
    "whole" take all; "none" makes it deny. It is as sure as the words "sure" and "unsure" have it."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = copy.deepcopy(tokenizer)

    def forward(self, pixel_values, input_ids, attention_mask, image_indices):
        texts = self.tokenizer.batch_decode(input_ids, skip_special_tokens=True)
        texts = [text.replace(" ", "") for text in texts]
        maps = []
        for text, index in zip(texts, image_indices, strict=True):
            bright = pixel_values[index].mean(0) > 0
            half = torch.arange(bright.shape[1]) < bright.shape[1] // 2
            if "whole" not in text and ("stuck" in text or "left" in text):
                bright = bright & half
            elif "whole" not in text and "right" in text:
                bright = bright & ~half
            maps.append(torch.where(bright, 0.6 if "unsure" in text else 4.0, -4.0))
        presence = torch.tensor([-3.0 if "none" in text else 9.0 for text in texts])
        return UniResOutput(logits=torch.stack(maps), presence_logits=presence, image_indices=image_indices)


WORDS = (
    [["left sure"], ["right sure", "stuck right"], ["whole left unsure"], ["none"]],
    [["stuck left"], ["right whole sure"], ["whole unsure"], ["whole sure", "none of it"]],
    [["left unsure", "left sure"], ["none right"], ["stuck right unsure"], ["unsure"]],
)


@pytest.fixture
def rows(boxes):
    """Two objects of a kind, two parts of the first, and nothing; each picture bright where the objects are."""
    made = []
    for number, words in enumerate(WORDS):
        places = [(4 + number, 6, 28, 40), (38, 10, 60 - 2 * number, 50)]
        pixels = np.zeros((boxes.size, boxes.size, 3), np.uint8)
        pixels[boxes.mask(*places)] = 255
        part = (4 + number, 6, 12 + 2 * number, 30)
        targets = [
            boxes.target(f"{number}/a", places[:1], words[0]),
            boxes.target(f"{number}/b", places[1:], words[1]),
            boxes.target(f"{number}/p", [part], words[2], parent=f"{number}/a"),
            boxes.target(f"{number}/q", [(20, 30, 28, 40)], ["left sure"], parent=f"{number}/a"),
            boxes.target(f"{number}/n", [], words[3]),
        ]
        row = {"image": Image.fromarray(pixels), "image_id": str(number), "source": "looker", "targets": targets}
        made.append(row | {"width": boxes.size, "height": boxes.size})
    return made


def slow_boundary(mask):
    """Eroded by 3 x 3 pixels as often as 2 % of the diagonal has pixels; what goes is the boundary."""
    height, width = mask.shape
    inner = mask.copy()
    for _ in range(max(1, round(0.02 * math.sqrt(height**2 + width**2)))):
        before = np.pad(inner, 1)
        for row in range(height):
            for column in range(width):
                inner[row, column] = before[row : row + 3, column : column + 3].all()
    return mask & ~inner


def slow_iou(first, second):
    both = sum(int(a and b) for a, b in zip(first.ravel(), second.ravel(), strict=True))
    either = sum(int(a or b) for a, b in zip(first.ravel(), second.ravel(), strict=True))
    return both / either if either else 1.0


def swap(text):
    return text.replace("left", "L").replace("right", "left").replace("L", "right")


@pytest.mark.parametrize("seed", range(4))
def test_boundary_iou(seed):
    rng = np.random.default_rng(seed)
    first, second = np.zeros((2, 70, 110), bool)
    for mask in (first, second):
        for _ in range(2):
            top, left = rng.integers(0, 60, 2)
            mask[top : top + 30, left : left + 40] = True
    expected = slow_iou(slow_boundary(first), slow_boundary(second))
    assert boundary_iou(first, second) == pytest.approx(expected, abs=1e-12) and 0 < expected < 1
    assert boundary_iou(first, first) == 1


def test_every_behavior(rows, processor):
    looker = Looker(processor.tokenizer)

    def draw(picture, text):
        inputs = processor(images=picture, text=text, return_tensors="pt")
        sizes = inputs.pop("original_sizes")
        return processor.post_process_referring_segmentation(looker(**inputs), sizes)[0][0]["mask"].numpy()

    def hint(picture, text, truth):
        """IoU after a click, and in a box: on the map at the picture's size, pixel by pixel."""
        inputs = processor(images=picture, text=text, return_tensors="pt")
        inputs.pop("original_sizes")
        outputs = looker(**inputs)
        grown = torch.nn.functional.interpolate(outputs.logits[None], truth.shape, mode="bilinear")[0, 0].numpy()
        share = processor.mask_threshold if outputs.presence_logits[0] > 0 else 1 - 1e-9
        mask = grown > math.log(share / (1 - share))
        inside = list(zip(*np.nonzero(truth), strict=True))
        center = np.mean(inside, axis=0)
        click = min(inside, key=lambda pixel: math.dist(pixel, center))
        assert middle(truth) == (click[1] + 0.5, click[0] + 0.5)
        around = mask if mask[click] else grown >= grown[click] - 1e-4
        pieces, _ = scipy.ndimage.label(around)
        frame = np.zeros_like(truth)
        (top, left), (bottom, right) = np.min(inside, axis=0), np.max(inside, axis=0)
        frame[top : bottom + 1, left : right + 1] = True
        return slow_iou(pieces == pieces[click], truth), slow_iou(mask & frame, truth)

    results = evaluate_model(looker, processor, rows, batch_size=2, behaviors=True, keep_masks=True)
    got = results.summary
    lists = {
        name: []
        for name in (
            *("whole_for_part", "swap_unmoved", "mirror_iou", "sibling_object", "sibling_part", "boundary_iou"),
            *("unaided_iou", "click_iou", "box_iou"),
        )
    }
    right = {}
    for row in rows:
        truths = {target["target_id"]: masks.decode(target["mask"]) for target in row["targets"]}
        for target in row["targets"]:
            truth = truths[target["target_id"]]
            for expression in target["expressions"]:
                text = expression["text"]
                mask = draw(row["image"], text)
                own = slow_iou(mask, truth) if truth.any() else 0.0
                right.setdefault((row["image_id"], text), own > 0.5)
                if truth.any():
                    lists["boundary_iou"].append(slow_iou(slow_boundary(mask), slow_boundary(truth)))
                    clicked, boxed = hint(row["image"], text, truth)
                    lists["unaided_iou"].append(own)
                    lists["click_iou"].append(clicked)
                    lists["box_iou"].append(boxed)
                if target["parent_id"]:
                    whole = slow_iou(mask, truths[target["parent_id"]])
                    lists["whole_for_part"].append(whole >= 0.5 and whole > own)
                siblings = [
                    truths[other["target_id"]]
                    for other in row["targets"]
                    if other is not target
                    and (other["granularity"], other["parent_id"]) == (target["granularity"], target["parent_id"])
                    and truths[other["target_id"]].any()
                ]
                if siblings and truth.any():
                    best = max(slow_iou(mask, other) for other in siblings)
                    lists[f"sibling_{target['granularity']}"].append(best > own)
                mirrored = draw(ImageOps.mirror(row["image"]), swap(text))[:, ::-1]
                lists["mirror_iou"].append(slow_iou(mask, mirrored))
                if swap(text) != text and mask.any():
                    lists["swap_unmoved"].append(slow_iou(mask, draw(row["image"], swap(text))) >= 0.5)
    for name, values in lists.items():
        assert got[f"behavior_{name}"] == pytest.approx(100 * np.mean(values), abs=1e-6), name
        assert got[f"behavior_{name}_n"] == len(values)
        assert 0 < np.mean(values) < 1, f"{name}: the model does it sometimes"
    pairs = [
        value and right[image, swap(text)]
        for (image, text), value in right.items()
        if text < swap(text) and (image, swap(text)) in right
    ]
    assert got["behavior_pairs_right"] == 100 * np.mean(pairs) and got["behavior_pairs_right_n"] == len(pairs) > 0
    assert (
        got["behavior_unaided_iou"] < got["behavior_click_iou"]
        and got["behavior_unaided_iou"] < got["behavior_box_iou"]
    )
    table = results.markdown()
    assert behavior_table(got) in table and "the whole object is drawn for a part" in table
    assert evaluate_model(looker, processor, rows).summary.items() <= {**got, "behaviors": False}.items()
    with pytest.raises(ValueError, match="at original size, but lavt compares elsewhere"):
        evaluate_model(looker, processor, rows, protocol="lavt", behaviors=True)


@pytest.mark.parametrize("seed", range(5))
def test_concept_scores_are_sam3s(seed):
    rng = np.random.default_rng(seed)
    iou, no_target, denied = rng.random(60), rng.random(60) < 0.3, rng.random(60) < 0.4
    iou[no_target | denied] = 0
    f1 = []
    for threshold in np.linspace(0.5, 0.95, 10):
        hits = false = missed = 0
        for one, nothing, silent in zip(iou, no_target, denied, strict=True):
            if not nothing:
                hit = not silent and one >= threshold - 1e-12
                hits, false, missed = hits + hit, false + (not silent and not hit), missed + (not hit)
        f1.append(2 * hits / (2 * hits + false + missed))
    correlation = np.corrcoef(~no_target, ~denied)[0, 1]  # of two yes-or-no columns, Matthews' is Pearson's
    scores = concept_scores(iou, no_target, denied)
    assert scores["pmf1"] == pytest.approx(100 * np.mean(f1))
    assert scores["il_mcc"] == pytest.approx(correlation)
    assert scores["cgf1"] == pytest.approx(100 * np.mean(f1) * correlation)
    assert set(concept_scores(iou, np.zeros(60, bool), denied)) == {"pmf1"}


def test_calibration_error():
    rng = np.random.default_rng(0)
    scores = np.append(rng.random(500), [0.0, 1.0, 0.1, 0.3])
    right = rng.random(504) < scores**2
    total = 0
    for step in range(10):
        end = 1.1 if step == 9 else (step + 1) / 10
        inside = [number for number, score in enumerate(scores) if step / 10 <= score < end]
        if inside:
            gap = sum(scores[n] for n in inside) / len(inside) - sum(right[n] for n in inside) / len(inside)
            total += len(inside) / 504 * abs(gap)
    assert calibration_error(scores, right) == pytest.approx(total) and total > 0.1
    assert sum(count for count, _, _ in reliability(scores, right)) == 504


@pytest.mark.parametrize(("temperature", "bias"), [(0.5, 0.0), (2.0, -1.0), (4.0, 1.0)])
def test_what_is_fitted_is_the_likeliest(temperature, bias):
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.05, 0.999, 4000)
    logits = np.log(scores / (1 - scores))
    right = rng.random(4000) < 1 / (1 + np.exp(-logits / temperature - bias))

    def surprise(temperature, bias):
        share = 1 / (1 + np.exp(-logits / temperature - bias))
        return -np.log(np.where(right, share, 1 - share)).mean()

    fitted = fit_scores(scores, right)
    assert fitted == pytest.approx((temperature, bias), rel=0.25, abs=0.2)
    grid = [(t, b) for t in np.geomspace(0.3, 8, 80) for b in np.linspace(-2, 2, 81)]
    assert surprise(*fitted) <= min(surprise(*pair) for pair in grid) + 1e-9
    with pytest.raises(ValueError, match="2 of 2 answers are right"):
        fit_scores(scores[:2], np.ones(2, bool))


def test_calibration_changes_scores_and_never_masks(rows, processor, tmp_path):
    processor = copy.deepcopy(processor)
    looker = Looker(processor.tokenizer)
    before = evaluate_model(looker, processor, rows, behaviors=True, keep_masks=True)
    assert calibrate(processor, before.records, tmp_path) == tmp_path / "processor_config.json"
    again = AutoProcessor.from_pretrained(tmp_path)
    own = (again.score_temperature, again.score_bias)
    assert own == (processor.score_temperature, processor.score_bias) != (1, 0)
    after = evaluate_model(looker, again, rows, behaviors=True, keep_masks=True)
    assert after.records["prediction"].equals(before.records["prediction"])
    changed = [key for key, value in before.summary.items() if after.summary[key] != value]
    assert set(changed) == {"score_temperature", "score_bias", "behavior_ece"}
    assert after.summary["behavior_ece"] < before.summary["behavior_ece"]
    logits = [np.log(s / (1 - s)) for s in (run.records["score"].to_numpy().astype(float) for run in (before, after))]
    some = np.isfinite(logits[0]) & (logits[0] < 8)
    np.testing.assert_allclose(logits[1][some], logits[0][some] / own[0] + own[1], rtol=1e-3, atol=1e-5)


def test_the_diagram_is_drawn(rows, processor, tmp_path):
    results = evaluate_model(Looker(processor.tokenizer), processor, rows, behaviors=True)
    with Image.open(draw_reliability(results.records, tmp_path / "reliability.png")) as page:
        assert page.width > 400 and len(page.getcolors(page.width * page.height)) > 20
