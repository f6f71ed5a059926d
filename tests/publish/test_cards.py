# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Cards say what configurations and results say, in a form that the Hub reads."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from unires_hf import UniResConfig, cli
from unires_hf.checkpoints import checkpoint_path
from unires_hf.publish.cards import CLIP, changed_fields, checkpoint_card, preset_card, presets, short_card
from unires_hf.publish.photograph_card import photograph_card

ROOT = Path(__file__).parents[2]


@pytest.fixture
def write_model_cards():
    specification = importlib.util.spec_from_file_location("cards", ROOT / "scripts" / "write_model_cards.py")
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    return script


@pytest.mark.parametrize("preset", presets())
def test_the_card_of_a_preset_is_up_to_date(preset):
    card = (ROOT / "model_cards" / f"{preset}.md").read_text()
    assert card == preset_card(preset), "run python scripts/write_model_cards.py"
    data = ModelCard(card).data
    assert (data.library_name, data.license, data.base_model) == ("transformers", "apache-2.0", CLIP.get(preset))
    assert data.pipeline_tag is None and data.eval_results is None
    assert "Not measured" in card


@pytest.mark.parametrize("preset", sorted(CLIP))
def test_the_call_on_a_card_makes_the_preset(preset):
    config = UniResConfig.from_preset(preset)
    towers = {name: getattr(config, name) for name in ("text_config", "vision_config", "projection_dim")}
    split = {"group_split_layer": config.vision_config.num_hidden_layers // 2}  # what from_clip sets
    assert UniResConfig(**{**towers, **split, **changed_fields(preset)}).to_dict() == config.to_dict()


def test_every_card_is_of_something():
    cards = {path.stem for path in (ROOT / "model_cards").glob("*.md")}
    assert cards <= {"README", *presets(), "default", "drawings"}


def test_the_card_of_what_ships_is_up_to_date():
    folder = Path(checkpoint_path("drawings"))
    if not (folder / "config.json").is_file():
        pytest.skip("the checkpoint drawings is not in this copy")
    card = checkpoint_card(folder)
    for path in (folder / "README.md", ROOT / "model_cards" / "drawings.md"):
        assert path.read_text() == card, "run python scripts/write_model_cards.py"
    assert ModelCard(card).data.model_name == "drawings"


def test_the_card_of_the_model_for_photographs_is_up_to_date_and_names_its_licenses():
    folder = Path(checkpoint_path("default"))
    card = photograph_card(folder)
    for path in (folder / "README.md", ROOT / "model_cards" / "default.md"):
        assert path.read_text() == card, "run python scripts/write_model_cards.py"
    assert ModelCard(card).data.license == "other" and "CC BY 4.0" in card and "ImageNet" in card
    for group in json.loads((folder / "results.json").read_text())["groups"].values():
        assert any(f"| {scores['miou']:.1f} |" in card for scores in group.values() if scores["n"])


def test_what_was_not_measured_is_said_so(checkpoint):
    card = checkpoint_card(checkpoint)
    assert "## Results\n\nNot measured." in card and "## Environmental cost\n\nNot measured." in card
    assert ModelCard(card).data.eval_results is None
    assert "not stated" in short_card("me/model") and ModelCard(short_card("me/model")).data.language == "en"


def test_a_card_is_filled_from_a_run_and_its_evaluations(
    checkpoint, write_model_cards, monkeypatch, tmp_path, capsys: pytest.CaptureFixture
):
    folder, photographs = tmp_path / "shipped", tmp_path / "photographs"
    for copy in (folder, photographs):
        shutil.copytree(checkpoint, copy)
    (photographs / "results.json").write_text('{"training": {}}')
    scores = tmp_path / "val.json"
    words = [str(checkpoint), "partscenes,length=4", "--out", str(scores), "--device", "cpu", "--batch-size", "2"]
    monkeypatch.setattr(cli, "COMMANDS", ("evaluate",))
    assert cli.main(["evaluate", *words]) == 0
    (tmp_path / "README.md").write_text(
        "## Training\n\n| | |\n|---|---|\n| epochs | 3 |\n\n## Results\n\n| no | 1 |\n"
    )
    (tmp_path / "train_results.json").write_text(json.dumps({"train_runtime": 7200}))
    monkeypatch.setattr(write_model_cards, "CARDS", tmp_path)
    folders = {"drawings": str(folder), "default": str(photographs)}
    monkeypatch.setattr(write_model_cards, "checkpoint_path", folders.get)
    command = ["--run", str(tmp_path), "--evaluations", str(scores), "--trivial-scenes", "3", "--watts", "50"]
    command += ["--photographs", str(scores)]
    monkeypatch.setattr(sys, "argv", ["write_model_cards.py", *command, "--machine", "two cores"])
    write_model_cards.main()
    card = (folder / "README.md").read_text()
    assert card == checkpoint_card(folder) == (tmp_path / "shipped.md").read_text()
    assert "| epochs | 3 |" in card and "| no | 1 |" not in card
    assert "2.0 hours on two cores" in card and "0.10 kWh" in card
    summary = json.loads(scores.read_text())
    measured = json.loads((folder / "results.json").read_text())["splits"]["val"]
    assert measured.items() >= summary.items()
    with_referent = summary["n_expressions"] - summary["n_no_target"]
    assert measured["with_referent_n_expressions"] == with_referent
    # What has no referent counts as 0 in the mIoU of all.
    expected = measured["with_referent_miou"] * with_referent / summary["n_expressions"]
    assert summary["miou"] == pytest.approx(expected)
    assert f"| {measured['trivial_part_whole_parent']:.1f} |" in card
    groups = json.loads((photographs / "results.json").read_text())["groups"]
    assert sum(it["n"] for it in groups["source"].values()) == with_referent
    assert all(f"| {name} |" in (tmp_path / "default.md").read_text() for name in groups["source"])
    listed = {result.metric_type: result.metric_value for result in ModelCard(card).data.eval_results}
    assert listed["with_referent_miou_part"] == round(measured["with_referent_miou_part"], 2)
    assert listed["n_acc"] == round(summary["n_acc"], 2)
