# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Our own tests of the processor: layouts of text, lengths, masks, and post-processing."""

import logging
import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image
from torch.nn.functional import interpolate
from transformers import AutoProcessor

from unires_hf import UniResImageProcessorPil, UniResProcessor
from unires_hf.model import processing_unires
from unires_hf.model.modeling_unires import UniResOutput

LONG = "the red dog " * 30


@pytest.fixture
def processor(clip_tokenizer):
    return UniResProcessor(UniResImageProcessorPil(size={"height": 64, "width": 64}), clip_tokenizer)


@pytest.fixture
def small(scene):
    return scene.resize((50, 70))


@pytest.mark.parametrize(
    ("number", "text", "indices"),
    [
        (1, "the dog", [0]),
        (1, ["the dog", "red dog"], [0, 0]),
        (1, [["the dog", "red dog"]], [0, 0]),
        (2, "the dog", [0, 1]),
        (2, ["the dog", "red dog"], [0, 1]),
        (2, [["the dog"], ["red dog", "the red dog"]], [0, 1, 1]),
        (2, [["red dog", "the dog"], []], [0, 0]),
    ],
)
def test_layouts_of_text(processor, scene, number, text, indices):
    inputs = processor(images=[scene] * number, text=text, return_tensors="pt")
    assert set(inputs) == set(processor.model_input_names)
    assert inputs["pixel_values"].shape == (number, 3, 64, 64)
    assert inputs["image_indices"].tolist() == indices
    assert inputs["image_indices"].dtype == torch.int64
    assert inputs["input_ids"].shape == inputs["attention_mask"].shape
    assert len(inputs["input_ids"]) == len(indices)


def test_text_alone_and_pictures_alone(processor, scene):
    assert set(processor(text=["the dog"])) == {"input_ids", "attention_mask"}
    assert processor(text=[["the dog", "red dog"], ["dog"]])["image_indices"] == [0, 0, 1]
    assert set(processor(images=scene)) == {"pixel_values", "original_sizes"}


@pytest.mark.parametrize(
    ("number", "text", "message"),
    [
        (1, "", "Expression 0 is empty"),
        (1, ["dog", " \t"], "Expression 1 is empty"),
        (1, [], "no expression"),
        (1, [[]], "no expression"),
        (2, ["dog"], "2 images but 1 texts"),
        (2, ["dog"] * 3, "2 images but 3 texts"),
        (3, [["dog"], ["red dog"]], "3 images but 2 texts"),
        (1, [["dog"], ["dog"]], "1 images but 2 texts"),
        (2, ["dog", ["dog"]], "mixes strings and lists"),
        (1, [7], "Expression 0 is a int"),
    ],
)
def test_bad_text(processor, scene, number, text, message):
    with pytest.raises(ValueError, match=message):
        processor(images=[scene] * number, text=text)


def test_nothing_at_all(processor):
    with pytest.raises(ValueError, match="Give `images`, `text` or both"):
        processor()
    with pytest.raises(ValueError, match="needs the `images`"):
        processor(text="dog", segmentation_maps=[np.ones((4, 4))])


@pytest.mark.parametrize("length", [17, 22, 77])
def test_lengths(processor, clip_tokenizer, length):
    rows = processor(text=["dog", LONG], max_length=length)
    assert [len(row) for row in rows["input_ids"]] == [length, length]
    assert rows["input_ids"][1][-1] == clip_tokenizer.eos_token_id
    padded = processor(text=["dog"], max_length=length, padding="max_length", return_tensors="pt")
    assert padded["input_ids"].shape == (1, length)
    assert padded["attention_mask"].sum() == 3
    assert processor(text=["dog"], max_length=length, return_tensors="pt")["input_ids"].shape == (1, 3)


def test_length_beyond_the_text_encoder(processor):
    with pytest.raises(ValueError, match="`max_length` is 78, but the model was trained with 77 tokens"):
        processor(text="dog", max_length=78)


def test_truncation_is_reported_once_with_the_first_culprit(processor, caplog, monkeypatch):
    monkeypatch.setattr(processing_unires, "_reported_lengths", set())
    with caplog.at_level(logging.WARNING):
        processor(text="the red dog", max_length=17)
        assert not caplog.records
        processor(text=["dog", "the " + LONG, LONG], max_length=17)
        processor(text=[LONG], max_length=17)
    assert len(caplog.records) == 1
    assert "cut at 17 tokens; the first one, of 93 tokens, is 'the the red dog" in caplog.text


def test_masks_flat_and_nested(processor, scene, small, disk_mask):
    small_mask = np.zeros((70, 50), dtype=bool)
    text = [["red disk"], ["a", "b"]]
    flat = processor([scene, small], text, [disk_mask, small_mask, ~small_mask], return_tensors="pt")["labels"]
    nested = processor([scene, small], text, [[disk_mask], [small_mask, ~small_mask]], return_tensors="pt")["labels"]
    assert torch.equal(flat, nested)
    assert flat.shape == (3, 16, 16)
    assert [bool(label.any()) for label in flat] == [True, False, True]
    one = processor(scene, ["red disk", "disk"], [disk_mask, disk_mask], return_tensors="pt")["labels"]
    assert torch.equal(one[0], flat[0]) and torch.equal(one[1], flat[0])


def test_numbers_of_masks_that_do_not_fit(processor, scene, small, disk_mask):
    with pytest.raises(ValueError, match=r"images\[0\] has 2 expressions but 1 masks"):
        processor([scene, small], [["a", "b"], ["c"]], [[disk_mask], [np.ones((70, 50))]])
    with pytest.raises(ValueError, match="holds 1 masks .* one mask an expression"):
        processor(scene, ["a", "b"], [disk_mask])
    with pytest.raises(ValueError, match=r"mask 1 of images\[0\].*480 high and 640 wide"):
        processor(scene, ["a", "b"], [disk_mask, disk_mask[1:]])


def test_settings_of_the_call_reach_both_parts(processor, scene, disk_mask):
    inputs = processor(
        scene,
        "the red dog",
        disk_mask,
        resize_mode="squash",
        size={"height": 32, "width": 96},
        mask_size={"height": 4, "width": 6},
        padding="max_length",
        max_length=9,
        return_tensors="pt",
    )
    assert inputs["pixel_values"].shape == (1, 3, 32, 96)
    assert inputs["labels"].shape == (1, 4, 6)
    assert inputs["input_ids"].shape == (1, 9)
    assert (inputs["pixel_values"][..., -1, :] != 0).any()


def test_saving(processor, tmp_path):
    processor.mask_threshold = 0.2
    processor.save_pretrained(tmp_path)
    loaded = AutoProcessor.from_pretrained(tmp_path)
    assert loaded.image_processor.size == {"height": 64, "width": 64}
    assert (loaded.mask_threshold, loaded.presence_threshold) == (0.2, 0.5)


def outputs_for(logits, presence=5.0, indices=None) -> UniResOutput:
    return UniResOutput(
        logits=logits,
        presence_logits=torch.as_tensor(presence).expand(len(logits)),
        image_indices=torch.zeros(len(logits), dtype=torch.long) if indices is None else torch.tensor(indices),
    )


@pytest.mark.parametrize("mode", ["letterbox", "squash"])
def test_labels_come_back_as_the_masks_they_were(clip_tokenizer, scene, disk_mask, mode):
    processor = UniResProcessor(UniResImageProcessorPil(resize_mode=mode), clip_tokenizer)
    inputs = processor(scene, ["red disk", "the rest"], [disk_mask, ~disk_mask], return_tensors="pt")
    outputs = outputs_for(torch.logit(inputs["labels"], eps=1e-4))
    results = processor.post_process_referring_segmentation(outputs, inputs["original_sizes"], mask_threshold=0.5)[0]
    for result, mask in zip(results, [disk_mask, ~disk_mask], strict=True):
        found = result["mask"].numpy()
        assert (found & mask).sum() / (found | mask).sum() > 0.98
    x0, y0, x1, y1 = results[0]["box"]
    np.testing.assert_allclose([x0, y0, x1, y1], [80, 120, 301, 401], atol=3)
    assert results[0]["mask"][y0:y1, x0:x1].sum() == results[0]["mask"].sum()


def test_logits_are_resized_then_thresholded(processor):
    logits = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    results = processor.post_process_referring_segmentation(outputs_for(logits), [(48, 64)], mask_threshold=0.35)[0]
    resized = interpolate(logits[None, :, :12], size=(48, 64), mode="bilinear")[0].sigmoid()
    for result, probabilities in zip(results, resized, strict=True):
        assert result["mask"].dtype == torch.bool
        assert torch.equal(result["mask"], probabilities > 0.35)


def test_default_threshold_is_the_processors(processor):
    logits = torch.full((1, 16, 16), math.log(0.3 / 0.7))
    empty = processor.post_process_referring_segmentation(outputs_for(logits), [(20, 20)])[0][0]
    assert empty["is_empty"]
    processor.mask_threshold = 0.25
    full = processor.post_process_referring_segmentation(outputs_for(logits), [(20, 20)])[0][0]
    assert full["mask"].all()
    assert full["box"] == [0, 0, 20, 20]
    assert full["score"] == pytest.approx(0.3 * torch.tensor(5.0).sigmoid().item(), abs=1e-5)


def test_no_referent_empties_the_mask(processor):
    outputs = outputs_for(torch.full((2, 16, 16), 9.0), presence=torch.tensor([-0.1, 0.1]))
    absent, present = processor.post_process_referring_segmentation(outputs, [(30, 20)], text=["a", "b"])[0]
    assert absent["mask"].shape == (30, 20) and not absent["mask"].any()
    assert (absent["score"], absent["box"], absent["is_empty"], absent["label"]) == (0.0, None, True, "a")
    assert present["mask"].all() and not present["is_empty"] and present["label"] == "b"
    both = processor.post_process_referring_segmentation(outputs, [(30, 20)], presence_threshold=0.4)[0]
    assert [result["is_empty"] for result in both] == [False, False]


def test_a_model_without_a_presence_head_always_finds_something(processor):
    outputs = outputs_for(torch.full((1, 16, 16), 9.0))
    outputs.presence_logits = None
    result = processor.post_process_referring_segmentation(outputs, [(30, 20)])[0][0]
    assert not result["is_empty"] and result["score"] == pytest.approx(1, abs=1e-3)


def test_expressions_return_to_their_pictures_in_order(processor):
    logits = torch.stack([torch.full((16, 16), value) for value in (1.0, 2.0, 3.0, 4.0)])
    outputs = outputs_for(logits, indices=[2, 0, 2, 0])
    sizes = torch.tensor([[10, 20], [5, 5], [30, 7]])
    results = processor.post_process_referring_segmentation(outputs, sizes, text=["a", "b", "c", "d"])
    assert [[result["label"] for result in picture] for picture in results] == [["b", "d"], [], ["a", "c"]]
    assert [tuple(result["mask"].shape) for picture in results for result in picture] == [(10, 20)] * 2 + [(30, 7)] * 2
    scores = [result["score"] for picture in results for result in picture]
    assert scores[0] < scores[1] and scores[2] < scores[3] < 1


def test_half_precision_outputs(processor):
    logits = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    half = processor.post_process_referring_segmentation(outputs_for(logits), [(9, 9)])[0]
    full = processor.post_process_referring_segmentation(outputs_for(logits.float()), [(9, 9)])[0]
    for one, other in zip(half, full, strict=True):
        assert torch.equal(one["mask"], other["mask"])
        assert one["score"] == pytest.approx(other["score"], rel=0.02)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"mask_threshold": 0.0}, "`mask_threshold` is 0.0"),
        ({"mask_threshold": 1.5}, "`mask_threshold` is 1.5"),
        ({"target_sizes": []}, "`target_sizes` has 0 pictures"),
        ({"text": ["a", "b"]}, "2 expressions, but `outputs` has 1"),
    ],
)
def test_bad_post_processing(processor, kwargs, message):
    kwargs = {"target_sizes": [(4, 4)], **kwargs}
    with pytest.raises(ValueError, match=message):
        processor.post_process_referring_segmentation(outputs_for(torch.ones(1, 16, 16)), **kwargs)


def test_logits_of_another_shape_than_the_input(processor):
    with pytest.raises(ValueError, match="logits are 16x32.*64x64.*processor that prepared"):
        processor.post_process_referring_segmentation(outputs_for(torch.ones(1, 16, 32)), [(4, 4)])


def test_pictures_by_path(processor, scene, tmp_path):
    scene.save(tmp_path / "scene.png")
    by_path = processor(str(tmp_path / "scene.png"), "dog", return_tensors="pt")["pixel_values"]
    assert torch.equal(
        by_path, processor(Image.open(tmp_path / "scene.png"), "dog", return_tensors="pt")["pixel_values"]
    )


def test_every_expression_may_have_its_own_thresholds(processor):
    outputs = outputs_for(torch.full((3, 16, 16), math.log(0.4 / 0.6)), presence=torch.tensor([0.0, 0.0, 0.0]))
    found = processor.post_process_referring_segmentation(
        outputs, [(8, 8)], mask_threshold=[0.3, 0.5, None], presence_threshold=[0.6, None, 0.4]
    )[0]
    assert [result["is_empty"] for result in found] == [True, True, False], "denied; below 0.5; above the 0.35 it has"
    nested = processor.post_process_referring_segmentation(outputs, [(8, 8)], mask_threshold=[[0.3, 0.3, 0.5]])[0]
    assert [result["is_empty"] for result in nested] == [False, False, True]
    for name in ("mask_threshold", "presence_threshold"):
        for wrong in ([0.3], [0.3, 0.3, 1.5], [0.3, 0.3, "x"], math.nan, -0.1):
            with pytest.raises(ValueError, match=f"`{name}`"):
                processor.post_process_referring_segmentation(outputs, [(8, 8)], **{name: wrong})


def two_disks() -> torch.Tensor:
    """Logits (16, 16): a disk at the upper left, a paler one at the lower right, which the default threshold drops."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    strong = ((rows - 4) ** 2 + (columns - 4) ** 2 < 9).float() * 12
    pale = ((rows - 11) ** 2 + (columns - 11) ** 2 < 9).float() * 4
    return (strong + pale - 5)[None]


def test_a_click_keeps_the_region_under_it(processor):
    logits = two_disks().clamp(max=1) + 4  # now both are above
    (both,) = processor.post_process_referring_segmentation(outputs_for(logits - 4.2), [(64, 64)], 0.1)[0]
    (one,) = processor.post_process_referring_segmentation(
        outputs_for(logits - 4.2), [(64, 64)], 0.1, points=[(18, 18)]
    )[0]
    labels, count = scipy.ndimage.label(both["mask"].numpy())
    assert count == 2 and np.array_equal(one["mask"].numpy(), labels == labels[18, 18])
    x0, y0, x1, y1 = one["box"]
    assert one["mask"][y0:y1, x0:x1].sum() == one["mask"].sum() and x1 < 40


def test_a_click_beside_the_mask_draws_at_its_own_probability(processor):
    click = (46, 46)
    before = processor.post_process_referring_segmentation(outputs_for(two_disks()), [(64, 64)])[0][0]["mask"]
    (after,) = processor.post_process_referring_segmentation(outputs_for(two_disks()), [(64, 64)], points=[click])[0]
    assert not before[46, 46] and after["mask"][46, 46] and not after["mask"][18, 18]
    assert 100 < after["mask"].sum() < 1000, "the pale disk, and not all of the picture"
    denied = outputs_for(two_disks(), presence=-9.0)
    assert processor.post_process_referring_segmentation(denied, [(64, 64)])[0][0]["is_empty"]
    assert not processor.post_process_referring_segmentation(denied, [(64, 64)], points=[click])[0][0]["is_empty"]


def test_a_box_keeps_what_is_inside(processor):
    outputs = outputs_for(torch.full((2, 16, 16), 9.0))
    boxed, free = processor.post_process_referring_segmentation(
        outputs, [(40, 60)], boxes=[(10.2, 5, 30.5, 1000), None]
    )[0]
    assert boxed["box"] == [10, 5, 31, 40] and boxed["mask"].sum() == 21 * 35
    assert free["mask"].all()
    outside = processor.post_process_referring_segmentation(outputs, [(40, 60)], boxes=[(70, 0, 90, 9), None])[0][0]
    assert outside["is_empty"] and outside["box"] is None
    for settings, sentence in (
        ({"points": [(60, 3), None]}, "lies outside its picture of 60x40"),
        ({"points": [(3, 3)]}, "`points` has 1 entries, but there are 2"),
        ({"boxes": [(3, 3, 9, 9)]}, "`boxes` has 1 entries"),
        ({"points": [(float("nan"), 3), None]}, "is not of the form x, y, in pixels"),
        ({"boxes": [(1, 2, 3), None]}, "is not of the form x0, y0, x1, y1"),
        ({"boxes": [(20, 20, 10, 10), None]}, "ends before it begins"),
    ):
        with pytest.raises(ValueError, match=sentence):
            processor.post_process_referring_segmentation(outputs, [(40, 60)], **settings)


def test_without_sizes_a_mask_covers_the_input(processor):
    outputs = outputs_for(torch.randn(1, 16, 16, generator=torch.Generator().manual_seed(0)))
    (whole,) = processor.post_process_referring_segmentation(outputs)[0]
    (spelt,) = processor.post_process_referring_segmentation(outputs, [(64, 64)])[0]
    assert whole["mask"].shape == (64, 64) and torch.equal(whole["mask"], spelt["mask"])


def test_padding_on_the_left_is_refused(processor, scene, monkeypatch):
    """CLIP numbers words from the left: padding there gave other masks, or none."""
    with pytest.raises(ValueError, match="pad on the right"):
        processor(images=scene, text=["dog", "the red dog"], padding_side="left", return_tensors="pt")
    monkeypatch.setattr(processor.tokenizer, "padding_side", "left")
    with pytest.raises(ValueError, match="pad on the right"):
        processor(images=scene, text=["dog", "the red dog"], return_tensors="pt")


@pytest.mark.parametrize("indices", [torch.tensor([True]), torch.tensor([0.0])])
def test_indices_are_whole_numbers(processor, indices):
    outputs = UniResOutput(logits=torch.ones(1, 16, 16), presence_logits=None, image_indices=indices)
    with pytest.raises(ValueError, match="`image_indices` holds torch.*: give whole numbers"):
        processor.post_process_referring_segmentation(outputs, [(4, 4)])


@pytest.mark.parametrize("text", [3, 2.5, {"a": 1}, b"a dog"])
def test_text_is_text(processor, scene, text):
    with pytest.raises(ValueError, match=f"`text` is a {type(text).__name__}"):
        processor(scene, text)
