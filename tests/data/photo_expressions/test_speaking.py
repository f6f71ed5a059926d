# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is said of made photographs, checked by a listener who knows what was drawn."""

from random import Random

import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.data.photo_expressions import (
    NO_TARGET,
    NO_TARGET_HARD,
    OBJECT_KINDS,
    PART_KINDS,
    kind_of,
    speak,
    with_words,
)
from unires_hf.data.photo_expressions.color_names import TERMS
from unires_hf.data.schema import validate_row

KINDS = {*OBJECT_KINDS, *PART_KINDS, NO_TARGET, NO_TARGET_HARD}


def heard(made, times=40, limit=8):
    """All that is said in many tries, as (text, kind, target)."""
    return [
        (expression["text"], kind_of(expression["expression_id"]), target)
        for seed in range(times)
        for target in speak(made.row, made.image, Random(seed), limit)
        for expression in target["expressions"]
    ]


@pytest.mark.parametrize("name", ["person", "front", "dogs"])
def test_what_is_said_keeps_the_schema(request, name):
    made = request.getfixturevalue(name)
    for seed in range(20):
        targets = speak(made.row, made.image, Random(seed), 6)
        assert 0 < sum(len(it["expressions"]) for it in targets) <= 6
        ids = {it["target_id"] for it in made.row["targets"]}
        kept = [it for it in made.row["targets"] if it["target_id"] not in {t["target_id"] for t in targets}]
        validate_row(made.row | {"image": None, "targets": targets + kept})
        for target in targets:
            kinds = {kind_of(it["expression_id"]) for it in target["expressions"]}
            assert kinds <= KINDS
            nothing = masks.area(target["mask"]) == 0
            assert nothing == bool(kinds & {NO_TARGET, NO_TARGET_HARD})
            assert target["target_id"] in ids or nothing or "-several-" in target["target_id"]
            assert target["bbox"] == pytest.approx(masks.bbox(target["mask"]), abs=1e-3)


def test_the_same_rng_says_the_same(dogs):
    first, second, other = (speak(dogs.row, dogs.image, Random(seed), 8) for seed in (1, 1, 2))
    assert first == second and first != other


def test_all_kinds_are_said(person, front, dogs, photograph):
    facades = photograph("facades")
    facade = facades.add("facade", (0, 0, 200, 200))
    for left in (20, 80, 140):
        facades.add("window", (left, 20, left + 25, 50 + (left == 80) * 40), "black", facade)
    kinds = {kind for made in (person, front, dogs, facades) for _, kind, _ in heard(made)}
    assert kinds == KINDS - {"superordinate", "relation"} | {"superordinate", "relation"} & kinds
    assert {"relation", "superordinate"} & kinds


def test_words_of_dogs_mean_the_right_ones(dogs):
    """A listener who knows three dogs and a cat, and hears only the words."""
    first, middle, last, cat = dogs.row["targets"]
    meant = {
        **{"leftmost dog": first, "far left dog": first, "dog on the far left": first},
        **{"rightmost dog": last, "far right dog": last, "dog on the far right": last},
        **{"middle dog": middle, "center dog": middle, "dog second from the left": middle},
        **{"black dog": middle, "biggest dog": middle, "largest dog": middle, "cat": cat, "red cat": cat},
    }
    checked = set()
    for text, _, target in heard(dogs):
        plain = text.removeprefix("the ")
        if plain in meant:
            assert target["mask"] == meant[plain]["mask"], text
            checked.add(plain)
        assert plain not in ("dog", "left dog", "right dog", "white dog")  # of two or three
        if target["mask"] == cat["mask"]:
            assert "cat" in text or "animal" in text
    assert {"middle dog", "biggest dog", "black dog", "cat"} <= checked


def test_several_are_their_union(dogs):
    said = [it for it in heard(dogs) if it[1] == "several"]
    union = masks.union([it["mask"] for it in dogs.row["targets"][:3]])
    assert said
    for text, _, target in said:
        assert "dogs" in text and target["mask"] == union


def test_a_cars_own_side_is_said_with_the_car_and_the_pictures_with_the_picture(front):
    right, left = front.row["targets"][1:3]  # of the car
    said = [it for it in heard(front) if "light" in it[0] and it[2]["mask"] in (right["mask"], left["mask"])]
    kinds = set()
    for text, kind, target in said:
        own = "left" if target["mask"] == left["mask"] else "right"
        side = own if kind == "part_side" else {"left": "right", "right": "left"}[own]
        assert side in text, text
        assert ("car" in text) if kind == "part_side" else ("picture" in text or "image" in text), text
        kinds.add(kind)
    assert kinds == {"part_side", "part_location"}


def test_two_wheels_in_one_mask_are_wheels(front):
    said = [text for text, _, target in heard(front) if target["part"] == "wheel"]
    assert said and all("wheels" in text for text in said)


def test_hers_and_his_are_the_only_persons(person, photograph):
    assert any(text.startswith(("her ", "his ")) for text, _, _ in heard(person))
    two = photograph("clothing-co-parsing")
    for left in (10, 120):
        somebody = two.add("person", (left, 20, left + 60, 190))
        two.add("hair", (left + 20, 20, left + 40, 40), "black", somebody)
    said = [(text, target) for text, _, target in heard(two) if target["part"] == "hair"]
    assert said
    for text, target in said:
        assert not text.startswith(("her ", "his ", "their "))
        if masks.area(target["mask"]):
            assert ("left" in text) == (target["bbox"][0] < 100), text


def test_nobody_is_called_by_a_color(person):
    for text, _, target in heard(person):
        named = set(text.split()) & set(TERMS)
        assert not named or target["part"] not in ("hair", "skin", "person")


def test_shares_of_what_is_said(person, front, dogs):
    said = [it for made in (person, front, dogs) for it in heard(made, times=60)]
    absent = [kind for _, kind, _ in said if kind in (NO_TARGET, NO_TARGET_HARD)]
    colored = [text for text, _, _ in said if set(text.split()) & set(TERMS)]
    assert 0.15 < len(absent) / len(said) < 0.25
    assert 0.35 < absent.count(NO_TARGET_HARD) / len(absent) < 0.65
    assert 0.02 < len(colored) / len(said) < 0.3


def test_small_things_are_not_asked_for_but_count(photograph):
    made = photograph("coco")
    made.add("dog", (20, 20, 80, 80), "white")
    made.add("dog", (190, 190, 192, 192), "white")
    for text, _, target in heard(made):
        assert masks.area(target["mask"]) != 4
        assert text.removeprefix("the ") != "dog"


def test_words_stay_with_silent_targets(dogs):
    row = dogs.row | {"image": dogs.image}
    worded = with_words(row, limit=3)
    assert worded == with_words(row, limit=3)
    ids = [it["target_id"] for it in worded["targets"]]
    assert ids[:4] == [it["target_id"] for it in dogs.row["targets"]]
    assert 0 < sum(len(it["expressions"]) for it in worded["targets"]) <= 3
    assert not any(it["expressions"] for it in dogs.row["targets"])


def test_a_mask_without_pixels_or_none_is_passed_over(dogs):
    empty = masks.encode(np.zeros((200, 200), bool))
    for mask in (empty, None):
        row = dogs.row | {"targets": [*dogs.row["targets"], dogs.row["targets"][3] | {"target_id": "x", "mask": mask}]}
        said = speak(row, dogs.image, Random(3), 8)
        assert said == speak(dogs.row, dogs.image, Random(3), 8)
