# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires segment --images` of a data set in Parquet: what it says of itself, by its own bytes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unires_hf import cli
from unires_hf.data import masks
from unires_hf.inference.picture_source import pictures_at
from unires_hf.scenes import PartScenes


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    PartScenes("val", length=3).to_parquet(folder / "val-00000-of-00001.parquet")
    PartScenes("train", length=2).to_parquet(folder / "train-00000-of-00001.parquet")
    return folder


@pytest.fixture
def segment(checkpoint: Path, tmp_path) -> Callable[..., int]:
    """Runs the command on the pictures named, into the folder OUT."""

    def run(images: Path | str, out: str, *words: str) -> int:
        own = ["--out", str(tmp_path / out), "--model", str(checkpoint), "--overlays", "1"]
        return cli.main(["segment", "--images", str(images), *own, *words])

    return run


def rows_of(data: Path, split: str) -> list[dict]:
    return pq.read_table(data / f"{split}-00000-of-00001.parquet").to_pylist()


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in (path / "masks.jsonl").read_text().splitlines()]


def test_a_data_set_is_asked_what_it_says_and_gives_the_masks_of_its_pictures_as_files(segment, data, tmp_path):
    assert segment(f"{data},split=val", "parquet") == 0
    rows, found = rows_of(data, "val"), lines_of(tmp_path / "parquet")
    assert [line["file_name"] for line in found] == [row["image_id"] for row in rows]
    files = tmp_path / "files"
    files.mkdir()
    with open(tmp_path / "said.jsonl", "w") as said:
        for row in rows:
            (files / f"{row['image_id']}.png").write_bytes(row["image"]["bytes"])
            texts = [it["text"] for target in row["targets"] for it in target["expressions"]]
            said.write(json.dumps({"file_name": f"{row['image_id']}.png", "text": texts}) + "\n")
    assert segment(files, "files", "--expressions", str(tmp_path / "said.jsonl")) == 0
    for row, line, other in zip(rows, found, lines_of(tmp_path / "files"), strict=True):
        ids = [it["expression_id"] for target in row["targets"] for it in target["expressions"]]
        assert [result.pop("expression_id") for result in line["results"]] == ids
        assert line["results"] == other["results"]
        assert line["results"][0]["mask"]["size"] == [row["height"], row["width"]]
    assert Image.open(next((tmp_path / "parquet/overlays").iterdir())).width > 100


def test_interrupted_it_goes_on_and_other_rows_are_refused(segment, data, tmp_path, capsys):
    assert segment(data, "out") == 0 and "5 of 5 pictures" in capsys.readouterr().out
    written = tmp_path / "out/masks.jsonl"
    whole = written.read_bytes()
    written.write_bytes(whole[: len(whole) // 2])
    assert segment(data, "out") == 0 and written.read_bytes() == whole
    assert segment(data, "out", "--format", "png") == 0
    for line in lines_of(tmp_path / "out"):
        for number, result in enumerate(line["results"], 1):
            png = np.asarray(Image.open(tmp_path / f"out/masks/{line['file_name']}/{number}.png")) > 0
            assert np.array_equal(png, masks.decode(result["mask"]))
    shutil.copy(data / "val-00000-of-00001.parquet", tmp_path / "kept")
    (data / "val-00000-of-00001.parquet").unlink()
    shutil.copy(tmp_path / "kept", data / "val-00000-of-00001.parquet")
    assert segment(data, "out") == 2 and "has changed since" in capsys.readouterr().err


def test_words_of_ones_own_name_pictures_by_their_id(segment, data, tmp_path, capsys):
    name = rows_of(data, "val")[1]["image_id"]
    said = tmp_path / "said.jsonl"
    said.write_text("".join(json.dumps({"file_name": it, "text": "a dog"}) + "\n" for it in (name, "no such")))
    assert segment(data, "out", "--expressions", str(said)) == 2
    assert [line["file_name"] for line in lines_of(tmp_path / "out")] == [name]
    (lost,) = map(json.loads, (tmp_path / "out/errors.jsonl").read_text().splitlines())
    assert lost["file_name"] == "no such" and "has no picture no such" in lost["reason"]


def test_a_row_whose_picture_is_broken_is_listed(segment, data, tmp_path):
    table = pq.read_table(data / "val-00000-of-00001.parquet")
    rows = table.to_pylist()
    rows[0]["image"]["bytes"], rows[1]["image"]["bytes"] = b"no picture", None
    pq.write_table(table.from_pylist(rows, schema=table.schema), data / "val-00000-of-00001.parquet")
    assert segment(f"{data},split=val", "out") == 2
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "out/errors.jsonl").read_text().splitlines()]
    assert len(reasons) == 2 and "cannot be read" in reasons[0] and "has no picture in it" in reasons[1]
    assert len(lines_of(tmp_path / "out")) == 1


def test_mistakes_are_sentences(segment, data, tmp_path, capsys):
    assert segment(data, "out", "--format", "labelme") == 2 and "take the format coco" in capsys.readouterr().err
    for place, complaint in (
        (tmp_path / "nowhere", "is no folder"),
        (f"{data},split=test", "has no Parquet of the split test"),
        (Path(__file__).parent, "name a file that says something"),
    ):
        assert segment(place, "out") == 2 and complaint in capsys.readouterr().err
    shutil.copy(data / "val-00000-of-00001.parquet", data / "test-00000-of-00001.parquet")
    with pytest.raises(ValueError, match="two pictures .*: choose one split"):
        pictures_at(data)
    (data / "test-00000-of-00001.parquet").write_bytes(b"PAR1 is all that is left PAR1")
    with pytest.raises(ValueError, match="is damaged"):
        pictures_at(data)
    table = pq.read_table(data / "val-00000-of-00001.parquet")
    pq.write_table(table.drop_columns("targets"), data / "test-00000-of-00001.parquet")
    with pytest.raises(ValueError, match="no column 'targets'"):
        pictures_at(data)
    rows = table.to_pylist()[:1]
    rows[0]["image_id"] = "../../outside"
    pq.write_table(table.from_pylist(rows, schema=table.schema), data / "test-00000-of-00001.parquet")
    with pytest.raises(ValueError, match="no name for a file"):
        pictures_at(data)
