# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The names of a scene's pixels agree with the scene, and never tell what training must not know."""

from random import Random

import numpy as np
import pytest

from unires_hf.scenes import UNSEEN_PARTS, PartScenes
from unires_hf.scenes.names import EXCLUSIVE, GROUPS, NAMES, NamedScenes, say_name

SCENES = PartScenes("train", 40, seed=3)


@pytest.fixture(scope="module")
def named():
    return NamedScenes(SCENES, 16)


def places(group):
    return [place for place, (it, _) in enumerate(NAMES) if it == group]


def test_shares_are_those_of_the_masks(named):
    for index in range(5):
        view, item = SCENES.look(index), named[index]
        np.testing.assert_array_equal(item["pixels"], view.pixels)
        for thing, it in enumerate(view.scene.things):
            same = tuple(other for other, kin in enumerate(view.scene.things) if kin.kind.name == it.kind.name)
            mask = view.mask(things=same).reshape(16, 8, 16, 8).mean((1, 3))
            np.testing.assert_allclose(item["shares"][NAMES.index(("class", it.kind.name))], mask, atol=1e-6)
            assert view.mask(things=(thing,)).sum() == 0 or mask.sum() > 0


def test_names_of_a_group_exclude_each_other_and_cover_all_objects(named):
    for index in range(5):
        covered = {group: named[index]["shares"][places(group)].sum(0) for group in EXCLUSIVE}
        for group in EXCLUSIVE:
            assert covered[group].max() <= 1 + 1e-5
        for group in ("color", "pattern", "part"):
            np.testing.assert_allclose(covered[group], covered["class"], atol=1e-5)


def test_parts_that_training_must_not_know_are_unknown(named):
    hidden = 0
    for index in range(len(SCENES)):
        view, known = SCENES.look(index), named[index]["known"]
        for piece, it in enumerate(view.pieces):
            secret = (view.scene.things[it.thing].kind.name, it.part) in UNSEEN_PARTS
            cells = view.mask(pieces=(piece,)).reshape(16, 8, 16, 8).any((1, 3))
            if secret:
                assert not known[cells].any()
                hidden += 1
    assert hidden > 0


def test_names_are_said_in_words_that_expressions_use():
    rng = Random(0)
    words = {say_name(group, name, rng) for group, names in GROUPS.items() for name in names}
    assert {"thing"} <= words
    assert all(word == word.strip().lower() for word in words)


def test_a_grid_must_divide_the_picture():
    with pytest.raises(ValueError, match="does not divide"):
        NamedScenes(SCENES, 7)
