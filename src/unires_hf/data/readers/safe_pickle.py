# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Pickles from strangers: an unpickler for plain containers, numbers and strings that can run nothing."""

import pickle
from pathlib import Path
from typing import Any


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it asks for a persistent object")


def load(path: str | Path) -> Any:
    """Loads a pickle of dicts, lists, tuples, numbers, booleans, None, bytes and strings.

    Strings of Python 2 pickles (REFER's are protocol 0) are read as UTF-8 where they are, else as Latin-1.

    Raises:
        ValueError: if the file asks for anything else, which is how a pickle runs code, or is no whole pickle.
    """
    try:
        return _read(path, "utf-8")
    except UnicodeDecodeError:
        return _read(path, "latin-1")


def _read(path: str | Path, encoding: str) -> Any:
    with open(path, "rb") as file:
        try:
            return _PlainUnpickler(file, encoding=encoding).load()
        except UnicodeDecodeError:
            raise
        except Exception as error:  # a damaged pickle raises nearly any exception, also MemoryError
            raise ValueError(f"{path} is not a pickle of plain data: {error}. Download it again.") from error
