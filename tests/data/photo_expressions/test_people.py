# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Persons are called by many words in training, and all else stays as it was said."""

import re
from random import Random

from unires_hf.data.photo_expressions import speak, speak_familiarly
from unires_hf.data.photo_expressions.people import CALLED


def texts(speaker, made, seed):
    return [
        expression["text"]
        for target in speaker(made.row, made.image, Random(seed), 8)
        for expression in target["expressions"]
    ]


def test_a_person_gets_every_name_and_nothing_else_changes(person):
    called = re.compile(rf"\b({'|'.join(CALLED)})\b")
    exchanged, kept, heard = 0, 0, set()
    for seed in range(150):
        for before, after in zip(texts(speak, person, seed), texts(speak_familiarly, person, seed), strict=True):
            assert called.sub("person", after) == before
            heard |= set(called.findall(after))
            exchanged += before != after
            kept += before == after and "person" in before
    assert heard == set(CALLED)
    assert 0.4 < exchanged / (exchanged + kept) < 0.6


def test_where_there_is_nobody_all_words_stay(dogs):
    for seed in range(20):
        assert texts(speak, dogs, seed) == texts(speak_familiarly, dogs, seed)
