# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires push` sends over HTTP what then loads from there, in a process without the package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from transformers import pipeline

from unires_hf import cli
from unires_hf.data.convert import convert
from unires_hf.data.readers.folder import read_folder
from unires_hf.publish.hub_upload import sent_files

TEXT = ["the red disk", "left part of the red disk"]
LOOSE = {"mask_threshold": 0.01, "presence_threshold": 0}

LOAD = """
import sys
sys.modules["unires_hf"] = None  # import unires_hf fails, as where it is not installed
import json
from transformers import pipeline

picture, text, *models = sys.argv[1:]
for model in models:
    segmenter = pipeline("referring-segmentation", model=model, trust_remote_code=True)
    results = segmenter(picture, text=json.loads(text), mask_threshold=0.01, presence_threshold=0)
    print(json.dumps([result["score"] for result in results]))
"""

SEGMENT = """
import json, sys
from unires_hf import cli
sys.exit(any(cli.main(["segment", "--model", "me/unires", *words]) for words in json.loads(sys.argv[1])))
"""

EVALUATE = """
import sys
sys.modules["unires_hf"] = None
import evaluate
metric = evaluate.load(sys.argv[1], "counts")
print(metric.compute(intersections=[10, 0], unions=[20, 15])["miou"])
"""


@pytest.fixture(autouse=True)
def only_push(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", ("push",))


def push(*words: str | Path) -> int:
    return cli.main(["push", *map(str, words)])


def run(code: str, *words: str | Path, environment: dict[str, str], cwd: Path) -> list[str]:
    """The lines that a process printed."""
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_models_that_were_pushed_load_from_the_hub(
    checkpoint, baselines, hub, environment, picture, tmp_path, capsys: pytest.CaptureFixture
):
    folders = {"unires": checkpoint, **baselines}
    for kind, folder in folders.items():
        assert push(folder, f"me/{kind}", "--private") == 0
        assert f"pushed to {hub.url}/me/{kind}" in capsys.readouterr().out
        repository = hub.repositories["model", f"me/{kind}"]
        assert repository.settings["visibility"] == "private"
        assert repository.large == {"model.safetensors"}
        assert {"README.md", f"modeling_{kind}.py", "processor_config.json"} <= set(repository.files)
        assert f'model="me/{kind}"' in repository.files["README.md"].decode()
    models = [f"me/{kind}" for kind in folders]
    scores = run(LOAD, picture, json.dumps(TEXT), *models, environment=environment, cwd=tmp_path)
    for folder, line in zip(folders.values(), scores[-3:], strict=True):
        segmenter = pipeline("referring-segmentation", model=str(folder))
        expected = [result["score"] for result in segmenter(str(picture), text=TEXT, **LOOSE)]
        assert json.loads(line) == pytest.approx(expected, abs=1e-5)


def test_masks_name_the_commit_of_a_model_of_the_hub(checkpoint, hub, environment, picture, tmp_path):
    assert push(checkpoint, "me/unires") == 0
    commit = hub.repositories["model", "me/unires"].commit
    said = tmp_path / "said.jsonl"
    said.write_text(json.dumps({"file_name": picture.name, "text": TEXT}) + "\n")
    one = [str(picture), *TEXT, "--json", "--out", str(tmp_path / "one")]
    many = ["--images", str(picture.parent), "--expressions", str(said), "--out", str(tmp_path / "many")]
    run(SEGMENT, json.dumps([one, [*many, "--overlays", "0"]]), environment=environment, cwd=tmp_path)
    (line,) = map(json.loads, (tmp_path / "many/masks.jsonl").read_text().splitlines())
    assert line["made_by"]["model"] == "me/unires" and line["made_by"]["revision"] == commit
    assert json.loads((tmp_path / "many/settings.json").read_text())["weights"] == commit
    assert json.loads((tmp_path / "one/results.json").read_text())[0]["made_by"]["revision"] == commit


def test_a_data_set_goes_to_a_private_repository(hub, tmp_path):
    source, data = tmp_path / "pictures", tmp_path / "data"
    source.mkdir()
    Image.new("RGB", (20, 16), (200, 40, 40)).save(source / "0.png")
    line = {"file_name": "0.png", "text": "the red one", "category": "thing", "mask": [2, 2, 9, 2, 9, 9]}
    (source / "metadata.jsonl").write_text(json.dumps(line) + "\n")
    convert(read_folder(str(source), split="train"), data, "train", command="unires convert")
    (data / "train-00001.parquet.part").write_bytes(b"half")
    assert push(data, "me/data", "--type", "dataset") == 0
    repository = hub.repositories["dataset", "me/data"]
    assert repository.settings["visibility"] == "private"
    (shard,) = repository.large
    assert set(repository.files) == {"README.md", "manifest.json", "skipped.jsonl", shard}
    assert repository.files[shard] == (data / shard).read_bytes()


def test_the_metric_becomes_a_space_and_loads_from_there(hub, environment, tmp_path):
    name = "me/referring_segmentation_metric"
    assert push(name, "--type", "metric") == 0
    repository = hub.repositories["space", name]
    assert repository.settings["sdk"] == "static"
    assert "referring_segmentation_metric.py" in repository.files
    assert not [file for file in repository.files if "pycache" in file]
    lines = run(EVALUATE, name, environment=environment, cwd=tmp_path)
    assert float(lines[-1]) == pytest.approx(25, abs=1e-3)


def test_the_app_becomes_a_space(hub):
    assert push("me/app", "--type", "app") == 0
    repository = hub.repositories["space", "me/app"]
    assert repository.settings["sdk"] == "gradio"
    assert {"README.md", "app.py", "requirements.txt"} <= set(repository.files)


def test_pushing_again_takes_the_repository_that_is_there(exported, hub):
    assert push(exported, "me/again") == push(exported, "me/again") == 0
    assert set(hub.repositories["model", "me/again"].files) == {str(file) for file in sent_files(exported)}


def test_a_dry_run_sends_nothing_and_shows_everything(checkpoint, hub, tmp_path, capsys: pytest.CaptureFixture):
    assert push(checkpoint, "me/model", "--dry-run", "--out", tmp_path / "folder") == 0
    assert hub.repositories == {}
    files = {path.name for path in (tmp_path / "folder").iterdir()}
    assert {"README.md", "modeling_unires.py", "model.safetensors"} <= files
    shown = capsys.readouterr().out.splitlines()
    assert all(any(line.endswith(f"  {file}") for line in shown) for file in files)
    assert shown[-1].endswith(f"bytes in {len(files)} files would go to me/model")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere", "me/model"], "nowhere has no config.json"),
        (["nowhere", "me/data", "--type", "dataset"], "nowhere has no *.parquet"),
        (["me/data", "--type", "dataset"], "Name the folder of the dataset"),
        (["folder", "me/metric", "--type", "metric"], "takes only the repository"),
        (["me/metric", "--type", "metric"], "call the Space referring_segmentation_metric"),
        (["folder", "me/ a model"], "me/ a model"),
        (["folder", "me/model", "--out", "x"], "needs --dry-run"),
    ],
)
def test_a_mistake_is_one_sentence(words, complaint, monkeypatch, capsys: pytest.CaptureFixture, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert push(*words) == 2
    said = capsys.readouterr().err
    assert complaint in said and said.startswith("unires: ")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_token_is_said(exported, hub, monkeypatch, capsys: pytest.CaptureFixture):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert push(exported, "me/model") == 2
    assert "401" in capsys.readouterr().err
    assert hub.repositories == {}


def test_a_hub_out_of_reach_is_said(exported, hub, monkeypatch, capsys: pytest.CaptureFixture):
    hub.server_close()
    assert push(exported, "me/model") == 2
    assert "cannot be reached" in capsys.readouterr().err
