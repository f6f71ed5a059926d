# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Counts what is in a converted data set, a row group at a time and without its pictures."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from unires_hf.data import masks
from unires_hf.data.brief import line
from unires_hf.data.schema import FEATURES, Row, validate_row

AREA_EDGES = np.logspace(-5, 0, 26)
"""Edges of the histogram of mask areas, as shares of the picture."""
_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}\.parquet")
_COLUMNS = ["image_id", "source", "width", "height", "targets"]
_SCHEMA = pa.schema([FEATURES.arrow_schema.field(name) for name in _COLUMNS])
_BATCH = 256


@dataclass
class Statistics:
    """What was counted. A part's category is its object's and its own name, "truck wheel".

    Args:
        images (`set`): hashes of the image_ids; one image may be in two splits.
        targets (`Counter`): number of targets by granularity; those with nothing in their mask are no targets.
        without_mask (`int`): targets with only a box.
        expressions (`Counter`): number by granularity, "no_target" among them.
        words (`dict`): Counter of lengths in words by granularity.
        areas (`dict`): histogram over `AREA_EDGES` by granularity.
        targets_per_image (`Counter`): number of images by number of targets.
        object_categories (`Counter`): expressions by category, of objects.
        part_categories (`Counter`): expressions by (category, part), of parts.
        sources (`Counter`): number of rows by source.
    """

    images: set[int] = field(default_factory=set)
    targets: Counter = field(default_factory=Counter)
    without_mask: int = 0
    expressions: Counter = field(default_factory=Counter)
    words: dict[str, Counter] = field(default_factory=lambda: {"object": Counter(), "part": Counter()})
    areas: dict[str, np.ndarray] = field(
        default_factory=lambda: {name: np.zeros(len(AREA_EDGES) - 1, np.int64) for name in ("object", "part")}
    )
    targets_per_image: Counter = field(default_factory=Counter)
    object_categories: Counter = field(default_factory=Counter)
    part_categories: Counter = field(default_factory=Counter)
    sources: Counter = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Counts one row, whose picture is not needed."""
        self.images.add(hash((row["source"], row["image_id"])))
        self.sources[row["source"]] += 1
        present = sum(self._add_target(target, row["height"] * row["width"]) for target in row["targets"])
        self.targets_per_image[present] += 1

    def _add_target(self, target: Row, pixels: int) -> bool:
        kind, spoken = target["granularity"], len(target["expressions"])
        for expression in target["expressions"]:
            self.words[kind][len(expression["text"].split())] += 1
        share = None if target["mask"] is None else masks.area(target["mask"]) / pixels
        if share == 0:
            self.expressions["no_target"] += spoken
            return False
        self.targets[kind] += 1
        self.expressions[kind] += spoken
        if kind == "object":
            self.object_categories[target["category"]] += spoken
        else:
            self.part_categories[target["category"], target["part"]] += spoken
        if share is None:
            self.without_mask += 1
        else:
            last = len(AREA_EDGES) - 2
            self.areas[kind][min(max(int(np.searchsorted(AREA_EDGES, share, "right")) - 1, 0), last)] += 1
        return True

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(
            images=self.images | other.images,
            targets=_joined(self.targets, other.targets),
            without_mask=self.without_mask + other.without_mask,
            expressions=_joined(self.expressions, other.expressions),
            words={name: _joined(self.words[name], other.words[name]) for name in self.words},
            areas={name: self.areas[name] + other.areas[name] for name in self.areas},
            targets_per_image=_joined(self.targets_per_image, other.targets_per_image),
            object_categories=_joined(self.object_categories, other.object_categories),
            part_categories=_joined(self.part_categories, other.part_categories),
            sources=_joined(self.sources, other.sources),
        )

    def summary(self) -> dict[str, Any]:
        """The numbers of the paper's tables; mean lengths are None where there is no expression."""
        return {
            "images": len(self.images),
            "objects": self.targets["object"],
            "parts": self.targets["part"],
            "targets_without_mask": self.without_mask,
            "expressions": self.expressions.total(),
            "object_expressions": self.expressions["object"],
            "part_expressions": self.expressions["part"],
            "no_target_expressions": self.expressions["no_target"],
            "mean_words": _mean(_joined(*self.words.values())),
            "object_mean_words": _mean(self.words["object"]),
            "part_mean_words": _mean(self.words["part"]),
            "object_categories": len(self.object_categories),
            "part_categories": len(self.part_categories),
            "part_names": len({part for _, part in self.part_categories}),
        }

    def histograms(self) -> dict[str, Any]:
        """What the drawings show, ready for JSON; categories from the most to the least spoken of."""
        return {
            "expressions_by_object_category": dict(ranked(self.object_categories)),
            "expressions_by_part_category": {
                " ".join(filter(None, names)): count for names, count in ranked(self.part_categories)
            },
            "expressions_by_words": {name: dict(sorted(counts.items())) for name, counts in self.words.items()},
            "mask_area_edges": AREA_EDGES.tolist(),
            "masks_by_area": {name: counts.tolist() for name, counts in self.areas.items()},
            "images_by_targets": dict(sorted(self.targets_per_image.items())),
            "rows_by_source": dict(ranked(self.sources)),
        }


def ranked(counts: Counter) -> list[tuple[Any, int]]:
    """From the most to the least, names in order where counts are equal."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def count(folder: str | Path, splits: Collection[str] | None = None) -> dict[str, Statistics]:
    """Counts each split of a converted folder.

    Args:
        folder (`str` or `Path`): what `unires convert` made.
        splits (`Collection[str]`, *optional*): only these.

    Returns:
        `dict[str, Statistics]`: by split, in the order of the names.

    Raises:
        ValueError: if there are no shards, or none of a split.
    """
    chosen = shards(folder, splits)
    total = sum(open_shard(path).metadata.num_rows for paths in chosen.values() for path in paths)
    counted = {split: Statistics() for split in chosen}
    with tqdm(total=total, desc="count", unit=" images") as progress:
        for split, paths in chosen.items():
            for path in paths:
                for row in _rows(path):
                    counted[split].add(row)
                    progress.update()
    return counted


def shards(folder: str | Path, splits: Collection[str] | None = None) -> dict[str, list[Path]]:
    """The shards of each split.

    Raises:
        ValueError: as `count`.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted([*Path(folder).glob("*.parquet"), *Path(folder).glob("data/*.parquet")]):
        if name := _SHARD.fullmatch(path.name):
            found.setdefault(name[1], []).append(path)
    if not found:
        raise ValueError(
            f"{folder} holds no shards such as train-00000-of-00064.parquet. Make it by `unires convert`."
        )
    for split in splits or ():
        if split not in found:
            raise ValueError(f"{folder} has no split {split!r}; it has {', '.join(found)}.")
    return {split: paths for split, paths in found.items() if splits is None or split in splits}


def open_shard(path: Path) -> pq.ParquetFile:
    """Opens a shard.

    Raises:
        ValueError: if it is damaged.
    """
    with damage_of(path):
        if not path.is_file():  # of a pipe one would wait for the end
            raise ValueError("it is no file")
        return pq.ParquetFile(path)


@contextmanager
def damage_of(path: Path) -> Iterator[None]:
    """Turns what comes of a damaged shard into a ValueError with one sentence."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ValueError(f"{path} is damaged: {line(error)}. Convert its source anew.") from error


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a shard, without their pictures, which must keep the schema's rules."""
    file = open_shard(path)
    with damage_of(path):
        for batch in file.iter_batches(_BATCH, columns=_COLUMNS):
            for row in pa.Table.from_batches([batch]).select(_COLUMNS).cast(_SCHEMA).to_pylist():
                validate_row(row | {"image": None})
                yield row


def _joined(a: Counter, b: Counter) -> Counter:
    """The sum; Counter's own `+` forgets categories that nothing is said of."""
    joined = Counter(a)
    joined.update(b)
    return joined


def _mean(lengths: Counter) -> float | None:
    return sum(length * n for length, n in lengths.items()) / lengths.total() if lengths else None
