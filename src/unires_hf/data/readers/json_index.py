# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Large JSON annotation files whose records stay on disk: one pass notes where each lies, 24 bytes a record."""

import json
from array import array
from collections.abc import Generator, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from unires_hf.data.schema import Skipped

from .source_files import parse_json, require_file

_CHUNK = 1 << 22
_DECODER = json.JSONDecoder()
_NUMBER = "+-.0123456789eE"  # before one of these, a number may have been cut in two


class Table:
    """The records of one array of a JSON file, found by an id that several may share; iterates in file order.

    Args:
        path (`Path`): the file.
        name (`str`): the array's name.
        key (`str`): the id's key in a record.
    """

    def __init__(self, path: Path, name: str, key: str):
        self.path, self.name, self.key = path, name, key
        self.lost: list[str] = []
        """One sentence for each record that has no id."""
        self._hashes, self._offsets, self._lengths = array("q"), array("q"), array("q")
        self._order = self._sorted = np.zeros(0, np.int64)

    def note(self, record: Any, offset: int, length: int) -> None:
        """Remembers that the record's bytes lie at `offset`."""
        if not isinstance(record, dict) or not isinstance(record.get(self.key), int | str):
            self.lost.append(f"record {len(self) + len(self.lost)} of '{self.name}' has no '{self.key}'.")
            return
        self._hashes.append(_hash(record[self.key]))
        self._offsets.append(offset)
        self._lengths.append(length)

    def get(self, record_id: Any) -> list[dict]:
        """All records with this id, in file order."""
        if len(self._order) != len(self):
            hashes = np.frombuffer(self._hashes, np.int64)
            self._order = np.argsort(hashes, kind="stable")
            self._sorted = hashes[self._order]
        wanted = _hash(record_id)
        first, last = (int(np.searchsorted(self._sorted, wanted, side)) for side in ("left", "right"))
        return [record for record in self._read(self._order[first:last]) if record[self.key] == record_id]

    def ids(self) -> Iterator[int | str]:
        """The ids in the order of their first records."""
        _, first = np.unique(np.frombuffer(self._hashes, np.int64), return_index=True)
        return (record[self.key] for record in self._read(np.sort(first)))

    def ambiguous(self) -> set[int | str]:
        """The ids of several records that say different things."""
        hashes, counts = np.unique(np.frombuffer(self._hashes, np.int64), return_counts=True)
        repeated = np.flatnonzero(np.isin(np.frombuffer(self._hashes, np.int64), hashes[counts > 1]))
        first: dict[int | str, dict] = {}
        return {it[self.key] for it in self._read(repeated) if first.setdefault(it[self.key], it) != it}

    def one(self, record_id: Any) -> dict:
        """The record with this id.

        Raises:
            ValueError: if there is none, or several say different things.
        """
        records = self.get(record_id)
        if not records:
            raise ValueError(f"there is no image {record_id} in {self.path.name}.")
        if any(it != records[0] for it in records):
            raise ValueError(f"{self.path.name} has several images {record_id}: no one knows which is meant.")
        return records[0]

    def without(self, other: "Table") -> Iterator[dict]:
        """The records whose id is no record's of the other table."""
        strange = ~np.isin(np.frombuffer(self._hashes, np.int64), np.frombuffer(other._hashes, np.int64))
        return self._read(np.flatnonzero(strange))

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[dict]:
        return self._read(range(len(self)))

    def _read(self, positions: Iterable[int]) -> Iterator[dict]:
        with open(self.path, "rb") as file:
            for position in positions:
                file.seek(self._offsets[position])
                yield json.loads(file.read(self._lengths[position]))


def line_table(source: str, path: Path, key: str, hint: str) -> Generator[Skipped, None, Table]:
    """Indexes a file of one JSON object a line, as the generator's value; what is none is skipped.

    Args:
        source (`str`): the reader's name.
        path (`Path`): the file.
        key (`str`): the id's key in a record.
        hint (`str`): what to do when the file is missing.

    Raises:
        ValueError: if the file is missing.
    """
    table = Table(require_file(path, hint), path.name, key)
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    table.note(parse_json(line), offset, len(line))
                except ValueError as error:
                    yield Skipped(source, f"{path.name}, line {number}", f"the line is no JSON: {error}.")
            offset += len(line)
    for reason in table.lost:
        yield Skipped(source, path.name, reason)
    return table


def read_tables(path: Path, keys: dict[str | None, str], hint: str) -> tuple[dict[str | None, Table], dict[str, Any]]:
    """Indexes the arrays named in `keys` and loads the rest of the file.

    Args:
        path (`Path`): a JSON file that is an object of arrays (COCO) or one array, whose name is None.
        keys (`dict`): name of each array to index, and the id's key in its records.
        hint (`str`): what to do when the file is missing.

    Raises:
        ValueError: if the file is missing, is no JSON, is cut off, or lacks one of the arrays.
    """
    require_file(path, hint)
    tables: dict[str | None, Table] = {}
    rest: dict[str, Any] = {}
    with open(path, "rb") as file:
        stream = _Stream(file)
        try:
            for name in stream.members():
                if name not in keys:
                    rest[name] = stream.value()
                    continue
                tables[name] = Table(path, name or path.name, keys[name])
                for record, offset, length in stream.elements():
                    tables[name].note(record, offset, length)
        except ValueError as error:
            raise ValueError(f"{path} is not whole JSON ({error}). Download it again.") from error
    for name in keys:
        if name not in tables:
            raise ValueError(f"{path} has no array '{name}'; it has {sorted(rest)}. {hint}")
    return tables, rest


class _Stream:
    """Walks a JSON text piece by piece. Read as Latin-1, a character is a byte, so that positions are offsets; a value
    with characters beyond ASCII is then decoded again from its bytes."""

    def __init__(self, file: Any):
        self._file = file
        self._text = ""
        self._at = 0
        self._start = 0  # offset in the file of the text's first character
        self._length = 0  # of the last value

    def members(self) -> Iterator[str | None]:
        """The keys of the top object, each to be followed by `value` or `elements`; None alone for a top array."""
        if self._peek() == "[":
            yield None
        elif self._step("{") and not self._skip("}"):
            while True:
                name = self.value()
                self._step(":")
                yield name
                if self._skip("}"):
                    break
                self._step(",")
        if self._peek():
            raise ValueError(f"there is more after its end, at byte {self._start + self._at}")

    def elements(self) -> Iterator[tuple[Any, int, int]]:
        """The elements of the array here: value, offset and length in bytes."""
        self._step("[")
        if self._skip("]"):
            return
        while True:
            value = self.value()
            yield value, self._start + self._at - self._length, self._length
            if self._skip("]"):
                return
            self._step(",")

    def value(self) -> Any:
        """The value here."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise ValueError("it is nested too deep") from None
            except ValueError:
                if not self._more():
                    raise
                continue
            if self._text[end : end + 1] not in _NUMBER:  # nor at the end of the text
                piece = self._text[self._at : end]
                self._length, self._at = len(piece), end
                return value if piece.isascii() else json.loads(piece.encode("latin-1"))
            if not self._more():
                raise ValueError("it is cut off")

    def _peek(self) -> str:
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _skip(self, sign: str) -> bool:
        found = self._peek() == sign
        self._at += found
        return found

    def _step(self, sign: str) -> bool:
        if not self._skip(sign):
            raise ValueError(f"'{sign}' was expected at byte {self._start + self._at}")
        return True

    def _more(self) -> bool:
        """Reads on, at least as much as is left, so that a long value is not parsed too often."""
        left = self._text[self._at :]
        piece = self._file.read(max(_CHUNK, len(left))).decode("latin-1")
        self._text, self._start, self._at = left + piece, self._start + self._at, 0
        return bool(piece)


def _hash(record_id: int | str) -> int:
    if isinstance(record_id, int) and -(2**62) < record_id < 2**62:
        return record_id
    return int.from_bytes(
        blake2b(str(record_id).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little", signed=True
    )
