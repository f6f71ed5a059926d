# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Phrases in English, each in one of the ways in which people would say it."""

from random import Random

from .objects import ALWAYS_PLURAL, FAMILY_PLURALS, KINDS, PART_PLURALS
from .phrases import CATEGORY, PartPhrase, Phrase

_PLURALS = FAMILY_PLURALS | {one: many for kind in KINDS.values() for one, many in kind.names}
_WORN_PARTS = ("hat", "trousers", "shoe")
_ON_PARTS = ("wheel", "window", "door", "headlight", "flag", "chimney", "handle", "lid", "saddle", "blanket", "collar")

# Before the noun, and after it.
_PLACES = {
    "leftmost": (("leftmost", "far left"), ("on the far left", "furthest to the left")),
    "rightmost": (("rightmost", "far right"), ("on the far right", "furthest to the right")),
    "topmost": (("topmost", "top"), ("at the very top", "closest to the top")),
    "bottommost": (("bottommost", "bottom"), ("at the very bottom", "closest to the bottom")),
    "left": (("left",), ("on the left",)),
    "right": (("right",), ("on the right",)),
    "upper": (("top", "upper"), ("at the top",)),
    "lower": (("bottom", "lower"), ("at the bottom",)),
    "middle": (("middle", "center"), ("in the middle", "in the center")),
    "second from the left": ((), ("second from the left",)),
    "second from the right": ((), ("second from the right",)),
    "top left corner": ((), ("in the top left corner", "in the upper left")),
    "top right corner": ((), ("in the top right corner", "in the upper right")),
    "bottom left corner": ((), ("in the bottom left corner", "in the lower left")),
    "bottom right corner": ((), ("in the bottom right corner", "in the lower right")),
}
_SIZES = {
    "biggest": ("biggest", "largest"),
    "smallest": ("smallest",),
    "bigger": ("bigger", "larger", "big", "large"),
    "smaller": ("smaller", "small", "little"),
}
_RELATIONS = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above",),
    "below": ("below",),
    "in front of": ("in front of",),
    "behind": ("behind",),
    "closest to": ("closest to", "nearest to", "nearest"),
}


def part_noun(part: str, plural: bool) -> str:
    """The word for one copy of a part, or for all of them."""
    return PART_PLURALS.get(part, part + "s") if plural and part not in ALWAYS_PLURAL else part


def say(phrase: Phrase, rng: Random, count: int = 1) -> str:
    """The phrase, with or without its article; `count` is how many objects a plural means."""
    if not phrase.plural:
        return " ".join([*_article(rng), *_flat(_around(phrase, rng))])
    numbers = {2: ("both", "both", "the two"), 3: ("the three",), 4: ("the four",)}
    each = ("every",) if phrase.noun != "thing" else ()
    start = rng.choice(("all the", "all the", "all", *each, *numbers.get(count, ())))
    return " ".join([start, *_flat(_around(phrase._replace(plural=start != "every"), rng))])


def say_part(phrase: PartPhrase, rng: Random) -> str:
    """Part first ("the handle of the mug") or owner first ("the mug's handle")."""
    name = part_noun(phrase.part, phrase.plural or (phrase.owner is not None and _legs(phrase)))
    if phrase.owner is None:
        return " ".join([*_article(rng), phrase.color, name])
    named = [rng.choice(("back", "rear")) if phrase.side == "back" else phrase.side] if phrase.side else []
    before, noun, after = _around(phrase.owner, rng)
    if not after and rng.random() < 0.5:
        return " ".join([*_article(rng), *before, noun + "'s", *named, name])
    link = "in" if phrase.part == "coffee" else rng.choice(("of", "of", "on")) if phrase.part in _ON_PARTS else "of"
    return " ".join([*_article(rng), *named, name, link, "the", *before, noun, *after])


def _legs(phrase: PartPhrase) -> bool:
    """The front and the back legs of an animal come in pairs."""
    return phrase.part == "leg" and phrase.side in ("front", "back")


def _article(rng: Random) -> list[str]:
    return ["the"] if rng.random() < 0.6 else []


def _around(phrase: Phrase, rng: Random) -> tuple[list[str], str, list[str]]:
    """What stands before the noun, the noun, and what stands after it."""
    before, after = [], []
    worn = _garment(phrase.noun)
    if worn:
        after += _worn_color(phrase, worn, rng)
    else:
        before += [word for word in (phrase.pattern, phrase.color) if word]
    if phrase.part:
        after.append(_part_clause(phrase, rng))
    if phrase.facing:
        after.append(_facing_clause(phrase, rng))
    if phrase.size:
        before.insert(0, rng.choice(_SIZES[phrase.size]))
    if phrase.place:
        first, last = _PLACES[phrase.place]
        if first and (after or rng.random() < 0.6):
            before.insert(0, rng.choice(first))
        else:
            after.append(rng.choice(last))
    if phrase.anchor:
        after.append(f"{rng.choice(_RELATIONS[phrase.relation])} the {' '.join(_flat(_around(phrase.anchor, rng)))}")
    noun = _PLURALS[phrase.noun] if phrase.plural else phrase.noun
    return before, noun, after


def _flat(words: tuple[list[str], str, list[str]]) -> list[str]:
    return [*words[0], words[1], *words[2]]


def _garment(noun: str) -> str:
    return "clothes" if noun == "person" else KINDS[CATEGORY[noun]].worn if noun in CATEGORY else ""


def _worn_color(phrase: Phrase, worn: str, rng: Random) -> list[str]:
    words = [word for word in (phrase.pattern, phrase.color) if word]
    if not words:
        return []
    if worn == "clothes" or (words == [phrase.color] and rng.random() < 0.4):
        return [f"in {phrase.color}"] if words == [phrase.color] else ["in", *words, "clothes"]
    article = [] if phrase.plural else ["a" if rng.random() < 0.5 else "the"]
    return [
        " ".join(["in", *article, *words, worn + ("s" if phrase.plural and worn == "shirt" else "es" * phrase.plural)])
    ]


def _part_clause(phrase: Phrase, rng: Random) -> str:
    many = phrase.part in ("shoe", "wheel", "wing", "leg", *ALWAYS_PLURAL)
    noun = part_noun(phrase.part, many)
    if phrase.without:
        return f"without {noun}" if many else f"without {_indefinite(noun)}"
    described = f"{phrase.part_color} {noun}".strip()
    link = rng.choice(("in", "wearing", "with")) if phrase.part in _WORN_PARTS else "with"
    return f"{link} {described if many else _indefinite(described)}"


def _indefinite(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _facing_clause(phrase: Phrase, rng: Random) -> str:
    turns = KINDS[CATEGORY[phrase.noun]].turns if phrase.noun in CATEGORY else "facing"
    if turns == "facing":
        return rng.choice(
            (
                f"facing {phrase.facing}",
                f"looking {phrase.facing}" if _alive(phrase.noun) else f"pointing {phrase.facing}",
            )
        )
    return (
        f"with its {turns} on the {phrase.facing}" if not phrase.plural else f"with the {turns} on the {phrase.facing}"
    )


def _alive(noun: str) -> bool:
    return noun == "animal" or (noun in CATEGORY and "animal" in KINDS[CATEGORY[noun]].families)
