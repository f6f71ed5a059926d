# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The checkpoint that ships is as good as its card says, and small."""

import json
from pathlib import Path

import pytest
from transformers import AutoModel, AutoProcessor, pipeline

import unires_hf  # noqa: F401
from unires_hf.checkpoints import checkpoint_path
from unires_hf.cli import main
from unires_hf.evaluation import evaluate_model
from unires_hf.scenes import PartScenes

FOLDER = Path(checkpoint_path("drawings"))
SCENES = 150


@pytest.fixture(scope="module")
def records():
    model, processor = AutoModel.from_pretrained(FOLDER), AutoProcessor.from_pretrained(FOLDER)
    rows = PartScenes("val", SCENES)
    results = evaluate_model(model, processor, rows, controls=(), bootstrap=0)
    return results.records.to_pandas()


@pytest.mark.parametrize("granularity", ["object", "part"])
def test_it_scores_at_least_95_percent_of_what_the_card_says(records, granularity):
    said = json.loads((FOLDER / "results.json").read_text())["splits"]["val"]
    asked = records[(records.granularity == granularity) & ~records.no_target]
    assert len(asked) > 200
    assert 100 * asked.iou.mean() >= 0.95 * said[f"with_referent_miou_{granularity}"]


NOT_FOUND = ("unseen_part", "part")  # parts that training never labelled on these classes; the card says so


def test_the_card_beats_every_trivial_answer():
    for split, said in json.loads((FOLDER / "results.json").read_text())["splits"].items():
        for granularity in ("object", "part"):
            answers = [value for key, value in said.items() if key.startswith(f"trivial_{granularity}_")]
            beaten = bool(answers) and said[f"with_referent_miou_{granularity}"] > max(answers)
            assert beaten == ((split, granularity) != NOT_FOUND), (split, granularity)


def test_it_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 20e6


def test_a_pipeline_without_a_model_takes_it():
    scene = PartScenes("val", 1)[0]
    segmenter = pipeline("referring-segmentation")
    assert segmenter.model.config.name_or_path == str(FOLDER)
    (result,) = segmenter(scene["image"], text="the car")
    assert result["mask"].size == scene["image"].size


def test_demo_draws_and_scores(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path), "--seed", "3"]) == 0
    assert "mean IoU" in capsys.readouterr().out
    assert (tmp_path / "demo.png").stat().st_size > 10_000


def test_evaluate_knows_the_names_default_and_partscenes(tmp_path, capsys):
    out = tmp_path / "results.json"
    command = ["evaluate", "drawings", "partscenes", "--split", "val", "--max-images", "4", "--seed", "7"]
    assert main([*command, "--out", str(out)]) == 0
    summary = json.loads(out.read_text())
    assert summary["n_images"] == 4 and summary["n_expressions"] > 20


def test_a_seed_is_for_drawn_scenes_only(capsys):
    assert main(["evaluate", "drawings", "./folder", "--seed", "7"]) == 2
    assert "--seed is of partscenes" in capsys.readouterr().err
