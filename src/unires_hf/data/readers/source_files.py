# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Where the files of a data set lie, and what to say when they do not."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def require(path: Path, cure: str) -> Path:
    """Returns the folder or file.

    Raises:
        ValueError: if it is missing.
    """
    if not path.exists():
        raise ValueError(f"{path} is missing. {cure}")
    return path


def first_existing(root: str | Path, names: Iterable[str], cure: str) -> Path:
    """The first of the paths under `root` that exists.

    Raises:
        ValueError: if `root` or all of them are missing.
    """
    for name in names:
        if (require(Path(root), cure) / name).exists():
            return Path(root) / name
    raise ValueError(f"{root} has none of {', '.join(names)}. {cure}")


def located(folders: list[Path], name: str) -> Path:
    """A picture by the name in its record, which may be a bare name, a path or a URL of another folder layout."""
    pieces = name.split("/")
    paths = [folder / "/".join(pieces[-depth:]) for folder in folders for depth in (len(pieces), 2, 1)]
    return next((path for path in paths if path.is_file()), paths[0])


def read_json(path: Path, cure: str) -> Any:
    """Loads an annotation file.

    Args:
        path (`Path`): the file.
        cure (`str`): what to do when it is missing.

    Raises:
        ValueError: if it is missing or no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. {cure}") from error
    except ValueError as error:
        raise ValueError(f"{path} is not whole JSON ({error}). Download it again.") from error
