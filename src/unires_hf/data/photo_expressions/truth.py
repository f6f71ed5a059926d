# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a phrase means in a photograph: yes, no or borderline for every thing, so that nothing doubtful is said."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .color_names import HARDLY, MAIN, NEXT_TO
from .glance import Glance
from .vocabulary import families, label

# Kleene's three values: "and" is min.
NO, MAYBE, YES = 0, 1, 2

MIN_AREA = 3e-4  # of the picture: what is smaller is not asked for (our choice: 60 pixels at 384 x 512)
_MARGIN = 0.06  # of the picture: by so much the centers of things must differ that are told apart by place
PLACES = (
    *("leftmost", "rightmost", "topmost", "bottommost", "left", "right", "top", "bottom", "middle"),
    *("second from the left", "second from the right", "third from the left", "third from the right"),
    *("top left corner", "top right corner", "bottom left corner", "bottom right corner"),
)
SIZES = ("biggest", "smallest", "bigger", "smaller")
RELATIONS = ("left of", "right of", "above", "below", "next to", "on")
ROWS = ("top", "bottom", "second", "third")
_SURFACES = {"dining table", "bed", "couch", "chair", "bench", "oven"}
_RIDDEN = {"horse", "elephant", "skateboard", "surfboard", "motorcycle", "bicycle", "snowboard"}


class Phrase(NamedTuple):
    """A noun phrase: the things that a noun fits and that meet every condition that is not empty.

    Args:
        noun (`str`): one of a label's names, or a superordinate.
        plural (`bool`): it means all of them.
        owner (`Phrase`, *optional*): of the object that they are parts of.
        end, side (`str`): "front" or "back", and the car's own "left" or "right".
        color (`str`): one of `TERMS`.
        part, part_color (`str`): the object has such a part.
        row (`str`): it is in the "top" or "bottom" row of those that meet all of the above.
        place, size (`str`): where, or how big, it is among those (see `PLACES`, `SIZES`).
        relation (`str`), anchor (`Phrase`): how it stands to the one thing that another phrase means.
    """

    noun: str
    plural: bool = False
    owner: "Phrase | None" = None
    end: str = ""
    side: str = ""
    color: str = ""
    part: str = ""
    part_color: str = ""
    row: str = ""
    place: str = ""
    size: str = ""
    relation: str = ""
    anchor: "Phrase | None" = None


class Judge:
    """Judges phrases about one photograph, each once."""

    def __init__(self, glance: Glance) -> None:
        self.glance = glance
        self._known: dict[Phrase, list[int]] = {}

    def values(self, phrase: Phrase) -> list[int]:
        """Yes, no or borderline for every thing."""
        phrase = phrase._replace(plural=False)
        if phrase not in self._known:
            self._known[phrase] = self._judge(phrase)
        return self._known[phrase]

    def referents(self, phrase: Phrase) -> tuple[int, ...] | None:
        """The things that the phrase is true of; None where that is unclear for even one in the picture."""
        values = self.values(phrase)
        if MAYBE in values or self._uncounted(phrase):
            return None
        return tuple(index for index, value in enumerate(values) if value == YES)

    def is_absent(self, phrase: Phrase) -> bool:
        """Whether it is sure that the phrase is true of nothing in the picture, labeled or not."""
        facts = self.glance.facts
        if self.referents(phrase) != () or self._doubtful_anywhere(phrase.noun):
            return False
        if phrase.owner is not None and self.referents(phrase.owner) == ():
            return self.is_absent(phrase.owner)
        noun = phrase._replace(
            color="", part="", part_color="", row="", place="", size="", relation="", anchor=None, end="", side=""
        )
        if self.referents(noun) == ():
            names = {name for name in facts.absent | facts.never if phrase.noun in label(name).names}
            owned = {name for name in facts.absent_parts if phrase.noun in label(name).names}
            return bool(names) or bool(owned and phrase.owner is not None) or self._on_the_other_side(phrase)
        if phrase.end or phrase.side:
            return self._on_the_other_side(phrase)
        if phrase.color and self.referents(noun._replace(color=phrase.color)) == ():
            return self._all_known(noun)
        if phrase.part and self.referents(noun._replace(part=phrase.part)) == ():
            known = any(phrase.part in label(name).names for name in facts.absent_parts)
            return known and self._all_known(noun)
        if phrase.part_color and self.referents(noun._replace(part=phrase.part, part_color=phrase.part_color)) == ():
            return self._all_known(noun)
        if phrase.place and phrase.place.endswith("corner"):
            return self._all_known(noun)
        return False

    def _all_known(self, noun: Phrase) -> bool:
        """Whether whatever the noun could mean has a mask; the main object is meant where there are others behind."""
        names = {self.glance.names[index] for index in self.referents(noun) or ()}
        facts = self.glance.facts
        return bool(names) and (names <= facts.complete | facts.main or noun.owner is not None)

    def _doubtful_anywhere(self, noun: str) -> bool:
        return any(noun in label(name).names for name in self.glance.crowds)

    def _uncounted(self, phrase: Phrase) -> bool:
        nouns = [phrase.noun]
        nouns += [phrase.anchor.noun] if phrase.anchor else []
        nouns += [phrase.owner.noun] if phrase.owner else []
        return any(map(self._doubtful_anywhere, nouns))

    def _on_the_other_side(self, phrase: Phrase) -> bool:
        """Whether a car's part cannot be seen, since the car shows its other end, or its other flank."""
        glance = self.glance
        owners = self.referents(phrase.owner) if phrase.owner else None
        if not owners or len(owners) != 1 or glance.names[owners[0]] != "car" or not glance.parts(owners[0]):
            return False
        parts = [glance.names[index] for index in glance.parts(owners[0])]
        ends = {"front": sum(_at_the_front(it) for it in parts), "back": sum(_at_the_back(it) for it in parts)}
        flanks = {
            side: sum(glance.areas[i] for i in glance.parts(owners[0]) if glance.names[i].endswith(f"{side} door"))
            for side in ("left", "right")
        }
        end = phrase.end or next((end for end, nouns in _NOUNS_OF_END.items() if phrase.noun in nouns), "")
        other_end = {"front": "back", "back": "front"}.get(end, "")
        other_flank = {"left": "right", "right": "left"}.get(phrase.side, "")
        if phrase.noun == "door":
            return bool(other_flank) and flanks[phrase.side] == 0 and flanks[other_flank] > 0.03
        return bool(other_end) and ends[end] == 0 and ends[other_end] >= 3

    def _judge(self, phrase: Phrase) -> list[int]:
        """Comparisons are made among those that meet the rest, which is remembered for the next comparison."""
        if phrase.anchor:
            values = self.values(phrase._replace(relation="", anchor=None))
            return _least(values, self._by_relation(phrase, values))
        for name, compare in (("place", self._by_place), ("size", self._by_size), ("row", self._in_row)):
            if condition := getattr(phrase, name):
                values = self.values(phrase._replace(**{name: ""}))
                return _least(values, compare(condition, values))
        return [self._fits(phrase, index) for index in range(len(self.glance.things))]

    def _fits(self, phrase: Phrase, index: int) -> int:
        glance = self.glance
        words = glance.labels[index]
        family = phrase.noun in ("animal", "vehicle") and phrase.noun in families(glance.names[index])
        value = YES if family or phrase.noun in words.names else MAYBE if phrase.noun in words.doubtful else NO
        if value and phrase.owner:
            owner = glance.owners[index]
            owned = self.values(phrase.owner)[owner] if owner is not None else NO if glance.is_object(index) else MAYBE
            value = min(value, owned)
        if value and phrase.end:
            value = min(value, YES if words.end == phrase.end else NO if words.end else MAYBE)
        if value and phrase.side:
            value = min(value, YES if words.side == phrase.side else NO if words.side else MAYBE)
        if value and phrase.color:
            value = min(value, self.is_colored(phrase.color, index))
        if value and phrase.part:
            value = min(value, self._has(phrase, index))
        return value

    def is_colored(self, color: str, index: int) -> int:
        """By the pixels: borderline where another term would be said as well, or there is more than a little of it."""
        shares = self.glance.colors(index)
        if shares is None:
            return MAYBE
        share = shares.get(color, 0.0)
        rest = max((value for term, value in shares.items() if term != color), default=0.0)
        if share >= MAIN and rest < share / 3:
            return YES
        near = any(shares.get(term, 0.0) > 0.3 for term in NEXT_TO[color])
        clear = sum(value for term, value in shares.items() if term != color) >= 0.5
        return NO if share < HARDLY and clear and not near else MAYBE

    def _has(self, phrase: Phrase, index: int) -> int:
        """An object of which no part is known may have any."""
        glance = self.glance
        value = NO if glance.parts(index) else MAYBE
        for part in glance.parts(index):
            words = glance.labels[part]
            fits = YES if phrase.part in words.names else MAYBE if phrase.part in words.doubtful else NO
            if fits == YES and phrase.part_color:
                fits = self.is_colored(phrase.part_color, part)
            if fits == YES and glance.areas[part] < MIN_AREA:
                fits = MAYBE
            value = max(value, fits)
        return value

    # Comparisons

    def _in_row(self, row: str, values: list[int]) -> list[int]:
        """Those of a row of one facade, where it is level and no other reaches into it; second and third are from the
        top."""
        members = [index for index, value in enumerate(values) if value]
        owners = {self.glance.owners[index] for index in members}
        if MAYBE in values or len(members) < 4 or len(owners) > 1:
            return [MAYBE] * len(values)
        sign = -1 if row == "bottom" else 1
        edges = self.glance.boxes[:, [1, 3]] if sign == 1 else -self.glance.boxes[:, [3, 1]]
        down = sign * self.glance.down
        height = float(np.median([edges[i, 1] - edges[i, 0] for i in members]))
        rest = sorted(members, key=lambda i: down[i])
        for _ in range({"second": 2, "third": 3}.get(row, 1)):
            near = [index for index in rest if down[index] - down[rest[0]] < 0.5 * height]
            rest = rest[len(near) :]
            reach = max(edges[index, 1] for index in near)
            if len(near) < 3 or not rest or min(edges[index, 0] for index in rest) < reach:
                return [MAYBE] * len(values)
        return [YES if index in near else NO for index in range(len(values))]

    def _by_size(self, size: str, values: list[int]) -> list[int]:
        """By the area of the box and of the mask; the next one must differ by half."""
        members = [index for index, value in enumerate(values) if value]
        if not members:
            return [NO] * len(values)
        boxes, sign = self.glance.boxes, 1 if size in ("biggest", "bigger") else -1
        area = {i: float((boxes[i, 2] - boxes[i, 0]) * (boxes[i, 3] - boxes[i, 1])) for i in members}
        count = range(2, 3) if size in ("bigger", "smaller") else range(3, 999)
        logs = [
            {i: sign * np.log(sizes[i]) for i in members}
            for sizes in (area, {i: self.glance.areas[i] for i in members})
        ]
        both = [_extreme(values, scores, np.log(1.5), count) for scores in logs]
        return [min(pair) if pair[0] == pair[1] else MAYBE for pair in zip(*both, strict=True)]

    def _by_place(self, place: str, values: list[int]) -> list[int]:
        members = [index for index, value in enumerate(values) if value]
        across, down = self.glance.across, self.glance.down
        if place.endswith("corner"):
            return [self._in_corner(place, index) if value else NO for index, value in enumerate(values)]
        if not members:
            return [NO] * len(values)
        if MAYBE in values:
            return [MAYBE] * len(values)
        if place == "middle":
            return _in_the_middle(members, across, down, len(values))
        if place.startswith(("second", "third")):
            rank = 1 if place.startswith("second") else 2
            return _ranked(members, -across if place.endswith("right") else across, rank, len(values))
        axis = across if place in ("left", "right", "leftmost", "rightmost") else down
        sign = 1 if place in ("right", "rightmost", "bottom", "bottommost") else -1
        if len(members) == 1 and place in ("left", "right"):
            depth = sign * (axis[members[0]] - 0.5)
            verdict = YES if depth > 0.14 else MAYBE if depth > -0.04 else NO
            return [verdict if index in members else NO for index in range(len(values))]
        scores = {i: sign * float(axis[i]) for i in members}
        return _extreme(values, scores, _MARGIN, range(2, 999) if place.endswith("most") else range(2, 3))

    def _in_corner(self, place: str, index: int) -> int:
        x, y = float(self.glance.across[index]), float(self.glance.down[index])
        depth = max(x if "left" in place else 1 - x, y if "top" in place else 1 - y)
        return YES if depth < 0.3 else MAYBE if depth < 0.45 else NO

    def _by_relation(self, phrase: Phrase, values: list[int]) -> list[int]:
        anchors = self.values(phrase.anchor)
        if not any(anchors):
            return [NO] * len(values)
        if MAYBE in anchors or anchors.count(YES) != 1:
            return [MAYBE] * len(values)
        other = anchors.index(YES)
        return [
            NO if index == other or not value else self.relate(phrase.relation, index, other)
            for index, value in enumerate(values)
        ]

    def relate(self, relation: str, a: int, b: int) -> int:
        """Whether thing `a` is, say, "left of" thing `b`."""
        first, second = self.glance.boxes[a].tolist(), self.glance.boxes[b].tolist()
        if relation == "next to":
            return _beside(first, second)
        if relation == "on":
            return self._on(a, b, first, second)
        right = (first[0] + first[2] - second[0] - second[2]) / 2
        down = (first[1] + first[3] - second[1] - second[3]) / 2
        across, along = _shared(first, second, 0), _shared(first, second, 1)
        ahead, facing, apart = {
            "left of": (-right, along, second[0] - first[2]),
            "right of": (right, along, first[0] - second[2]),
            "above": (-down, across, second[1] - first[3]),
            "below": (down, across, first[1] - second[3]),
        }[relation]
        if ahead < 0.02:
            return NO
        return YES if apart > -0.02 and ahead > 0.08 and facing > 0.5 else MAYBE

    def _on(self, a: int, b: int, first: list[float], second: list[float]) -> int:
        """Standing on a table, or riding: over it from left to right, with the foot in its box and the mask below."""
        glance = self.glance
        within = (min(first[2], second[2]) - max(first[0], second[0])) / max(first[2] - first[0], 1e-6)
        if within <= 0 or first[1] > second[3] or first[3] < second[1] - 0.02:
            return NO
        ridden = glance.names[b] in _RIDDEN and glance.names[a] == "person"
        stands = glance.names[b] in _SURFACES and glance.names[a] not in _SURFACES | {"person"}
        if within < 0.9 - 0.3 * ridden or not (ridden or stands) or first[1] > second[1] + (0 if ridden else 0.5):
            return MAYBE
        x = np.linspace(first[0], first[2], 7)[1:-1] * glance.width
        y = np.full(5, min(first[3] + 0.012, 0.999) * glance.height)
        under = glance.covers(b, x.astype(np.int64), y.astype(np.int64)).mean()
        if ridden:
            return YES if first[3] < second[3] + 0.02 and first[1] < second[1] else MAYBE
        return YES if under >= 0.8 and glance.areas[a] < glance.areas[b] and first[3] < second[3] else MAYBE


_NOUNS_OF_END = {
    "front": {"hood", "bonnet", "headlight", "front light", "windshield", "front windshield"},
    "back": {"trunk", "tailgate", "taillight", "rear light", "back light", "rear window", "back window"},
}


def _at_the_front(name: str) -> bool:
    return name in ("hood", "front glass", "front bumper") or (name.startswith("front") and name.endswith("light"))


def _at_the_back(name: str) -> bool:
    backs = ("trunk", "tailgate", "back glass", "back bumper")
    return name in backs or (name.startswith("back") and name.endswith("light"))


def _least(values: list[int], verdicts: list[int]) -> list[int]:
    return [min(pair) for pair in zip(values, verdicts, strict=True)]


def _extreme(values: list[int], scores: dict[int, float], margin: float, count: range) -> list[int]:
    """Yes for the one with the highest score, borderline for all that come within the margin of it."""
    if MAYBE in values or (scores and len(scores) not in count):
        return [MAYBE] * len(values)
    best = max(scores.values(), default=0.0)
    close = {index for index, score in scores.items() if score > best - margin}
    return [NO if i not in close else YES if len(close) == 1 else MAYBE for i in range(len(values))]


def _ranked(members: Sequence[int], along: np.ndarray, rank: int, count: int) -> list[int]:
    ordered = sorted(members, key=lambda i: along[i])
    steps = np.diff(along[ordered])[: rank + 1]
    if len(ordered) < rank + 2 or steps.min() < _MARGIN:
        return [MAYBE] * count
    return [YES if index == ordered[rank] else NO for index in range(count)]


def _in_the_middle(members: Sequence[int], across: np.ndarray, down: np.ndarray, count: int) -> list[int]:
    """The second of three from either side, where they stand side by side rather than above each other."""
    ordered = sorted(members, key=lambda i: across[i])
    if len(ordered) != 3:
        return [MAYBE] * count
    wide, tall = across[ordered[2]] - across[ordered[0]], np.ptp(down[ordered])
    share = (across[ordered[1]] - across[ordered[0]]) / max(wide, 1e-6)
    if wide < max(1.5 * tall, 2.5 * _MARGIN) or not 0.25 <= share <= 0.75:
        return [MAYBE] * count
    return [YES if index == ordered[1] else NO for index in range(count)]


def _shared(first: list[float], second: list[float], axis: int) -> float:
    """How far two boxes face each other: the share of the shorter side that both have along the axis."""
    shared = min(first[axis + 2], second[axis + 2]) - max(first[axis], second[axis])
    return shared / max(min(first[axis + 2] - first[axis], second[axis + 2] - second[axis]), 1e-6)


def _beside(first: list[float], second: list[float]) -> int:
    """Side by side on one ground: little between them, of like height, their feet level."""
    between = max(first[0] - second[2], second[0] - first[2])
    heights = first[3] - first[1], second[3] - second[1]
    widths = first[2] - first[0], second[2] - second[0]
    level = abs(first[3] - second[3]) < 0.3 * min(heights)
    if between > max(widths) or min(first[3], second[3]) < max(first[1], second[1]):
        return NO
    like = min(heights) > 0.4 * max(heights)
    near = -0.15 * min(widths) < between < 0.35 * min(widths)
    return YES if level and like and near else MAYBE
