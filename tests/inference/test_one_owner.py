# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Thresholds, text length and input size have one owner, the processor: every way to a mask gives the same pixels."""

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset
from PIL import Image
from tiny_unires import tiny_model, tiny_processor
from transformers import pipeline

from unires_hf import cli
from unires_hf.app.drawing import write_archive
from unires_hf.app.memory import Memory
from unires_hf.data import masks
from unires_hf.data.schema import FEATURES
from unires_hf.inference.segmenter import Segmenter
from unires_hf.loading import load_model
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments
from unires_hf.training.run import run
from unires_hf.training.trainer import UniResTrainer

TEXT = ["the red disk", "left part of the red disk", "its edge"]
OWN = {"mask_threshold": 0.6, "presence_threshold": 0.3}
ROWS, COLUMNS = np.mgrid[:90, :120]
TRUTHS = [COLUMNS < 60, ROWS < 30, (ROWS + COLUMNS) % 60 < 30]


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    Image.effect_mandelbrot((120, 90), (-2, -1.2, 1, 1.2), 60).convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def trainer(tmp_path_factory, data) -> UniResTrainer:
    """After two steps of a model that is asked with 9 tokens, 96 x 160 pixels, and thresholds that no config has."""
    folder = tmp_path_factory.mktemp("unusual")
    processor = tiny_processor((96, 160), length=9, **OWN)
    processor.image_processor.mask_size = {"height": 48, "width": 80}
    model = tiny_model(processor, seed=44)
    with torch.no_grad():
        model.mask_head.kernel.weight.mul_(20)  # random weights as they start draw next to nothing
        model.presence_head.fc2.weight.zero_()
        model.presence_head.fc2.bias.fill_(-0.4)  # a probability of 0.4: more than 0.3, and less than the config's 0.5
    assert (model.config.mask_threshold, model.config.presence_threshold) == (0.35, 0.5)
    model.save_pretrained(folder / "start")
    processor.save_pretrained(folder / "start")
    arguments = UniResTrainingArguments(
        str(folder / "run"), max_steps=2, learning_rate=1e-6, save_strategy="no", use_cpu=True, disable_tqdm=True
    )
    words = DataArguments(train_data=[f"{data},split=train"], eval_data=[f"{data},split=train"])
    return run(ModelArguments(model_name_or_path=str(folder / "start")), words, arguments)


@pytest.fixture(scope="module")
def unusual(trainer) -> Path:
    return Path(trainer.args.output_dir)


@pytest.fixture(scope="module")
def data(tmp_path_factory, picture) -> str:
    """The picture and what is said of it, as a command names them."""
    target = {"granularity": "object", "category": "disk", "part": None, "parent_id": None, "bbox": [0, 0, 1, 1]}
    targets = [
        {**target, "target_id": f"{number}", "mask": masks.encode(truth)}
        | {"expressions": [{"expression_id": f"{number}", "text": text}]}
        for number, (text, truth) in enumerate(zip(TEXT, TRUTHS, strict=True))
    ]
    row = {"image": Image.open(picture), "image_id": "1", "source": "test", "width": 120, "height": 90}
    folder = tmp_path_factory.mktemp("data")
    path = folder / "data" / "train-00000-of-00001.parquet"
    Dataset.from_list([{**row, "targets": targets}], FEATURES).to_parquet(path)
    return f"{path.parent},cache_dir={folder / 'cache'}"


@pytest.fixture(scope="module")
def expected(unusual, picture) -> list[np.ndarray]:
    """By hand, one expression at a time, everything spelt out."""
    model, processor = load_model(str(unusual))
    found = []
    for text in TEXT:
        inputs = processor(images=Image.open(picture), text=text, return_tensors="pt")
        assert inputs["input_ids"].shape == (1, 9) and inputs["pixel_values"].shape == (1, 3, 96, 160)
        with torch.no_grad():
            outputs = model(**inputs)
        [[result]] = processor.post_process_referring_segmentation(outputs, [(90, 120)], **OWN)
        found.append(result["mask"].numpy())
    for other in ({"mask_threshold": 0.35}, {"presence_threshold": 0.5}):
        [[result]] = processor.post_process_referring_segmentation(outputs, [(90, 120)], **{**OWN, **other})
        assert not np.array_equal(result["mask"].numpy(), found[-1]), "the config's value would not be noticed"
    assert all(0.02 < mask.mean() < 0.98 for mask in found)
    return found


def same(found: list, expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for mask, wanted in zip(found, expected, strict=True):
        assert np.array_equal(np.asarray(mask) > 0, wanted)


def test_pipeline(unusual, picture, expected):
    results = pipeline("referring-segmentation", model=str(unusual))(str(picture), text=TEXT)
    same([result["mask"] for result in results], expected)


def test_segment_one(unusual, picture, expected, tmp_path):
    out = ["--model", str(unusual), "--out", str(tmp_path / "out")]
    assert cli.main(["segment", str(picture), *TEXT, *out]) == 0
    same([Image.open(tmp_path / f"out/mask-{number}.png") for number in (1, 2, 3)], expected)


def test_segment_many(unusual, picture, expected, tmp_path):
    (tmp_path / "said.jsonl").write_text(json.dumps({"file_name": picture.name, "text": TEXT}) + "\n")
    files = ["--images", str(picture.parent), "--expressions", str(tmp_path / "said.jsonl")]
    assert cli.main(["segment", *files, "--model", str(unusual), "--out", str(tmp_path / "out")]) == 0
    (line,) = map(json.loads, (tmp_path / "out/masks.jsonl").read_text().splitlines())
    same([masks.decode(result["mask"]) for result in line["results"]], expected)


def test_app(unusual, picture, expected, tmp_path):
    segmenter = Segmenter.from_pretrained(str(unusual), "cpu")
    said = Memory(segmenter, tmp_path).ask(Image.open(picture), TEXT)
    archive = write_archive((segmenter.masks(one)[0][0] for one in said.one_by_one()), tmp_path, {})
    with ZipFile(archive) as zipped:
        same([Image.open(zipped.open(name)) for name in zipped.namelist()], expected)


def test_page_starts_at_the_processors_threshold(unusual, tmp_path):
    pytest.importorskip("gradio", reason="the page needs gradio: pip install 'unires-hf[app]'")
    from unires_hf.app.page import build_page

    page = build_page(Segmenter.from_pretrained(str(unusual), "cpu"), "", [], tmp_path, {})
    (slider,) = [block for block in page.blocks.values() if type(block).__name__ == "Slider"]
    assert slider.value == 0.6


def test_onnx(unusual, picture, expected, tmp_path):
    for module in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(module, reason="the extra `export` is not installed")
    from unires_hf.publish.onnx_folder import export_onnx
    from unires_hf.publish.onnx_segment import Segmenter as Runtime

    results = Runtime(export_onnx(str(unusual), tmp_path / "onnx").folder).segment(Image.open(picture), TEXT)
    same([result["mask"] for result in results], expected)


def counts(expected: list[np.ndarray]) -> list[tuple[int, int]]:
    return [
        (np.count_nonzero(mask & truth), np.count_nonzero(mask | truth))
        for mask, truth in zip(expected, TRUTHS, strict=True)
    ]


def test_trainer(trainer, expected):
    records = sorted(trainer.results.records.to_pylist(), key=lambda it: it["expression_id"])
    assert [(it["intersection"], it["union"]) for it in records] == counts(expected)


def test_the_run_says_what_it_measured_with(unusual, expected):
    results = json.loads((unusual / "results.json").read_text())
    assert {name: results[name] for name in OWN} == OWN
    assert results["text_length"] == 9 and results["input_size"] == "96x160"
    assert results["miou"] == pytest.approx(
        100 * np.mean([inside / all for inside, all in counts(expected)]), abs=1e-3
    )
    card = (unusual / "README.md").read_text()
    for fact in ("input | 96 x 160 pixels", "words | cut at 9 tokens", "mask threshold | 0.6"):
        assert fact in card
    assert "presence threshold | 0.3" in card and "mask threshold 0.6 (the model's)" in card


def test_evaluate_command(unusual, data, expected, tmp_path):
    words = ["evaluate", str(unusual), data, "--split", "train", "--device", "cpu", "--out", str(tmp_path / "r.json")]
    assert cli.main([*words, "--gallery", str(tmp_path / "gallery.png")]) == 0  # keeps the masks
    records = pq.read_table(tmp_path / "r.parquet").to_pylist()
    records.sort(key=lambda it: it["expression_id"])
    same([masks.decode(record["prediction"]) for record in records], expected)
    assert [(it["intersection"], it["union"]) for it in records] == counts(expected)
    measured, trained = (json.loads(path.read_text()) for path in (tmp_path / "r.json", unusual / "results.json"))
    assert all(measured[name] == trained[name] for name in (*OWN, "text_length", "input_size", "weights_sha256"))
    assert measured["miou"] == trained["miou"]
