# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Splits for sources that come without: photographs that belong together stay together, and a hash deals the groups.

Together are those that a source says are (the captures of one walk) and twins, which are one photograph twice. Which
split a group goes to depends on its id alone, so nobody picks it, and it stays there when more photographs come.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import numpy as np
import PIL.Image

from unires_hf.data.pictures import open_picture
from unires_hf.data.schema import Row, Skipped

TEST, VAL = 0.14, 0.06
"""Shares of the groups (our choice)."""
SPLITS = ("train", "val", "test")
TWIN_BITS = 28
"""Two photographs are one if at most so many of the 256 bits of their difference hashes differ (our choice: it finds
all that were seen by eye in the sources this was made for, and no other)."""
_SIDE = 16


def in_split(
    split: str,
    pictures: Mapping[str, Path | None],
    groups: Mapping[str, str] | None = None,
    test: float = TEST,
) -> list[str]:
    """The names of the pictures of a split, in the order of `pictures`.

    Args:
        split (`str`): train, val or test; "all" for every picture.
        pictures (`Mapping`): the files by name; one that is missing or broken has no twin.
        groups (`Mapping`, *optional*): the group of a picture by its name, where the source knows it.
        test (`float`, defaults to 0.14): the share of the groups that are tested on.

    Raises:
        ValueError: if there is no such split.
    """
    if split == "all":
        return list(pictures)
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}; choose from {', '.join(SPLITS)} and all.")
    joined = _joined(pictures, groups or {})
    return [name for name in pictures if _dealt(joined[name], test) == split]


def without(rows: Iterable[Row | Skipped], folders: Iterable[Path]) -> Iterator[Row | Skipped]:
    """The rows, but those whose picture is a twin of one in the folders, such as a benchmark's, are skipped.

    Raises:
        ValueError: if a folder holds no picture.
    """
    kept_out: dict[Path, np.ndarray] = {}
    for folder in folders:
        hashes = {path: difference_hash(path) for path in sorted(folder.rglob("*.*"))}
        found = {path: bits for path, bits in hashes.items() if bits is not None}
        if not found:
            raise ValueError(f"{folder} holds no picture. Name the folder of the photographs that are to be left out.")
        kept_out |= found
    others = np.stack(list(kept_out.values()))
    for row in rows:
        if not isinstance(row, Skipped):
            image = row["image"]
            bits = difference_hash(image["bytes"] or Path(image["path"]))
            twins = [] if bits is None else np.flatnonzero((others != bits).sum(1) <= TWIN_BITS)
            if len(twins):
                twin = list(kept_out)[twins[0]].name
                yield Skipped(row["source"], f"image {row['image_id']}", f"its picture is left out: it is {twin}.")
                continue
        yield row


def difference_hash(picture: Path | bytes) -> np.ndarray | None:
    """What is brighter than its left neighbor in a picture of 16 x 16: bool of shape (256,); None if it is unreadable.

    Source: Krawetz, "Kind of like that", 2013, at twice the side.
    """
    try:
        with open_picture(picture) as opened:
            opened.draft("L", (8 * _SIDE, 8 * _SIDE))  # a JPEG decodes at a fraction of its size
            small = opened.convert("L").resize((_SIDE + 1, _SIDE), PIL.Image.Resampling.LANCZOS)
    except Exception:  # Pillow raises nearly anything on damaged files; the reader says that it is broken
        return None
    pixels = np.asarray(small)
    return (pixels[:, 1:] > pixels[:, :-1]).ravel()


def twins(hashes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of places, first < second, of hashes that differ in few bits.

    Args:
        hashes (`np.ndarray`): bool of shape (pictures, 256).
    """
    ones = hashes.astype(np.float32)
    for first, bits in enumerate(ones):
        rest = ones[first + 1 :]
        differing = bits.sum() + rest.sum(1) - 2 * (rest @ bits)
        for place in np.flatnonzero(differing <= TWIN_BITS):
            yield first, first + 1 + int(place)


def _joined(pictures: Mapping[str, Path | None], groups: Mapping[str, str]) -> dict[str, str]:
    """The id of each picture's group: the least of the ids that are joined in it."""
    group = {name: groups.get(name, name) for name in pictures}
    leader = {it: it for it in group.values()}

    def root(it: str) -> str:
        while leader[it] != it:
            it = leader[it]
        return it

    hashes = {name: None if path is None else difference_hash(path) for name, path in pictures.items()}
    known = [name for name, bits in hashes.items() if bits is not None]
    if known:
        for first, second in twins(np.stack([hashes[name] for name in known])):
            low, high = sorted((root(group[known[first]]), root(group[known[second]])))
            leader[high] = low
    return {name: root(it) for name, it in group.items()}


def _dealt(group: str, test: float) -> str:
    place = int.from_bytes(blake2b(group.encode(), digest_size=8).digest(), "big") / 2**64
    return "test" if place < test else "val" if place < test + VAL else "train"
