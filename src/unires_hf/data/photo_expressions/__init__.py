# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What people say of photographs whose masks are known: nouns and their synonyms, owners, sides, places, sizes, colors
measured on the pixels, relations, several at once, and what is not there. See [`speak`].

Each sentence is judged against the row and what is known of its source, with yes, no and borderline, and a borderline
one is not spoken. An expression's kind is the last field of its `expression_id` (`kind_of`), as in PartScenes:
`OBJECT_KINDS`, `PART_KINDS`, and `NO_TARGET` or `NO_TARGET_HARD` for what has no referent.
"""

from .frozen import digest, voiced, with_words
from .people import speak_familiarly
from .speaking import NO_TARGET, NO_TARGET_HARD, OBJECT_KINDS, PART_KINDS, kind_of, speak

__all__ = [
    "NO_TARGET",
    "NO_TARGET_HARD",
    "OBJECT_KINDS",
    "PART_KINDS",
    "digest",
    "kind_of",
    "speak",
    "speak_familiarly",
    "voiced",
    "with_words",
]
