# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What CRIS, LAVT and ReLA do before and after the network, in arithmetic of the test's own, against the processors
and the evaluator. CRIS warps as OpenCV's `warpAffine` does, which rounds places to 1/32 pixel."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from tiny_baselines import cris_config, lavt_config
from torch.nn import functional as F
from transformers import BertTokenizer

from unires_hf.baselines import CrisModel, ReferringSegmentationOutput, make_processor
from unires_hf.data import masks
from unires_hf.evaluation import evaluate_model

MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])


def cris_matrix(height, width, side):
    """From picture to input: (a, b, c, d) of x' = a x + b, y' = c y + d."""
    scale = min(side / height, side / width)
    return scale, (side - width * scale) / 2, scale, (side - height * scale) / 2


def kernel(distance):
    """The bicubic kernel of Keys with a = -0.75."""
    distance, a = np.abs(distance), -0.75
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def warp(source, matrix, height, width, border, taps):
    """`cv2.warpAffine(source, M, (width, height))` for an M that maps from the output to `source` (h, w, channels)."""
    a, b, c, d = matrix
    across = (np.round(b * 1024) + 16 + np.round(a * np.arange(width) * 1024)) // 32 / 32
    down = (np.round(d * 1024) + 16 + np.round(c * np.arange(height) * 1024)) // 32 / 32
    total = np.zeros((height, width, source.shape[2]))
    offsets = (-1, 0, 1, 2) if taps == "cubic" else (0, 1)
    weigh = kernel if taps == "cubic" else (lambda distance: np.maximum(0, 1 - np.abs(distance)))
    for dy in offsets:
        y = np.floor(down).astype(int) + dy
        for dx in offsets:
            x = np.floor(across).astype(int) + dx
            inside = ((y >= 0) & (y < source.shape[0]))[:, None] & ((x >= 0) & (x < source.shape[1]))[None]
            values = source[y.clip(0, source.shape[0] - 1)][:, x.clip(0, source.shape[1] - 1)]
            weights = weigh(down - y)[:, None] * weigh(across - x)[None]
            total += weights[..., None] * np.where(inside[..., None], values, border)
    return total


def inverse(matrix):
    a, b, c, d = matrix
    return 1 / a, -b / a, 1 / c, -d / c


def cris_input(picture, side):
    placed = warp(
        np.asarray(picture, float),
        inverse(cris_matrix(picture.height, picture.width, side)),
        side,
        side,
        np.round(MEAN * 255),
        "cubic",
    )
    return placed.round().clip(0, 255)


def cris_mask(logits, height, width, side):
    enlarged = F.interpolate(logits.sigmoid()[None, None], size=(side, side), mode="bicubic", align_corners=True)
    warped = warp(enlarged[0, 0, ..., None].numpy(), cris_matrix(height, width, side), height, width, 0.0, "cubic")
    return warped[..., 0] > 0.35


def draw_picture(seed, height, width):
    """Edges of every direction and color, and noise."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        corners = [tuple(rng.integers(0, (width, height)).tolist()) for _ in range(3)]
        pen.polygon(corners, fill=tuple(rng.integers(0, 256, 3).tolist()))
    return picture


SIZES = [(48, 64), (427, 640), (640, 333), (90, 100), (1, 40), (600, 601)]


@pytest.fixture
def cris(clip_tokenizer):
    """CRIS's processor at its published size."""
    config = cris_config(vision_config={**cris_config().vision_config.to_dict(), "image_size": 416})
    return make_processor(config, clip_tokenizer)


@pytest.fixture
def lavt(bert_tokenizer):
    config = lavt_config(vision_config={**lavt_config().vision_config.to_dict(), "image_size": 480})
    return make_processor(config, bert_tokenizer)


@pytest.mark.parametrize("size", SIZES)
def test_the_input_of_cris(cris, size):
    picture = draw_picture(sum(size), *size)
    pixels = cris.image_processor(picture, return_tensors="pt")["pixel_values"][0].permute(1, 2, 0).double().numpy()
    ours, theirs = (pixels * STD + MEAN) * 255, cris_input(picture, 416)
    assert np.abs(ours - theirs).max() <= 1.01  # OpenCV computes 8-bit pixels in whole numbers: one level is rounding
    assert np.abs(ours - theirs).mean() < 0.01


def test_the_labels_of_cris(cris):
    mask = np.asarray(draw_picture(3, 333, 500))[..., 0] > 128
    labels = cris.image_processor(Image.new("RGB", (500, 333)), segmentation_maps=[mask], return_tensors="pt")[
        "labels"
    ][0]
    placed = warp(mask[..., None].astype(float), inverse(cris_matrix(333, 500, 416)), 416, 416, 0.0, "linear")
    nearest = F.interpolate(torch.from_numpy(placed[None, None, ..., 0]), (104, 104), mode="nearest")[0, 0]
    np.testing.assert_allclose(labels.numpy(), nearest.numpy(), atol=1e-6)


@pytest.mark.parametrize("size", [(48, 64), (640, 480)])
def test_the_input_of_lavt(lavt, size):
    picture = draw_picture(sum(size), *size)
    pixels = lavt.image_processor(picture, return_tensors="pt")["pixel_values"][0].permute(1, 2, 0).double().numpy()
    ours = (pixels * (0.229, 0.224, 0.225) + (0.485, 0.456, 0.406)) * 255
    theirs = np.asarray(picture.resize((480, 480), Image.Resampling.BILINEAR), float)
    assert np.abs(ours - theirs).max() <= 1.01 and np.abs(ours - theirs).mean() < 0.01


def test_the_words_of_lavt_are_cut_without_their_end(lavt):
    tokenizer: BertTokenizer = lavt.tokenizer
    words = ["the", "red", "disk"] * 9
    ids = tokenizer.convert_tokens_to_ids(words)
    for text, expected in (
        (words, [tokenizer.cls_token_id, *ids][:20]),
        (words[:18], [tokenizer.cls_token_id, *ids[:18], tokenizer.sep_token_id]),
        (words[:19], [tokenizer.cls_token_id, *ids[:19]]),
    ):
        encoded = lavt(text=" ".join(text), return_tensors="pt")
        assert encoded["input_ids"][0].tolist() == expected and encoded["attention_mask"].all()
    both = lavt(text=["the disk", " ".join(words)], return_tensors="pt")
    assert both["input_ids"].shape == (2, 20) and both["attention_mask"].sum(1).tolist() == [4, 20]


class Recorded(torch.nn.Module):
    """Gives out logit maps that were recorded, in the order of the expressions."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, maps):
        super().__init__()
        self.maps = iter(maps)

    def forward(self, input_ids, image_indices, **inputs):
        logits = torch.stack([next(self.maps) for _ in input_ids])
        return ReferringSegmentationOutput(logits=logits, image_indices=image_indices)


def synthetic_case(seed, cells):
    """A picture's size, the truth, and a logit map that is about right: blobs as small as 2 % of the side."""
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(60, 260, 2))
    radius = rng.choice([0.02, 0.05, 0.1, 0.3]) * max(height, width) + 1
    y, x = rng.uniform(0, 1, 2) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    stretch = rng.uniform(0.6, 1.6)
    truth = ((rows - y) / stretch) ** 2 + (columns - x) ** 2 < radius**2
    if not truth.any():
        truth[height // 2, width // 2] = True
    return height, width, truth, rng


def rows_of(cases):
    return [
        {
            "image": Image.new("RGB", (width, height)),
            "image_id": str(number),
            "source": "synthetic",
            "width": width,
            "height": height,
            "targets": [
                {
                    "target_id": str(number),
                    "granularity": "object",
                    "category": "blob",
                    "part": None,
                    "parent_id": None,
                    "bbox": [0.0, 0.0, 1.0, 1.0],
                    "mask": masks.encode(np.asfortranarray(truth)),
                    "expressions": [{"expression_id": str(number), "text": "the disk"}],
                }
            ],
        }
        for number, (height, width, truth) in enumerate(cases)
    ]


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_cris_scores_from_logits_as_published(cris, count):
    """Within 0.05 points; Pr@X with CRIS's thresholds, which are float32."""
    cases, maps, ious = [], [], []
    for seed in range(count):
        height, width, truth, rng = synthetic_case(seed, 104)
        small = warp(truth[..., None].astype(float), inverse(cris_matrix(height, width, 104)), 104, 104, 0.0, "linear")
        noise = F.avg_pool2d(torch.from_numpy(rng.normal(size=(1, 104, 104))), 7, 1, 3)[0]
        maps.append((torch.from_numpy(small[..., 0]) * 6 - 4 + 4 * noise).float())
        cases.append((height, width, truth))
        drawn = cris_mask(maps[-1], height, width, 416)
        ious.append((drawn & truth).sum() / ((drawn | truth).sum() + 1e-6))
    summary = evaluate_model(Recorded(maps), cris, rows_of(cases), protocol="cris", controls=(), bootstrap=0).summary
    assert 30 < summary["miou"] < 95
    assert summary["miou"] == pytest.approx(100 * np.mean(ious), abs=0.05)
    for threshold in (0.5, 0.7, 0.9):
        passed = 100 * np.mean(np.array(ious) > float(np.float32(threshold)))
        assert summary[f"pr@{threshold}"] == pytest.approx(passed, abs=0.05)


@pytest.mark.parametrize("protocol", ["lavt", "grefcoco"])
@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_lavt_and_rela_compare_their_own_480_pixels(lavt, protocol, count):
    cases, maps, ious, sums = [], [], [], np.zeros(2)
    for seed in range(count):
        height, width, truth, rng = synthetic_case(seed, 480)
        target = np.asarray(
            Image.fromarray(truth.astype(np.uint8)).resize((480, 480), Image.Resampling.NEAREST)
        ).astype(bool)
        noise = F.avg_pool2d(torch.from_numpy(rng.normal(size=(1, 480, 480))), 15, 1, 7)[0]
        maps.append((torch.from_numpy(target.astype(float)) * 4 - 2 + 16 * noise).float())
        cases.append((height, width, truth))
        drawn = torch.stack([torch.zeros(480, 480), maps[-1]]).argmax(0).numpy().astype(bool)
        counts = (drawn & target).sum(), (drawn | target).sum()
        ious.append(counts[0] / counts[1])
        sums += counts
    results = evaluate_model(
        Recorded(maps), lavt, rows_of(cases), protocol=protocol, controls=(), bootstrap=0, keep_masks=True
    )
    assert 20 < results.summary["miou"] < 95
    assert results.summary["miou"] == pytest.approx(100 * np.mean(ious), abs=1e-9)
    assert results.summary["oiou"] == pytest.approx(100 * sums[0] / sums[1], abs=1e-9)
    kept = results.records["prediction"][0].as_py()
    assert kept["size"] == [results.records["height"][0].as_py(), results.records["width"][0].as_py()]


def test_cris_takes_every_zero_for_padding():
    torch.manual_seed(0)
    model = CrisModel(cris_config()).eval()
    pixels = torch.randn(1, 3, 32, 32)
    seen, blind = torch.tensor([[97, 5, 0, 7, 98]]), []
    model.decoder_layers[0].cross_attn.register_forward_hook(
        lambda module, given, outcome: blind.append(outcome[1]), always_call=True
    )
    model.set_attn_implementation("eager")
    with torch.no_grad():
        model(pixels, seen, torch.ones_like(seen))
    weights = blind[0].mean((0, 1, 2))
    assert weights[2] == 0 and (weights[[0, 1, 3, 4]] > 0).all()
