# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires evaluate`: what it writes, once on two processes too; and a gallery."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchrun import torchrun

from unires_hf.cli import main


@pytest.fixture
def words(checkpoints) -> list[str]:
    # An image a pass: batches of other sizes round otherwise, and a pixel may lie on the threshold.
    return ["evaluate", checkpoints["tiny"], "partscenes,length=3", "--device", "cpu", "--batch-size", "1"]


def test_it_writes_results_table_records_and_gallery(words, tmp_path, capsys):
    assert main([*words, "--out", str(tmp_path / "one.json"), "--gallery", str(tmp_path / "one.png")]) == 0
    assert (tmp_path / "one.md").read_text().strip() in capsys.readouterr().out
    measured = json.loads((tmp_path / "one.json").read_text())["n_expressions"]
    assert len(pq.read_table(tmp_path / "one.parquet")) == measured > 10
    with Image.open(tmp_path / "one.png") as gallery:
        assert gallery.width > 1000 and len(gallery.getcolors(gallery.width * gallery.height)) > 1000


@pytest.mark.slow  # the evaluator's own test of two processes is quick
def test_two_processes_write_what_one_writes(words, tmp_path, capsys):
    assert main([*words, "--out", str(tmp_path / "one.json"), "--gallery", str(tmp_path / "one.png")]) == 0
    once = capsys.readouterr().out
    printed = torchrun(
        "-m", "unires_hf.cli", *words, "--out", str(tmp_path / "two.json"), "--gallery", str(tmp_path / "two.png")
    )
    for suffix in (".json", ".md", ".png"):
        one, two = ((tmp_path / name).with_suffix(suffix) for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes(), suffix
    one, two = (pq.read_table(tmp_path / name) for name in ("one.parquet", "two.parquet"))
    assert one.drop_columns("score").equals(two.drop_columns("score"))
    np.testing.assert_allclose(one["score"].to_numpy(), two["score"].to_numpy(), rtol=1e-4)
    assert printed.strip() == once.strip(), "the table is printed once"


def test_threshold_is_the_models_own_or_the_protocols_unless_given(checkpoints, tmp_path, capsys):
    words = ["evaluate", checkpoints["lavt-tiny"], "partscenes,length=1", "--device", "cpu", "--controls"]
    for more, shown in (
        ([], "0.5 (the model's)"),
        (["--protocol", "cris"], "0.35 (the protocol's)"),
        (["--mask-threshold", "0.25"], "0.25 (as asked)"),
    ):
        assert main([*words, *more, "--seed", "991", "--out", str(tmp_path / "results.json")]) == 0
        assert f"mask threshold {shown}," in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text())["dataset"] == "partscenes,length=1,split=val,seed=991"
