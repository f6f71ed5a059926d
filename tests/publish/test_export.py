# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Checkpoints load with the package, and in a process that has never heard of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor, pipeline

from unires_hf import UniResConfig, UniResModel, UniResProcessor
from unires_hf.publish.hub_folder import export_checkpoint

TEXT = ["the red disk", "left part of the red disk"]


def scores(folder: Path, picture: Path, **options) -> list[float]:
    segmenter = pipeline("referring-segmentation", model=str(folder), **options)
    return [
        result["score"] for result in segmenter(str(picture), text=TEXT, mask_threshold=0.01, presence_threshold=0)
    ]


def test_auto_classes_give_ours(checkpoint):
    assert type(AutoConfig.from_pretrained(checkpoint)) is UniResConfig
    assert type(AutoModel.from_pretrained(checkpoint)) is UniResModel
    assert type(AutoProcessor.from_pretrained(checkpoint)) is UniResProcessor
    assert AutoImageProcessor.from_pretrained(checkpoint).size["height"] == 32


def test_exported_checkpoint_loads_with_the_package_and_asks_for_no_trust(checkpoint, exported, picture):
    assert type(AutoModel.from_pretrained(exported)) is UniResModel
    assert type(AutoProcessor.from_pretrained(exported)) is UniResProcessor
    assert scores(exported, picture) == scores(checkpoint, picture)


WITHOUT_PACKAGE = """
import sys
sys.modules["unires_hf"] = None  # import unires_hf fails, as where it is not installed
import json
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor, pipeline

folder, picture, text = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
trust = {"trust_remote_code": True}
classes = [type(auto.from_pretrained(folder, **trust)).__name__ for auto in
           (AutoConfig, AutoModel, AutoProcessor, AutoImageProcessor)]
named = pipeline("referring-segmentation", model=folder, **trust)
results = named(picture, text=text, mask_threshold=0.01, presence_threshold=0)
loaded = sorted(name for name in sys.modules if name.startswith("unires_hf") and sys.modules[name])
print(json.dumps({"classes": classes, "scores": [r["score"] for r in results], "size": results[0]["mask"].size,
                  "loaded": loaded}))
"""


def test_exported_checkpoint_loads_where_the_package_is_absent(exported, picture, checkpoint, tmp_path):
    script = tmp_path / "without_package.py"
    script.write_text(WITHOUT_PACKAGE)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules")}
    run = subprocess.run(
        [sys.executable, str(script), str(exported), str(picture), json.dumps(TEXT)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    assert said["loaded"] == []
    assert said["classes"][:3] == ["UniResConfig", "UniResModel", "UniResProcessor"]
    assert said["classes"][3].startswith("UniResImageProcessor")
    assert said["size"] == [60, 40]
    assert said["scores"] == pytest.approx(scores(checkpoint, picture), abs=1e-5)


def test_saved_again_nothing_dangles(exported, tmp_path, picture):
    model, processor = AutoModel.from_pretrained(exported), AutoProcessor.from_pretrained(exported)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    for path in tmp_path.glob("*.json"):
        for key in ("auto_map", "custom_pipelines"):
            assert key not in path.read_text(), path.name
    assert scores(tmp_path, picture) == scores(exported, picture)


def test_pipeline_saves_what_loads_again(exported, tmp_path, picture):
    pipeline("referring-segmentation", model=str(exported)).save_pretrained(tmp_path)
    assert scores(tmp_path, picture) == scores(exported, picture)


def test_export_names_nothing_of_this_machine(exported, checkpoint):
    for path in exported.glob("*.json"):
        assert str(checkpoint) not in path.read_text()
        assert "local_files_only" not in path.read_text()


def test_export_refuses_what_is_incomplete_or_taken(checkpoint, exported, tmp_path):
    with pytest.raises(ValueError, match="has no config.json"):
        export_checkpoint(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="is not empty"):
        export_checkpoint(checkpoint, exported)
    assert not (tmp_path / "out").exists()


def test_export_leaves_nothing_behind_when_it_fails(checkpoint, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in checkpoint.iterdir():
        if path.name != "model.safetensors":
            (broken / path.name).write_bytes(path.read_bytes())
    with pytest.raises(OSError, match="model.safetensors"):
        export_checkpoint(broken, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_weights_that_are_not_finite_are_not_published(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "model")
    weights = load_file(checkpoint / "model.safetensors")
    diverged = {name: torch.full_like(weight, torch.nan) for name, weight in weights.items()}
    save_file(diverged, tmp_path / "model/model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="is not finite"):
        export_checkpoint(tmp_path / "model", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "loader", "sentence"),
    [
        ("config.json", UniResModel, "has no config.json"),
        ("model.safetensors", UniResModel, "no file named model.safetensors"),
        ("tokenizer.json", UniResProcessor, "tokenizer.json is missing"),
        ("processor_config.json", UniResProcessor, "Can't load image processor"),
    ],
)
def test_checkpoint_with_a_missing_file_is_named(checkpoint, tmp_path, name, loader, sentence):
    for path in checkpoint.iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises((OSError, ValueError), match=sentence):
        loader.from_pretrained(tmp_path)


def test_card_and_code_are_there(exported):
    names = {path.name for path in exported.iterdir()}
    assert {"README.md", "modeling_unires.py", "pipeline_referring_segmentation.py", "model.safetensors"} <= names
    config = json.loads((exported / "config.json").read_text())
    assert config["auto_map"]["AutoModel"] == "modeling_unires.UniResModel"
    assert "trust_remote_code=True" in (exported / "README.md").read_text()
