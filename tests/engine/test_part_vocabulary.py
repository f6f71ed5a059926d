# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The vocabulary that ships is sound, and its checker finds what is not."""

import json

import pytest

from unires_hf.data.readers.coco import _OBJECTS365_MEANS
from unires_hf.engine.part_vocabulary import SHIPPED, Vocabulary


def test_the_vocabulary_that_ships_has_the_categories_of_objects365_and_no_problems():
    vocabulary = Vocabulary.read()
    categories, with_parts, pairs = vocabulary.size()
    assert categories == 365 and with_parts >= 340 and pairs >= 2000
    assert list(vocabulary.problems()) == []
    assert set(vocabulary.sources) == {s for parts in vocabulary.categories.values() for s in parts.values()}


def test_every_name_that_the_reader_of_objects365_corrects_is_known():
    vocabulary = Vocabulary.read()
    assert all(vocabulary.parts(name) for name in _OBJECTS365_MEANS.values())


def test_categories_are_known_however_they_are_spelled():
    vocabulary = Vocabulary.read()
    for spelling in ("Wild Bird", "wild bird", "bird", "birds"):
        assert "beak" in vocabulary.parts(spelling), spelling
    assert vocabulary.parts("shelf") == vocabulary.parts("Cabinet/shelf") != []
    assert vocabulary.parts("dining table") and vocabulary.parts("tv") and vocabulary.parts("dogs")
    assert vocabulary.parts("zeppelin") is None
    assert vocabulary.paired("eye") and not vocabulary.paired("nose")


def test_the_checker_finds_what_is_wrong():
    content = {"Car": {"wheels": "seen", "Door": "seen", "car": "seen"}, "Dog": {"ear": "seen", "ears": "heard"}}
    vocabulary = Vocabulary(content, {"seen": "…"}, frozenset({"wing"}), aliases={"auto": "Automobile"})
    said = " ".join(vocabulary.problems())
    for problem in (
        "'wheels' is a plural",
        "'Door' is not written in small letters",
        "'car' is the object itself",
        "'ear' stands there twice",
        "from the source 'heard'",
        "the alias 'auto' is of 'Automobile'",
        "'wing' is listed among pairs",
    ):
        assert problem in said


def test_a_name_that_stands_twice_in_the_file_is_said(tmp_path):
    path = tmp_path / "parts.json"
    path.write_text('{"categories": {"Car": {"door": "a", "door": "a"}}}')
    with pytest.raises(ValueError, match="'door' stands there twice"):
        Vocabulary.read(path)
    path.write_text(json.dumps({"categories": {}}))
    with pytest.raises(ValueError, match="is no part vocabulary"):
        Vocabulary.read(path)


def test_one_category_is_one_line_to_be_reviewed():
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith(' "') and line.rstrip(",").endswith("}") for line in lines) == 365
