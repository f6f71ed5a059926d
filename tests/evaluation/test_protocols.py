# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Each protocol against the rules of its paper's code, written out pixel by pixel and expression by expression."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from unires_hf.data import masks
from unires_hf.evaluation import PROTOCOLS, compute_metrics, get_protocol, overlap, score, truth_from_polygons

KINDS = ("random", "random", "equal", "empty prediction", "empty truth", "both empty", "full", "one pixel")


def make_pair(kind, seed):
    generator = np.random.default_rng(seed)
    shape = tuple(generator.integers(1, 24, 2))
    prediction, truth = (generator.random(shape) < generator.choice([0.1, 0.5, 0.9]) for _ in range(2))
    if kind == "equal":
        prediction = truth.copy()
    if kind in ("empty prediction", "both empty"):
        prediction[:] = False
    if kind in ("empty truth", "both empty"):
        truth[:] = False
    if kind == "full":
        prediction[:] = True
    if kind == "one pixel":
        truth[:] = False
        truth.flat[generator.integers(truth.size)] = True
    return prediction, truth


expressions = st.lists(
    st.tuples(st.builds(make_pair, st.sampled_from(KINDS), st.integers(0, 2**32 - 1)), st.booleans()),
    min_size=1,
    max_size=12,
)


def measured(cases, name):
    protocol = get_protocol(name)
    scored = [score(prediction, masks.encode(truth), protocol) for (prediction, truth), _ in cases]
    return compute_metrics(
        [one.intersection for one in scored],
        [one.union for one in scored],
        protocol=name,
        no_target=[not truth.any() for (_, truth), _ in cases],
        predicted_no_target=[denied for _, denied in cases],
    )


def slow_count(prediction, truth):
    inter = union = 0
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            inter += int(prediction[row, column] and truth[row, column])
            union += int(prediction[row, column] or truth[row, column])
    return inter, union


def squash(mask):
    """As LAVT does with the ground truth: Pillow's nearest neighbor."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).resize((480, 480), Image.Resampling.NEAREST)).astype(bool)


def percent(values):
    return pytest.approx(100 * sum(values) / len(values), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(expressions)
def test_unires_and_cris(cases):
    counts = [slow_count(*pair) for pair, _ in cases]
    ious = [inter / (union + 1e-6) for inter, union in counts]
    for name in ("unires", "cris"):
        metrics = measured(cases, name)
        assert metrics["miou"] == percent(ious)
        sums = [sum(column) for column in zip(*counts, strict=True)]
        assert metrics["oiou"] == pytest.approx(100 * sums[0] / sums[1] if sums[1] else 0)
    # CRIS's own lines: torch.arange in float32, strictly greater.
    for threshold in torch.arange(0.5, 1.0, 0.1):
        passed = (torch.tensor(ious, dtype=torch.float64) > threshold).float().mean().item()
        assert metrics[f"pr@{threshold:.1f}"] == pytest.approx(100 * passed, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(expressions)
def test_lavt(cases):
    counts = [(int((p & t).sum()), int((p | t).sum())) for p, t in ((squash(p), squash(t)) for (p, t), _ in cases)]
    ious = [0.0 if union == 0 else inter / union for inter, union in counts]
    metrics = measured(cases, "lavt")
    assert metrics["miou"] == percent(ious)
    total = sum(union for _, union in counts)
    assert metrics["oiou"] == pytest.approx(100 * sum(inter for inter, _ in counts) / total if total else 0)
    for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
        assert metrics[f"pr@{threshold}"] == percent([iou >= threshold for iou in ious])


@settings(max_examples=20, deadline=None)
@given(expressions)
def test_grefcoco(cases):
    ious, inter_sum, union_sum = [], 0, 0
    right_denials = wrong_denials = right_finds = missed_denials = 0
    passed, targeted = dict.fromkeys((0.7, 0.8, 0.9), 0), 0
    for (prediction, truth), denied in cases:
        no_target = not truth.any()
        prediction, truth = squash(prediction), squash(truth)
        inter, union = int((prediction & truth).sum()), int((prediction | truth).sum())
        if no_target:
            if denied:
                right_denials += 1
                ious.append(1.0)
            else:
                missed_denials += 1
                ious.append(0.0)
                union_sum += int(prediction.sum())
            continue
        targeted += 1
        if denied:
            wrong_denials += 1
            ious.append(0.0)
            union_sum += union
            continue
        right_finds += 1
        iou = 0.0 if union == 0 else inter / union
        ious.append(iou)
        inter_sum, union_sum = inter_sum + inter, union_sum + union
        for threshold in passed:
            passed[threshold] += iou >= threshold
    metrics = measured(cases, "grefcoco")
    assert metrics["giou"] == metrics["miou"] == percent(ious)
    assert metrics["oiou"] == pytest.approx(100 * inter_sum / union_sum if union_sum else 0)
    assert {key for key in metrics if key.startswith("pr@")} == {"pr@0.7", "pr@0.8", "pr@0.9"}
    for threshold, hits in passed.items():
        assert metrics[f"pr@{threshold}"] == pytest.approx(100 * hits / targeted if targeted else 0)
    if right_denials + missed_denials == 0:
        assert metrics["n_acc"] == metrics["t_acc"] == 0
    else:
        assert metrics["n_acc"] == pytest.approx(100 * right_denials / (right_denials + missed_denials))
        if targeted:
            assert metrics["t_acc"] == pytest.approx(100 * right_finds / (right_finds + wrong_denials))


@settings(max_examples=30, deadline=None)
@given(expressions)
def test_giou_of_the_other_protocols_rewards_two_empty_masks(cases):
    """LISA's and EVF-SAM's rule."""
    ious = [1.0 if union == 0 else inter / union for inter, union in (slow_count(*pair) for pair, _ in cases)]
    assert measured(cases, "unires")["giou"] == percent(ious)


def test_both_empty_and_one_empty_are_zero_everywhere_but_in_giou():
    nothing, something = np.zeros((5, 7), bool), np.eye(5, 7, dtype=bool)
    for name in ("unires", "cris", "lavt"):
        for pair, giou in (((nothing, nothing), 100), ((nothing, something), 0), ((something, nothing), 0)):
            metrics = measured([(pair, False)], name)
            assert (metrics["miou"], metrics["oiou"], metrics["giou"]) == (0, 0, giou)


def box_of(mask):
    """x0, y0, x1, y1, found pixel by pixel."""
    inside = [(x, y) for y in range(mask.shape[0]) for x in range(mask.shape[1]) if mask[y, x]]
    if not inside:
        return 0, 0, 0, 0
    xs, ys = zip(*inside, strict=True)
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def box_iou(first, second):
    """Intersection and union of two boxes by their corners."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    inter = max(width, 0) * max(height, 0)
    return inter, sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - inter


@settings(max_examples=40, deadline=None)
@given(expressions)
def test_boxes(cases):
    counts = [box_iou(box_of(prediction), box_of(truth)) for (prediction, truth), _ in cases]
    ious = [inter / max(union, 1) for inter, union in counts]
    metrics = measured(cases, "boxes")
    assert metrics["miou"] == percent(ious)
    for threshold in (0.5, 0.75, 0.9):
        assert metrics[f"pr@{threshold}"] == percent([iou >= threshold for iou in ious])


def test_exactly_half_passes_where_the_peer_writes_greater_or_equal():
    for name, passes in {"unires": 0, "cris": 0, "lavt": 100, "boxes": 100}.items():
        assert compute_metrics([1], [2], protocol=name)["pr@0.5"] == passes
    for name, passes in {"unires": 0, "lavt": 100, "grefcoco": 100}.items():
        assert compute_metrics([7], [10], protocol=name)["pr@0.7"] == passes


def test_float32_thresholds_of_cris_tell_themselves_apart():
    """At 0.7 of a large union, 1e-6 is lost, and float32's 0.7 lies below 0.7."""
    inter, union = 70_000_000, 100_000_000
    assert compute_metrics([inter], [union], protocol="cris")["pr@0.7"] == 100
    assert compute_metrics([inter], [union], protocol="unires")["pr@0.7"] == 0


def test_squashing_weighs_sides_anew():
    """A wide picture: a column error counts as at original size, but a mask lost between samples is lost."""
    truth, prediction = np.zeros((10, 1920), bool), np.zeros((10, 1920), bool)
    truth[:, 0] = prediction[:, 0] = True  # nearest neighbor takes columns 2, 6, 10, …
    prediction[:, 2] = True
    at_original = measured([((prediction, truth), False)], "unires")
    squashed = measured([((prediction, truth), False)], "lavt")
    assert at_original["oiou"] == 50 and squashed["oiou"] == 0


@pytest.mark.parametrize("side", [*range(1, 40), 333, 425, 427, 479, 480, 481, 500, 640, 1013])
def test_nearest_neighbour_is_pillows(side):
    mask = np.random.default_rng(side).random((side, max(1, 700 - side))) < 0.5
    np.testing.assert_array_equal(get_protocol("lavt").resize(mask), squash(mask))


def test_overlapping_polygons():
    """Two squares of one object that share a strip, in the way of each loader."""
    height, width = 40, 60
    polygons = [[4, 4, 30, 4, 30, 30, 4, 30], [20, 10, 50, 10, 50, 36, 20, 36]]
    layers = [coco_mask.decode(one) for one in coco_mask.frPyObjects(polygons, height, width)]
    stacked = layers[0].astype(int) + layers[1]
    assert (stacked == 2).any()
    for name in ("unires", "cris"):
        np.testing.assert_array_equal(truth_from_polygons(polygons, height, width, PROTOCOLS[name]), stacked > 0)
    np.testing.assert_array_equal(
        truth_from_polygons(polygons, height, width, PROTOCOLS["lavt"]), squash(stacked == 1)
    )
    scaled = [[x * (480 / width if i % 2 == 0 else 480 / height) for i, x in enumerate(line)] for line in polygons]
    drawn = sum(coco_mask.decode(one).astype(int) for one in coco_mask.frPyObjects(scaled, 480, 480)) > 0
    np.testing.assert_array_equal(truth_from_polygons(polygons, height, width, PROTOCOLS["grefcoco"]), drawn)


def test_thresholds_are_the_peers():
    assert {name: protocol.mask_threshold for name, protocol in PROTOCOLS.items()} == {
        "unires": None,  # the model's own
        "cris": 0.35,
        "lavt": 0.5,
        "grefcoco": 0.5,
        "boxes": None,
    }


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no protocol 'clip'; choose one of unires, cris, lavt, grefcoco"):
        get_protocol("clip")
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        overlap(np.ones((2, 3), bool), np.ones((3, 2), bool))
    with pytest.raises(ValueError, match=r"\[480, 480\].*\[3, 2\]"):
        score(np.ones((480, 480), bool), masks.encode(np.ones((3, 2), bool)), PROTOCOLS["lavt"])
