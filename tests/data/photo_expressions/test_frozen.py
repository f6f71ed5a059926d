# Copyright 2026 The unires-hf authors. Apache-2.0.
import json
import sys

import pytest
from datasets import Dataset

from unires_hf.data.photo_expressions import __main__ as command
from unires_hf.data.photo_expressions import digest, voiced, with_words
from unires_hf.data.schema import FEATURES, Skipped


@pytest.fixture
def row(dogs, tmp_path):
    dogs.image.save(tmp_path / "dogs.png")
    return dogs.row | {"image": {"path": str(tmp_path / "dogs.png"), "bytes": None}}


def test_splits_to_measure_on_are_spoken_of_and_others_are_silent(row):
    lost = Skipped("coco", "image 7", "it is gone.")
    plain = row | {"targets": [it | {"expressions": [{"expression_id": "x", "text": "x"}]} for it in row["targets"]]}
    assert list(voiced([plain, lost], "val")) == [with_words(row), lost]
    assert list(voiced([plain, lost], "train")) == [row, lost]


def test_a_broken_picture_is_told(row, tmp_path):
    (tmp_path / "dogs.png").write_bytes(b"no picture")
    (told,) = voiced([row], "test")
    assert isinstance(told, Skipped) and "nothing can be said of it" in told.reason


def test_a_digest_knows_every_word_and_mask_and_no_order(row):
    worded = with_words(row)
    other = worded | {"image_id": "other"}
    assert digest([worded, other]) == digest([other, worded]) != digest([worded])
    changed = json.loads(json.dumps(worded | {"image": None}))
    spoken = next(it for it in changed["targets"] if it["expressions"])
    spoken["expressions"][0]["text"] += "s"
    assert digest([changed]) != digest([worded])
    spoken["expressions"][0]["text"] = spoken["expressions"][0]["text"][:-1]
    assert digest([changed]) == digest([worded])


def test_the_command_counts_kinds_and_says_what_changed(row, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "converted"
    folder.mkdir()
    Dataset.from_list([with_words(row)], features=FEATURES).to_parquet(folder / "val-00000-of-00001.parquet")
    monkeypatch.setattr(sys, "argv", ["words", str(folder)])
    command.main()
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["coco/val"] and sum(told["coco/val"]["kinds"].values()) > 5
    monkeypatch.setattr(command, "FROZEN", tmp_path / "frozen.json")
    monkeypatch.setattr(sys, "argv", ["words", str(folder), "--check"])
    for kept, code in ((told, 0), ({"coco/val": {}}, 1)):
        (tmp_path / "frozen.json").write_text(json.dumps(kept))
        with pytest.raises(SystemExit) as left:
            command.main()
        assert left.value.code == code
