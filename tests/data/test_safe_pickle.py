# Copyright 2026 The unires-hf authors. Apache-2.0.
import collections
import contextlib
import os
import pickle
import tracemalloc

import pytest

from unires_hf.data.readers import safe_pickle

PLAIN = [{"ref_id": 1, "sent": "Gr\u00fc\u00dfe", "box": (1.5, -2, True, None), "tokens": ["a", "b"], "raw": b"\xff"}]


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_plain_data_comes_back(tmp_path, protocol):
    path = tmp_path / "refs.p"
    path.write_bytes(pickle.dumps(PLAIN, protocol=protocol))
    assert safe_pickle.load(path) == PLAIN


def test_python_2_strings_of_either_encoding(tmp_path):
    # What Python 2 wrote for ['left', 'Gr\xfc\xdfe'] in Latin-1, for the same in UTF-8, and for u'Gr\xfc\xdfe'.
    for text in (rb"Gr\xfc\xdfe", rb"Gr\xc3\xbc\xc3\x9fe"):
        (tmp_path / "refs.p").write_bytes(b"(lp0\nS'left'\np1\naS'" + text + b"'\np2\na.")
        assert safe_pickle.load(tmp_path / "refs.p") == ["left", "Gr\u00fc\u00dfe"]
    (tmp_path / "refs.p").write_bytes(b"(lp0\nVGr\\u00fc\\u00dfe\np1\na.")
    assert safe_pickle.load(tmp_path / "refs.p") == ["Gr\u00fc\u00dfe"]


class Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_malicious_pickle_runs_nothing(tmp_path, protocol):
    harm, path = tmp_path / "harm", tmp_path / "refs.p"
    path.write_bytes(pickle.dumps([{"sent": Malicious(harm)}], protocol=protocol))
    with pytest.raises(ValueError, match=r"refs\.p is not a pickle of plain data: it asks for (posix|nt)\.mkdir"):
        safe_pickle.load(path)
    assert not harm.exists()
    pickle.loads(path.read_bytes())
    assert harm.exists(), "the pickle was no threat, so the test showed nothing"


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(collections.OrderedDict(a=1)),
        b"cos\nsystem\n(S'true'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"P7\n.",
        b"\x82\x01.",
        b"",
        b"(lp0\nS'left",
        b"not a pickle",
        pickle.dumps(PLAIN)[:-9],
    ],
)
def test_what_is_not_plain_or_not_whole_is_refused(tmp_path, content):
    (tmp_path / "refs.p").write_bytes(content)
    with pytest.raises(ValueError, match="not a pickle of plain data"):
        safe_pickle.load(tmp_path / "refs.p")


DEEP = b"]" * 100_001 + b"a" * 100_000


def laughs() -> list:
    """Lists of ten times the one before: a few bytes that print as ten billion words."""
    value = ["ha"] * 10
    for _ in range(9):
        value = [value] * 10
    return value


def opcodes(value) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def composed(records: list[dict], key: str, value: bytes) -> bytes:
    """A pickle of the records, the first with the value's opcodes at the key; `dumps` itself ends at such depth."""
    content = b"\x80\x02]"
    for number, record in enumerate(records):
        items = [opcodes(name) + (value if not number and name == key else opcodes(it)) for name, it in record.items()]
        content += b"}" + b"".join(item + b"s" for item in items) + b"a"
    return content + b"."


@pytest.mark.parametrize("key", ["ref_id", "ann_id", "image_id", "split", "sentences"])
@pytest.mark.parametrize("value", [opcodes(laughs()), DEEP], ids=["laughs", "deep"])
def test_a_value_without_end_is_a_line_of_losses(layouts, sorted_out, tmp_path, key, value):
    layout = layouts["refcoco"]()
    layout.write(tmp_path, layout.records)
    (tmp_path / "refcoco/refs(unc).p").write_bytes(composed(layout.records["refs"], key, value))
    rows, skipped = sorted_out(layout.read(tmp_path))
    assert skipped and all(len(it.where) + len(it.reason) < 300 for it in skipped)
    assert [it["text"] for it in rows[-1]["targets"][0]["expressions"]] == ["sleeping dog"]


def test_a_key_that_takes_forever_to_hash_is_refused(tmp_path):
    key = ("ha",) * 10
    for _ in range(9):
        key = (key,) * 10
    (tmp_path / "refs.p").write_bytes(b"\x80\x02}" + opcodes(key) + b"Ns.")
    with pytest.raises(ValueError, match="it has the key"):
        safe_pickle.load(tmp_path / "refs.p")


@pytest.mark.parametrize(
    "content",
    [b"]r\xff\xe0\xf5\x05.", b"]p100000000\n.", b"\x96\xff\xe0\xf5\x05\0\0\0\0.", b"\x8e\xff\xe0\xf5\x05\0\0\0\0."],
    ids=["LONG_BINPUT", "PUT", "BYTEARRAY8", "BINBYTES8"],
)
def test_room_is_made_only_for_what_the_file_holds(tmp_path, content):
    (tmp_path / "refs.p").write_bytes(content)
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):  # those of whole pickles are read, the others refused
            safe_pickle.load(tmp_path / "refs.p")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()
