# Copyright 2026 The unires-hf authors. Apache-2.0.
import collections
import os
import pickle

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
