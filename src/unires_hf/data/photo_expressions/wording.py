# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Phrases about photographs in English, each in one of the ways in which people would say it."""

from random import Random

from .truth import Phrase
from .vocabulary import WORN, is_mass, is_plural, many

# Before the noun, and after it.
_PLACES = {
    "leftmost": (("leftmost", "far left"), ("on the far left", "furthest to the left", "furthest left")),
    "rightmost": (("rightmost", "far right"), ("on the far right", "furthest to the right", "furthest right")),
    "topmost": (("topmost", "top", "highest"), ("at the very top", "closest to the top")),
    "bottommost": (("bottommost", "bottom", "lowest"), ("at the very bottom", "closest to the bottom")),
    "left": (("left",), ("on the left", "on the left side", "to the left")),
    "right": (("right",), ("on the right", "on the right side", "to the right")),
    "top": (("top", "upper"), ("at the top", "on top")),
    "bottom": (("bottom", "lower"), ("at the bottom",)),
    "middle": (("middle", "center"), ("in the middle", "in the center")),
    "second from the left": ((), ("second from the left", "second from left")),
    "second from the right": ((), ("second from the right", "second from right")),
    "third from the left": ((), ("third from the left", "third from left")),
    "third from the right": ((), ("third from the right", "third from right")),
    "top left corner": ((), ("in the top left corner", "in the upper left", "at the top left")),
    "top right corner": ((), ("in the top right corner", "in the upper right", "at the top right")),
    "bottom left corner": ((), ("in the bottom left corner", "in the lower left", "at the bottom left")),
    "bottom right corner": ((), ("in the bottom right corner", "in the lower right", "at the bottom right")),
}
_OF_THE_PICTURE = {
    "left": ("on the left of the picture", "on the left side of the image", "at the picture's left"),
    "right": ("on the right of the picture", "on the right side of the image", "at the picture's right"),
    "leftmost": ("furthest left in the picture", "closest to the left edge of the picture"),
    "rightmost": ("furthest right in the picture", "closest to the right edge of the picture"),
}
_SIZES = {
    "biggest": ("biggest", "largest"),
    "smallest": ("smallest",),
    "bigger": ("bigger", "larger", "big"),
    "smaller": ("smaller", "small", "little"),
}
_RELATIONS = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above",),
    "below": ("below",),
    "next to": ("next to", "beside"),
    "on": ("on", "on top of"),
}


def say(phrase: Phrase, rng: Random, own_sides: bool = False, count: int = 0, alone: bool = False) -> str:
    """The phrase, with or without its article.

    Args:
        phrase (`Phrase`): what is meant.
        rng (`Random`): chooses among the ways to say it.
        own_sides (`bool`): the thing has a left of its own, so that the picture's left is called the picture's.
        count (`int`): how many a plural means, 0 if that is not told.
        alone (`bool`): the owner is the only person in the picture, who may be called "her" or "his".
    """
    before, noun, after = _around(phrase, rng, own_sides)
    start = _start(phrase, rng, count)
    if phrase.owner is None:
        if not start and after == [f"on the {phrase.place}"] and rng.random() < 0.5:
            after = [phrase.place]  # "laptop screen left" (paper, MRES-32M's samples)
        return " ".join([*start, *before, noun, *after])
    return " ".join(_owned(phrase, rng, start, before, noun, after, alone))


def _start(phrase: Phrase, rng: Random, count: int) -> list[str]:
    if not phrase.plural:
        return ["the"] if rng.random() < 0.6 else []
    if is_plural(phrase.noun) or is_mass(phrase.noun):
        return [rng.choice(("all the", "the"))]
    numbers = {2: ("both", "both", "the two"), 3: ("the three", "all three"), 4: ("the four", "all four")}
    return [rng.choice(("all the", "all the", "all", "the", *numbers.get(count, ())))]


def _owned(
    phrase: Phrase, rng: Random, start: list[str], before: list[str], noun: str, after: list[str], alone: bool
) -> list[str]:
    owner = phrase.owner
    of_before, of_noun, of_after = _around(owner, rng, False)
    person = of_noun == "person"
    plain = not (of_before or of_after)
    several = start if start and start[0] not in ("the",) else []
    # "all the windows of the facade", "all of her shoes"
    if several:
        return [*several, *before, noun, *after, "of the", *of_before, of_noun, *of_after]
    way = rng.random()
    worn = person and phrase.noun in WORN
    if person and plain and alone and way < 0.35:
        return [rng.choice(("her", "his", "her", "his", "their")), *before, noun, *after]
    if worn and way < 0.5:
        return [*start, *before, noun, *after, "the", *of_before, of_noun, *of_after, "is wearing"]
    if not of_after and way < 0.75:
        return [*_maybe_the(rng), *of_before, f"{of_noun}'s", *before, noun, *after]
    if not of_after and not person and way < 0.85:
        return [*_maybe_the(rng), *of_before, of_noun, *before, noun, *after]
    if after and not of_after and way < 0.9:
        return [*_maybe_the(rng), *of_before, f"{of_noun}'s", *before, noun, *after]
    link = rng.choice(("of", "of", "on")) if phrase.noun in ("wheel", "mirror", "door", "window", "hat") else "of"
    return [*start, *before, noun, link, "the", *of_before, of_noun, *of_after, *after]


def _maybe_the(rng: Random) -> list[str]:
    return ["the"] if rng.random() < 0.7 else []


def _around(phrase: Phrase, rng: Random, own_sides: bool) -> tuple[list[str], str, list[str]]:
    """What stands before the noun, the noun, and what stands after it."""
    before, after = [], []
    if phrase.size:
        before.append(rng.choice(_SIZES[phrase.size]))
    end = rng.choice(("back", "rear")) if phrase.end == "back" else phrase.end
    marks = [it for it in (end, phrase.side) if it]
    before += marks if rng.random() < 0.6 else marks[::-1]
    if phrase.color:
        before.insert(0, phrase.color) if marks else before.append(phrase.color)
    if phrase.part:
        after.append(_with_part(phrase, rng))
    if phrase.place:
        first, last = _PLACES[phrase.place]
        if own_sides and phrase.place in _OF_THE_PICTURE:
            first, last = (), _OF_THE_PICTURE[phrase.place]
        if first and (after or phrase.row or rng.random() < 0.55):
            before.insert(0, rng.choice(first))
        else:
            after.append(rng.choice(last))
    if phrase.row:
        from_top = " from the top" if phrase.row in ("second", "third") else ""
        after.append(f"{rng.choice(('in', 'in', 'of'))} the {phrase.row} row{from_top}")
    if phrase.anchor:
        anchor = " ".join(_flat(_around(phrase.anchor, rng, False)))
        after.append(f"{rng.choice(_RELATIONS[phrase.relation])} the {anchor}")
    noun = many(phrase.noun) if phrase.plural else phrase.noun
    return before, noun, after


def _flat(words: tuple[list[str], str, list[str]]) -> list[str]:
    return [*words[0], words[1], *words[2]]


def _with_part(phrase: Phrase, rng: Random) -> str:
    described = f"{phrase.part_color} {phrase.part}".strip()
    if not (is_plural(phrase.part) or is_mass(phrase.part)):
        described = f"{'an' if described[0] in 'aeiou' else 'a'} {described}"
    worn = phrase.part in WORN
    return f"{rng.choice(('wearing', 'in', 'with', 'wearing')) if worn else 'with'} {described}"
