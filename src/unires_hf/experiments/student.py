# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Do the engine's labels teach? A teacher learns from half of the human labels, and labels the other half. A student
learns from the human half; from this and the engine's labels; and from all human labels.

The teacher and its listener, another seed, never see the second half; nor does a checkpoint that ships take part.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from datasets import Dataset, Image, concatenate_datasets

from unires_hf.data import masks
from unires_hf.data.readers.group_splits import in_split
from unires_hf.data.schema import FEATURES, Row
from unires_hf.data.shards import write_rows
from unires_hf.engine.annotation import annotate
from unires_hf.engine.case import is_nothing, overlap
from unires_hf.engine.intake import Known, Table
from unires_hf.engine.recipe import read_recipe
from unires_hf.evaluation import Results
from unires_hf.files import write_json, write_text
from unires_hf.loading import load_rows
from unires_hf.markdown import table_of

from .photographs import GRANULARITIES, compare_on_photographs, measure_run
from .rebuild import NOT_ASKED, Proposal, Rebuilt, given, names_of, with_owners

TEACHER, LISTENER, STUDENT = 1, 2, 3
"""The seeds; all students have the same one."""
HALF, ENGINE, ALL = "human half", "human half + engine", "all human"
LEARNED = {HALF: ["human_a"], ENGINE: ["human_a", "engine_b"], ALL: ["human_a", "human_b"]}
"""What each student learns from."""
BOOTSTRAP = 1000

Train = Callable[[Path, Sequence[Path], int], Any]


@dataclass(frozen=True)
class Gap:
    """What all human labels give over half of them, in points of mIoU, and the share of it that the engine's labels
    close, in percent; each with its 95 % interval over photographs. Where the gap is not surely above 0, there is
    nothing to close, and the share means nothing.
    """

    gap: float
    gap_low: float
    gap_high: float
    share: float
    low: float
    high: float


def student_test(
    folders: Sequence[Path], out: Path, train: Train, command: str, photographs: int | None = None
) -> list[Path]:
    """Runs the test, or what is left of it, and writes `table.md`, `results.json` and panels.

    Args:
        folders (`Sequence[Path]`): what `unires convert` made, with the splits train and test.
        out (`Path`): the folder to make.
        train (`Callable`): trains a model to a folder, on folders of rows, with a seed; or finds it trained.
        command (`str`): what makes this, for the table.
        photographs (`int`, *optional*): the first so many training photographs of each data set; all by default.
    """
    halves(folders, out, photographs)
    train(out / "teacher", [out / "human_a"], TEACHER)
    train(out / "listener", [out / "human_a"], LISTENER)
    label(out)
    runs = {name: str(out / name.replace(" ", "_")) for name in LEARNED}
    for name, folder in runs.items():
        train(Path(folder), [out / it for it in LEARNED[name]], STUDENT)
    rows = load_rows([f"{out / 'test'},split=test"])
    written = compare_on_photographs(runs, rows, None, out / "compared", command)
    results = {name: measure_run(folder, rows, None, out / "compared" / name, ()) for name, folder in runs.items()}
    gaps = gaps_closed(results)
    labels = label_quality(out)
    table = out / "compared" / "table.md"
    write_text(out / "table.md", f"{_summary(gaps, labels)}\n\n{table.read_text(encoding='utf-8')}")
    numbers = json.loads((out / "compared" / "results.json").read_text(encoding="utf-8"))
    write_json(
        out / "results.json", {**numbers, "gaps": {it: vars(gap) for it, gap in gaps.items()}, "labels": labels}
    )
    return [out / "table.md", out / "results.json", *written[2:]]


def halves(folders: Sequence[Path], out: Path, photographs: int | None = None) -> None:
    """Writes `human_a` and `human_b`, without words, since they are drawn in training, and `test`; twins stay in one
    half."""
    rows = _undecoded([f"{it},split=train" for it in folders], photographs)
    pictures = {str(number): image["bytes"] for number, image in enumerate(rows["image"])}
    first = set(in_split("test", pictures, test=0.5))
    for name, wanted in (("human_a", True), ("human_b", False)):
        chosen = (silent(with_owners(row)) for number, row in enumerate(rows) if (str(number) in first) is wanted)
        _write(out / name, "train", chosen)
    _write(out / "test", "test", _undecoded([f"{it},split=test" for it in folders]))


def label(out: Path) -> None:
    """Writes `engine_b`: the objects of the second half, which are given, the parts that the engine finds in them, and
    its words. What a half-labeled picture does not show is not known, so no words are drawn for it in training."""
    known = names_of(load_rows([str(out / "human_a")]))
    content = {"categories": dict(known.categories), "sources": {"given": "the first half's labels"}}
    write_json(out / "names.json", {**content, "aliases": {}, "pairs": [], "plurals": []})
    recipe = {
        "parts": {"model": str(out / "teacher"), "sides": False},
        "words": {},
        "agreement": {},
        "listener": {"model": str(out / "listener")},
        "vocabulary": str(out / "names.json"),
    }
    write_text(out / "recipe.yaml", yaml.safe_dump(recipe))
    objects = Known(Table(load_rows([str(out / "human_b")]), "human_b"), "objects")
    annotate(objects, out / "annotated", read_recipe(out / "recipe.yaml"), command="the student test")
    _write(out / "engine_b", "train", _undecoded([str(out / "annotated")]))


def label_quality(out: Path) -> dict[str, Any]:
    """How good the engine's parts are, as the second half's human labels say; see [`Rebuilt.summary`]."""
    rebuilt = Rebuilt()
    made = {row["image_id"]: row["targets"] for row in _undecoded([str(out / "engine_b")])}
    for image, row in enumerate(_undecoded([str(out / "human_b")])):
        truth = given(row)[1]
        for it in made.get(row["image_id"], []):
            if it["granularity"] == "part" and it["parent_id"] and not is_nothing(it):
                key = it["parent_id"], it["part"]
                iou = overlap(masks.decode(it["mask"]), truth[key]) if key in truth else 0.0
                rebuilt.proposals.append(Proposal(image, *key, 1.0, 1.0, 1.0, NOT_ASKED, key in truth, iou))
        rebuilt.truths.append(len(truth))
    return rebuilt.summary()


def gaps_closed(results: Mapping[str, Results], seed: int = 0) -> dict[str, Gap]:
    """By granularity, how much of the mIoU between the human half and all human labels the engine's labels make up.

    Photographs are drawn anew, and each draw scores all three students.
    """
    records = results[HALF].records
    _, image = np.unique(records["row"].to_numpy(), return_inverse=True)
    images = int(image.max()) + 1
    draws = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=BOOTSTRAP)
    draws = np.vstack([np.ones(images), draws])
    present = ~np.array(records["no_target"].to_pylist(), bool)
    granularity = np.array(records["granularity"].to_pylist())
    gaps = {}
    for kind, title in GRANULARITIES.items():
        member = present & (granularity == kind)
        half, engine, all_human = (
            draws @ np.bincount(image, member * results[name].records["iou"].to_numpy(), images)
            for name in (HALF, ENGINE, ALL)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = 100 * (engine - half) / (all_human - half)
        points = 100 * (all_human - half) / (draws @ np.bincount(image, member, images))
        gaps[title] = Gap(
            *(float(it) for one in (points, shares) for it in (one[0], *np.nanpercentile(one[1:], (2.5, 97.5))))
        )
    return gaps


def silent(row: Row) -> Row:
    """The row without words."""
    return {**row, "targets": [{**it, "expressions": []} for it in row["targets"]]}


def _summary(gaps: Mapping[str, Gap], labels: Mapping[str, Any]) -> str:
    low, high = labels["precision_interval"]
    lines = [["", "gap, mIoU", "closed by the engine, %"]]
    for title, it in gaps.items():
        closed = f"{it.share:.0f} [{it.low:.0f}, {it.high:.0f}]" if it.gap_low > 0 else "there is no gap to close"
        lines.append([title, f"{it.gap:+.1f} [{it.gap_low:+.1f}, {it.gap_high:+.1f}]", closed])
    return (
        f"{table_of(lines)}\n\nThe engine kept {labels['proposals']:,} parts of the second half. Their precision at "
        f"an IoU of 0.5 is {labels['precision']:.1f} ({low:.1f}–{high:.1f}), their recall {labels['recall']:.1f}. The "
        "objects of that half were given: what is gained on objects is not the engine's."
    )


def _undecoded(data: Sequence[str], first: int | None = None) -> Dataset:
    return concatenate_datasets([load_rows([it], first) for it in data]).cast_column("image", Image(decode=False))


def _write(folder: Path, split: str, rows: Iterable[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / f"{split}-00000-of-00001.parquet", ({name: row[name] for name in FEATURES} for row in rows))
