# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Expressions composed for objects and parts that have none, said only where a checker finds them unambiguous.

A part is named by its object, in both orders of the paper: "body of black truck" and "black truck body" (paper,
MRES-32M's samples). The object is named by its own expressions where it has some, else by category, attribute and
position. Our choice, since MRES-32M's captioner was not released: templates whose truth can be checked.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from .schema import Row

MARGIN = 0.1
"""Of two centers, one is to the left if they are this share of the image's width apart (our choice)."""
ONCE = {"body", "head", "torso"}
"""Parts that an object has one of (our choice: those that PartImageNet and Pascal-Part share)."""
PLACES = ("left", "right", "middle")
MOST = 3
"""At most so many ways of naming one object; each gives two expressions for every part (our choice)."""
_PERSON = "man woman boy girl guy lady kid child person player dude gentleman baby male female".split()
_PLURALS = {"foot": "feet", "tooth": "teeth", "hoof": "hooves", "leaf": "leaves", "shelf": "shelves", "half": "halves"}
_PLURALS |= {"bus": "buses", "lens": "lenses", "knife": "knives"}
_NO_SINGULAR = {"glasses", "sunglasses", "pants", "trousers", "shorts", "jeans", "scissors"}


@dataclass(frozen=True)
class Traits:
    """What a source knows about a target beyond the schema.

    Args:
        attributes (`frozenset[str]`): adjectives that hold, such as "black".
        attributes_known (`bool`, defaults to `True`): whether an attribute that is not listed does not hold.
        crowd (`bool`, defaults to `False`): whether the target is a region of many that nobody counted.
        instances (`int`, defaults to 1): number of instances of the part that are merged in the mask.
    """

    attributes: frozenset[str] = frozenset()
    attributes_known: bool = True
    crowd: bool = False
    instances: int = 1


@dataclass(frozen=True)
class Phrase:
    """A phrase about an object, and what it claims.

    Args:
        category (`str`): the object's category, as it is spoken.
        attribute (`str`, *optional*): an adjective that holds.
        place (`str`, *optional*): "left", "right" or "middle", among those of the category and attribute.
    """

    category: str
    attribute: str | None = None
    place: str | None = None

    def text(self, count: int) -> str:
        """The words, given how many objects the category and attribute hold of."""
        place = f"{self.place}most" if self.place in ("left", "right") and count > 2 else self.place
        return " ".join(filter(None, [place, self.attribute, self.category]))


class Scene:
    """The objects of one image, and which of them a phrase may mean.

    Args:
        objects (`Iterable[dict]`): target rows of the schema.
        width (`int`): the image's, in pixels.
        traits (`Mapping`): `Traits` by target_id.
        unbounded (`Iterable[str]`): categories of which there may be more in the image than are annotated.
    """

    def __init__(self, objects: Iterable[Row], width: int, traits: Mapping[str, Traits], unbounded: Iterable[str]):
        self.objects = list(objects)
        self.width = width
        self._traits = [traits.get(it["target_id"], Traits()) for it in self.objects]
        self._categories = [spoken(it["category"]) for it in self.objects]
        self._unbounded = {spoken(category) for category in unbounded}
        self._known: dict[Phrase, list[int] | None] = {}

    def referents(self, phrase: Phrase) -> list[int] | None:
        """Indices of the objects that the phrase is true of; None where that is unclear for even one of the image."""
        if phrase not in self._known:
            self._known[phrase] = self._judge(phrase)
        return self._known[phrase]

    def phrases(self, index: int) -> Iterator[str]:
        """Phrases that mean the object with this index and no other, short ones first."""
        category = self._categories[index]
        if not category:
            return
        plain = [Phrase(category), *(Phrase(category, it) for it in sorted(self._traits[index].attributes))]
        placed = [replace(it, place=place) for it in plain for place in PLACES]
        for phrase in plain + placed:
            if self.referents(phrase) == [index]:
                yield phrase.text(len(self.referents(replace(phrase, place=None))))

    def _judge(self, phrase: Phrase) -> list[int] | None:
        if phrase.category in self._unbounded:
            return None
        verdicts = [self._described(phrase, index) for index in range(len(self.objects))]
        if None in verdicts:
            return None
        described = [index for index, verdict in enumerate(verdicts) if verdict]
        return described if phrase.place is None else self._placed(phrase.place, described)

    def _described(self, phrase: Phrase, index: int) -> bool | None:
        """Whether category and attribute hold; None where it is unclear."""
        traits = self._traits[index]
        category = _means(phrase.category, [self._categories[index]])
        if category is False:
            return False
        if category is None or traits.crowd:
            return None
        if phrase.attribute is None:
            return True
        attribute = _means(phrase.attribute, traits.attributes)
        return None if attribute is False and not traits.attributes_known else attribute

    def _placed(self, place: str, candidates: list[int]) -> list[int] | None:
        center = {i: self.objects[i]["bbox"][0] + self.objects[i]["bbox"][2] / 2 for i in candidates}
        ordered = sorted(candidates, key=center.__getitem__)
        clear = [center[right] - center[left] >= MARGIN * self.width for left, right in pairwise(ordered)]
        if place == "middle":
            return [ordered[1]] if clear == [True, True] else None
        end = 0 if place == "left" else -1
        return [ordered[end]] if clear and clear[end] else None


def compose(
    targets: list[Row], width: int, traits: Mapping[str, Traits] | None = None, unbounded: Iterable[str] = ()
) -> None:
    """Adds expressions, in place, to the targets that have none.

    Args:
        targets (`list[dict]`): all targets of one image, in the schema; parts linked to objects by `parent_id`.
        width (`int`): the image's, in pixels.
        traits (`Mapping`, *optional*): `Traits` by target_id.
        unbounded (`Iterable[str]`, *optional*): categories of which there may be more than are annotated.
    """
    traits = traits or {}
    objects = [it for it in targets if it["granularity"] == "object"]
    scene = Scene(objects, width, traits, unbounded)
    own = _own_phrases(objects)
    names = {
        it["target_id"]: list(dict.fromkeys(own[it["target_id"]] or scene.phrases(index)))[:MOST]
        for index, it in enumerate(objects)
    }
    texts = dict(names)
    for part in targets:
        if part["granularity"] == "part" and part["part"]:
            owner = part["parent_id"]
            phrases = names.get(owner, []) if owner is not None else _orphan_phrases(part, targets, scene)
            name = spoken(part["part"])
            name = plural(name) if traits.get(part["target_id"], Traits()).instances > 1 else name
            texts[part["target_id"]] = [it for phrase in phrases for it in (f"{name} of {phrase}", f"{phrase} {name}")]
    _say(targets, texts)


def _own_phrases(objects: list[Row]) -> dict[str, list[str]]:
    """The objects' own expressions that are nouns and are said of one object only, by target_id."""
    said = Counter(it for target in objects for it in {_words(e["text"]) for e in target["expressions"]})
    return {
        target["target_id"]: [
            e["text"]
            for e in target["expressions"]
            if said[_words(e["text"])] == 1 and _names(e["text"], target["category"])
        ]
        for target in objects
    }


def of_one_object(parts: Iterable[str]) -> bool:
    """Whether parts of a category whose objects are not annotated can be taken for one object's: there is something
    among them that an object has once, and nothing of the kind is there twice."""
    once = Counter(spoken(part) for part in parts if spoken(part) in ONCE)
    return bool(once) and max(once.values()) == 1


def _orphan_phrases(part: Row, targets: list[Row], scene: Scene) -> list[str]:
    """The category, where no object of it is annotated and the parts can be of only one."""
    category = part["category"]
    siblings = [it["part"] for it in targets if it["category"] == category and it["granularity"] == "part"]
    alone = of_one_object(it for it in siblings if it) and scene.referents(Phrase(spoken(category))) == []
    return [spoken(category)] if alone and category else []


def _say(targets: list[Row], texts: dict[str, list[str]]) -> None:
    """Gives the texts to the targets that have none, except those that two targets would share."""
    silent = [it for it in targets if not it["expressions"]]
    said = Counter(_words(e["text"]) for it in targets for e in it["expressions"])
    said.update(_words(text) for it in silent for text in texts.get(it["target_id"], []))
    for target in silent:
        own = [text for text in texts.get(target["target_id"], []) if said[_words(text)] == 1]
        target["expressions"] = [
            {"expression_id": f"{target['target_id']}/{number}", "text": text} for number, text in enumerate(own)
        ]


def _names(text: str, category: str) -> bool:
    """Whether an expression says what the object is: "left" does not, and no part can be said of it."""
    heads = _PERSON if category == "person" else [spoken(category).split()[-1]]
    words = _words(text).split()
    return any(head in words or plural(head) in words for head in heads)


def _means(word: str, said: Iterable[str]) -> bool | None:
    """Whether `word` is said; None if something close is: a "fire truck" may be called a truck, "dark blue" blue."""
    if word in said:
        return True
    close = any(it.endswith(f" {word}") or word.endswith(f" {it}") for it in said)
    return None if close else False


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))


def spoken(name: str) -> str:
    """A category's name as one says it: "trash_can", "mouse_(computer)" and "Cabinet/shelf" lose what is no speech."""
    first = re.sub(r"\(.*?\)", " ", name).split("/")[0]
    return " ".join(first.replace("_", " ").lower().split())


def plural(name: str) -> str:
    """The plural of a part's name."""
    *before, last = name.split(" ")
    if last in _PLURALS:
        last = _PLURALS[last]
    elif re.search(r"(ss|x|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    elif not last.endswith("s"):
        last += "s"
    return " ".join([*before, last])


def singular(name: str) -> str:
    """The name whose plural this is, or the name itself."""
    if name in _NO_SINGULAR or name in _PLURALS:
        return name
    irregular = {many: one for one, many in _PLURALS.items()}
    shorter = (irregular.get(name, name), re.sub("ies$", "y", name), name.removesuffix("es"), name.removesuffix("s"))
    return next((it for it in shorter if it != name and plural(it) == name), name)
