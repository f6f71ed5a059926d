# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Objects: given, or found by an open-vocabulary detector or segmenter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unires_hf.data import masks
from unires_hf.data.schema import Row

from .case import Case, make_target, overlap
from .finders import Detector, Found, Sam2Filler, Sam3Finder
from .part_vocabulary import Vocabulary

STAGE = "objects"
METHODS = ("given", "boxes", "sam3", "detect")


@dataclass(frozen=True)
class ObjectsRecipe:
    """Where objects come from.

    Args:
        method (`str`, defaults to `"given"`): `"given"`: those of the row, as masks or boxes; `"boxes"`: SAM 2 makes a
            mask of each box of the row; `"sam3"`: SAM 3 finds names; `"detect"`: a detector finds names, SAM 2 makes
            masks of its boxes.
        model (`str`, *optional*): the name or folder of SAM 2, or of SAM 3.
        detector (`str`, *optional*): the name or folder of a Grounding DINO or an OWLv2.
        names (`tuple[str, ...]`): what to look for; by default every category of the vocabulary.
        threshold (`float`, defaults to 0.4): what is found below this score is not found.
        min_area (`float`, defaults to 0.001): a smaller share of the picture is refused.
        max_overlap (`float`, defaults to 0.7): of two found objects with a higher IoU the better one stays.
    """

    method: str = "given"
    model: str | None = None
    detector: str | None = None
    names: tuple[str, ...] = ()
    threshold: float = 0.4
    min_area: float = 0.001
    max_overlap: float = 0.7

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"objects: there is no method {self.method!r}; choose from {', '.join(METHODS)}.")
        if self.method != "given" and self.model is None:
            raise ValueError(f"objects: the method {self.method!r} needs a `model`.")
        if self.method == "detect" and self.detector is None:
            raise ValueError("objects: the method 'detect' needs a `detector`.")


class ObjectStage:
    """Finds the objects of pictures, or takes those given; masks that are small or double are refused."""

    def __init__(self, recipe: ObjectsRecipe, vocabulary: Vocabulary):
        self.recipe = recipe
        self.names = list(recipe.names) or list(vocabulary.categories)
        self.finder = Sam3Finder(recipe.model, recipe.threshold) if recipe.method == "sam3" else None
        self.filler = Sam2Filler(recipe.model) if recipe.method in ("boxes", "detect") else None
        self.detector = Detector(recipe.detector, recipe.threshold) if recipe.method == "detect" else None

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            if self.recipe.method in ("sam3", "detect"):
                self._add(case, *(self._found if self.finder else self._detected)(case))
            elif self.recipe.method == "boxes":
                self._fill(case)
            self._judge(case)
        return cases

    def _found(self, case: Case) -> tuple[list[tuple[str, Found]], str]:
        (found,) = self.finder.find([case.picture], [[name.lower() for name in self.names]])
        named = [(name, one) for name, instances in zip(self.names, found, strict=True) for one in instances]
        return named, self.finder.name

    def _detected(self, case: Case) -> tuple[list[tuple[str, Found]], str]:
        boxes = self.detector.detect(case.picture, self.names)
        filled = self.filler.fill(case.picture, [box.corners for box in boxes])
        named = [(box.name, Found(one.mask, box.score)) for box, one in zip(boxes, filled, strict=True)]
        return named, f"{self.detector.name} + {self.filler.name}"

    def _add(self, case: Case, named: list[tuple[str, Found]], maker: str) -> None:
        """Adds the found objects, the best first, without doubles."""
        kept: list[np.ndarray] = []
        for number, (name, found) in enumerate(sorted(named, key=lambda it: -it[1].score)):
            target = make_target(f"{case.row['image_id']}/{number}", name, masks.encode(found.mask))
            if any(overlap(found.mask, other) > self.recipe.max_overlap for other in kept):
                case.reject(STAGE, "the same thing as a better one", target, score=found.score)
                continue
            kept.append(found.mask)
            target["score"], target["maker"] = found.score, maker
            case.row["targets"].append(target)

    def _fill(self, case: Case) -> None:
        boxed = [it for it in case.row["targets"] if it["granularity"] == "object" and it["mask"] is None]
        corners = [[x, y, x + w, y + h] for x, y, w, h in (it["bbox"] for it in boxed)]
        for target, found in zip(boxed, self.filler.fill(case.picture, corners), strict=True):
            target["mask"] = masks.encode(found.mask)
            target["score"], target["maker"] = found.score, self.filler.name

    def _judge(self, case: Case) -> None:
        gone = set()
        for target in case.objects:
            score, maker = target.pop("score", None), target.pop("maker", "given")
            if _area(target) < self.recipe.min_area * case.picture.width * case.picture.height:
                case.reject(STAGE, "too small", target, score=score)
                gone.add(target["target_id"])
            else:
                case.keep(STAGE, target["target_id"], maker, score)
        case.drop(gone)


def _area(target: Row) -> float:
    return target["bbox"][2] * target["bbox"][3] if target["mask"] is None else masks.area(target["mask"])
