# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The card of a run says what was done and measured, and nothing of the machine."""

import json
from pathlib import Path

import yaml

from unires_hf.evaluation import markdown_table
from unires_hf.training.run import run


def test_a_card_is_filled_from_the_run(arguments, squares, tmp_path):
    trainer = run(*arguments(num_train_epochs=1, eval_data=[squares], eval_strategy="no", object_part_ratio=0.5))
    card = (tmp_path / "run" / "README.md").read_text()
    head, body = card.removeprefix("---\n").split("\n---\n", 1)
    assert "referring-image-segmentation" in yaml.safe_load(head)["tags"]
    for line in (
        "| random weights of the preset | tiny |",
        "| training data | data |",
        "| share of part expressions | 0.5 |",
        "| words | cut at 17 tokens |",
        f"| optimizer steps | {trainer.state.global_step} |",
        "| learning rate | 0.001, cosine decay, CLIP's encoders the same |",
        "| warm-up | 0.99 (share of all steps) |",
    ):
        assert line in body
    assert str(Path(squares).parents[1]) not in card and str(tmp_path) not in card
    summary = json.loads((tmp_path / "run" / "results.json").read_text())
    assert markdown_table(summary) in card and "all foreground" in card and "[" in card


def test_without_an_evaluation_the_card_says_so(arguments, tmp_path):
    run(*arguments(max_steps=1))
    assert "## Results\n\nNot measured." in (tmp_path / "run" / "README.md").read_text()


def test_pushing_uploads_the_folder_with_its_card(arguments, tmp_path, monkeypatch):
    uploads = []

    class Hub:
        def create_repo(self, name, **kwargs):
            class Url:
                repo_id = name

            return Url

        def upload_folder(self, folder_path, repo_id, **kwargs):
            uploads.append((repo_id, sorted(path.name for path in Path(folder_path).iterdir())))

    monkeypatch.setattr("transformers.trainer.hf_api", Hub)
    run(*arguments(max_steps=1, push_to_hub=True, hub_model_id="me/squares"))
    repository, files = uploads[-1]
    assert repository == "me/squares"
    assert {"README.md", "config.json", "model.safetensors", "processor_config.json", "tokenizer.json"} <= set(files)
    assert 'pipeline("referring-segmentation", model="me/squares")' in (tmp_path / "run" / "README.md").read_text()
