# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Yes, no and borderline, on scenes set up by hand."""

from random import Random

import pytest

from unires_hf.scenes.objects import KINDS
from unires_hf.scenes.pen import Pen
from unires_hf.scenes.phrases import MAYBE, NO, YES, PartPhrase, Phrase, judge, refers_to, refers_to_pieces
from unires_hf.scenes.render import render
from unires_hf.scenes.scene import Scene, Thing


def stand(name, left, top, height=36.0, color="red", pattern="plain", facing="right", extras=(), **own):
    kind = KINDS[name]
    pen = Pen()
    kind.draw(pen, Random(0), frozenset(extras))
    own = {part: own.get(part, "brown") for part in kind.own}
    facing = facing if kind.turns else ""
    return Thing(kind, color, pattern, own, frozenset(extras), facing, left, top, height, 0.0, tuple(pen.shapes))


def view(*things):
    return render(Scene(128, things, "studio", 0.3), Random(0))


def test_leftmost_is_borderline_where_two_are_about_as_far_left():
    apart = view(stand("mug", 5, 10), stand("mug", 60, 50))
    assert judge(Phrase("mug", place="leftmost"), apart) == [YES, NO]
    close = view(stand("mug", 5, 10), stand("mug", 9, 70))
    assert judge(Phrase("mug", place="leftmost"), close) == [MAYBE, MAYBE]
    assert refers_to(Phrase("mug", place="leftmost"), close) is None


def test_left_is_said_of_two_and_middle_of_three():
    three = view(stand("mug", 2, 60, 24), stand("mug", 50, 60, 24), stand("mug", 95, 60, 24), stand("tree", 60, 4))
    assert refers_to(Phrase("mug", place="left"), three) is None
    assert refers_to(Phrase("mug", place="leftmost"), three) == (0,)
    assert refers_to(Phrase("mug", place="middle"), three) == (1,)
    assert refers_to(Phrase("mug", place="second from the right"), three) == (1,)
    assert refers_to(Phrase("dog", place="middle"), three) == ()


def test_a_size_needs_a_clear_difference():
    scene = view(stand("mug", 5, 10, 24), stand("mug", 60, 10, 36))
    assert refers_to(Phrase("mug", size="smaller"), scene) == (0,)
    assert refers_to(Phrase("mug", size="smallest"), scene) is None
    scene = view(stand("mug", 5, 10, 33), stand("mug", 60, 10, 36))
    assert refers_to(Phrase("mug", size="smaller"), scene) is None


def test_a_color_is_borderline_where_a_large_part_has_it():
    scene = view(stand("boat", 5, 10, color="red", sail="blue"), stand("boat", 60, 60, color="blue", sail="blue"))
    assert judge(Phrase("boat", color="blue"), scene) == [MAYBE, YES]
    assert judge(Phrase("boat", color="red"), scene) == [YES, NO]
    assert refers_to(Phrase("boat", part="sail", part_color="blue"), scene) == (0, 1)


def test_what_is_mostly_hidden_is_borderline():
    scene = view(stand("mug", 40, 40, 30), stand("elephant", 30, 20, 60))
    assert scene.shown[0] < 0.6
    assert judge(Phrase("mug"), scene) == [MAYBE, NO]


def test_superordinates_that_people_would_dispute_are_borderline():
    scene = view(stand("bicycle", 5, 10, 30), stand("car", 60, 60, 30), stand("dog", 5, 80))
    assert judge(Phrase("vehicle"), scene) == [MAYBE, YES, NO]
    assert judge(Phrase("thing"), scene) == [YES, YES, MAYBE]


def test_only_what_has_a_front_faces_a_side():
    scene = view(stand("mug", 5, 10, facing="left"), stand("car", 60, 60, 30, facing="left"), stand("lamp", 5, 70))
    assert judge(Phrase("mug", facing="left"), scene) == [YES, NO, NO]
    assert judge(Phrase("thing", facing="left"), scene) == [MAYBE, YES, MAYBE]


@pytest.mark.parametrize(
    ("relation", "expected"),
    [("left of", None), ("right of", ()), ("above", (1,)), ("closest to", (1,)), ("in front of", ())],
)
def test_relations_need_one_clear_direction(relation, expected):
    scene = view(stand("mug", 2, 80, 30), stand("mug", 60, 12, 30), stand("tree", 86, 58, 50))
    phrase = Phrase("mug", relation=relation, anchor=Phrase("tree"))
    assert refers_to(phrase, scene) == expected


def test_a_relation_to_nothing_means_nothing_and_to_two_is_borderline():
    scene = view(stand("mug", 2, 80, 30), stand("mug", 60, 12, 30), stand("tree", 86, 58, 50))
    assert refers_to(Phrase("tree", relation="right of", anchor=Phrase("dog")), scene) == ()
    assert refers_to(Phrase("tree", relation="right of", anchor=Phrase("mug")), scene) is None


def test_parts_have_sides_in_the_picture_and_ends_of_their_own():
    scene = view(stand("car", 5, 20, 30, facing="left"), stand("dog", 5, 70, 40))
    car = Phrase("car")
    left = refers_to_pieces(PartPhrase("wheel", car, side="left"), scene)
    assert left == refers_to_pieces(PartPhrase("wheel", car, side="front"), scene)
    right = refers_to_pieces(PartPhrase("wheel", car, side="right"), scene)
    assert sorted(left + right) == sorted(refers_to_pieces(PartPhrase("wheel", car, plural=True), scene))
    assert refers_to_pieces(PartPhrase("wheel", car), scene) is None
    assert refers_to_pieces(PartPhrase("leg", Phrase("dog"), side="left"), scene) is None
    assert len(refers_to_pieces(PartPhrase("leg", Phrase("dog"), side="front"), scene)) == 1


def test_a_part_that_was_never_drawn_is_missing_but_a_hidden_one_is_borderline():
    bare = view(stand("dog", 5, 70, 40))
    assert refers_to_pieces(PartPhrase("collar", Phrase("dog")), bare) == ()
    assert refers_to(Phrase("dog", part="collar", without=True), bare) == (0,)
    hidden = view(stand("dog", 5, 70, 40, extras=["collar"]), stand("mug", 30, 70, 26))
    assert hidden.shown[0] > 0.6
    assert refers_to_pieces(PartPhrase("collar", Phrase("dog")), hidden) is None
    assert judge(Phrase("dog", part="collar", without=True), hidden) == [MAYBE, NO]
