# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What one line of a training batch is: a row narrowed to a group of its expressions, which share its image."""

import itertools
import logging
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from datasets import Dataset, Image, IterableDataset, concatenate_datasets, interleave_datasets
from datasets.distributed import split_dataset_by_node

from .opener import Opener
from .schema import Row

logger = logging.getLogger(__name__)

Saying = tuple[int, int]
"""The place of a target in its row, and of an expression in its target."""


class Rows(Protocol):
    """A sequence of rows of `FEATURES`: a `datasets.Dataset`, `PartScenes`, a list."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Row: ...


class _Epoch(torch.utils.data.Dataset):
    """
    A map-style data set whose order and choices depend on its seed and the epoch alone, not on any sampler: read it in
    sequence. A row that cannot be read gives its place to the next one.
    """

    def __init__(self, seed: int, opener: Opener | None):
        self.seed = seed
        self.opener = opener or Opener()
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # seen by workers that live on

    def set_epoch(self, epoch: int) -> None:
        """Shuffles and deals anew: the same epoch is always the same."""
        self.epoch.fill_(epoch)

    def draw(self, index: int, rng: random.Random) -> tuple[Row, Rows] | None:
        """Line `index` of this epoch, not opened, and the rows it is one of; None if nothing is said there."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> Row:
        if not 0 <= index < len(self):
            raise IndexError(f"line {index} is not among the {len(self)} of an epoch.")
        for step in range(len(self)):
            place = (index + step) % len(self)
            rng = random.Random(f"{self.seed} {int(self.epoch)} {place}")
            drawn = self.draw(place, rng)
            row = None if drawn is None else self.opener(drawn[0], rng, drawn[1])
            if row is not None:
                return row
        raise ValueError("None of the rows has an expression with a mask that can be read: there is nothing to learn.")


class ExpressionGroups(_Epoch):
    """
    A data set of rows that hold at most `expressions_per_image` expressions each, all of them in every epoch.

    An epoch has every expression of every target that has a mask exactly once; what is said about one image is dealt
    into groups, differently in every epoch. Targets with boxes only cannot be learned from: they are left out, and
    counted in one log line.

    Args:
        rows (`datasets.Dataset`): rows of `FEATURES`.
        expressions_per_image (`int`): the largest group. Our choice of 8 in the recipes: RefCOCO has 7 an image.
        seed (`int`, *optional*, defaults to 0): with the epoch's number it decides the order and who is grouped.
        opener (`Opener`, *optional*): opens the rows; by default it does no more than that.

    Raises:
        ValueError: if there is nothing to learn from, or `expressions_per_image` is less than 1.
    """

    def __init__(self, rows: Dataset, expressions_per_image: int, seed: int = 0, opener: Opener | None = None):
        super().__init__(seed, opener)
        self.rows = _undecoded(rows)
        self.expressions_per_image = _at_least_one(expressions_per_image)
        # The images stay unread.
        self.sayings: list[list[Saying]] = []
        without_mask = 0
        for targets in rows.select_columns("targets")["targets"]:
            without_mask += sum(len(target["expressions"]) for target in targets if target["mask"] is None)
            self.sayings.append(sayings_of(targets))
        if without_mask:
            logger.warning("%d expressions are left out: their targets have boxes but no masks.", without_mask)
        self.num_expressions = sum(map(len, self.sayings))
        if not self.num_expressions:
            raise ValueError("There is no expression with a mask in these rows: nothing can be learned from them.")
        self._deal()

    def _deal(self) -> None:
        self._dealt = int(self.epoch)
        rng = random.Random(f"{self.seed} {self._dealt}")
        self.groups: list[tuple[int, list[Saying]]] = []
        size = self.expressions_per_image
        for index, sayings in enumerate(self.sayings):
            dealt = rng.sample(sayings, len(sayings))
            self.groups += [(index, dealt[start : start + size]) for start in range(0, len(dealt), size)]
        rng.shuffle(self.groups)

    def __len__(self) -> int:
        return len(self.groups)  # the same in every epoch

    def draw(self, index: int, rng: random.Random) -> tuple[Row, Rows]:
        if self._dealt != self.epoch:
            self._deal()
        row_index, sayings = self.groups[index]
        return narrow(self.rows[row_index], sayings), self.rows


class SampledExpressions(_Epoch):
    """
    A data set of rows that hold `expressions_per_image` expressions each, drawn at random, or as many as there are.

    For rows that are drawn rather than stored, and for mixtures. What line `index` holds depends on the seed, the
    epoch and `index`; rows are read, or drawn, when asked for.

    Args:
        rows (`Sequence[Rows]`): one or more sequences of rows.
        expressions_per_image (`int`): the largest group.
        weights (`Sequence[float]`, *optional*): how often to draw from each of the sequences, in any unit. An epoch
            then has as many lines as there are rows in all, each a random row of a sequence so chosen; without
            weights it has each row once.
        length (`int`, *optional*): lines of an epoch instead, drawn with weights. Where rows are few, epochs are
            short, and at the end of each a data loader runs dry.
        part_share (`float`, *optional*): the share of part expressions in a line, in [0, 1], where the image has as
            many of either granularity; by default whatever the draw gives.
        seed, opener: as for [`ExpressionGroups`].

    Raises:
        ValueError: if there are no rows, or a number is out of range.
    """

    def __init__(
        self,
        rows: Sequence[Rows],
        expressions_per_image: int,
        weights: Sequence[float] | None = None,
        part_share: float | None = None,
        seed: int = 0,
        opener: Opener | None = None,
        length: int | None = None,
    ):
        super().__init__(seed, opener)
        self.rows = [_undecoded(one) for one in rows]
        self.expressions_per_image = _at_least_one(expressions_per_image)
        self.weights = None if weights is None else checked_weights(weights, len(self.rows))
        self.length = length
        if length is not None and weights is None:
            raise ValueError("An epoch of another length is drawn: give `--train_weights` too.")
        self.part_share = _checked_share(part_share)
        self.starts = list(itertools.accumulate(map(len, self.rows), initial=0))
        if not all(map(len, self.rows)):
            raise ValueError(f"Data set number {list(map(len, self.rows)).index(0) + 1} has no rows.")
        self._ordered = -1

    def __len__(self) -> int:
        return self.length or self.starts[-1]

    def draw(self, index: int, rng: random.Random) -> tuple[Row, Rows] | None:
        if self.weights is not None:
            (rows,) = rng.choices(self.rows, self.weights)
            row = rows[rng.randrange(len(rows))]
        else:
            if self._ordered != self.epoch:
                self._ordered = int(self.epoch)
                self._order = np.random.default_rng([self.seed, self._ordered]).permutation(len(self))
            place = int(self._order[index])
            number = bisect_right(self.starts, place) - 1
            rows = self.rows[number]
            row = rows[place - self.starts[number]]
        if self.opener.draws_words(row):
            return row, rows
        sayings = choose(row["targets"], self.expressions_per_image, self.part_share, rng)
        return (narrow(row, sayings), rows) if sayings else None


class StreamedExpressions(torch.utils.data.IterableDataset):
    """
    The same for rows that only pass by, without an end: pass after pass, each shuffled and drawn anew. To resume a run
    is to read again what it had read.

    Args:
        rows (`datasets.IterableDataset`): rows of `FEATURES`; their shards are spread over processes and workers.
        expressions_per_image, part_share, seed, opener: as for [`SampledExpressions`].
        buffer_size (`int`, *optional*, defaults to 1000): rows among which the next one is drawn.
        process, processes (`int`, *optional*): the number of this process among them: it reads its own rows only.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        rows: IterableDataset,
        expressions_per_image: int,
        part_share: float | None = None,
        seed: int = 0,
        opener: Opener | None = None,
        buffer_size: int = 1000,
        process: int = 0,
        processes: int = 1,
    ):
        self.rows = rows.decode(False)
        self.expressions_per_image = _at_least_one(expressions_per_image)
        self.part_share = _checked_share(part_share)
        self.seed = seed
        self.opener = opener or Opener()
        self.buffer_size = buffer_size
        self.process, self.processes = process, processes

    def __iter__(self) -> Iterator[Row]:
        for number in itertools.count():
            # A fresh copy each pass: `IterableDataset.set_epoch` is shared between workers, who are not in step.
            seed = random.Random(f"{self.seed} {number}").getrandbits(32)
            rows = self.rows.shuffle(seed=seed, buffer_size=self.buffer_size)
            seen = 0
            for row in split_dataset_by_node(rows, self.process, self.processes):
                rng = random.Random(f"{self.seed} {number} {row['image_id']}")
                if not self.opener.draws_words(row):
                    sayings = choose(row["targets"], self.expressions_per_image, self.part_share, rng)
                    row = narrow(row, sayings) if sayings else None
                opened = None if row is None else self.opener(row, rng)
                if opened is not None:
                    seen += 1
                    yield opened
            if not seen:  # a worker without a shard
                return


def training_set(
    rows: Sequence[Rows] | Sequence[IterableDataset],
    expressions_per_image: int,
    weights: Sequence[float] | None = None,
    part_share: float | None = None,
    seed: int = 0,
    opener: Opener | None = None,
    buffer_size: int = 1000,
    process: int = 0,
    processes: int = 1,
    length: int | None = None,
) -> ExpressionGroups | SampledExpressions | StreamedExpressions:
    """
    The data set that fits the rows: everything once an epoch where rows are stored with their words and nothing is
    asked of the mixture, else a random choice.

    Args:
        rows: one or more sets of rows, all of them sequences or all of them streams. Streams without weights are mixed
            in equal shares.
        expressions_per_image, weights, part_share, seed, opener, buffer_size, process, processes, length: of the
            three classes.
    """
    if isinstance(rows[0], IterableDataset):
        shares = checked_weights(weights or [1] * len(rows), len(rows))
        mixed = rows[0]
        if len(rows) > 1:
            shares = [share / sum(shares) for share in shares]
            mixed = interleave_datasets(list(rows), shares, seed=seed, stopping_strategy="all_exhausted")
        return StreamedExpressions(
            mixed, expressions_per_image, part_share, seed, opener, buffer_size, process, processes
        )
    dealt = weights is None and part_share is None and (opener is None or opener.speak is None)
    if dealt and all(isinstance(one, Dataset) for one in rows):
        return ExpressionGroups(concatenate_datasets(list(rows)), expressions_per_image, seed, opener)
    return SampledExpressions(rows, expressions_per_image, weights, part_share, seed, opener, length)


def sayings_of(targets: Sequence[Row]) -> list[Saying]:
    """All that is said of targets that have a mask."""
    return [
        (place, number)
        for place, target in enumerate(targets)
        if target["mask"] is not None
        for number in range(len(target["expressions"]))
    ]


def choose(targets: Sequence[Row], count: int, part_share: float | None, rng: random.Random) -> list[Saying]:
    """`count` of all that is said of targets with a mask, or all of it if that is less; see [`SampledExpressions`]."""
    sayings = rng.sample(known := sayings_of(targets), len(known))
    if part_share is None:
        return sayings[:count]
    by_kind: dict[bool, list[Saying]] = {True: [], False: []}
    for place, number in sayings:
        by_kind[targets[place]["granularity"] == "part"].append((place, number))
    parts = int(count * part_share + rng.random())  # right on average, also for half an expression
    parts = min(max(parts, count - len(by_kind[False])), len(by_kind[True]))
    return by_kind[True][:parts] + by_kind[False][: count - parts]


def narrow(row: Row, sayings: Sequence[Saying]) -> Row:
    """The row with these expressions, and the targets that they are about, only."""
    chosen: dict[int, list[int]] = {}
    for place, number in sayings:
        chosen.setdefault(place, []).append(number)
    targets = []
    for place, numbers in chosen.items():
        target = row["targets"][place]
        targets.append({**target, "expressions": [target["expressions"][number] for number in numbers]})
    return {**row, "targets": targets}


def checked_weights(weights: Sequence[float], count: int) -> list[float]:
    """The weights of `count` data sets.

    Raises:
        ValueError: if they are not as many, or not positive.
    """
    if len(weights) != count or min(weights) <= 0:
        raise ValueError(f"{count} data sets need {count} positive weights, got {list(weights)}.")
    return list(weights)


def _checked_share(share: float | None) -> float | None:
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"The share of part expressions lies between 0 and 1, got {share}.")
    return share


def _at_least_one(expressions_per_image: int) -> int:
    if expressions_per_image < 1:
        raise ValueError(f"`expressions_per_image` is {expressions_per_image}: a group needs at least 1.")
    return expressions_per_image


def _undecoded(rows: Rows) -> Rows:
    """Stored pictures come as they are stored, so that a broken one can be left out by itself."""
    return rows.cast_column("image", Image(decode=False)) if isinstance(rows, Dataset) else rows
