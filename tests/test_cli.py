# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The command line: from a folder of pictures to Parquet, its statistics and a score; and what it says of mistakes."""

import importlib
import json
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import datasets
import numpy as np
import PIL.Image
import pyarrow.parquet as pq
import pytest
import torch
from huggingface_hub import RepoUrl
from tiny_unires import tiny_config
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from unires_hf import UniResModel
from unires_hf.cli import main
from unires_hf.commands.annotate import _engine as annotate_engine
from unires_hf.commands.stats import EXPECTED
from unires_hf.data import masks
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.processing_unires import UniResProcessor
from unires_hf.report.expected import PAPERS


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """One's own pictures, in the simple form of `folder`."""
    root = tmp_path / "pictures"
    root.mkdir()
    noise = np.random.default_rng(0)
    lines = []
    for number in range(3):
        PIL.Image.fromarray(noise.integers(0, 256, (40, 60, 3), np.uint8)).save(root / f"{number}.png")
        polygon = [5, 5, 30, 5, 30, 30, 5, 30]
        lines.append({"file_name": f"{number}.png", "text": "the truck", "category": "truck", "mask": polygon})
    (root / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def convert(pictures: Path, out: Path, *more: str) -> int:
    return main(["convert", "folder", "--root", str(pictures), "--split", "train", "--out", str(out), *more])


def test_from_pictures_to_statistics(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("wordcloud", reason="the extra `report` is not installed")
    assert convert(pictures, tmp_path / "out", "--shard-rows", "2") == 0
    assert "train: 3 images, 3 objects, 0 parts, 3 expressions in 2 shards" in capsys.readouterr().out
    card = (tmp_path / "out/README.md").read_text()
    assert f"unires convert folder --root {pictures} --split train --out out --shard-rows 2" in card
    assert main(["stats", str(tmp_path / "out"), "--expect", "refcoco"]) == 0
    assert "| images | 3 | 3 |" in capsys.readouterr().out
    assert (tmp_path / "out/stats/gallery.png").exists()
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == 3, "the report is no part of the data"


def test_numbers_need_no_drawing_library(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert convert(pictures, tmp_path / "out") == 0
    for name in ("matplotlib", "matplotlib.axes", "matplotlib.figure", "wordcloud"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "unires_hf.report.plots", raising=False)
    monkeypatch.delattr("unires_hf.report.plots", raising=False)
    assert main(["stats", str(tmp_path / "out"), "--expect", "refcoco"]) == 0
    assert "| images | 3 | 3 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/stats/statistics.json").read_text())["splits"]["train"]["expressions"] == 3
    assert not (tmp_path / "out/stats/words.png").exists()


def test_what_is_lost_is_said(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (pictures / "1.png").unlink()
    assert convert(pictures, tmp_path / "out") == 0
    assert "1 items were skipped" in capsys.readouterr().out
    assert convert(pictures, tmp_path / "strict", "--strict") == 2
    assert "1.png" in capsys.readouterr().err


def test_another_source_is_not_mixed_in(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert(pictures, tmp_path / "out") == convert(pictures, tmp_path / "out") == 0
    other = shutil.copytree(pictures, tmp_path / "other")
    lines = pictures / "metadata.jsonl"
    lines.write_text(lines.read_text().replace("the truck", "the red truck"))
    for root in (pictures, other):
        assert convert(root, tmp_path / "out") == 2
        assert "another conversion" in (said := capsys.readouterr().err) or "before its files changed" in said
    rows = pq.read_table(tmp_path / "out/train-00000-of-00001.parquet").to_pylist()
    assert [row["targets"][0]["expressions"][0]["text"] for row in rows] == ["the truck"] * 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["convert", "nothing", "--root", "r", "--split", "val", "--out", "o"], "There is no reader 'nothing'"),
        (["convert", "refcoco", "--root", "r", "--split", "val", "--out", "o"], "missing"),
        (
            ["convert", "refcoco", "--root", "r", "--split", "val", "--out", "o", "--set", "color=red"],
            "takes dataset, split_by, images",
        ),
        (["convert", "folder", "--root", "r", "--split", "val", "--out", "o", "--num-proc", "0"], "1 or more"),
        (["stats", "nowhere"], "nowhere holds no shards"),
        (["scenes", "sheet"], "sheet needs --out, the file to write"),
        (["evaluate", "nowhere", "partscenes,length=1", "--split", "nosuch"], "nosuch"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err.splitlines()[-1]
    assert captured.err.splitlines()[-1].startswith("unires: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("MATLAB files need scipy."), "unires: MATLAB files need scipy.\n"),
        (RuntimeError("a header\nof three\nlines"), "unires: RuntimeError: a header (With UNIRES_TRACEBACK=1"),
    ],
)
def test_an_error_that_nobody_foresaw_is_one_line(
    error: Exception,
    said: str,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("unires_hf.data.convert.convert", fail)
    assert convert(pictures, tmp_path / "out") == 2
    assert capsys.readouterr().err.startswith(said)
    monkeypatch.setenv("UNIRES_TRACEBACK", "1")
    if not isinstance(error, ImportError):
        with pytest.raises(type(error)):
            convert(pictures, tmp_path / "out")


@pytest.mark.parametrize("command, module", [("convert", "data.ray_engine"), ("segment", "inference.ray_stream")])
def test_without_ray_the_extra_is_named(command: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"unires_hf.{module}", None)  # its import fails
    with pytest.raises(ValueError, match=r"--engine ray needs Ray Data: pip install 'unires-hf\[ray\]'"):
        importlib.import_module(f"unires_hf.commands.{command}")._engine("ray")


def test_ray_works_with_one_worker_or_more() -> None:
    with pytest.raises(ValueError, match="--workers must be at least 1"):
        annotate_engine(Namespace(engine="ray", workers=0, gpus=0.0))


def test_a_process_of_its_own_ends_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unires_hf.cli", "stats", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "holds no shards" in done.stderr and "Traceback" not in done.stderr


def test_help_names_every_command(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("convert", "stats", "evaluate"))


def test_stats_offers_what_the_paper_counts() -> None:
    assert EXPECTED == tuple(PAPERS)


def test_push_uploads_to_a_private_repository(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    calls = []

    def create(self, repo, **options):
        calls.append(("create", repo, options))
        return RepoUrl(f"https://huggingface.co/datasets/{repo}")

    def upload(self, *, repo_id, folder_path, **options):
        calls.append(("upload", repo_id, sorted(it.name for it in folder_path.iterdir())))

    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", create)
    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", upload)
    assert convert(pictures, tmp_path / "out", "--push", "me/trucks") == 0
    assert calls[0] == ("create", "me/trucks", {"repo_type": "dataset", "private": True, "exist_ok": True})
    assert calls[1][2] == ["README.md", "manifest.json", "skipped.jsonl", "train-00000-of-00001.parquet"]
    assert "https://huggingface.co/datasets/me/trucks" in capsys.readouterr().out


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A tiny model of random weights with a tokenizer of letters."""
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: at for at, word in enumerate(words)}, merges=[], model_max_length=20)
    torch.manual_seed(0)
    config = tiny_config()
    config.text_config.vocab_size = len(words)
    config.text_config.bos_token_id, config.text_config.eos_token_id = len(words) - 2, len(words) - 1
    config.text_config.pad_token_id = len(words) - 1
    images = UniResImageProcessorPil(size={"height": 32, "width": 32})
    folder = tmp_path / "checkpoint"
    UniResModel(config).save_pretrained(folder)
    UniResProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("dataset", ["partscenes,length=2", "converted"])
def test_evaluate(
    dataset: str,
    checkpoint: Path,
    pictures: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    split = "val"
    if dataset == "converted":
        convert(pictures, tmp_path / "out")
        dataset, split = str(tmp_path / "out"), "train"
    words = [
        "evaluate",
        str(checkpoint),
        dataset,
        "--split",
        split,
        "--max-images",
        "2",
        "--out",
        str(tmp_path / "r.json"),
    ]
    assert main([*words, "--controls", "all_foreground", "--device", "cpu"]) == 0
    summary = json.loads((tmp_path / "r.json").read_text())
    assert summary["split"] == split and summary["model"] == str(checkpoint)
    controls = pq.read_table(tmp_path / "r.controls.parquet")
    assert set(controls["predictor"].to_pylist()) == {"all_foreground"}
    if split == "train":
        (share,) = set(controls["iou"].to_pylist())
        assert share == pytest.approx(25 * 25 / (40 * 60), abs=0.03), "the polygon's share of the picture"
    assert (tmp_path / "r.md").read_text().strip() in capsys.readouterr().out


def test_segment(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    PIL.Image.linear_gradient("L").resize((50, 30)).convert("RGB").save(tmp_path / "picture.png")
    words = ["segment", str(tmp_path / "picture.png"), "the dark side", "its edge", "--model", str(checkpoint)]
    assert main([*words, "--out", str(tmp_path / "out"), "--mask-threshold", "0.01", "--json"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "overlay.png",
        "mask-1.png",
        "mask-2.png",
        "results.json",
    }
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [result["label"] for result in results] == ["the dark side", "its edge"]
    for number, result in enumerate(results, 1):
        with PIL.Image.open(tmp_path / "out" / f"mask-{number}.png") as picture:
            note = picture.text
        assert note["Note"] == result["made_by"]["note"] == "Made by a model, which may be wrong"
        assert note["Model"] == str(checkpoint) and note["Expression"] == result["label"]
        assert note["Mask threshold"] == "0.01" and note["Presence threshold"] == "0.5"
        written = np.asarray(PIL.Image.open(tmp_path / "out" / f"mask-{number}.png")) > 0
        assert written.shape == (30, 50)
        assert np.array_equal(masks.decode(result["mask"]), written)
    assert PIL.Image.open(tmp_path / "out/overlay.png").text["Expression"] == "the dark side\nits edge"
    assert "the dark side: " in capsys.readouterr().out


@pytest.mark.parametrize(("picture", "reason"), [("gone.png", "could not open"), ("text.png", "cannot identify")])
def test_segment_says_what_is_wrong_with_a_picture(
    picture: str, reason: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    assert main(["segment", str(tmp_path / picture), "a cat", "--model", str(checkpoint)]) == 2
    said = capsys.readouterr().err
    assert reason in said and len(said.strip().splitlines()) == 1


def test_an_empty_expression_is_named_before_the_model_is_loaded(monkeypatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr("unires_hf.loading.load_model", lambda *_: pytest.fail("it was loaded"))
    assert main(["segment", "picture.png", "a dog", " ", "a cat"]) == 2
    assert capsys.readouterr().err == "unires: Expression 2 of 3 is empty: say what to segment.\n"
    assert main(["segment", "picture.png", "a dog", "a c\udcffat"]) == 2
    assert "Expression 2 is no text" in capsys.readouterr().err
