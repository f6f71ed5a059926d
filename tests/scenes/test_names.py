# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The names of a scene's pixels agree with the scene, and never tell what training must not know."""

from random import Random

import numpy as np
import pytest

from unires_hf.scenes import UNSEEN_COLORS, UNSEEN_PARTS, PartScenes
from unires_hf.scenes.names import EXCLUSIVE, GROUPS, NAMES, NamedScenes, draw_pair, say_name, say_pair

SCENES = PartScenes("train", 40, seed=3)


@pytest.fixture(scope="module")
def named():
    return NamedScenes(SCENES, 16)


def places(group):
    return [place for place, (it, _) in enumerate(NAMES) if it == group]


def cells(view, things):
    """The share of each cell that these objects cover."""
    return view.mask(things=tuple(things)).reshape(16, 8, 16, 8).mean((1, 3))


def test_shares_are_those_of_the_masks(named):
    for index in range(5):
        view, item = SCENES.look(index), named[index]
        np.testing.assert_array_equal(item.pixels, view.pixels)
        shares = item.shares(item.names)
        assert shares.shape == (len(NAMES), 16, 16)
        for it in view.scene.things:
            same = [other for other, kin in enumerate(view.scene.things) if kin.kind.name == it.kind.name]
            mask = cells(view, same)
            np.testing.assert_allclose(shares[NAMES.index(("class", it.kind.name))], mask, atol=1e-6)
            assert mask.sum() > 0


def test_places_and_sizes_are_those_of_whole_objects(named):
    sides = 0
    for index in range(len(SCENES)):
        view, item = SCENES.look(index), named[index]
        shares = item.shares(item.names)
        for name, axis, far in (("left", 0, False), ("right", 0, True), ("top", 1, False), ("bottom", 1, True)):
            centers = [(box[axis] + box[axis + 2]) / 2 / view.scene.size for box in view.boxes]
            there = [thing for thing, it in enumerate(centers) if (it > 0.6 if far else it < 0.4)]
            group = "down" if axis else "across"
            np.testing.assert_allclose(shares[NAMES.index((group, name))], cells(view, there), atol=1e-6)
            sides += len(there)
        lengths = [((box[2] - box[0]) * (box[3] - box[1])) ** 0.5 / view.scene.size for box in view.boxes]
        for name, fits in (("small", lambda length: length < 0.26), ("big", lambda length: length > 0.35)):
            there = [thing for thing, it in enumerate(lengths) if fits(it)]
            np.testing.assert_allclose(shares[NAMES.index(("size", name))], cells(view, there), atol=1e-6)
    assert sides > len(SCENES)


def test_names_of_a_group_exclude_each_other_and_cover_all_objects(named):
    for index in range(5):
        item = named[index]
        shares = item.shares(item.names)
        covered = {group: shares[places(group)].sum(0) for group in EXCLUSIVE}
        for group in EXCLUSIVE:
            assert covered[group].max() <= 1 + 1e-5
        for group in ("color", "pattern"):
            np.testing.assert_allclose(covered[group], covered["class"], atol=1e-5)
        np.testing.assert_allclose((covered["part"] * item.known), covered["class"] * item.known, atol=1e-5)


def test_parts_that_training_must_not_know_are_unknown_and_nameless(named):
    hidden = 0
    for index in range(len(SCENES)):
        view, item = SCENES.look(index), named[index]
        for piece, it in enumerate(view.pieces):
            secret = (view.scene.things[it.thing].kind.name, it.part) in UNSEEN_PARTS
            if secret:
                assert not item.known[item.pieces[piece] > 0].any()
                hidden += 1
            assert secret != item.names[piece, places("part")].any()
    assert hidden > 0


def test_a_pair_is_of_one_piece_and_none_that_training_must_not_know(named):
    rng, kinds = Random(0), set()
    for index in range(len(SCENES)):
        item = named[index]
        for pair in filter(None, (draw_pair(item, rng) for _ in range(20))):
            assert item.names[:, pair].all(axis=1).any()
            (group, noun), added = (NAMES[place] for place in pair)
            kinds.add((group, added[0]))
            if group == "class":
                assert added[0] != "part" or (noun, added[1]) not in UNSEEN_PARTS
                assert added[0] != "color" or (noun, added[1]) not in UNSEEN_COLORS
    added = ("color", "pattern", "part", "across", "down", "size")
    assert kinds == {(noun, it) for noun in ("class", "family") for it in added}


def test_names_are_said_in_words_that_expressions_use():
    rng = Random(0)
    texts = [it.text for index in range(200) for it in PartScenes("train", 200).draw(index)[1]]
    heard = set(" ".join(texts).replace("'s", "").split())
    said = {say_name(group, name, rng) for group, names in GROUPS.items() for name in names}
    assert all(name == name.strip().lower() for name in said)
    for group in ("class", "color", "pattern", "family", "across", "down", "size"):
        for name in GROUPS[group]:
            words = say_name(group, name, rng) if group in ("class", "family") else say_pair("thing", group, name, rng)
            assert set(words.split()) <= heard, words


def test_a_grid_must_divide_the_picture():
    with pytest.raises(ValueError, match="does not divide"):
        NamedScenes(SCENES, 7)
