# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is said about a scene: expressions of every kind, each checked to mean exactly its mask."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .english import say, say_part
from .objects import KINDS
from .palette import COLORS, PATTERNS
from .phrases import (
    CATEGORY,
    PLACES,
    RELATIONS,
    SIDES,
    SIZES,
    PartPhrase,
    Phrase,
    comparisons,
    is_clear,
    pieces_of,
    place_alone,
    refers_to,
    refers_to_pieces,
)
from .render import View
from .scene import every_part
from .splits import Split

OBJECT_KINDS = {
    "class": 1.2,
    "attribute": 2.2,
    "location": 2.2,
    "relation": 1.8,
    "size": 1.0,
    "part_attribute": 1.4,
    "superordinate": 1.4,
    "several": 1.0,
}
PART_KINDS = {"part": 3.2, "part_side": 2.0, "part_merged": 2.0, "part_color": 0.8}
NO_TARGET = "no_target"
_OWNERS = {"class": 1.0, "attribute": 2.0, "location": 2.0, "relation": 0.7, "size": 0.7, "part_attribute": 0.5}
_TRIES = 18
_CONDITIONS = ("color", "pattern", "facing", "part", "place", "size", "relation")


@dataclass(frozen=True)
class Expression:
    """An expression and what it means: objects, or pieces of one object, or neither (then nothing in the picture).

    Args:
        text (`str`): the English.
        kind (`str`): one of `OBJECT_KINDS`, `PART_KINDS` or `NO_TARGET`.
        phrase (`Phrase` or `PartPhrase`): its meaning.
        things, pieces (`tuple[int, ...]`): indices into the scene's objects, or into the view's pieces.
    """

    text: str
    kind: str
    phrase: Phrase | PartPhrase
    things: tuple[int, ...] = ()
    pieces: tuple[int, ...] = ()


def compose(view: View, split: Split, rng: Random, count: int = 14) -> list[Expression]:
    """Up to `count` expressions, half about objects and half about parts, no two alike."""
    speaker = _Speaker(view, split, rng)
    said: dict[str, Expression] = {}
    for i in range(count):
        kinds = PART_KINDS if i % 2 else OBJECT_KINDS
        expression = speaker.speak(rng.choices(tuple(kinds), tuple(kinds.values()))[0])
        if expression:
            said.setdefault(expression.text, expression)
    return list(said.values())


class _Speaker:
    def __init__(self, view: View, split: Split, rng: Random) -> None:
        self.view, self.split, self.rng = view, split, rng
        self.things = view.scene.things
        self.clear = [i for i in range(len(self.things)) if is_clear(view, i)]
        self.asked = [i for i in self.clear if split.may_ask_object(self.things[i].kind.name, self.things[i].color)]
        kinds = Counter(thing.kind.name for thing in self.things)
        self.single = [i for i in self.asked if kinds[self.things[i].kind.name] == 1]
        self.parts = {kind: list(self._askable_parts(kind)) for kind in PART_KINDS}
        self.colorful = False

    def _askable_parts(self, kind: str) -> Iterator[tuple[int, PartPhrase]]:
        """Objects and phrases of this kind about their parts, which lack only the words for their owner."""
        for (index, part), copies in self.view.copies.items():
            thing = self.things[index]
            if index not in self.asked or not self.split.may_ask_part(thing.kind.name, part):
                continue
            if kind == "part_color":
                owners = sum(part == other for _, other in self.view.copies)
                phrase = PartPhrase(part, plural=len(copies) > 1, color=thing.own.get(part, ""))
                if phrase.color and owners > 1 and refers_to_pieces(phrase, self.view):
                    yield index, phrase
                continue
            if kind != "part" and len(copies) == 1:
                continue
            for side in SIDES if kind == "part_side" else ("",):
                phrase = PartPhrase(part, side=side, plural=kind == "part_merged")
                if pieces_of(phrase, index, self.view):
                    yield index, phrase

    def speak(self, kind: str) -> Expression | None:
        """An expression of this kind, or, at the split's rate, one that was such and now means nothing here."""
        rng = self.rng
        self.colorful = rng.random() < self.split.colored
        absent = rng.random() < self.split.no_target
        targets = self.parts[kind] if kind in PART_KINDS else self.single if kind == "class" else self.asked
        for _ in range(_TRIES if targets else 0):
            target = rng.choice(targets)
            meant = self._part(kind, *target) if kind in PART_KINDS else self._object(kind, target)
            if meant is None:
                continue
            if not absent:
                return meant
            for _ in range(6):
                phrase = self._altered(meant.phrase)
                if phrase is None or _compares_with_itself(phrase) or not self._may_say(phrase):
                    continue
                if self._resolve(phrase) == ():
                    return Expression(self._words(phrase, rng.choice((2, 3))), NO_TARGET, phrase)
        return None

    def _words(self, phrase: Phrase | PartPhrase, count: int = 1) -> str:
        if isinstance(phrase, PartPhrase):
            return say_part(phrase, self.rng)
        return say(phrase, self.rng, count)

    def _resolve(self, phrase: Phrase | PartPhrase) -> tuple[int, ...] | None:
        return refers_to_pieces(phrase, self.view) if isinstance(phrase, PartPhrase) else refers_to(phrase, self.view)

    def _may_say(self, phrase: Phrase | PartPhrase | None) -> bool:
        """Whether every pair that the words name may be named in this split."""
        if phrase is None:
            return True
        if isinstance(phrase, PartPhrase):
            pairs = [(kind, phrase.part) for kind in _kinds_of(phrase.owner.noun)] if phrase.owner else []
            return self._may_say(phrase.owner) and all(self.split.may_mention(*pair) for pair in pairs)
        color = not phrase.color or phrase.noun not in CATEGORY
        color = color or self.split.may_color(CATEGORY[phrase.noun], phrase.color)
        part = not phrase.part or all(self.split.may_mention(kind, phrase.part) for kind in _kinds_of(phrase.noun))
        return color and part and self._may_say(phrase.anchor)

    # Objects

    def _object(self, kind: str, target: int) -> Expression | None:
        phrase = self._several(target) if kind == "several" else self._phrase(kind, target)
        if phrase is None or not self._may_say(phrase):
            return None
        things = refers_to(phrase, self.view)
        if not things or not set(things) <= set(self.asked) or (len(things) > 1) != (kind == "several"):
            return None
        if phrase.noun == "thing" and len(things) == len(self.things) or not self._is_lean(phrase, things):
            return None
        if kind == "location" and place_alone(phrase.place, self.view) == list(things) and self.rng.random() < 0.5:
            return None  # it would be found at that place without knowing its class
        return Expression(self._words(phrase, len(things)), kind, phrase, things=things)

    def _is_lean(self, phrase: Phrase, things: tuple[int, ...]) -> bool:
        """Whether the phrase means something else without any one of its conditions."""
        for name in _CONDITIONS:
            if getattr(phrase, name):
                blank = {name: ""}
                blank |= {"part_color": "", "without": False} if name == "part" else {}
                blank |= {"anchor": None} if name == "relation" else {}
                if refers_to(phrase._replace(**blank), self.view) == things:
                    return False
        if phrase.part_color:
            return refers_to(phrase._replace(part_color=""), self.view) != things
        return True

    def _phrase(self, kind: str, target: int) -> Phrase | None:
        """A phrase of this kind that fits the target; whether it fits nothing else is for the caller to check."""
        rng = self.rng
        if kind == "superordinate":
            family = rng.choice(self.things[target].kind.families)
            way = rng.choice(("attribute", "attribute", "location", "part_attribute"))
            phrase = self._phrase(way, target)
            return phrase and phrase._replace(noun=family)
        plain = Phrase(noun=self._name(target))
        if kind == "class":
            return plain
        if kind == "attribute":
            return self._with_attributes(plain, target)
        if kind == "part_attribute":
            return self._with_part(plain, target)
        if rng.random() < 0.4:
            plain = self._with_attributes(plain, target)
        if kind == "relation":
            return self._with_relation(plain, target)
        name, options = ("place", PLACES) if kind == "location" else ("size", SIZES)
        options = comparisons(plain, name, rng.sample(options, len(options)), target, self.view)
        return next((plain._replace(**{name: option}) for option in options), None)

    def _name(self, target: int) -> str:
        names = self.things[target].kind.names
        return names[-1][0] if self.rng.random() < 0.3 else names[0][0]

    def _with_attributes(self, phrase: Phrase, target: int) -> Phrase:
        thing, rng = self.things[target], self.rng
        if self.colorful and rng.random() < 0.75:
            return phrase._replace(color=thing.color, pattern=rng.choice(("", "", thing.pattern)))
        ways = [{"pattern": thing.pattern}]
        if thing.kind.turns not in ("", "mirrored"):
            ways.append({"facing": thing.facing})
        return phrase._replace(**rng.choice(ways))

    def _with_part(self, phrase: Phrase, target: int) -> Phrase | None:
        thing, rng = self.things[target], self.rng
        options = [{"part": part, "without": part not in thing.extras} for part in thing.kind.extras]
        if self.colorful:
            own = [part for part in thing.own if part in thing.extras or part not in thing.kind.extras]
            options += [{"part": part, "part_color": thing.own[part]} for part in own]
        return phrase._replace(**rng.choice(options)) if options else None

    def _with_relation(self, phrase: Phrase, target: int) -> Phrase | None:
        rng = self.rng
        others = [i for i in self.clear if i != target]
        for other in rng.sample(others, len(others)):
            anchor = self._with_attributes(Phrase(noun=self._name(other)), other)
            if rng.random() < 0.5:
                anchor = Phrase(noun=anchor.noun)
            if refers_to(anchor, self.view) == (other,) and self._is_lean(anchor, (other,)):
                options = comparisons(
                    phrase._replace(anchor=anchor),
                    "relation",
                    rng.sample(RELATIONS, len(RELATIONS)),
                    target,
                    self.view,
                )
                relation = next(options, None)
                if relation:
                    return phrase._replace(relation=relation, anchor=anchor)
        return None

    def _several(self, target: int) -> Phrase | None:
        rng, kind = self.rng, self.things[target].kind
        noun = rng.choice(kind.families) if rng.random() < 0.25 else self._name(target)
        phrase = Phrase(noun=noun, plural=True)
        if rng.random() < 0.5:
            return phrase if noun != "thing" else None
        return self._with_attributes(phrase, target) if rng.random() < 0.75 else self._with_part(phrase, target)

    # Parts

    def _part(self, kind: str, target: int, phrase: PartPhrase) -> Expression | None:
        rng = self.rng
        if phrase.part == "body" and rng.random() < 0.6:
            return None
        if kind != "part_color":
            owner = self._phrase(rng.choices(tuple(_OWNERS), tuple(_OWNERS.values()))[0], target)
            if owner is None or refers_to(owner, self.view) != (target,) or not self._is_lean(owner, (target,)):
                return None
            if phrase.part in (owner.part, owner.facing and self.things[target].kind.turns):
                return None  # the hat of the man with a hat
            phrase = phrase._replace(owner=owner)
        if not self._may_say(phrase):
            return None
        return Expression(self._words(phrase), kind, phrase, pieces=refers_to_pieces(phrase, self.view))

    # Nothing

    def _altered(self, phrase: Phrase | PartPhrase) -> Phrase | PartPhrase | None:
        """The phrase with one of its words changed, for one that the scene has elsewhere if possible."""
        if isinstance(phrase, Phrase):
            return self._altered_object(phrase)
        if phrase.owner is None:
            return phrase._replace(
                color=self._another(phrase.color, [t.own.get(phrase.part) for t in self.things], COLORS)
            )
        owner = self._altered_object(phrase.owner)
        fits = owner and phrase.part in set().union(*(every_part(kind) for kind in _kinds_of(owner.noun)))
        return phrase._replace(owner=owner) if fits else None

    def _altered_object(self, phrase: Phrase) -> Phrase | None:
        rng, things = self.rng, self.things
        fields = ["noun"] * 2 + [
            name for name in ("color", "pattern", "facing", "part", "anchor") if getattr(phrase, name)
        ]
        field = rng.choice(fields)
        if field == "noun":
            return self._renamed(phrase)
        if field == "anchor":
            anchor = self._altered_object(phrase.anchor)
            return anchor and phrase._replace(anchor=anchor)
        if field == "part":
            if phrase.part_color:
                return phrase._replace(
                    part_color=self._another(phrase.part_color, [t.own.get(phrase.part) for t in things], COLORS)
                )
            return phrase._replace(without=not phrase.without)
        if field == "facing":
            return phrase._replace(facing="left" if phrase.facing == "right" else "right")
        if field == "color":
            return phrase._replace(color=self._another(phrase.color, [t.color for t in things], COLORS))
        return phrase._replace(pattern=self._another(phrase.pattern, [t.pattern for t in things], PATTERNS))

    def _renamed(self, phrase: Phrase) -> Phrase | None:
        """Another class, one of which the rest could be said."""
        name = self._another(CATEGORY.get(phrase.noun, ""), [t.kind.name for t in self.things], self.split.kinds)
        kind = KINDS[name]
        old = KINDS[CATEGORY[phrase.noun]] if phrase.noun in CATEGORY else None
        facing = not phrase.facing or kind.turns == (old.turns if old else "facing")
        part = not phrase.part or (
            phrase.part in kind.own + kind.extras and not (phrase.without and phrase.part not in kind.extras)
        )
        return phrase._replace(noun=self.rng.choice(kind.names)[0]) if facing and part else None

    def _another(self, current: str, present: list[str | None], possible) -> str:
        near = sorted({name for name in present if name and name != current})
        if near and self.rng.random() < 0.7:
            return self.rng.choice(near)
        return self.rng.choice([name for name in possible if name != current])


def _kinds_of(noun: str) -> Iterator[str]:
    """The classes that a noun covers."""
    if noun in CATEGORY:
        yield CATEGORY[noun]
    else:
        yield from (kind.name for kind in KINDS.values() if noun in kind.families)


def _compares_with_itself(phrase: Phrase | PartPhrase) -> bool:
    """Nobody says "the mug nearest the mug"."""
    if isinstance(phrase, PartPhrase):
        return phrase.owner is not None and _compares_with_itself(phrase.owner)
    return phrase.anchor == Phrase(phrase.noun)
