# Copyright 2026 The unires-hf authors. Apache-2.0.
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unires_hf.data.readers import json_index
from unires_hf.data.readers.json_index import read_tables

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
IDS = st.integers(0, 3) | st.integers(2**70, 2**70 + 1) | st.sampled_from(["a", "é", "7"])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(IDS, VALUES), max_size=8),
    VALUES,
    st.sampled_from([None, 1]),
    st.booleans(),
    st.integers(1, 40),
)
def test_records_are_found_as_the_whole_file_has_them(tmp_path, monkeypatch, records, extra, indent, ascii_, chunk):
    monkeypatch.setattr(json_index, "_CHUNK", chunk)  # so that every value is cut by the end of a piece somewhere
    records = [{"id": own_id, "é": value} for own_id, value in records]
    path = tmp_path / "a.json"
    content = {"info": extra, "images": records, "license": extra}
    path.write_text(json.dumps(content, indent=indent, ensure_ascii=ascii_), encoding="utf-8")
    tables, rest = read_tables(path, {"images": "id"}, "")
    assert rest == {"info": extra, "license": extra}
    assert list(tables["images"]) == records
    for own_id in [it["id"] for it in records] + ["absent", -5]:
        assert tables["images"].get(own_id) == [it for it in records if it["id"] == own_id]
    assert list(tables["images"].ids()) == list(dict.fromkeys(it["id"] for it in records))


def test_an_array_at_the_top(tmp_path):
    (tmp_path / "a.json").write_text('[{"id": 1}, {"id": 2}, {"no": 3}, 4]\n')
    table = read_tables(tmp_path / "a.json", {None: "id"}, "")[0][None]
    assert list(table) == [{"id": 1}, {"id": 2}]
    assert table.lost == ["record 2 of 'a.json' has no 'id'.", "record 3 of 'a.json' has no 'id'."]


def test_ids_of_one_hash_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(json_index, "_hash", lambda record_id: 5)
    (tmp_path / "a.json").write_text('[{"id": "a", "n": 0}, {"id": "b", "n": 1}, {"id": "a", "n": 2}]')
    table = read_tables(tmp_path / "a.json", {None: "id"}, "")[0][None]
    assert [it["n"] for it in table.get("a")] == [0, 2]


def test_records_that_belong_to_none_of_the_others(tmp_path):
    content = {"images": [{"id": 1}], "annotations": [{"image_id": 1}, {"image_id": 2}, {"image_id": "1"}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    tables, _ = read_tables(tmp_path / "a.json", {"images": "id", "annotations": "image_id"}, "")
    strangers = list(tables["annotations"].without(tables["images"]))
    assert strangers == [{"image_id": 2}, {"image_id": "1"}]


@pytest.mark.parametrize("cut", [1, 10, 20, 32])
def test_a_file_that_is_cut_off_is_refused(tmp_path, cut):
    whole = '{"images": [{"id": 1}, {"id": 2}]}'
    (tmp_path / "a.json").write_text(whole[:cut])
    with pytest.raises(ValueError, match="a.json is not whole JSON .* Download it again"):
        read_tables(tmp_path / "a.json", {"images": "id"}, "")


def test_what_is_missing_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"info": 1}')
    with pytest.raises(ValueError, match=r"has no array 'images'; it has \['info'\]. Fetch it"):
        read_tables(tmp_path / "a.json", {"images": "id"}, "Fetch it.")
    with pytest.raises(ValueError, match="b.json is missing. Fetch it"):
        read_tables(tmp_path / "b.json", {"images": "id"}, "Fetch it.")
    (tmp_path / "c.json").write_text('{"images": []} {}')
    with pytest.raises(ValueError, match="more after its end"):
        read_tables(tmp_path / "c.json", {"images": "id"}, "")
