# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a row with masks to what is said about it: expressions of every kind, each checked to mean exactly its mask."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from PIL import Image

from .. import masks
from ..part_expressions import spoken
from ..schema import Row
from .color_names import TERMS
from .glance import Glance
from .source_facts import SIBLINGS
from .truth import MIN_AREA, PLACES, RELATIONS, ROWS, SIZES, YES, Judge, Phrase
from .vocabulary import WORN, families, is_mass, is_plural, label
from .wording import say

OBJECT_KINDS = {
    "class": 1.6,
    "attribute": 12.0,
    "location": 2.4,
    "relation": 1.2,
    "size": 0.8,
    "part_attribute": 0.8,
    "superordinate": 0.3,
    "several": 1.0,
}
PART_KINDS = {
    "part": 2.4,
    "part_side": 2.4,
    "part_merged": 1.4,
    "part_color": 16.0,
    "part_location": 2.0,
    "part_size": 0.5,
}
NO_TARGET, NO_TARGET_HARD = "no_target", "no_target_hard"
"""Of what is far from all that the photograph shows, and of what is close to something in it."""
ABSENT = 0.2
"""The share of expressions that mean nothing in the picture; about half of them are hard (our choice)."""
_HARD = 0.53
"""So often a hard one is tried; some photographs allow none."""
_COLORFUL = 0.3
"""In so many tries a color may be said, and then it mostly is, where it is clear."""
_PARTS = 0.7
_TRIES = 12
_TRIES_EACH = 3
_MOST = 2
"""So many ways to say the same thing are enough; one more where there is little else to speak of."""
_LARGE = 0.002
"""Of the picture: what is smaller has more rim than color (our choice)."""
_SETTINGS = {"facade", "street", "vegetation", "traffic infrastructure"}
"""What is everywhere in the picture, so that nothing is left of it or below it."""
_EVERYBODYS = {"shoes", "accessories"}
"""What nobody is told by."""
_LEVEL = "window"
"""What stands in rows."""
_PLAIN_SIDES = ("left", "right", "leftmost", "rightmost")


class Saying(NamedTuple):
    """What is said, its kind, its meaning, and the things that it means: none for nothing."""

    text: str
    kind: str
    phrase: Phrase
    things: tuple[int, ...]


def speak(row: Row, image: Image.Image, rng: Random, limit: int) -> list[Row]:
    """Says up to `limit` things about a row, each true of exactly its mask.

    Args:
        row (`Row`): its targets have masks at the size of the image; words that they bring are left aside.
        image (`PIL.Image.Image`): the picture, RGB: colors are measured on it.
        rng (`Random`): the same one says the same.
        limit (`int`): how many expressions at most.

    Returns:
        `list[Row]`: the targets that are spoken of, with their expressions; several at once, and nothing, are targets
        of their own. The kind of an expression is the last field of its id (`kind_of`).
    """
    glance = Glance(row, image)
    speaker = _Speaker(glance, rng)
    present = limit - int(limit * ABSENT + rng.random())
    said: dict[str, Saying] = {}
    heard: Counter[tuple[int, ...]] = Counter()
    for _ in range(_TRIES_EACH * present):
        saying = speaker.speak() if len(said) < present else None
        if saying and heard[saying.things] < _MOST + (len(glance.things) < 4) and _key(saying) not in said:
            said[_key(saying)] = saying
            heard[saying.things] += 1
    wanted = len(said) * ABSENT / (1 - ABSENT) + rng.random()
    absent = limit - present if len(said) == present else min(limit - present, int(wanted))
    for _ in range(absent):
        hard = rng.random() < _HARD
        tries = (speaker.deny(hard=hard and number < _TRIES) for number in range(_TRIES + _TRIES_EACH))
        saying = next((it for it in tries if it and _key(it) not in said), None)
        if saying:
            said[_key(saying)] = saying
    return _targets(row, glance, list(said.values()))


def _key(saying: Saying) -> str:
    return " ".join(word for word in saying.text.split() if word != "the")


def kind_of(expression_id: str) -> str:
    """The kind of an expression, the last field of its id: `"0017-hair:3:part"` → `"part"`."""
    return expression_id.rsplit(":", 1)[-1]


class _Speaker:
    def __init__(self, glance: Glance, rng: Random) -> None:
        self.glance, self.rng = glance, rng
        self.judge = Judge(glance)
        self.clear = [index for index in range(len(glance.things)) if glance.areas[index] >= MIN_AREA]
        self.objects = [index for index in self.clear if glance.is_object(index)]
        self.parts = [index for index in self.clear if not glance.is_object(index)]
        self.marked = [index for index in self.parts if glance.labels[index].end or glance.labels[index].side]
        self.people = sum(glance.names[index] == "person" for index in range(len(glance.things)))

    def speak(self) -> Saying | None:
        """One expression, or None where none was found."""
        rng = self.rng
        about_parts = self.parts and (not self.objects or rng.random() < _PARTS)
        kinds = dict(PART_KINDS if about_parts else OBJECT_KINDS)
        kinds["part_color" if about_parts else "attribute"] *= rng.random() < _COLORFUL
        if not self.marked:
            kinds.pop("part_side", None)
        for _ in range(_TRIES):
            kind = rng.choices(tuple(kinds), tuple(kinds.values()))[0]
            pool = self.marked if kind == "part_side" else self.parts if about_parts else self.objects
            if not pool:
                return None
            saying = self._said(kind, rng.choice(pool))
            if saying:
                return saying
        return None

    def _said(self, kind: str, target: int) -> Saying | None:
        several = kind in ("several", "part_merged")
        if not several and self.glance.names[target] == "wheel" and not self._is_one_wheel(target):
            return None
        phrase = self._several(target) if several else self._phrase(kind, target)
        if phrase is None:
            return None
        things = self.judge.referents(phrase)
        placed = kind in ("location", "part_location")  # whatever is there is meant
        if not things or not (placed or target in things) or (len(things) > 1 and not several):
            return None
        return Saying(self._words(phrase, things), kind, phrase, things)

    def _words(self, phrase: Phrase, things: tuple[int, ...]) -> str:
        labels = [self.glance.labels[index] for index in things]
        own_sides = any(it.side or it.names[0] == "wheel" for it in labels)
        count = len(things)
        if phrase.plural and count == 1:
            count = 0
        return say(phrase, self.rng, own_sides, count, alone=self.people == 1)

    # One thing

    def _phrase(self, kind: str, target: int) -> Phrase | None:
        """A phrase of this kind that fits the target; whether it fits nothing else is for the caller to check."""
        rng, words = self.rng, self.glance.labels[target]
        plain = Phrase(self._name(target))
        if kind == "part_side":
            marks = [{"end": words.end, "side": words.side}, {"end": words.end}, {"side": words.side}]
            plain = plain._replace(**rng.choice([it for it in marks if any(it.values())]))
        if kind.startswith("part") and kind != "part_attribute":
            plain = self._with_owner(plain, target)
        if plain is None or kind in ("class", "part", "part_side"):
            return plain
        if kind in ("attribute", "part_color"):
            return self._colored(plain, target)
        if kind == "superordinate":
            above = families(self.glance.names[target])
            return plain._replace(noun=rng.choice(above)) if above else None
        if kind == "part_attribute":
            return self._with_part(plain, target)
        if kind == "relation":
            return self._related(plain, target)
        if kind in ("size", "part_size"):
            return plain._replace(size=rng.choice(SIZES))
        return self._placed(plain, target)

    def _is_one_wheel(self, target: int) -> bool:
        """Of a car seen from the side two wheels are seen, whether labeled or not."""
        owner = self.glance.owners[target]
        parts = self.glance.parts(owner) if owner is not None else []
        flank = any(self.glance.names[part].endswith("door") for part in parts)
        return not flank and self.glance.instances(target) == 1

    def _name(self, target: int) -> str:
        names = self.glance.labels[target].names
        return names[0] if len(names) == 1 or self.rng.random() < 0.65 else self.rng.choice(names[1:])

    def _with_owner(self, phrase: Phrase, target: int) -> Phrase | None:
        """The part with its owner, or alone where that is as clear; a car's own left is said with the car."""
        owner = self.glance.owners[target]
        bare = self.rng.random() < 0.45 or owner is None
        if phrase.side and not phrase.end and self._count(phrase.noun) > 1:
            bare = False
        if bare:
            return phrase
        owners = list(self._namings(owner)) if owner is not None else []
        return phrase._replace(owner=self.rng.choice(owners)) if owners else None

    def _namings(self, target: int) -> Iterator[Phrase]:
        """Phrases that mean this object alone: its name, else its name and place, or what it has."""
        plain = Phrase(self.glance.labels[target].names[0])
        if self.judge.referents(plain) == (target,):
            yield plain
            return
        for place in ("left", "right", "leftmost", "rightmost", "middle"):
            if self.judge.referents(plain._replace(place=place)) == (target,):
                yield plain._replace(place=place)

    def _count(self, noun: str) -> int:
        return sum(noun in words.names for words in self.glance.labels)

    def _colored(self, phrase: Phrase, target: int) -> Phrase | None:
        colors = (self.glance.areas[target] >= _LARGE and self.glance.colors(target)) or {}
        color = max(colors, key=colors.get, default=None)
        return phrase._replace(color=color) if color else None

    def _placed(self, phrase: Phrase, target: int) -> Phrase | None:
        rng, words = self.rng, self.glance.labels[target]
        is_part = not self.glance.is_object(target)
        alike = self._count(phrase.noun)
        if alike < 2 and (is_part or rng.random() < 0.6):
            return None
        if phrase.noun == _LEVEL and alike > 3 and rng.random() < 0.7:
            phrase = phrase._replace(row=rng.choice(ROWS))
        own_sides = words.side or words.names[0] == "wheel"
        places = _PLAIN_SIDES if own_sides else PLACES
        for place in rng.sample(places, min(len(places), 8)):
            if is_mass(phrase.noun) and place.startswith(("second", "third", "middle")):
                continue
            placed = phrase._replace(place=place)
            things = self.judge.referents(placed)
            if things and len(things) == 1 and things[0] in self.clear:
                return placed
        return None

    def _with_part(self, phrase: Phrase, target: int) -> Phrase | None:
        rng, glance = self.rng, self.glance
        parts = [it for it in glance.parts(target) if glance.areas[it] >= MIN_AREA and glance.names[it] != "skin"]
        if not parts or glance.names[target] != "person":
            return None
        part = rng.choice(parts)
        phrase = phrase._replace(part=glance.labels[part].names[0])
        colors = glance.colors(part) or {}
        color = max(colors, key=colors.get, default="")
        large = glance.areas[part] >= _LARGE
        if color and large and self.judge.is_colored(color, part) == YES and rng.random() < 0.4:
            return phrase._replace(part_color=color)
        return phrase if phrase.part in WORN - _EVERYBODYS else None

    def _related(self, phrase: Phrase, target: int) -> Phrase | None:
        rng = self.rng
        if self.glance.names[target] in _SETTINGS:
            return None
        others = [i for i in self.objects if i != target and self.glance.names[i] not in _SETTINGS]
        lean = self._count(phrase.noun) > 1
        if not lean and rng.random() < 0.5:
            return None
        for other in rng.sample(others, min(len(others), 5)):
            namings = list(self._namings(other))
            if not namings or self.glance.names[other] == self.glance.names[target]:
                continue
            for relation in rng.sample(RELATIONS, len(RELATIONS)):
                if self.judge.relate(relation, target, other) == YES:
                    related = phrase._replace(relation=relation, anchor=rng.choice(namings))
                    if self.judge.referents(related) == (target,):
                        return related
        return None

    # Several

    def _several(self, target: int) -> Phrase | None:
        """All that share the target's name, in the picture, of its owner, or in a row."""
        glance, rng = self.glance, self.rng
        words = glance.labels[target]
        if not ({glance.names[target], words.names[0]} & glance.facts.complete) or is_plural(words.names[0]):
            return None
        phrase = Phrase(self._name(target), plural=True)
        if words.end and words.names[0] in ("door", "bumper"):
            return None
        if not glance.is_object(target):
            owner = glance.owners[target]
            owners = list(self._namings(owner)) if owner is not None else []
            if owners and rng.random() < 0.5:
                phrase = phrase._replace(owner=rng.choice(owners))
        alike = self._count(phrase.noun)
        if phrase.noun == _LEVEL and alike > 3 and rng.random() < 0.5:
            phrase = phrase._replace(row=rng.choice(ROWS))
        if alike == 1 and (glance.names[target] != "wheel" or (glance.instances(target) or 1) < 2):
            return None
        things = self.judge.referents(phrase)
        return phrase if things and (len(things) > 1 or alike == 1) else None

    # Nothing

    def deny(self, hard: bool) -> Saying | None:
        """An expression that means nothing in the picture, or None where none was found."""
        for _ in range(_TRIES):
            phrase = self._close() if hard else self._far()
            if phrase is not None and self.judge.is_absent(phrase):
                text = say(phrase, self.rng, alone=self.people == 1)
                return Saying(text, NO_TARGET_HARD if hard else NO_TARGET, phrase, ())
        return None

    def _far(self) -> Phrase | None:
        """Something that such a photograph does not show, or that stands nowhere near what this one shows."""
        glance, rng = self.glance, self.rng
        present = set(glance.names)
        near = set().union(*(group for group in SIBLINGS if group & present))
        names = sorted((glance.facts.never | glance.facts.absent) - near)
        if not names:
            return None
        phrase = Phrase(rng.choice(label(rng.choice(names)).names))
        way = rng.random()
        if way < 0.12:
            return phrase._replace(color=rng.choice(("black", "white", "red", "blue", "green", "brown")))
        return phrase._replace(place=rng.choice(("left", "right", "middle"))) if way < 0.25 else phrase

    def _close(self) -> Phrase | None:
        """What is there, but of another class, color, side, or without its part."""
        rng, glance = self.rng, self.glance
        owners = [index for index in self.objects if glance.parts(index)]
        ways = ["sibling", "color", "color"]
        ways += ["part"] * 3 if owners else []
        way = rng.choice(ways)
        if way == "part":
            return self._lacking(rng.choice(owners))
        if not self.objects + self.parts:
            return None
        target = rng.choice(self.objects + self.parts)
        plain = Phrase(self._name(target))
        if way == "color":
            if rng.random() >= 2 * _COLORFUL or not glance.colors(target):
                return None
            owner = glance.owners[target]
            namings = list(self._namings(owner)) if owner is not None else []
            if not glance.is_object(target):
                plain = plain._replace(owner=rng.choice(namings)) if namings else plain
            return plain._replace(color=rng.choice(TERMS))
        siblings = [group for group in SIBLINGS if glance.names[target] in group]
        names = sorted(set().union(*siblings)) or sorted(glance.facts.absent)
        if not names:
            return None
        phrase = plain._replace(noun=rng.choice(label(rng.choice(names)).names))
        return phrase._replace(place=rng.choice(("left", "right", "middle"))) if rng.random() < 0.25 else phrase

    def _lacking(self, owner: int) -> Phrase | None:
        """A part that the object lacks, or does not show."""
        rng, glance = self.rng, self.glance
        namings = list(self._namings(owner))
        if not namings:
            return None
        if glance.names[owner] == "car":
            name = rng.choice(_CAR_PARTS)
            words = label(name)
            side = words.side if words.names[0] == "door" or rng.random() < 0.5 else ""
            return Phrase(rng.choice(words.names), owner=rng.choice(namings), end=words.end, side=side)
        names = sorted(glance.facts.absent_parts)
        if not names:
            return None
        words = label(rng.choice(names))
        if rng.random() < 0.25:
            return rng.choice(namings)._replace(part=words.names[0])
        return Phrase(rng.choice(words.names), owner=rng.choice(namings))


_CAR_PARTS = (
    *("front bumper", "back bumper", "hood", "trunk", "front glass", "back glass"),
    *(f"{end} {side} {part}" for end in ("front", "back") for side in ("left", "right") for part in ("light", "door")),
)


def _targets(row: Row, glance: Glance, sayings: list[Saying]) -> list[Row]:
    """The targets of what was said, each once."""
    targets: dict[tuple, Row] = {}
    for number, saying in enumerate(sayings):
        key = saying.things or ("nothing", number)
        if key not in targets:
            targets[key] = _target(row, glance, saying, len(targets)) | {"expressions": []}
        target = targets[key]
        target["expressions"].append(
            {"expression_id": f"{target['target_id']}:{number}:{saying.kind}", "text": saying.text}
        )
    return list(targets.values())


def _target(row: Row, glance: Glance, saying: Saying, number: int) -> Row:
    things = [glance.things[index] for index in saying.things]
    if len(things) == 1:
        return things[0]
    if not things:
        phrase = saying.phrase
        owner = phrase.owner.noun if phrase.owner else None
        return {
            "target_id": f"{row['image_id']}-nothing-{number}",
            "granularity": "part" if owner else "object",
            "category": owner or phrase.noun,
            "part": phrase.noun if owner else None,
            "parent_id": None,
            "bbox": [0.0] * 4,
            "mask": masks.empty(glance.height, glance.width),
        }
    mask = masks.union([it["mask"] for it in things])
    left, top, right, bottom = (
        f(glance.boxes[index, side] for index in saying.things) for side, f in enumerate((min, min, max, max))
    )
    parents = {it["parent_id"] for it in things}
    scale = (glance.width, glance.height)
    box = [left * scale[0], top * scale[1], (right - left) * scale[0], (bottom - top) * scale[1]]
    return {
        **things[0],
        "target_id": f"{row['image_id']}-several-{number}",
        "part": things[0]["part"] and _shared({spoken(it["part"]) for it in things}, saying.phrase.noun),
        "parent_id": parents.pop() if len(parents) == 1 else None,
        "bbox": [float(side) for side in box],
        "mask": mask,
    }


def _shared(names: set[str], noun: str) -> str:
    return names.pop() if len(names) == 1 else noun
