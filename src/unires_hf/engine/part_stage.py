# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Parts: the part's noun, asked for on the padded crop of its object; what fits into the object is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL.Image import Image

from unires_hf.data import masks
from unires_hf.data.part_expressions import plural, spoken
from unires_hf.data.schema import Row

from .case import Case, make_target, overlap, region
from .finders import Found, check_phrase, load_finder
from .part_vocabulary import Vocabulary

STAGE = "parts"
SIDES = ("left", "right")


@dataclass(frozen=True)
class PartsRecipe:
    """How parts are found. The numbers are our choice.

    Args:
        model (`str`): `sam3:NAME`, or any model that `unires evaluate` takes, such as `default`.
        threshold (`float`, *optional*): what the model scores lower is not found; see [`load_finder`].
        phrase (`str`, defaults to `"{part}"`): what is asked on the crop; may name the `{category}` too.
        padding (`float`, defaults to 0.1): the crop is wider than the object's box by this share of its longer side,
            on each side.
        containment (`float`, defaults to 0.7): at least this share of the part lies in its object; the rest is cut.
        min_share, max_share (`float`, default to 0.002 and 0.9): of the object's area.
        max_overlap (`float`, defaults to 0.6): of two parts of an object with a higher IoU the better one stays.
        sides (`bool`, defaults to `True`): a part that things have two of, and that is seen twice side by side, is
            also given as the left one and the right one, as the viewer sees them.
        plurals (`bool`, defaults to `False`): the plural is asked too, and what scores higher is taken. For models to
            which "window" is one window of many; SAM 3 finds all of them by the singular.
    """

    model: str
    threshold: float | None = None
    phrase: str = "{part}"
    padding: float = 0.1
    containment: float = 0.7
    min_share: float = 0.002
    max_share: float = 0.9
    max_overlap: float = 0.6
    sides: bool = True
    plurals: bool = False

    def __post_init__(self):
        check_phrase(self.phrase, "part", "category")
        if self.padding < 0:
            raise ValueError(f"parts.padding is 0 or more, got {self.padding}.")


class PartStage:
    """Proposes the parts that the vocabulary has for each object; all nouns of an object share one encoding."""

    def __init__(self, recipe: PartsRecipe, vocabulary: Vocabulary):
        self.recipe, self.vocabulary = recipe, vocabulary
        self.finder = load_finder(recipe.model, recipe.threshold)

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            for target in case.objects:
                if self.vocabulary.parts(target["category"]) is None:
                    case.reject(STAGE, "the vocabulary does not know the category", target)
                else:
                    self._add_parts(case, target)
        return cases

    def ask(self, crop: Image, category: str, parts: Sequence[str]) -> list[list[Found]]:
        """What the model finds for each of the parts' nouns on the crop of an object."""
        return [found for found, _ in self._asked(crop, category, parts)]

    def _asked(self, crop: Image, category: str, parts: Sequence[str]) -> list[tuple[list[Found], bool]]:
        """The same, each with whether it is the plural's."""
        names = [*parts, *map(_plural, parts)] if self.recipe.plurals else parts
        texts = [self.recipe.phrase.format(part=name, category=spoken(category)) for name in names]
        (found,) = self.finder.find([crop], [texts])
        one, many = found[: len(parts)], found[len(parts) :] or [[]] * len(parts)
        return [max((a, False), (b, True), key=lambda it: _best(it[0])) for a, b in zip(one, many, strict=True)]

    def _add_parts(self, case: Case, owner: Row) -> None:
        given = {it["part"] for it in case.parts if it["parent_id"] == owner["target_id"]}
        parts = [part for part in self.vocabulary.parts(owner["category"]) if part not in given]
        if not parts:
            return
        inside = region(owner, case.picture.height, case.picture.width)
        corners = crop_corners(owner["bbox"], case.picture.size, self.recipe.padding)
        found = self._asked(case.picture.crop(corners), owner["category"], parts)
        proposed = [
            (part, instances, several) for part, (instances, several) in zip(parts, found, strict=True) if instances
        ]
        kept: list[np.ndarray] = []
        for part, instances, several in sorted(proposed, key=lambda it: -_best(it[1])):
            score = _best(instances)
            whole = _placed(np.any([one.mask for one in instances], axis=0), corners, inside.shape)
            target_id = f"{owner['target_id']}/{part}"
            cut = masks.encode(whole & inside)
            target = make_target(target_id, owner["category"], cut, part, owner["target_id"])
            problem = self._problem(whole, inside, kept)
            if problem:
                case.reject(STAGE, problem, {**target, "mask": masks.encode(whole)}, score=score)
                continue
            kept.append(whole & inside)
            case.row["targets"].append(target)
            case.keep(STAGE, target_id, self.finder.name, score)
            if several:
                case.several.add(target_id)
            if self.recipe.sides and self.vocabulary.paired(part):
                for side, mask in zip(
                    SIDES,
                    two_sides([_placed(it.mask, corners, inside.shape) & inside for it in instances]),
                    strict=False,
                ):
                    one = make_target(
                        f"{owner['target_id']}/{side} {part}",
                        owner["category"],
                        masks.encode(mask),
                        f"{side} {part}",
                        owner["target_id"],
                    )
                    case.row["targets"].append(one)
                    case.keep(STAGE, one["target_id"], "geometry", score)

    def _problem(self, whole: np.ndarray, inside: np.ndarray, kept: list[np.ndarray]) -> str | None:
        cut = whole & inside
        area = np.count_nonzero(cut)
        if area < self.recipe.containment * np.count_nonzero(whole):
            return "not in its object"
        if area < max(1, self.recipe.min_share * np.count_nonzero(inside)):
            return "too small a share of its object"
        if area > self.recipe.max_share * np.count_nonzero(inside):
            return "nearly all of its object"
        if any(overlap(cut, other) > self.recipe.max_overlap for other in kept):
            return "the same place as a better part"
        return None


def _plural(part: str) -> str:
    """The plural of a part's name; what has a side is one: "left mirror"."""
    return part if set(SIDES) & set(part.split()) else plural(part)


def _best(found: Sequence[Found]) -> float:
    return max((it.score for it in found), default=-1.0)


def crop_corners(bbox: Sequence[float], size: tuple[int, int], padding: float) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of a box (x, y, w, h) with a margin, inside a picture of (width, height)."""
    x, y, w, h = bbox
    margin = padding * max(w, h)
    left, top = max(0, int(x - margin)), max(0, int(y - margin))
    right, bottom = min(size[0], int(np.ceil(x + w + margin))), min(size[1], int(np.ceil(y + h + margin)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def two_sides(instances: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The left and the right one of masks (h, w) that are two, or of one mask that is two with a gap between them;
    nothing where there is no such gap or one is under a fifth of the other."""
    two = list(instances) if len(instances) == 2 else list(_columns(np.any(instances, axis=0)))
    if len(two) != 2:
        return []
    left, right = sorted(two, key=lambda mask: np.flatnonzero(mask.any(axis=0)).mean() if mask.any() else 0)
    areas = sorted((np.count_nonzero(left), np.count_nonzero(right)))
    apart = left.any() and np.flatnonzero(left.any(axis=0)).max() < np.flatnonzero(right.any(axis=0)).min()
    return [left, right] if apart and areas[0] >= areas[1] / 5 else []


def _columns(mask: np.ndarray) -> Iterator[np.ndarray]:
    """The pieces of a mask between which there is a column without a pixel."""
    filled = np.flatnonzero(mask.any(axis=0))
    for run in np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1):
        piece = np.zeros_like(mask)
        piece[:, run] = mask[:, run]
        yield piece


def _placed(mask: np.ndarray, corners: tuple[int, int, int, int], shape: tuple[int, int]) -> np.ndarray:
    """A mask of a crop, on the whole picture."""
    whole = np.zeros(shape, bool)
    whole[corners[1] : corners[3], corners[0] : corners[2]] = mask
    return whole
