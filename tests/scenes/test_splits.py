# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the splits promise: disjoint pairs, one mix of kinds, few colors named, and no shortcut."""

import re
from collections import Counter

import pytest

from unires_hf.scenes import (
    NO_TARGET,
    OBJECT_KINDS,
    PART_KINDS,
    SPLITS,
    UNSEEN_COLORS,
    UNSEEN_PARTS,
    PartScenes,
    trivial_scores,
)
from unires_hf.scenes.objects import KINDS
from unires_hf.scenes.palette import COLORS
from unires_hf.scenes.phrases import CATEGORY, PartPhrase
from unires_hf.scenes.scene import every_part

SEEN = ("train", "val", "crowded", "no_target")


def named_pairs(phrase):
    """(class, color) and (class, part) pairs that a phrase names, and those of the phrases within it."""
    colors, parts = set(), set()
    while phrase is not None:
        if isinstance(phrase, PartPhrase):
            if phrase.owner:
                parts |= {(name, phrase.part) for name in classes(phrase.owner.noun)}
            phrase = phrase.owner
            continue
        colors |= {(CATEGORY.get(phrase.noun), phrase.color)} if phrase.color else set()
        parts |= {(name, phrase.part) for name in classes(phrase.noun)} if phrase.part else set()
        phrase = phrase.anchor
    return colors, parts


def classes(noun):
    return {CATEGORY[noun]} if noun in CATEGORY else {k.name for k in KINDS.values() if noun in k.families}


def test_the_world_is_as_rich_as_it_says():
    parts = set().union(*map(every_part, KINDS))
    assert len(KINDS) == 23 and len(parts) == 68 and len(COLORS) == 11
    for name, part in UNSEEN_PARTS:
        assert part in every_part(name)
        assert any(part in every_part(other) and (other, part) not in UNSEEN_PARTS for other in KINDS)
    per_class, per_color = Counter(k for k, _ in UNSEEN_COLORS), Counter(c for _, c in UNSEEN_COLORS)
    assert set(per_class) == set(KINDS) and set(per_class.values()) == {2}
    assert set(per_color) == set(COLORS) and max(per_color.values()) <= 5


@pytest.mark.parametrize("split", SEEN)
def test_unseen_pairs_never_occur_where_they_must_not(drawn, split):
    for view, expressions in drawn[split]:
        assert not {(thing.kind.name, thing.color) for thing in view.scene.things} & UNSEEN_COLORS
        for expression in expressions:
            pieces = [view.pieces[i] for i in expression.pieces]
            assert not {(view.scene.things[p.thing].kind.name, p.part) for p in pieces} & UNSEEN_PARTS
            colors, parts = named_pairs(expression.phrase)
            assert not colors & UNSEEN_COLORS and not parts & UNSEEN_PARTS
            for name, color in UNSEEN_COLORS:
                assert not re.search(rf"\b{color} {name}\b", expression.text)


def test_unseen_splits_ask_for_unseen_pairs(drawn):
    found = Counter()
    for view, expressions in drawn["unseen_color"]:
        for expression in expressions:
            for i in {*expression.things, *(view.pieces[i].thing for i in expression.pieces)}:
                pair = view.scene.things[i].kind.name, view.scene.things[i].color
                assert pair in UNSEEN_COLORS
                found[pair] += 1
    assert len(found) > 35
    found = Counter()
    for view, expressions in drawn["unseen_part"]:
        for expression in expressions:
            for i in expression.pieces:
                pair = view.scene.things[view.pieces[i].thing].kind.name, view.pieces[i].part
                assert pair in UNSEEN_PARTS
                found[pair] += 1
    assert set(found) == UNSEEN_PARTS


def test_splits_mix_the_kinds_alike(drawn):
    shares = {}
    for split, scenes in drawn.items():
        kinds = Counter(e.kind for _, expressions in scenes for e in expressions)
        absent = kinds.pop(NO_TARGET) / kinds.total()
        shares[split] = {kind: count / kinds.total() for kind, count in kinds.items()}
        assert 0.35 < absent / (1 + absent) < 0.55 if split == "no_target" else 0.05 < absent / (1 + absent) < 0.14
        assert set(kinds) == {*OBJECT_KINDS, *PART_KINDS}
        assert 0.4 < sum(shares[split][kind] for kind in OBJECT_KINDS) < 0.6
    for split in shares:
        for kind, share in shares[split].items():
            assert abs(share - shares["train"][kind]) < 0.08, (split, kind)


@pytest.mark.parametrize("split", SPLITS)
def test_at_most_a_third_names_a_color(drawn, split):
    texts = [e.text for _, expressions in drawn[split] for e in expressions]
    assert 0.15 < sum(bool(re.search(rf"\b({'|'.join(COLORS)})\b", text)) for text in texts) / len(texts) < 1 / 3


@pytest.mark.parametrize("split", SPLITS)
def test_no_two_expressions_of_a_scene_are_the_same(drawn, split):
    for _, expressions in drawn[split]:
        assert len({expression.text for expression in expressions}) == len(expressions)
    assert sum(len(expressions) for _, expressions in drawn[split]) > 8 * len(drawn[split])


@pytest.mark.parametrize("split", SPLITS)
def test_a_smaller_world_shows_and_names_its_own_classes_alone(split):
    kinds = ("horse", "bird", "car", "bus", "house", "chair")
    scenes = PartScenes(split, 40, kinds=kinds)
    shown, named = set(), set()
    for view, expressions in map(scenes.draw, range(len(scenes))):
        shown |= {thing.kind.name for thing in view.scene.things}
        named |= {noun for expression in expressions for noun in nouns(expression.phrase)}
    assert shown == set(kinds) and {CATEGORY[noun] for noun in named if noun in CATEGORY} == set(kinds)


def nouns(phrase):
    """The nouns of a phrase and of those within it."""
    while phrase is not None:
        if isinstance(phrase, PartPhrase):
            phrase = phrase.owner
        else:
            yield phrase.noun
            phrase = phrase.anchor


def test_all_classes_are_the_world_that_is_drawn_by_default():
    whole = PartScenes("val", 3, kinds=tuple(KINDS))
    assert [row["targets"] for row in whole] == [row["targets"] for row in PartScenes("val", 3)]


@pytest.mark.parametrize(
    ("split", "kinds", "sentence"),
    [
        ("train", ["dog", "cow"], "has no class 'cow'; its classes are man, woman, dog"),
        ("train", ["dog"], "train needs at least two classes that it may show"),
        ("train", ["dog", "dog"], "train needs at least two classes that it may show"),
        ("unseen_part", ["dog", "boat"], "of bird, bus, car.*of dog, boat it may show none"),
    ],
)
def test_a_world_too_small_is_refused(split, kinds, sentence):
    with pytest.raises(ValueError, match=sentence):
        PartScenes(split, 3, kinds=kinds)


def test_shortcuts_fail():
    """In every split, within what so few scenes can tell, and more clearly over all of them."""
    scores = {split: trivial_scores(PartScenes(split, 60)) for split in SPLITS}
    for granularity, name, bound, slack in (
        ("object", "all_foreground", 30, 3),
        ("object", "right_color", 47, 8),
        ("object", "right_class", 50, 8),
        ("object", "right_place", 47, 10),
        ("part", "all_foreground", 6, 2),
        ("part", "whole_parent", 25, 5),
        ("part", "right_part", 45, 8),
    ):
        values = [scores[split][granularity][name] for split in SPLITS]
        assert sum(values) / len(values) < bound and max(values) < bound + slack, (granularity, name, values)


def test_trivial_scores_by_kind_add_up_to_those_by_granularity():
    scenes = PartScenes("val", 20)
    whole, by_kind = trivial_scores(scenes), trivial_scores(scenes, by_kind=True)
    counts = Counter(e.kind for index in range(20) for e in scenes.draw(index)[1])
    for granularity, kinds in (("object", OBJECT_KINDS), ("part", PART_KINDS)):
        said = [kind for kind in kinds if counts[kind]]
        for answer in ("all_foreground", "right_class"):
            total = sum(counts[kind] * by_kind[kind][answer] for kind in said)
            assert total / sum(counts[kind] for kind in said) == pytest.approx(whole[granularity][answer])
    assert by_kind["class"]["right_class"] == 100, "the only one of its class"
    assert "right_place" in by_kind["location"] and "right_place" not in by_kind["size"]


def test_trivial_scores_of_one_object_are_known():
    """Where there is one object, every trivial answer finds it, and scores a part's share of it for the part."""
    scenes = PartScenes("train", 20, objects=(1, 1))
    scores = trivial_scores(scenes)
    assert scores["object"] == {"all_foreground": 100.0, "right_color": 100.0, "right_class": 100.0}
    shares = []
    for view, expressions in map(scenes.draw, range(20)):
        shares += [view.mask(pieces=e.pieces).sum() / view.mask(things=(0,)).sum() for e in expressions if e.pieces]
    assert scores["part"]["whole_parent"] == pytest.approx(100 * sum(shares) / len(shares))
    assert scores["part"]["right_part"] > scores["part"]["whole_parent"] == scores["part"]["all_foreground"]
