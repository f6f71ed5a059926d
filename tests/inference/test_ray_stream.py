# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires segment --engine ray`: two actors write the bytes that one process writes, and go on where it was; of files,
and of Parquet."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unires_hf import cli
from unires_hf.scenes import PartScenes

pytest.importorskip("ray", reason="Ray is not installed: pip install 'unires-hf[ray]'")
WORDS = ["the dark side", "its edge"]


@pytest.fixture
def words(tmp_path) -> list[str]:
    """Seven pictures of unlike sizes, one of them broken; some with two expressions."""
    noise, lines = np.random.default_rng(0), []
    (tmp_path / "pictures").mkdir()
    for number in range(7):
        pixels = noise.integers(0, 256, (30 + number, 50, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "text": WORDS[: 1 + number % 2]}) + "\n")
    (tmp_path / "pictures/3.png").write_bytes(b"no picture")
    (tmp_path / "said.jsonl").write_text("".join(lines))
    return ["--images", str(tmp_path / "pictures"), "--expressions", str(tmp_path / "said.jsonl"), "--batch-size", "2"]


def test_the_bytes_are_those_of_one_process(words, checkpoint: Path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # actors inherit it
    torch.set_num_threads(1)
    for out, engine in (("one", []), ("ray", ["--engine", "ray", "--num-proc", "2"])):
        command = ["segment", *words, "--model", str(checkpoint), "--out", str(tmp_path / out), "--overlays", "0"]
        assert cli.main([*command, *engine]) == 2 and "1 of 7 pictures could not be" in capsys.readouterr().err
    for name in ("masks.jsonl", "errors.jsonl"):
        one = (tmp_path / "one" / name).read_bytes()
        assert one.count(b"\n") == (6 if name == "masks.jsonl" else 1)
        assert (tmp_path / "ray" / name).read_bytes() == one
    written = tmp_path / "ray/masks.jsonl"
    whole = written.read_bytes()
    first = b"".join(whole.splitlines(keepends=True)[:2])
    written.write_bytes(whole[: len(first) + 9])  # interrupted within the third line
    assert cli.main([*command, *engine]) == 2
    assert written.read_bytes() == whole


def test_parquet_gives_the_bytes_of_one_process(checkpoint: Path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    (tmp_path / "data").mkdir()
    for number in range(2):
        PartScenes("val", length=3, seed=number).to_parquet(tmp_path / f"data/val-{number:05}-of-00002.parquet")
    for out, engine in (("one", []), ("ray", ["--engine", "ray", "--num-proc", "2"])):
        command = ["segment", "--images", str(tmp_path / "data"), "--model", str(checkpoint), "--batch-size", "2"]
        assert cli.main([*command, "--out", str(tmp_path / out), "--overlays", "0", *engine]) == 0
        assert "6 of 6 pictures segmented" in capsys.readouterr().out
    one, two = ((tmp_path / out / "masks.jsonl").read_bytes() for out in ("one", "ray"))
    assert one == two and one.count(b"\n") == 6
