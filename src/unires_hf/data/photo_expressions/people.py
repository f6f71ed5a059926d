# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What people are called: labels say "person", and no source says who is who."""

import re
from random import Random

from PIL import Image

from ..schema import Row
from .speaking import speak

CALLED = {"man": 4, "woman": 4, "guy": 3, "lady": 2, "girl": 2, "boy": 2, "kid": 1, "child": 1}
"""Words for a person and how often each is said beside the others (our choice: those of RefCOCO's sentences)."""
SHARE = 0.5
"""Of the expressions with a person, so many use one of these words."""


def speak_familiarly(row: Row, image: Image.Image, rng: Random, limit: int) -> list[Row]:
    """
    Speaks as [`speak`] does, and in half of the expressions calls a person "man", "woman", "kid" and the like.

    Who is meant is decided without the word, as with "her" and "his": it may fit another person's age or sex. For
    training alone, where what counts is that such a word means a person at all.
    """
    targets = speak(row, image, rng, limit)
    for target in targets:
        for expression in target["expressions"]:
            if rng.random() < SHARE:
                expression["text"] = _called(expression["text"], rng)
    return targets


def _called(text: str, rng: Random) -> str:
    (word,) = rng.choices(tuple(CALLED), tuple(CALLED.values()))
    return re.sub(r"\bperson\b", word, text)
