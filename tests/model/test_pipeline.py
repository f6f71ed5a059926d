# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The pipeline against the model called by hand, for every way of giving pictures and expressions."""

import base64
import copy
import io

import numpy as np
import pytest
import torch
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from PIL import Image
from tiny_unires import tiny_config
from transformers import pipeline
from transformers.pipelines.pt_utils import KeyDataset, KeyPairDataset

from unires_hf import ReferringSegmentationPipeline, UniResImageProcessorPil, UniResModel, UniResProcessor
from unires_hf.model import pipeline_referring_segmentation

TEXT = ["the red dog", "dog"]


@pytest.fixture(scope="module")
def model(clip_tokenizer):
    special = {"bos_token_id": clip_tokenizer.bos_token_id, "eos_token_id": clip_tokenizer.eos_token_id}
    text_config = tiny_config().text_config.to_dict() | special | {"pad_token_id": clip_tokenizer.pad_token_id}
    text_config |= {"vocab_size": len(clip_tokenizer), "max_position_embeddings": 77}
    torch.manual_seed(0)
    return UniResModel(tiny_config(text_config=text_config)).eval()


@pytest.fixture(scope="module")
def processor(clip_tokenizer):
    images = UniResImageProcessorPil(size={"height": 32, "width": 32})
    # random weights deny and affirm a referent alike; here every expression has one
    return UniResProcessor(images, clip_tokenizer, mask_threshold=0.5, presence_threshold=0.0)


@pytest.fixture(scope="module")
def pipe(model, processor):
    return pipeline("referring-segmentation", model=model, processor=processor, device="cpu")


@pytest.fixture(scope="module")
def images(scene):
    return [scene, scene.rotate(90, expand=True), scene.resize((50, 33))]


@pytest.fixture(scope="module")
def expected(model, processor, images):
    """For each picture the results for `TEXT`, by hand and one expression at a time."""
    results = []
    for image in images:
        results.append([])
        for text in TEXT:
            inputs = processor(images=image, text=text, return_tensors="pt")
            with torch.no_grad():
                outputs = model(**inputs)
            results[-1] += processor.post_process_referring_segmentation(
                outputs, inputs["original_sizes"], mask_threshold=0.5, presence_threshold=0.0, text=[text]
            )[0]
    return results


def check(results, expected):
    assert [result["label"] for result in results] == [result["label"] for result in expected]
    for result, reference in zip(results, expected, strict=True):
        assert set(result) == {"score", "label", "mask", "box", "is_empty"}
        assert result["mask"].mode == "L"
        np.testing.assert_array_equal(np.asarray(result["mask"]), reference["mask"].numpy() * 255)
        assert result["box"] == reference["box"]
        assert result["is_empty"] == reference["is_empty"]
        assert result["score"] == pytest.approx(reference["score"], abs=1e-5)


def test_masks_are_neither_empty_nor_alike(expected):
    """Else the tests below would compare nothing."""
    for results in expected:
        assert all(0 < result["mask"].float().mean() < 1 for result in results)
        assert not torch.equal(results[0]["mask"], results[1]["mask"])


def test_one_picture_of_every_kind(pipe, images, expected, tmp_path):
    images[0].save(tmp_path / "scene.png")
    array = np.asarray(images[0])
    for image in (
        images[0],
        str(tmp_path / "scene.png"),
        tmp_path / "scene.png",
        array,
        torch.from_numpy(array.copy()),
    ):
        check(pipe(image, text=TEXT), expected[0])
    check(pipe({"image": images[0], "text": TEXT}), expected[0])


def test_the_batch_axis_is_kept(pipe, images, expected):
    check(pipe(images[0], text=TEXT[0]), expected[0][:1])
    check(pipe(images[0], text=TEXT[:1]), expected[0][:1])
    (results,) = pipe([images[0]], text=TEXT[0])
    check(results, expected[0][:1])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_lists_of_pictures(pipe, images, expected, batch_size):
    for results, reference in zip(pipe(images, text=TEXT, batch_size=batch_size), expected, strict=True):
        check(results, reference)
    text = [[TEXT[1]], TEXT, [TEXT[1], TEXT[0], TEXT[1]]]
    results = pipe(images, text=text, batch_size=batch_size)
    check(results[0], [expected[0][1]])
    check(results[1], expected[1])
    check(results[2], [expected[2][1], expected[2][0], expected[2][1]])
    rows = [{"image": image, "text": own} for image, own in zip(images, text, strict=True)]
    assert [len(results) for results in pipe(rows, batch_size=batch_size)] == [1, 2, 3]
    check(pipe(rows, batch_size=batch_size)[2], [expected[2][1], expected[2][0], expected[2][1]])


@pytest.mark.parametrize("batch_size", [1, 2])
def test_generators_and_datasets_stream(pipe, images, expected, batch_size):
    rows = {"image": images, "text": [TEXT] * 3}
    features = Features({"image": ImageFeature(), "text": [Value("string")]})
    dataset = Dataset.from_dict(rows, features=features)
    for stream in (
        pipe((image for image in images), text=TEXT, batch_size=batch_size),
        pipe(({"image": image, "text": TEXT} for image in images), batch_size=batch_size),
        pipe(KeyDataset(dataset, "image"), text=TEXT, batch_size=batch_size),
        pipe(dataset, batch_size=batch_size),
        pipe(dataset.to_iterable_dataset(), batch_size=batch_size),
    ):
        assert not isinstance(stream, list)
        for results, reference in zip(stream, expected, strict=True):
            check(results, reference)


def test_a_stream_is_read_as_it_is_asked_for(pipe, images):
    seen = []

    def pictures():
        for index in range(100):
            seen.append(index)
            yield images[2]

    next(iter(pipe(pictures(), text="dog")))
    assert len(seen) < 5


@pytest.mark.parametrize("number", [1, 16])
def test_a_picture_is_encoded_once(pipe, images, number):
    passes = []
    hook = pipe.model.vision_model.register_forward_hook(lambda *args: passes.append(1))
    try:
        pipe(images[0], text=[f"dog {index}" for index in range(number)])
    finally:
        hook.remove()
    assert len(passes) == 1


def test_thresholds(pipe, images):
    areas = [
        np.asarray(pipe(images[0], text="dog", mask_threshold=value)[0]["mask"]).sum() for value in (0.2, 0.5, 0.6)
    ]
    assert areas == sorted(areas, reverse=True) and areas[0] > areas[2]
    absent = pipe(images[0], text="dog", presence_threshold=1.0)[0]
    assert (absent["is_empty"], absent["box"], absent["score"]) == (True, None, 0.0)
    assert absent["mask"].size == (640, 480) and absent["mask"].getextrema() == (0, 0)


def test_settings_of_the_pipeline_hold_for_all_calls(model, processor, images, expected):
    pipe = ReferringSegmentationPipeline(model=model, processor=processor, text=TEXT, mask_threshold=0.5)
    check(pipe(images[0]), expected[0])


def test_half_precision(model, processor, images, expected):
    pipe = ReferringSegmentationPipeline(model=copy.deepcopy(model).to(torch.bfloat16), processor=processor)
    for result, reference in zip(pipe(images[0], text=TEXT), expected[0], strict=True):
        assert result["score"] == pytest.approx(reference["score"], abs=0.05)


def test_an_upright_mask_for_a_turned_picture(pipe, scene, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    scene.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    assert pipe(tmp_path / "turned.png", text="dog")[0]["mask"].size == (640, 480)


@pytest.mark.parametrize(
    ("count", "text", "message"),
    [
        (1, None, "There is no expression"),
        (1, "  ", "Expression 0 is empty"),
        (1, [], "no expression"),
        (2, [["dog"]], "2 pictures but 1 lists"),
        (1, [["dog"], ["dog"]], "1 pictures but 2 lists"),
    ],
)
def test_bad_input(pipe, images, count, text, message):
    with pytest.raises(ValueError, match=message):
        pipe(images[:count], text=text)


def test_more_bad_input(pipe, images):
    with pytest.raises(ValueError, match="key 'image'; this one has \\['picture'\\]"):
        pipe({"picture": images[0]}, text="dog")
    with pytest.raises(ValueError, match="yield dicts with 'image' and 'text'"):
        pipe((image for image in images), text=[["dog"]] * 3)
    with pytest.raises(ValueError, match="could not open"):
        pipe("no/such/picture.png", text="dog")
    with pytest.raises(TypeError, match="treshold"):
        pipe(images[0], text="dog", treshold=0.5)
    assert pipe([], text="dog") == []


def test_saving_and_loading(pipe, images, expected, tmp_path):
    pipe.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "model.safetensors",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    again = pipeline("referring-segmentation", model=str(tmp_path), device="cpu")
    assert isinstance(again, ReferringSegmentationPipeline)
    check(again(images[0], text=TEXT), expected[0])


def test_the_words_of_other_pipelines(pipe, images, expected):
    check(pipe(image=images[0], text=TEXT), expected[0])
    check(pipe(inputs=images[0], text=TEXT), expected[0])
    check(pipe(images=images[0], text=TEXT), expected[0])
    encoded = io.BytesIO()
    images[0].save(encoded, "PNG")
    check(pipe(base64.b64encode(encoded.getvalue()).decode(), text=TEXT), expected[0])
    dataset = Dataset.from_dict(
        {"image": images, "said": [TEXT] * 3}, features=Features({"image": ImageFeature(), "said": [Value("string")]})
    )
    for results, reference in zip(pipe(KeyPairDataset(dataset, "image", "said")), expected, strict=True):
        check(results, reference)
    for pictures in ({}, {"images": images[0], "image": images[0]}):
        with pytest.raises(ValueError, match="Give the pictures once"):
            pipe(text="dog", **pictures)
    with pytest.raises(TypeError, match="no setting 'threshold'"):
        pipe(images[0], text="dog", threshold=0.5)


def test_as_many_strings_as_pictures_may_mean_two_things(pipe, images, expected):
    with pytest.raises(ValueError, match="one expression a picture, or .* for all of them about each"):
        pipe(images[:2], text=TEXT)
    paired = pipe(images[:2], text=[[TEXT[0]], [TEXT[1]]])
    check(paired[0], [expected[0][0]])
    check(paired[1], [expected[1][1]])


def test_any_number_of_expressions_goes_through_in_passes(pipe, images, monkeypatch):
    text = [f"dog {index}" for index in range(7)]
    whole = pipe(images[0], text=text)
    sizes = []
    hook = pipe.model.register_forward_hook(lambda _, __, outputs: sizes.append(len(outputs.logits)))
    monkeypatch.setattr(pipeline_referring_segmentation, "PASS", 3)
    parts = pipe(images[0], text=text)
    hook.remove()
    assert sizes == [3, 3, 1]
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(np.asarray(one["mask"]), np.asarray(other["mask"]))


def test_clicks_boxes_and_thresholds_of_each_expression(pipe, images, expected):
    whole = np.asarray(expected[0][0]["mask"])
    row, column = (int(place[0]) for place in whole.nonzero())
    clicked, free = pipe(images[0], text=TEXT, points=[(column, row), None], boxes=[None, None])
    assert 0 < (np.asarray(clicked["mask"]) > 0).sum() <= whole.sum()
    check([free], [expected[0][1]])
    boxed = pipe(images[0], text=TEXT, boxes=[(0, 0, 100, 100), None])[0]["mask"]
    assert np.array_equal(np.asarray(boxed)[:100, :100] > 0, whole[:100, :100]) and not np.asarray(boxed)[100:].any()
    none, some = pipe(images[0], text=TEXT, presence_threshold=[1.0, 0.0])
    assert none["is_empty"] and not some["is_empty"]
