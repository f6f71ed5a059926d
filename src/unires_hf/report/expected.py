# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The paper's counts of each data set, and which of them a converted one agrees with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .statistics import Statistics


@dataclass(frozen=True)
class Expected:
    """One number of the paper.

    Args:
        key (`str`): of `Statistics.summary`.
        value (`float`): the number.
        within (`float`, defaults to 0): half a unit of the last digit that the paper gives.
        split (`str`, *optional*): for one split; else for all of the data set's.
        note (`str`, defaults to `""`): what else is known.
    """

    key: str
    value: float
    within: float = 0
    split: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """What the paper says of a data set: the splits that make the whole, and the numbers."""

    splits: tuple[str, ...]
    numbers: tuple[Expected, ...]


_INFERRED = "inferred from the shares of the scores in the paper's tables"
PAPERS: dict[str, Paper] = {
    "refcoco": Paper(
        ("train", "val", "testA", "testB"),
        (
            Expected("expressions", 142_209),
            Expected("mean_words", 3.6, 0.05),
            Expected("objects", 50_000),
            Expected("images", 19_994),
            Expected("expressions", 120_624, split="train"),
            Expected("expressions", 10_834, split="val"),
            Expected("expressions", 5_657, split="testA"),
            Expected("expressions", 5_095, split="testB"),
        ),
    ),
    "refcoco+": Paper(
        ("train", "val", "testA", "testB"),
        (
            Expected("expressions", 141_564),
            Expected("mean_words", 3.5, 0.05),
            Expected("objects", 49_856),
            Expected("images", 19_992),
            Expected("expressions", 120_624, split="train", note="RefCOCO's number; other sources give 120,191"),
            Expected("expressions", 10_758, split="val"),
            Expected("expressions", 5_726, split="testA"),
            Expected("expressions", 4_889, split="testB"),
        ),
    ),
    "refcocog": Paper(
        ("train", "val"),
        (
            Expected("expressions", 104_560),
            Expected("mean_words", 8.4, 0.05),
            Expected("objects", 54_822),
            Expected("images", 26_711),
        ),
    ),
    "refcocom": Paper(
        ("val", "testA", "testB"),
        (
            Expected("part_expressions", 70_000, 500),
            Expected("parts", 24_700, 50),
            Expected("part_mean_words", 5.1, 0.05),
            Expected("object_categories", 80),
            Expected("part_categories", 391),
            Expected("part_names", 135),
            Expected("part_expressions", 33_000, 50, "val", _INFERRED),
            Expected("part_expressions", 26_600, 50, "testA", _INFERRED),
            Expected("part_expressions", 10_750, 5, "testB", _INFERRED),
        ),
    ),
    "mres-32m": Paper(
        ("train",),
        (
            Expected("images", 1_000_000, 50_000),
            Expected("object_expressions", 15_300_000, 50_000),
            Expected("part_expressions", 16_900_000, 50_000),
            Expected("expressions", 32_200_000, 50_000),
            Expected("object_categories", 365),
            Expected("part_categories", 2_299),
            Expected("mean_words", 4.6, 0.05),
        ),
    ),
    # README of henghuiding/gRefCOCO; CVPR 2023, section 3. It also counts 80,022 expressions with several referents.
    "grefcoco": Paper(
        ("train", "val", "testA", "testB"),
        (
            Expected("expressions", 278_232),
            Expected("no_target_expressions", 32_202),
            Expected("images", 19_994),
        ),
    ),
    # README of hustvl/GroundingSuite: "3,800 carefully curated instances".
    "gseval": Paper(
        ("test",), (Expected("expressions", 3_800), Expected("images", 3_800, note="the abstract (arXiv 2503.10596)"))
    ),
    # README of dddraxxx/Ref-Adv: its public cases, of 5,000.
    "ref-adv-s": Paper(("train",), (Expected("expressions", 1_142),)),
    # README of zifuwan/InstructPart.
    "instruct-part": Paper(
        ("train", "test"),
        (
            Expected("parts", 2_400),
            Expected("part_names", 44, note="the paper's (arXiv 2505.18291)"),
            Expected("parts", 1_800, split="train"),
            Expected("parts", 600, split="test"),
        ),
    ),
    # docs/PACO_DATASET.md of facebookresearch/paco.
    "paco": Paper(
        ("train", "val", "test"),
        (
            Expected("object_categories", 75),
            Expected("part_categories", 456),
            Expected("part_names", 200),
            Expected("images", 45_790, split="train"),
            Expected("images", 2_410, split="val"),
            Expected("images", 9_443, split="test"),
            Expected("objects", 217_117, split="train"),
            Expected("objects", 10_794, split="val"),
            Expected("objects", 45_861, split="test"),
            Expected("parts", 395_071, split="train"),
            Expected("parts", 20_945, split="val"),
            Expected("parts", 86_041, split="test"),
        ),
    ),
    # README of ChenyunWu/PhraseCutDataset.
    "phrasecut": Paper(
        ("train", "val", "test", "miniv"),
        (
            Expected("expressions", 310_816, split="train"),
            Expected("expressions", 20_316, split="val"),
            Expected("expressions", 14_354, split="test"),
            Expected("expressions", 821, split="miniv"),
            Expected("images", 71_746, split="train"),
            Expected("images", 2_971, split="val"),
            Expected("images", 2_545, split="test"),
            Expected("images", 100, split="miniv"),
        ),
    ),
}
"""Paper, supplementary A.2 and table 2. RefCOCOg's numbers there are of all its annotations, the split is UMD's."""


def compare(name: str, splits: Mapping[str, Statistics], whole: Statistics) -> list[dict[str, Any]]:
    """Holds a data set against the paper.

    Args:
        name (`str`): a key of `PAPERS`.
        splits (`Mapping[str, Statistics]`): what was counted, by split.
        whole (`Statistics`): of all of them together.

    Returns:
        `list[dict]`: `key`, `split` (None for the whole), `paper`, `here`, `agrees` (None where a split that it takes
        is missing) and `note`.

    Raises:
        ValueError: if the paper does not count such a data set.
    """
    if name not in PAPERS:
        raise ValueError(f"The paper has no counts of {name!r}; it has {', '.join(PAPERS)}.")
    summaries = {None: whole.summary()} | {split: counted.summary() for split, counted in splits.items()}
    return [_compared(number, PAPERS[name].splits, summaries) for number in PAPERS[name].numbers]


def _compared(number: Expected, of_whole: tuple[str, ...], summaries: Mapping[str | None, Any]) -> dict[str, Any]:
    missing = [split for split in ([number.split] if number.split else of_whole) if split not in summaries]
    here = summaries.get(number.split, {}).get(number.key)
    if missing:
        agrees, note = None, f"not here: {', '.join(missing)}"
    else:
        agrees, note = here is not None and abs(here - number.value) <= number.within, number.note
    return {
        "key": number.key,
        "split": number.split,
        "paper": number.value,
        "here": here,
        "agrees": agrees,
        "note": note,
    }
