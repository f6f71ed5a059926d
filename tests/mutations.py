# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Damage to data and files of every kind, the same for the same seed."""

import os
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

GONE = "the key is gone"
JUNK = [
    *(None, True, -1, 3.5, 0, 10**30, 10**400, 1e30, float("nan"), float("inf")),
    *("", "x", " ", "\ud83d", "../../etc/passwd", "/dev/zero", "a" * 5000, "ä\u2028\u202e"),
    *([], {}, [[1, 2]], [0, 0, 0, 0], [0.1, 0.1, 0.5, 0.5, 0.1, 0.5], [[[[[[]]]]]]),
    *(
        {"size": [1, 1], "counts": "0"},
        {"size": [60, 80], "counts": "0" * 40},
        {"size": [60, 80], "counts": [10**9, -1]},
    ),
    GONE,
]
BYTES = [
    *(b"[" * 100_000, b'{"a":' * 50_000, b"\\ud800", b"1e999", b"1" + b"0" * 400, b"9" * 5000, b"NaN", b"null", b'"'),
    *(
        b"\0" * 8,
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"r\xff\xff\xff\x7f",
        b"p2147483647\n",
        b"\x8d" + b"\xff" * 7,
        b"]a" * 9,
    ),
    *(b"../../", b"}", b"]", b",", b"\n", b"-", b"\r\n"),
]


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """All places in nested records below the top two levels, which are the files and their lists."""
    if len(path) > 1:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def damaged(records: Any, rng: random.Random) -> Any:
    """The records with junk in one place, or without it. Fewer records in a list would be no damage."""
    records = deepcopy(records)
    path, junk = (
        rng.choice(list(places(records))),
        deepcopy(rng.choice([it for it in JUNK if it is not GONE] + [GONE])),
    )
    holder = records
    for key in path[:-1]:
        holder = holder[key]
    if junk == GONE:
        if isinstance(holder, dict) and len(path) > 2:
            del holder[path[-1]]
    elif not (junk == [] and isinstance(holder[path[-1]], list)):
        holder[path[-1]] = junk
    return records


def damage_bytes(root: Path, rng: random.Random) -> str:
    """Damages one file under a folder, and says which and how."""
    files = sorted(it for it in root.rglob("*") if it.is_file())
    path = rng.choice(files)
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content) + 1)
    stop = min(len(content), start + rng.choice((1, 4, 30, 300)))
    how = rng.choice(
        ("flip", "insert", "insert", "insert", "delete", "repeat", "cut", "noise", "empty", "other", "kind")
    )
    if how == "flip":
        for place in [rng.randrange(len(content)) for _ in range(rng.choice((1, 8)))] if content else ():
            content[place] ^= 1 << rng.randrange(8)
    elif how == "insert":
        content[start:start] = rng.choice(BYTES)
    elif how == "delete":
        del content[start:stop]
    elif how == "repeat":
        content[start:start] = content[start:stop] * rng.choice((1, 50))
    elif how == "cut":
        del content[start:]
    elif how == "noise":
        content[start:stop] = rng.randbytes(stop - start)
    elif how == "empty":
        content.clear()
    elif how == "other":
        content[:] = rng.choice(files).read_bytes()
    else:
        path.unlink()
        how = rng.choice(("pipe", "folder", "link to nothing", "link to itself", "device"))
        if how == "pipe":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()
        else:
            path.symlink_to({"link to nothing": "nothing", "link to itself": path.name, "device": "/dev/zero"}[how])
        return f"{path.relative_to(root)}: {how}"
    path.write_bytes(content)
    return f"{path.relative_to(root)}: {how} at {start}"
