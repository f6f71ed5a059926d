# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a phrase means in a scene: yes, no or borderline for every object, so that nothing doubtful is said."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import hypot
from typing import NamedTuple

from .objects import ALWAYS_PLURAL, KINDS
from .render import View
from .scene import Thing

# Kleene's three values: "and" is min, "or" is max.
NO, MAYBE, YES = 0, 1, 2

MIN_OBJECT_AREA = 150 / 128**2  # of the picture: smaller ones cannot be learned (our choice)
MIN_PART_AREA = 40 / 128**2
_MIN_SHOWN = 0.6
_FRONT_AND_BACK = frozenset(("wheel", "leg", "window"))
_WITHOUT_SIDES = frozenset(("fin", "wing"))  # seen from the side, which is the left one?
SIDES = ("left", "right", "front", "back")
CATEGORY = {name: kind.name for kind in KINDS.values() for name, _ in kind.names}


class Phrase(NamedTuple):
    """A noun phrase about objects: those that are a `noun` and meet every condition that is not empty.

    Args:
        noun (`str`): a class, by any of its names, or a superordinate.
        plural (`bool`): it means all of them.
        color, pattern (`str`): of the main surface.
        facing (`str`): "left" or "right".
        part, part_color (`str`), without (`bool`): the object has this part (of this color), or lacks it.
        place (`str`): where it is among those that meet all of the above (see `PLACES`), or in a corner.
        size (`str`): "biggest", "smallest" of three or more, or "bigger", "smaller" of two.
        relation (`str`), anchor (`Phrase`): how it stands to the one object that another phrase means.
    """

    noun: str
    plural: bool = False
    color: str = ""
    pattern: str = ""
    facing: str = ""
    part: str = ""
    part_color: str = ""
    without: bool = False
    place: str = ""
    size: str = ""
    relation: str = ""
    anchor: "Phrase | None" = None

    @property
    def base(self) -> "Phrase":
        """The same without what compares it with others."""
        return self._replace(place="", size="", relation="", anchor=None)


class PartPhrase(NamedTuple):
    """A noun phrase about parts: the `side` copy of the part of the one object that `owner` means, or all its copies.

    With a `color` and no owner, it means the part of that color, whosever it is.
    """

    part: str
    owner: Phrase | None = None
    side: str = ""
    plural: bool = False
    color: str = ""


PLACES = (
    *("leftmost", "rightmost", "topmost", "bottommost"),
    *("left", "right", "upper", "lower", "middle"),
    *("second from the left", "second from the right"),
    *("top left corner", "top right corner", "bottom left corner", "bottom right corner"),
)
SIZES = ("biggest", "smallest", "bigger", "smaller")
RELATIONS = ("left of", "right of", "above", "below", "in front of", "behind", "closest to")


def judge(phrase: Phrase, view: View) -> list[int]:
    """Yes, no or borderline for every object of the scene. What was once judged is remembered in `view.judged`."""
    if phrase not in view.judged:
        view.judged[phrase] = _judge(phrase, view)
    return view.judged[phrase]


def _judge(phrase: Phrase, view: View) -> list[int]:
    values = [_fits(phrase, view, index) for index in range(len(view.boxes))]
    if phrase.size:
        values = _compare(values, _by_size(phrase.size, values, view))
    if phrase.place:
        values = _compare(values, _by_place(phrase.place, values, view))
    if phrase.anchor:
        values = _compare(values, _by_relation(phrase.relation, values, view, judge(phrase.anchor, view)))
    return values


def refers_to(phrase: Phrase, view: View) -> tuple[int, ...] | None:
    """The objects that the phrase means, none of them borderline; None if it is borderline about any."""
    values = judge(phrase, view)
    return None if MAYBE in values else tuple(i for i, value in enumerate(values) if value == YES)


def refers_to_pieces(phrase: PartPhrase, view: View) -> tuple[int, ...] | None:
    """The indices in `view.pieces` that the phrase means; None if it is borderline, or its owner is not one object."""
    if phrase.owner is None:
        return _parts_of_color(phrase, view)
    owners = refers_to(phrase.owner, view)
    if not owners:
        return owners
    return pieces_of(phrase, owners[0], view) if len(owners) == 1 else None


def pieces_of(phrase: PartPhrase, thing: int, view: View) -> tuple[int, ...] | None:
    """The same, when the owner is known."""
    copies = view.copies.get((thing, phrase.part))
    return _choose(phrase, copies, view) if copies else ()


def only(values: list[int]) -> int | None:
    """The one object that the values say yes to, if they are not borderline about any other."""
    return values.index(YES) if values.count(YES) == 1 and MAYBE not in values else None


def comparisons(phrase: Phrase, name: str, options: Sequence[str], target: int, view: View) -> Iterator[str]:
    """Those of the `options` that, as the phrase's "place", "size" or "relation", make it mean the target alone."""
    values = judge(phrase.base, view)
    if name == "relation":
        compare = partial(_by_relation, anchors=judge(phrase.anchor, view))
    else:
        compare = _by_place if name == "place" else _by_size
    return (
        option for option in options if only(_compare(values, compare(option, values=values, view=view))) == target
    )


def is_clear(view: View, index: int) -> bool:
    """Whether enough of an object is seen to ask for it."""
    return view.areas[index] >= MIN_OBJECT_AREA * view.labels.size and view.shown[index] >= _MIN_SHOWN


def _compare(values: list[int], verdicts: list[int]) -> list[int]:
    return [min(value, verdict) for value, verdict in zip(values, verdicts, strict=True)]


def _fits(phrase: Phrase, view: View, index: int) -> int:
    thing = view.scene.things[index]
    value = _is_a(phrase.noun, index, view)
    if value and phrase.color:
        value = min(value, _is_colored(phrase.color, index, view))
    if value and phrase.pattern:
        value = min(value, YES if thing.pattern == phrase.pattern else NO)
    if value and phrase.facing:
        value = min(value, _is_facing(phrase, thing))
    if value and phrase.part:
        value = min(value, _has_part(phrase, index, view))
    return min(value, MAYBE) if value and not is_clear(view, index) else value


def _is_a(noun: str, index: int, view: View) -> int:
    kind = view.scene.things[index].kind
    if noun in CATEGORY:
        return YES if CATEGORY[noun] == kind.name else NO
    return YES if noun in kind.families else MAYBE if noun in kind.debatable else NO


def _is_colored(color: str, index: int, view: View) -> int:
    """By the main surface; borderline where a sizeable part of another color could be meant."""
    thing = view.scene.things[index]
    if thing.color == color:
        return YES
    total = sum(piece.area for piece in view.pieces if piece.thing == index and thing.own.get(piece.part) == color)
    return MAYBE if total > 0.12 * view.areas[index] else NO


def _is_facing(phrase: Phrase, thing: Thing) -> int:
    """Only a mug's own name tells that its handle shows its direction."""
    turns = thing.kind.turns
    if turns in ("", "mirrored") or (turns != "facing" and phrase.noun not in CATEGORY):
        return MAYBE
    return YES if thing.facing == phrase.facing else NO


def _has_part(phrase: Phrase, index: int, view: View) -> int:
    thing = view.scene.things[index]
    pieces = [view.pieces[i] for i in view.copies.get((index, phrase.part), [])]
    if not pieces:
        present = NO
    elif phrase.part_color and thing.own.get(phrase.part) != phrase.part_color:
        present = NO if phrase.part in thing.own else MAYBE
    else:
        seen = all(_is_seen(piece, view) for piece in pieces)
        present = YES if seen and sum(p.area for p in pieces) >= MIN_PART_AREA * view.labels.size else MAYBE
    return YES - present if phrase.without else present


def _is_seen(piece, view: View) -> bool:
    return piece.shown >= _MIN_SHOWN and piece.area > 0


def _centers(view: View, axis: int) -> list[float]:
    return [(box[axis] + box[axis + 2]) / 2 for box in view.boxes]


def _members(values: list[int]) -> list[int]:
    return [i for i, value in enumerate(values) if value]


def _extreme(values: list[int], scores: list[float], margin: float, count: range) -> list[int]:
    """Yes for the one with the highest score, borderline for all that come within the margin of it."""
    members = _members(values)
    if MAYBE in values or (members and len(members) not in count):
        return [MAYBE] * len(values)
    best = max((scores[i] for i in members), default=0.0)
    close = [i for i in members if scores[i] > best - margin]
    return [NO if i not in close else YES if len(close) == 1 else MAYBE for i in range(len(values))]


_TWO, _TWO_OR_MORE, _THREE_OR_MORE = range(2, 3), range(2, 99), range(3, 99)


def _by_size(size: str, values: list[int], view: View) -> list[int]:
    """By the side of the box, of whole objects; the next one must differ by a quarter."""
    sides = [(box[2] - box[0]) * (box[3] - box[1]) for box in view.boxes]
    largest = size in ("biggest", "bigger")
    members = _members(values)
    best = (max if largest else min)((sides[i] for i in members), default=1.0)
    ratios = [best / side if not largest else side / best for side in sides]
    count = _TWO if size in ("bigger", "smaller") else _THREE_OR_MORE
    return _extreme(values, ratios, 1 - 1 / 1.25**2, count)


def _by_place(place: str, values: list[int], view: View) -> list[int]:
    if place.endswith("corner"):
        return [_in_corner(place, i, view) for i in range(len(values))]
    if place == "middle":
        return _in_the_middle(values, view)
    margin = 0.06 * view.scene.size
    if place.startswith("second"):
        return _second(values, _centers(view, 0), margin, place.endswith("right"))
    axis = 0 if place in ("left", "right", "leftmost", "rightmost") else 1
    sign = 1 if place in ("right", "rightmost", "lower", "bottommost") else -1
    scores = [sign * center for center in _centers(view, axis)]
    count = _TWO_OR_MORE if place.endswith("most") else _TWO
    return _extreme(values, scores, margin, count)


def _second(values: list[int], centers: list[float], margin: float, from_right: bool) -> list[int]:
    members = sorted(_members(values), key=lambda i: -centers[i] if from_right else centers[i])
    if not members:
        return [NO] * len(values)
    gaps = [abs(centers[a] - centers[b]) for a, b in zip(members, members[1:3], strict=False)]
    if MAYBE in values or len(members) < 3 or min(gaps) < margin:
        return [MAYBE] * len(values)
    return [YES if i == members[1] else NO for i in range(len(values))]


def _in_the_middle(values: list[int], view: View) -> list[int]:
    """The second of three from either side, where they stand side by side rather than above each other."""
    across, down = _centers(view, 0), _centers(view, 1)
    members = sorted(_members(values), key=lambda i: across[i])
    if not members:
        return [NO] * len(values)
    if len(members) != 3 or MAYBE in values:
        return [MAYBE] * len(values)
    wide = across[members[2]] - across[members[0]]
    tall = max(down[i] for i in members) - min(down[i] for i in members)
    share = (across[members[1]] - across[members[0]]) / max(wide, 1e-6)
    if wide < 1.5 * tall or not 0.25 <= share <= 0.75:
        return [MAYBE] * len(values)
    return [YES if i == members[1] else NO for i in range(len(values))]


def _in_corner(place: str, index: int, view: View) -> int:
    left, top, right, bottom = view.boxes[index]
    x, y = (left + right) / 2 / view.scene.size, (top + bottom) / 2 / view.scene.size
    depth = max(x if "left" in place else 1 - x, y if "top" in place else 1 - y)
    return YES if depth < 0.33 else MAYBE if depth < 0.45 else NO


def _by_relation(relation: str, values: list[int], view: View, anchors: list[int]) -> list[int]:
    if not any(anchors):
        return [NO] * len(values)
    if MAYBE in anchors or anchors.count(YES) != 1:
        return [MAYBE] * len(values)
    other = anchors.index(YES)
    if relation == "closest to":
        return _closest(values, other, view)
    return [NO if i == other else relate(relation, i, other, view) for i in range(len(values))]


def _closest(values: list[int], other: int, view: View) -> list[int]:
    across, down = _centers(view, 0), _centers(view, 1)
    near = [-hypot(across[i] - across[other], down[i] - down[other]) for i in range(len(values))]
    others = [NO if i == other else value for i, value in enumerate(values)]
    best = max((near[i] for i in _members(others)), default=0.0)
    return _extreme(others, near, -0.25 * best, _TWO_OR_MORE)


def relate(relation: str, a: int, b: int, view: View) -> int:
    """Whether object `a` is, say, "left of" object `b`."""
    if relation == "behind":
        return relate("in front of", b, a, view)
    first, second = view.boxes[a], view.boxes[b]
    if relation == "in front of":
        hidden = view.hides.get((a, b), 0.0)
        if hidden:
            return YES if hidden >= 0.06 else MAYBE
        beside = first[2] < second[0] or second[2] < first[0] or first[3] < (second[1] + second[3]) / 2
        return NO if beside or view.hides.get((b, a), 0.0) >= 0.06 else MAYBE
    right, down = (first[0] + first[2] - second[0] - second[2]) / 2, (first[1] + first[3] - second[1] - second[3]) / 2
    ahead, aside = {
        "left of": (-right, down),
        "right of": (right, down),
        "above": (-down, right),
        "below": (down, right),
    }[relation]
    if ahead < 0.02 * view.scene.size:
        return NO
    return YES if ahead > 0.09 * view.scene.size and abs(aside) < 0.8 * ahead else MAYBE


def _choose(phrase: PartPhrase, copies: list[int], view: View) -> tuple[int, ...] | None:
    pieces = [view.pieces[i] for i in copies]
    if not all(_is_seen(piece, view) for piece in pieces):
        return None
    kind = view.scene.things[pieces[0].thing].kind
    if phrase.side:
        chosen = _copy_on_side(phrase, copies, view, kind)
    elif phrase.plural:
        chosen = copies if len(copies) > 1 else None
    else:
        chosen = copies if len(copies) == 1 or phrase.part in ALWAYS_PLURAL else None
    if not chosen or sum(view.pieces[i].area for i in chosen) < MIN_PART_AREA * view.labels.size:
        return None
    return tuple(chosen)


def _copy_on_side(phrase: PartPhrase, copies: list[int], view: View, kind) -> list[int] | None:
    if len(copies) != 2 or phrase.part in _WITHOUT_SIDES:
        return None
    across = [(view.pieces[i].box[0] + view.pieces[i].box[2]) / 2 for i in copies]
    if abs(across[0] - across[1]) < 0.03 * view.scene.size:
        return None
    in_order = [i for _, i in sorted(zip(across, copies, strict=True))]
    if phrase.side in ("left", "right"):
        if kind.legs_in_pairs and phrase.part == "leg":
            return None
        return [in_order[phrase.side == "right"]]
    if kind.turns != "facing" or phrase.part not in _FRONT_AND_BACK:
        return None
    facing_right = view.scene.things[view.pieces[copies[0]].thing].facing == "right"
    return [in_order[(phrase.side == "front") == facing_right]]


def _parts_of_color(phrase: PartPhrase, view: View) -> tuple[int, ...] | None:
    """The part of that color in the whole picture; borderline if another such part could pass for it."""
    owners = [thing for thing, part in view.copies if part == phrase.part]
    if any(phrase.part not in view.scene.things[owner].own for owner in owners):
        return None
    found = [owner for owner in owners if view.scene.things[owner].own[phrase.part] == phrase.color]
    if len(found) > 1:
        return None
    return pieces_of(phrase, found[0], view) if found else ()


def place_alone(place: str, view: View) -> list[int]:
    """The objects that a place could mean if every object were of the class that is named."""
    whole = {"left": "leftmost", "right": "rightmost", "upper": "topmost", "lower": "bottommost"}.get(place, place)
    return _members(_by_place(whole, [YES] * len(view.boxes), view))
