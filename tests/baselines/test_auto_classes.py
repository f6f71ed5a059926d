# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS and LAVT through Auto classes, UniRES's processor, its collator and its evaluator."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_baselines import cris_config, flat_batch, lavt_config
from transformers import AutoModel, AutoProcessor

import unires_hf.baselines
from unires_hf.baselines import CrisModel, LavtModel, LavtProcessor, make_processor, register
from unires_hf.data.collator import ReferringCollator
from unires_hf.evaluation import evaluate_model

FLAT_FILES = sorted(
    path
    for path in Path(unires_hf.baselines.__file__).parent.glob("*.py")
    if path.stem.startswith(("configuration_", "modeling_", "outputs_"))
)


@pytest.fixture(params=["cris", "lavt"])
def model_and_processor(request, clip_tokenizer, bert_tokenizer):
    torch.manual_seed(0)
    if request.param == "cris":
        text = {**cris_config().text_config.to_dict(), "vocab_size": 520, "bos_token_id": 518, "eos_token_id": 519}
        model, tokenizer = CrisModel(cris_config(text_config=text | {"pad_token_id": 519})), clip_tokenizer
    else:
        model, tokenizer = LavtModel(lavt_config()), bert_tokenizer
    return model.eval(), make_processor(model.config, tokenizer)


def test_auto_classes_bring_back_what_was_saved(model_and_processor, scene, tmp_path):
    register()
    model, processor = model_and_processor
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys(), "or none resumes from it"
    again, processor_again = AutoModel.from_pretrained(tmp_path), AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is type(model) and type(processor_again) is type(processor)
    text = ["the red disk", "the blue box"]
    inputs = processor(images=scene, text=text, return_tensors="pt")
    inputs_again = processor_again(images=scene, text=text, return_tensors="pt")
    for name in inputs:
        torch.testing.assert_close(inputs[name], inputs_again[name])
    del inputs["original_sizes"]
    with torch.no_grad():
        torch.testing.assert_close(model(**inputs).logits, again.eval()(**inputs).logits)


def test_settings_are_the_published_ones(model_and_processor, scene):
    model, processor = model_and_processor
    image_processor = processor.image_processor
    if model.config.model_type == "cris":
        assert image_processor.resize_mode == "letterbox" and processor.mask_threshold == 0.35
        assert image_processor.image_mean[0] == pytest.approx(0.48145466)
        assert image_processor.mask_size == {"height": 8, "width": 8}
    else:
        assert image_processor.resize_mode == "squash" and processor.mask_threshold == 0.5
        assert image_processor.image_mean[0] == pytest.approx(0.485)
        assert image_processor.mask_size == {"height": 64, "width": 64}
    long = processor(text=["the red disk left of the blue box " * 5], return_tensors="pt")
    assert long["input_ids"].shape == (1, 20)


def test_collator_makes_labels_that_fit_the_logits(model_and_processor, row):
    model, processor = model_and_processor
    batch = ReferringCollator(processor)([row, row])
    outputs = model(**batch)
    assert outputs.logits.shape == batch["labels"].shape
    assert torch.isfinite(outputs.loss)


def test_evaluator_takes_them(model_and_processor, row):
    model, processor = model_and_processor
    results = evaluate_model(
        model,
        processor,
        [row],
        mask_threshold=processor.mask_threshold,
        controls=("all_foreground", "empty_expression"),
        bootstrap=0,
    )
    assert results.summary["n_expressions"] == 3


def test_masks_of_a_known_map_lie_on_the_picture(model_and_processor, scene):
    """Labels, taken for logits, come back as the mask that they were made from."""
    _, processor = model_and_processor
    mask = np.zeros((48, 64), bool)
    mask[:24, 32:] = True
    size = {"height": 64, "width": 64}
    inputs = processor(images=scene, segmentation_maps=[mask], mask_size=size, text="box", return_tensors="pt")
    outputs = unires_hf.baselines.ReferringSegmentationOutput(
        logits=inputs["labels"] * 20 - 10, image_indices=inputs["image_indices"]
    )
    ((result,),) = processor.post_process_referring_segmentation(outputs, inputs["original_sizes"], mask_threshold=0.5)
    found = result["mask"].numpy()
    # CRIS makes labels of every cell's corner, and reads its map corner on corner: half a cell is lost, as published.
    assert (found & mask).sum() / (found | mask).sum() > (0.95 if type(processor) is LavtProcessor else 0.93)
    assert not result["is_empty"]


@pytest.mark.parametrize("path", FLAT_FILES, ids=lambda path: path.stem)
def test_files_of_the_models_can_be_copied_into_one_folder(path):
    names = {file.stem for file in FLAT_FILES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1 and node.module in names, ast.unparse(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            assert "unires_hf" not in ast.unparse(node)


LOAD_ALONE = """
import sys, torch
from transformers import AutoModel
for folder in sys.argv[1:]:
    model = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    torch.save(model(**torch.load(folder + "/batch.pt")).logits, folder + "/logits.pt")
assert "unires_hf" not in sys.modules
"""


def test_folders_with_their_code_load_where_the_package_is_not(tmp_path):
    models = [CrisModel(cris_config()).eval(), LavtModel(lavt_config()).eval()]
    batch = flat_batch(images=2, expressions=3)
    for model in models:
        name = model.config.model_type
        folder = tmp_path / name
        model.save_pretrained(folder)
        for path in FLAT_FILES:
            if path.stem.endswith((f"_{name}", "_baselines")):
                shutil.copy(path, folder)
        settings = json.loads((folder / "config.json").read_text())
        settings["auto_map"] = {
            "AutoConfig": f"configuration_{name}.{type(model.config).__name__}",
            "AutoModel": f"modeling_{name}.{type(model).__name__}",
        }
        (folder / "config.json").write_text(json.dumps(settings))
        torch.save(batch, folder / "batch.pt")
    environment = os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", LOAD_ALONE, str(tmp_path / "cris"), str(tmp_path / "lavt")]
    finished = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    for model in models:
        with torch.no_grad():
            expected = model(**batch).logits
        torch.testing.assert_close(torch.load(tmp_path / model.config.model_type / "logits.pt"), expected)
