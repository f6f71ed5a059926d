# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Outputs that appear whole or not at all, have one writer at a time, and know what they were made from."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

LOCK = ".lock"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there appears at `path` when the block ends well, and not before."""
    part = path.with_name(f"{path.name}.part")
    yield part
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if there is none.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Delete its folder, and begin anew.") from error


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Makes a folder and keeps other writers out of it; a killed process lets go. Left empty, the folder goes again.

    Raises:
        ValueError: if another process writes there.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ValueError(f"Another process writes to {folder}: wait for it, or name another folder.") from None
    try:
        yield
    finally:
        # Before it is let go: who waits for nothing cannot hold the old file while another makes a new one.
        with suppress(OSError):
            (folder / LOCK).unlink()
        lock.release()
        if made:
            with suppress(OSError):
                folder.rmdir()


def fingerprint(*sources: str | Path, without: Path | None = None) -> str:
    """What tells apart what was read: resolved names, sizes and times of modification of all files, as a SHA-256.

    Args:
        sources: files and folders, with all that lies in them; what is neither counts by its name.
        without (`Path`, *optional*): a folder that may lie in them and does not count, such as the output.
    """
    left_out = None if without is None else os.path.realpath(without)
    digest = hashlib.sha256()
    for source in map(str, sources):
        there = os.path.exists(source)
        named = os.path.realpath(source) if there else source
        files = _files(named, left_out) if there else ()
        lines = [named, *(f"{name}\0{size}\0{time}" for name, size, time in files)]
        digest.update("\n".join(lines).encode("utf-8", "backslashreplace") + b"\n\n")
    return digest.hexdigest()


def _files(path: str, left_out: str | None) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of each file; linked folders are entered once."""
    if not os.path.isdir(path):
        yield path, os.stat(path).st_size, os.stat(path).st_mtime_ns
        return
    waiting, seen = [path], {path, left_out}
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda it: it.name):
                if entry.is_dir():
                    real = os.path.realpath(entry.path)
                    if real not in seen:
                        seen.add(real)
                        waiting.append(entry.path)
                elif entry.is_file():
                    yield entry.path, entry.stat().st_size, entry.stat().st_mtime_ns
