# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Where the files of a data set lie, and what to say when they do not."""

import json
import os
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from unires_hf.data.brief import brief
from unires_hf.data.schema import is_text


def require(path: Path, hint: str) -> Path:
    """Returns the folder or file.

    Raises:
        ValueError: if it is missing.
    """
    if not path.exists():
        raise ValueError(f"{path} is missing. {hint}")
    return path


def require_file(path: Path, hint: str) -> Path:
    """Returns the file.

    Raises:
        ValueError: if it is missing, or is a folder or a pipe.
    """
    if not require(path, hint).is_file():
        raise ValueError(f"{path} is no file. {hint}")
    return path


def first_existing(root: str | Path, names: Iterable[str], hint: str) -> Path:
    """The first of the paths under `root` that exists.

    Raises:
        ValueError: if `root` or all of them are missing.
    """
    for name in names:
        if (require(Path(root), hint) / name).exists():
            return Path(root) / name
    raise ValueError(f"{root} has none of {', '.join(names)}. {hint}")


def inside(folder: Path, name: str) -> Path:
    """The file of that name in a folder, into which an annotation file may not reach out of it.

    Raises:
        ValueError: if the name is absolute, has "..", is that of a link out of the folder, or is no text.
    """
    if not is_text(name):
        raise ValueError(f"the name {brief(name)} is no text.")
    path = folder / name
    if ".." in Path(name).parts or not os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), "")):
        raise ValueError(f"{brief(name)} lies outside of {folder}. Put it there, or name the folder that it lies in.")
    return path


class Pictures:
    """Finds pictures by the names in records, which may be bare names, paths or URLs of another folder layout.

    What a name says comes first; the last two pieces of it, or the last alone, do only where no other record's name
    ends in them.

    Args:
        folders (`list[Path]`): where pictures may lie.
        names (`Callable`): gives the names of all records; called once, where a name is not that of a file.
    """

    def __init__(self, folders: list[Path], names: Callable[[], Iterable[str]]):
        self.folders, self._names = folders, names
        self._shared: dict[int, np.ndarray] | None = None

    def locate(self, name: str) -> Path:
        """The picture's path, which is that of no file where there is none.

        Raises:
            ValueError: if the name, or a link, leads out of the folders.
        """
        pieces = Path(name).parts
        if ".." not in pieces and not Path(name).is_absolute() and (exact := self._first(name)):
            return exact
        for depth in (2, 1):
            ending = _ending(name, depth)
            if len(pieces) > depth and (path := self._first(ending)):
                if self._is_shared(ending, depth):
                    raise ValueError(f"the picture {brief(name)} is missing, and others are called {ending} too.")
                return path
        return inside(self.folders[0], name)

    def _first(self, name: str) -> Path | None:
        return next((inside(folder, name) for folder in self.folders if (folder / name).is_file()), None)

    def _is_shared(self, ending: str, depth: int) -> bool:
        if self._shared is None:
            names, twos, ones = array("q"), array("q"), array("q")  # hashes: Objects365 has 1.7 million names
            for name in self._names():
                names.append(hash(name))
                twos.append(hash(_ending(name, 2)))
                ones.append(hash(_ending(name, 1)))
            _, first = np.unique(names, return_index=True)
            self._shared = {depth: _repeated(np.asarray(it)[first]) for depth, it in ((1, ones), (2, twos))}
        return bool(np.isin(hash(ending), self._shared[depth]))


def _ending(name: str, pieces: int) -> str:
    return "/".join(name.split("/")[-pieces:])


def _repeated(values: np.ndarray) -> np.ndarray:
    values, counts = np.unique(values, return_counts=True)
    return values[counts > 1]


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: if it is none, or is nested too deep to be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_json(path: Path, hint: str) -> Any:
    """Loads an annotation file.

    Args:
        path (`Path`): the file.
        hint (`str`): what to do when it is missing.

    Raises:
        ValueError: if it is missing or no JSON.
    """
    content = require_file(path, hint).read_bytes()
    try:
        return parse_json(content)
    except ValueError as error:
        raise ValueError(f"{path} is not whole JSON ({error}). Download it again.") from error
