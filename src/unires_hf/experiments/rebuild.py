# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The engine's test: given the objects of a data set with parts alone, how much of the parts does it make again?

Proposals are made once, and all verifiers judge the same ones; what each would have let pass is then counted at any
strictness. A proposal is right if its object has a part of its name whose mask it meets at an IoU of 0.5.
"""

import copy
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping
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
from unires_hf.engine.verification import Agreement, AgreementRecipe, Listener, Similarity, proposed
from unires_hf.engine.word_stage import WordsRecipe, WordStage
from unires_hf.markdown import table_of
from unires_hf.scenes import PartScenes
from unires_hf.scenes.dataset import encoded
from unires_hf.scenes.objects import KINDS
from unires_hf.scenes.scene import every_part

IOU = 0.5
AIM = (85.0, 50.0)
"""Precision and recall in percent that strictness is chosen for."""
LEVELS = {
    "score": (0.0, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
    "agreement": (0.0, 0.5, 0.6, 0.7, 0.8, 0.9),
    "listener": (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9),
}
SMALLEST = 12
"""Visible pixels below which a part of a drawn scene is no truth: two hundredths of a picture's side, squared."""
BOOTSTRAP = 1000


@dataclass(frozen=True)
class Strictness:
    """What a proposal must have at least: the four numbers that a recipe has as `parts.threshold`, `agreement.iou`,
    `listener.iou` and the negative of `similarity.margin`."""

    score: float = 0.0
    agreement: float = 0.0
    listener: float = 0.0
    similarity: float = -2.0


@dataclass(frozen=True)
class Proposal:
    """A part that was proposed, what verifiers think of it, and what is true.

    Args:
        image (`int`): which picture.
        object_id, part (`str`): of which object, and its name.
        score, agreement, listener, similarity (`float`): as the stages give them; the least that lets it pass.
        named (`bool`): whether the object has a part of this name.
        iou (`float`): with that part; 0 without.
    """

    image: int
    object_id: str
    part: str
    score: float
    agreement: float
    listener: float
    similarity: float
    named: bool
    iou: float

    def passes(self, strictness: Strictness) -> bool:
        """Whether all verifiers let it pass."""
        return all(getattr(self, name) >= least for name, least in vars(strictness).items())


@dataclass
class Rebuilt:
    """What was proposed, and how many parts each picture has."""

    proposals: list[Proposal] = field(default_factory=list)
    truths: list[int] = field(default_factory=list)

    def summary(self, strictness: Strictness = Strictness(), seed: int = 0) -> dict[str, Any]:
        """Shares in percent of what passes; `precision_interval`, `recall_interval`: 95 % over pictures drawn anew."""
        kept = [it for it in self.proposals if it.passes(strictness)]
        images, truths = np.array([it.image for it in kept], int), np.array(self.truths)
        right = np.bincount(images, [it.iou >= IOU for it in kept], len(truths))
        made = np.bincount(images, minlength=len(truths))
        draws = np.random.default_rng(seed).integers(0, len(truths), (BOOTSTRAP, len(truths)))
        again = 100 * right[draws].sum(1)
        named = sum(it.named for it in kept)
        return {
            "strictness": dataclasses.asdict(strictness),
            "proposals": len(kept),
            "yield": 100 * len(kept) / max(len(self.proposals), 1),
            "precision": 100 * right.sum() / max(made.sum(), 1),
            "precision_interval": np.percentile(again / np.maximum(made[draws].sum(1), 1), (2.5, 97.5)).tolist(),
            "recall": 100 * right.sum() / max(truths.sum(), 1),
            "recall_interval": np.percentile(again / np.maximum(truths[draws].sum(1), 1), (2.5, 97.5)).tolist(),
            "name_precision": 100 * named / max(len(kept), 1),
            "name_recall": 100 * named / max(truths.sum(), 1),
            "mask_iou": 100 * float(np.mean([it.iou for it in kept if it.named] or [0.0])),
        }

    def strictest_needed(self, aim: tuple[float, float] = AIM) -> Strictness:
        """The strictness of `LEVELS` at which the lower of precision and recall, each less its aim, is highest.

        To be chosen on other photographs than those it is measured on.
        """
        columns = {name: np.array([getattr(it, name) for it in self.proposals]) for name in LEVELS}
        right = np.array([it.iou >= IOU for it in self.proposals])

        def shortfall(levels: tuple[float, ...]) -> float:
            kept = np.all([columns[name] >= level for name, level in zip(LEVELS, levels, strict=True)], axis=0)
            hits = 100 * np.count_nonzero(right & kept)
            return min(hits / max(np.count_nonzero(kept), 1) - aim[0], hits / max(sum(self.truths), 1) - aim[1])

        return Strictness(*max(itertools.product(*LEVELS.values()), key=shortfall))

    def table(self, chosen: Strictness | None = None, iou: float = 0.5) -> dict[str, dict[str, Any]]:
        """Summaries without a verifier, with each at `iou`, with all of them, and at a chosen strictness."""
        rows = {"none": Strictness(), "agreement": Strictness(agreement=iou), "listener": Strictness(listener=iou)}
        everything = Strictness(agreement=iou, listener=iou)
        if any(it.similarity != NOT_ASKED for it in self.proposals):
            rows["similarity"] = Strictness(similarity=0.0)
            everything = dataclasses.replace(everything, similarity=0.0)
        rows["all"] = everything
        if chosen is not None:
            rows["all, chosen"] = chosen
        return {name: self.summary(it) for name, it in rows.items()}


NOT_ASKED = 2.0
"""The similarity of what no CLIP was asked about: above every cosine."""


def rebuild(
    rows: Iterable[Row],
    recipe: PartsRecipe,
    listener: Listener,
    similarity: Similarity | None = None,
    total: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> Rebuilt:
    """Proposes the parts of all objects, and asks each verifier about each.

    Args:
        rows (`Iterable`): of the schema, with objects and all their parts; see [`scene_rows`] and [`with_owners`].
        recipe (`PartsRecipe`): how parts are proposed.
        listener (`Listener`): the verifier that listens; its recipe's IoU is 0.
        similarity (`Similarity`, *optional*): the verifier that compares names; its recipe's margin is 2.
        total (`int`, *optional*): number of rows, for the progress bar.
        vocabulary (`Vocabulary`, *optional*): by default the names that the rows have.
    """
    if vocabulary is None:
        rows = list(rows)
        vocabulary = names_of(rows)
    parts = PartStage(recipe, vocabulary)
    words = WordStage(WordsRecipe(limit=10_000, rich=False), vocabulary)
    agreement = Agreement(AgreementRecipe(iou=0.0), parts)
    rebuilt = Rebuilt()
    for image, row in enumerate(tqdm(rows, total=total, desc="rebuild", unit=" images")):
        case, truth = given(row)
        parts([case])
        made = proposed(case)
        scores = {"score": _scores(case, "parts")}
        for name, verifier in (("agreement", agreement), ("listener", listener), ("similarity", similarity)):
            again = copy.deepcopy(case)
            words([again])
            scores[name] = {}
            if verifier is not None:
                verifier([again])
                scores[name] = _scores(again, name)
        for it in made:
            key, target_id = (it["parent_id"], it["part"]), it["target_id"]
            rebuilt.proposals.append(
                Proposal(
                    image,
                    *key,
                    scores["score"][target_id],
                    scores["agreement"][target_id],
                    scores["listener"].get(target_id, 0.0),
                    scores["similarity"].get(target_id, NOT_ASKED),
                    key in truth,
                    overlap(masks.decode(it["mask"]), truth[key]) if key in truth else 0.0,
                )
            )
        rebuilt.truths.append(len(truth))
    return rebuilt


def _scores(case: Case, stage: str) -> dict[str, float]:
    """What a stage gave each target, the best of its expressions where these were judged."""
    target_of = {e["expression_id"]: it["target_id"] for it in case.row["targets"] for e in it["expressions"]}
    scores: dict[str, float] = {}
    for it in case.provenance:
        if it["stage"] == stage and it["score"] is not None:
            target_id = target_of.get(it["about"], it["about"])
            scores[target_id] = max(scores.get(target_id, -2.0), it["score"])
    return scores


def given(row: Row) -> tuple[Case, dict[tuple[str, str], np.ndarray]]:
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


def as_labeled(row: Row) -> Row:
    """The row with what people labeled alone: words add targets of their own, several things at once and nothing."""
    added = tuple(f"{row['image_id']}-{kind}-" for kind in ("several", "nothing"))
    return {**row, "targets": [it for it in row["targets"] if not it["target_id"].startswith(added)]}


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


def markdown(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Tables of [`Rebuilt.table`] by data set, as one in Markdown."""
    head = "verifier | proposals left | yield | precision at IoU 0.5 | recall | precision of names | recall of names"
    lines = [["data set", *head.split(" | "), "mask IoU"]]
    for data, table in tables.items():
        for name, it in table.items():
            shares = [
                "{:.1f} ({:.1f}–{:.1f})".format(it[share], *it[f"{share}_interval"])
                for share in ("precision", "recall")
            ]
            plain = [f"{it[key]:.1f}" for key in ("name_precision", "name_recall", "mask_iou")]
            lines.append([data, name, f"{it['proposals']:,}", f"{it['yield']:.1f}", *shares, *plain])
    return table_of(lines, words=2)
