# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Opens data sets by what a person writes on a command line."""

import logging
from collections import Counter
from collections.abc import Sequence

from datasets import Dataset, concatenate_datasets, load_dataset

from .data.schema import FEATURES, Skipped
from .data.sources import SOURCES
from .scenes import PartScenes

logger = logging.getLogger(__name__)


def load_rows(specifications: Sequence[str], max_images: int | None = None) -> Dataset:
    """
    One data set of the schema, from one or more specifications.

    A specification is a folder of Parquet files or a name on the Hub, such as `my/refcoco-parquet,split=val`; or a
    reader with its arguments, such as `refcoco,root=REFER,split=val+testA`; or freshly drawn scenes, such as
    `partscenes,split=val,length=200,seed=7`. `split` defaults to `train`; several are joined with `+`. A reader's rows
    hold paths, not pictures, so that nothing is copied; what it had to leave out is counted in one warning.

    Args:
        specifications (`Sequence[str]`): one or more of them.
        max_images (`int`, *optional*): keep the first so many rows of the whole.

    Raises:
        ValueError: if a specification is malformed, names nothing, or has other columns than the schema.
    """
    rows = concatenate_datasets([_load(specification) for specification in specifications])
    return rows if max_images is None else rows.select(range(min(max_images, len(rows))))


def _load(specification: str) -> Dataset:
    name, *pairs = specification.split(",")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    if not name or not all(options.values()):
        raise ValueError(f"{specification!r} is no data set: write NAME,key=value,… without blanks.")
    splits = options.pop("split", "train").split("+")
    if name == "partscenes":
        numbers = {key: int(value) for key, value in options.items()}
        return Dataset.from_list([row for split in splits for row in PartScenes(split, **numbers)], features=FEATURES)
    if name in SOURCES:
        return concatenate_datasets([_read(name, split, options) for split in splits])
    rows = load_dataset(name, split="+".join(splits), **options)
    missing = sorted(set(FEATURES) - set(rows.column_names))
    if missing:
        raise ValueError(f"{name} has no column {missing[0]!r}: convert it with `unires convert` first.")
    return rows.select_columns(list(FEATURES))


def _read(name: str, split: str, options: dict[str, str]) -> Dataset:
    rows, reasons = [], Counter()
    for item in SOURCES[name](split=split, **options):
        if isinstance(item, Skipped):
            reasons[item.reason] += 1
        else:
            rows.append(item)
    if reasons:
        reason, count = reasons.most_common(1)[0]
        logger.warning(
            "%s, split %s: %d items were left out, %d of them since %s", name, split, reasons.total(), count, reason
        )
    return Dataset.from_list(rows, features=FEATURES)
