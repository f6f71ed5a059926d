# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Damaged records: every reader yields either a row or a Skipped, never an exception, and loses nothing in silence."""

import tempfile
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JUNK = [None, -1, 3.5, "x", "", [], {}, True, 1e30, float("nan"), [[1, 2]], {"size": [1, 1], "counts": "0"}, 10**30]
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NAMES = [
    "refcoco",
    "grefcoco",
    "refcocom",
    "cris",
    "paco",
    "paco-queries",
    "pascal-part",
    "partimagenet",
    "coco",
    "objects365",
    "phrasecut",
    "referit",
    "clothing-co-parsing",
    "car-parts",
    "facades",
    "fasseg",
    "figure-ground",
    "gseval",
    "instruct-part",
    "folder",
    "hub",
    "interchange",
]


def places(value, path=()):
    """All places in nested records below the top two levels, which are the files and their lists."""
    if len(path) > 1:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def damage(records, path, junk):
    """Puts junk at the path, or removes the key from its record. Fewer records in a list would be no damage."""
    holder = records
    for key in path[:-1]:
        holder = holder[key]
    if junk == "gone":
        if isinstance(holder, dict) and len(path) > 2:
            del holder[path[-1]]
    elif not (junk == [] and isinstance(holder[path[-1]], list)):
        holder[path[-1]] = junk


def count(rows, composes):
    """Targets and, where they are the source's own, expressions; by image."""
    return {
        row["image_id"]: sum(1 + (0 if composes else len(it["expressions"])) for it in row["targets"]) for row in rows
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_record_is_skipped_and_the_rest_stays(name, layouts, tmp_path):
    layout = layouts[name]()
    whole, skipped = layout.rows(tmp_path)
    assert whole and not skipped
    whole = count(whole, layout.composes)
    paths = list(places(layout.records))

    @SETTINGS
    @given(st.sampled_from(paths), st.sampled_from([*JUNK, "gone"]))
    def check(path, junk):
        records = deepcopy(layout.records)
        damage(records, path, junk)
        with tempfile.TemporaryDirectory() as root:
            rows, skipped = layout.rows(Path(root), records)
        left = count(rows, layout.composes)
        assert all(it.source and it.where and it.reason for it in skipped)
        if sum(left.values()) < sum(whole.values()):
            assert skipped, f"{path} = {junk!r} lost something in silence"
        assert sum(whole.values()) - sum(left.values()) <= max(whole.values()), "more than one image was lost"

    check()


def test_every_source_is_fuzzed(layouts):
    from unires_hf.data.readers.sources import SOURCES

    # The other REFER sets and coco-parts are read by the same functions.
    assert set(NAMES) | {"refcoco+", "refcocog", "refclef", "coco-parts"} == set(SOURCES)
    assert set(NAMES) == set(layouts)
