# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Pickles from strangers: an unpickler for plain containers, numbers and strings that can run nothing."""

import io
import pickle
from pathlib import Path
from typing import Any

from unires_hf.data.brief import brief


class _PlainUnpickler(pickle._Unpickler):
    """Python's own, not C's: that one makes room for as many things as a file of eight bytes says there will be."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for a persistent object")

    def _set_items(self, keys: list) -> None:
        for key in keys:  # a tuple of tuples of tuples takes forever to hash
            if not isinstance(key, str | int | float | bytes | None):
                raise pickle.UnpicklingError(f"it has the key {brief(key)}")

    def load_dict(self) -> None:
        self._set_items(self.stack[::2])
        pickle._Unpickler.load_dict(self)

    def load_setitem(self) -> None:
        self._set_items(self.stack[-2:-1])
        pickle._Unpickler.load_setitem(self)

    def load_setitems(self) -> None:
        self._set_items(self.stack[::2])
        pickle._Unpickler.load_setitems(self)

    def load_foreign(self) -> None:
        raise pickle.UnpicklingError("it holds a set, or bytes that can change")

    dispatch |= {pickle.DICT[0]: load_dict, pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems}
    dispatch |= dict.fromkeys((pickle.EMPTY_SET[0], pickle.FROZENSET[0], pickle.BYTEARRAY8[0]), load_foreign)


def load(path: str | Path) -> Any:
    """Loads a pickle of dicts, lists, tuples, numbers, booleans, None, bytes and strings.

    Strings of Python 2 pickles (REFER's are protocol 0) are read as UTF-8 where they are, else as Latin-1. Memory and
    time are in proportion to the file.

    Raises:
        ValueError: if the file asks for anything else, which is how a pickle runs code, or is no whole pickle.
    """
    content = Path(path).read_bytes()
    try:
        return _read(path, content, "utf-8")
    except UnicodeDecodeError:
        return _read(path, content, "latin-1")


def _read(path: str | Path, content: bytes, encoding: str) -> Any:
    try:
        return _PlainUnpickler(io.BytesIO(content), encoding=encoding).load()
    except UnicodeDecodeError:
        raise
    except Exception as error:  # a damaged pickle raises nearly any exception
        reason = f"{error}" or type(error).__name__
        raise ValueError(f"{path} is not a pickle of plain data: {reason}. Download it again.") from error
