# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The engine's test: given the objects of a data set with parts alone, how much of the parts does it make again?

Proposals are made once; each verifier then judges the same ones, alone and all together. A proposal is right if its
object has a part of its name whose mask it meets at an IoU of 0.5.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from unires_hf.data import masks
from unires_hf.data.schema import Row
from unires_hf.engine.case import Case, make_target, open_case, overlap
from unires_hf.engine.part_stage import PartsRecipe, PartStage
from unires_hf.engine.part_vocabulary import Vocabulary
from unires_hf.engine.verification import Agreement, Listener, proposed
from unires_hf.engine.word_stage import WordsRecipe, WordStage
from unires_hf.scenes import PartScenes
from unires_hf.scenes.dataset import encoded
from unires_hf.scenes.objects import KINDS
from unires_hf.scenes.scene import every_part

IOU = 0.5
SMALLEST = 12
"""Visible pixels below which a part of a drawn scene is no truth: two hundredths of a picture's side, squared."""
BOOTSTRAP = 1000


@dataclass
class Tally:
    """What is known of the proposals that passed, and of the truth, picture by picture.

    Args:
        right, named, made, truths (`list[int]`): proposals that meet their part, proposals whose object has a part of
            the name, proposals, and parts of the truth.
        ious (`list[float]`): of the proposals whose name is right.
        judged, passed (`int`): how many proposals the verifier saw, and let pass.
    """

    right: list[int] = field(default_factory=list)
    named: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    truths: list[int] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)
    judged: int = 0
    passed: int = 0

    def add(self, kept: Sequence[Row], truth: Mapping[tuple[str, str], np.ndarray]) -> None:
        """Counts the proposals of one picture against its parts, by (object's target_id, name)."""
        keys = [(it["parent_id"], it["part"]) for it in kept]
        ious = [
            overlap(masks.decode(it["mask"]), truth[key]) for it, key in zip(kept, keys, strict=True) if key in truth
        ]
        self.ious += ious
        self.right.append(sum(iou >= IOU for iou in ious))
        self.named.append(len(ious))
        self.made.append(len(kept))
        self.truths.append(len(truth))

    def summary(self, seed: int = 0) -> dict[str, Any]:
        """Shares in percent; `interval`: 95 % of the precision over pictures drawn anew."""
        right, named, made, truths = (np.array(it) for it in (self.right, self.named, self.made, self.truths))
        draws = np.random.default_rng(seed).integers(0, len(right), (BOOTSTRAP, len(right)))
        again = 100 * right[draws].sum(1) / np.maximum(made[draws].sum(1), 1)
        return {
            "proposals": int(made.sum()),
            "precision": 100 * right.sum() / max(made.sum(), 1),
            "interval": np.percentile(again, (2.5, 97.5)).tolist(),
            "recall": 100 * right.sum() / max(truths.sum(), 1),
            "name_precision": 100 * named.sum() / max(made.sum(), 1),
            "name_recall": 100 * named.sum() / max(truths.sum(), 1),
            "mask_iou": 100 * float(np.mean(self.ious)) if self.ious else 0.0,
            "yield": 100 * self.passed / max(self.judged, 1),
        }


def rebuild(
    rows: Iterable[Row],
    recipe: PartsRecipe,
    agreement: Any = None,
    listener: Listener | None = None,
    total: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> dict[str, dict[str, Any]]:
    """The table: by verifier, what is left and how good it is.

    Args:
        rows (`Iterable`): of the schema, with objects and all their parts; see [`scene_rows`] and [`with_owners`].
        recipe (`PartsRecipe`): how parts are proposed.
        agreement (`AgreementRecipe`, *optional*): the verifier that asks again.
        listener (`Listener`, *optional*): the verifier that listens.
        total (`int`, *optional*): number of rows, for the progress bar.
        vocabulary (`Vocabulary`, *optional*): by default the names that the rows have.
    """
    if vocabulary is None:
        rows = list(rows)
        vocabulary = names_of(rows)
    parts = PartStage(recipe, vocabulary)
    words = WordStage(WordsRecipe(limit=10_000, rich=False), vocabulary)
    verifiers = {"agreement": Agreement(agreement, parts) if agreement else None, "listener": listener}
    verifiers = {name: it for name, it in verifiers.items() if it is not None}
    tallies = {name: Tally() for name in ("none", *verifiers, *(["all"] if len(verifiers) > 1 else []))}
    for row in tqdm(rows, total=total, desc="rebuild", unit=" images"):
        case, truth = _given(row)
        parts([case])
        everything = proposed(case)
        kept = {"none": {it["target_id"] for it in everything}}
        for name, verifier in verifiers.items():
            again = copy.deepcopy(case)
            words([again])
            verifier([again])
            kept[name] = {it["target_id"] for it in proposed(again)}
        kept["all"] = set.intersection(*kept.values())
        for name, tally in tallies.items():
            tally.add([it for it in everything if it["target_id"] in kept[name]], truth)
            tally.judged += len(everything)
            tally.passed += len(kept[name])
    return {name: tally.summary() for name, tally in tallies.items()}


def _given(row: Row) -> tuple[Case, dict[tuple[str, str], np.ndarray]]:
    """The case with the objects alone, and the truth: parts of one name of one object are one."""
    objects = [{**it, "expressions": []} for it in row["targets"] if it["granularity"] == "object"]
    truth: dict[tuple[str, str], np.ndarray] = {}
    for it in row["targets"]:
        if it["granularity"] == "part" and it["mask"] is not None and it["parent_id"] is not None:
            key, mask = (it["parent_id"], it["part"]), masks.decode(it["mask"])
            truth[key] = truth[key] | mask if key in truth else mask
    return open_case({**row, "targets": objects}), truth


def scene_rows(scenes: PartScenes) -> Iterator[Row]:
    """Drawn scenes with every object and every visible part, of which `PartScenes` itself names some."""
    for index in range(len(scenes)):
        view = scenes.look(index)
        targets = []
        for number, thing in enumerate(view.scene.things):
            mask = masks.encode(view.mask(things=(number,)))
            if masks.area(mask):
                owner = make_target(f"{index}-{number}", thing.kind.name, mask)
                targets.append(owner)
                for (owned_by, part), pieces in view.copies.items():
                    if owned_by == number:
                        seen = masks.encode(view.mask(pieces=tuple(pieces)))
                        if masks.area(seen) >= SMALLEST:
                            target_id = f"{owner['target_id']}-{part}"
                            targets.append(make_target(target_id, thing.kind.name, seen, part, owner["target_id"]))
        yield {
            "image": {"bytes": encoded(Image.fromarray(view.pixels)), "path": None},
            "image_id": str(index),
            "source": "partscenes",
            "width": scenes.size,
            "height": scenes.size,
            "targets": targets,
        }


def scene_names() -> Vocabulary:
    """Every part of every kind of drawn object."""
    return Vocabulary.of({kind: sorted(every_part(kind)) for kind in KINDS})


def with_owners(row: Row) -> Row:
    """The row with an object for parts that have none: the box around all parts of the category."""
    orphans: dict[str, list[Row]] = {}
    for it in row["targets"]:
        if it["granularity"] == "part" and it["parent_id"] is None and it["mask"] is not None:
            orphans.setdefault(it["category"], []).append(it)
    targets = [it for it in row["targets"] if it not in [one for group in orphans.values() for one in group]]
    for category, group in orphans.items():
        owner = make_target(f"{row['image_id']}/{category}", category, masks.union([it["mask"] for it in group]))
        targets.append({**owner, "mask": None})
        targets += [{**it, "parent_id": owner["target_id"]} for it in group]
    return {**row, "targets": targets}


def names_of(rows: Iterable[Row]) -> Vocabulary:
    """The parts that the objects of the rows have, by category."""
    parts: dict[str, dict[str, None]] = {}
    for row in rows:
        for it in row["targets"]:
            own = parts.setdefault(it["category"], {})
            if it["part"]:
                own[it["part"]] = None
    return Vocabulary.of({category: sorted(own) for category, own in parts.items()})


def markdown(table: Mapping[str, Mapping[str, Any]]) -> str:
    """The table as Markdown."""
    lines = [
        "| verifier | proposals left | yield | precision at IoU 0.5 | recall | precision of names | recall of names "
        "| mask IoU |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, it in table.items():
        low, high = it["interval"]
        lines.append(
            f"| {name} | {it['proposals']:,} | {it['yield']:.1f} | {it['precision']:.1f} ({low:.1f}–{high:.1f}) "
            f"| {it['recall']:.1f} | {it['name_precision']:.1f} | {it['name_recall']:.1f} | {it['mask_iou']:.1f} |"
        )
    return "\n".join(lines)
