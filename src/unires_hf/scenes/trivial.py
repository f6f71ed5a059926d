# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The scores of answers that need no understanding: what a model has to beat on PartScenes."""

from collections.abc import Iterable, Iterator

from .dataset import PartScenes
from .expressions import NO_TARGET, OBJECT_KINDS, PART_KINDS, Expression
from .phrases import Phrase, place_alone
from .render import View

Pieces = frozenset[int]


def trivial_scores(
    scenes: PartScenes, length: int | None = None, by_kind: bool = False
) -> dict[str, dict[str, float]]:
    """mIoU (0 to 100) of trivial answers, over the expressions that have a target.

    A random choice is scored by its mean over all choices, not by one draw.

    Args:
        scenes (`PartScenes`): the split.
        length (`int`, *optional*): how many of its scenes; all by default.
        by_kind (`bool`, *optional*, defaults to `False`): for each kind of expression by itself, not for objects and
            parts.

    Returns:
        `dict[str, dict[str, float]]`: by granularity, or kind, and answer. `all_foreground` marks every object;
        `right_color` and `right_class` are a random object of the referent's color or class (for a part, its
        object's); `right_place`, over location expressions alone, is the object at the place that is named, whatever
        its class; `whole_parent` is the object of a part, `right_part` a random object's part of the right name.
    """
    groups = (*OBJECT_KINDS, *PART_KINDS) if by_kind else ("object", "part")
    ious: dict[str, dict[str, list[float]]] = {group: {} for group in groups}
    for index in range(len(scenes) if length is None else length):
        view, expressions = scenes.draw(index)
        for expression in expressions:
            if expression.kind != NO_TARGET:
                scores = ious[expression.kind if by_kind else "part" if expression.pieces else "object"]
                for name, answers in _answers(view, expression):
                    scores.setdefault(name, []).append(_mean_iou(view, _referent(view, expression), answers))
    return {
        group: {name: 100 * sum(values) / len(values) for name, values in scores.items()}
        for group, scores in ious.items()
    }


def _answers(view: View, expression: Expression) -> Iterator[tuple[str, list[Pieces]]]:
    things = view.scene.things
    owners = expression.things or tuple({view.pieces[i].thing for i in expression.pieces})
    colors, kinds = {things[i].color for i in owners}, {things[i].kind for i in owners}
    yield "all_foreground", [frozenset(range(len(view.pieces)))]
    yield "right_color", [_pieces(view, [i]) for i, thing in enumerate(things) if thing.color in colors]
    yield "right_class", [_pieces(view, [i]) for i, thing in enumerate(things) if thing.kind in kinds]
    if expression.kind == "location" and isinstance(expression.phrase, Phrase):
        yield "right_place", [_pieces(view, [i]) for i in place_alone(expression.phrase.place, view)]
    if expression.pieces:
        part = view.pieces[expression.pieces[0]].part
        same = [frozenset(i for i in _pieces(view, [j]) if view.pieces[i].part == part) for j in range(len(things))]
        yield "whole_parent", [_pieces(view, owners)]
        yield "right_part", [pieces for pieces in same if pieces]


def _referent(view: View, expression: Expression) -> Pieces:
    return frozenset(expression.pieces) if expression.pieces else _pieces(view, expression.things)


def _pieces(view: View, things: Iterable[int]) -> Pieces:
    return frozenset(i for i, piece in enumerate(view.pieces) if piece.thing in set(things))


def _mean_iou(view: View, referent: Pieces, answers: list[Pieces]) -> float:
    """Pieces do not overlap, so that their areas add up."""

    def area(pieces: Pieces) -> int:
        return sum(view.pieces[i].area for i in pieces)

    return sum(area(referent & answer) / area(referent | answer) for answer in answers) / max(len(answers), 1)
