# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What phrases mean in made photographs: yes, no, or borderline, and then nobody is meant."""

import pytest

from unires_hf.data.photo_expressions.glance import Glance
from unires_hf.data.photo_expressions.truth import MAYBE, NO, YES, Judge, Phrase


def judge(made):
    return Judge(Glance(made.row, made.image))


PERSON, CAR = Phrase("person"), Phrase("car")


def test_a_noun_fits_for_sure_perhaps_or_not(person):
    judged = judge(person)
    assert judged.referents(Phrase("shoes")) == (3,)  # heels are shoes
    assert judged.referents(Phrase("pumps")) is None  # and perhaps pumps
    assert judged.referents(Phrase("hat")) == ()
    assert judged.referents(Phrase("dress", owner=PERSON)) == (2,)


@pytest.mark.parametrize(
    ("phrase", "absent"),
    [
        (Phrase("hat", owner=PERSON), True),
        (Phrase("hat"), False),  # somebody behind may wear one
        (Phrase("purse", owner=PERSON), False),  # the bag may be called one
        (Phrase("watch", owner=PERSON), False),  # often without a label
        (Phrase("zebra"), True),
        (Phrase("dog"), False),  # not labeled in this source
        (Phrase("dress", owner=PERSON, color="blue"), True),
        (Phrase("dress", owner=PERSON, color="orange"), False),  # somebody may call the red orange
        (Phrase("bag", owner=PERSON, color="brown"), False),  # beige has no name here
        (Phrase("person", part="scarf"), True),
        (Phrase("person", part="dress", part_color="blue"), True),
        (Phrase("person", part="dress"), False),
    ],
)
def test_what_is_denied_of_a_person(person, phrase, absent):
    assert judge(person).is_absent(phrase) == absent


@pytest.mark.parametrize(
    ("phrase", "absent"),
    [
        (Phrase("taillight", owner=CAR), True),
        (Phrase("taillight"), False),  # of a car behind this one, perhaps
        (Phrase("bumper", owner=CAR, end="back"), True),
        (Phrase("trunk", owner=CAR), True),
        (Phrase("headlight", owner=CAR), False),
        (Phrase("windshield", owner=CAR), False),  # it shows its front, where one may be left without a label
        (Phrase("door", owner=CAR, side="left"), False),  # it shows no flank
    ],
)
def test_what_is_denied_of_a_car_from_the_front(front, phrase, absent):
    assert judge(front).is_absent(phrase) == absent


def test_a_car_that_shows_its_left_does_not_show_its_right(photograph):
    made = photograph("car-parts")
    car = made.add("car", (20, 60, 180, 160))
    made.add("front left door", (60, 70, 100, 140), "red", car)
    judged = judge(made)
    assert judged.is_absent(Phrase("door", owner=CAR, side="right"))
    assert not judged.is_absent(Phrase("door", owner=CAR, side="left"))


def test_own_sides_and_the_pictures_sides(front):
    judged = judge(front)
    assert judged.referents(Phrase("headlight", owner=CAR, side="left")) == (2,)
    assert judged.referents(Phrase("headlight", place="left")) == (1,)
    assert judged.referents(Phrase("headlight")) == (1, 2)


@pytest.mark.parametrize(
    ("conditions", "meant"),
    [
        ({"place": "leftmost"}, (0,)),
        ({"place": "right"}, None),  # of three, "right" is not clear
        ({"place": "rightmost"}, (2,)),
        ({"place": "middle"}, (1,)),
        ({"place": "second from the left"}, (1,)),
        ({"place": "topmost"}, None),  # they stand level
        ({"place": "third from the right"}, None),
        ({"size": "biggest"}, (1,)),
        ({"size": "smallest"}, None),
        ({"color": "black"}, (1,)),
        ({"color": "white"}, (0, 2)),
        ({"color": "red"}, ()),
        ({"color": "white", "place": "right"}, (2,)),
        ({"relation": "below", "anchor": Phrase("cat")}, None),  # the black one is a little lower than the cat as well
        ({"color": "white", "relation": "below", "anchor": Phrase("cat")}, None),
    ],
)
def test_comparisons(dogs, conditions, meant):
    assert judge(dogs).referents(Phrase("dog", **conditions)) == meant


def test_a_relation_is_between_what_faces_each_other(dogs):
    judged = judge(dogs)
    assert judged.relate("above", 3, 2) == YES
    assert judged.relate("above", 2, 3) == NO
    assert judged.relate("above", 3, 1) == MAYBE  # above and to the right
    assert judged.relate("left of", 0, 1) == YES
    assert judged.relate("next to", 0, 2) == NO


def test_next_to_means_side_by_side_on_one_ground(photograph):
    made = photograph("coco")
    made.add("dog", (20, 60, 60, 120))
    made.add("dog", (65, 65, 105, 120))
    made.add("dog", (110, 100, 125, 120))  # small: a puppy, or farther away
    judged = judge(made)
    assert judged.relate("next to", 0, 1) == judged.relate("next to", 1, 0) == YES
    assert judged.relate("next to", 1, 2) == MAYBE


def test_a_cup_stands_on_the_table_that_is_under_it(photograph):
    made = photograph("coco")
    made.add("dining table", (20, 100, 180, 180))
    made.add("cup", (60, 90, 80, 120), "white")
    made.add("cup", (60, 20, 80, 50), "white")
    judged = judge(made)
    assert judged.relate("on", 1, 0) == YES
    assert judged.relate("on", 2, 0) == NO
    assert judged.referents(Phrase("cup", relation="on", anchor=Phrase("table"))) == (1,)


def test_place_needs_a_margin(photograph):
    made = photograph("coco")
    made.add("dog", (50, 20, 80, 50))
    made.add("dog", (55, 120, 85, 150))  # 2.5 % further right
    judged = judge(made)
    assert judged.referents(Phrase("dog", place="left")) is None
    assert judged.referents(Phrase("dog", place="top")) == (0,)


def test_a_crowd_leaves_open_whether_there_are_more(photograph):
    made = photograph("coco")
    made.add("sheep", (20, 20, 60, 60))
    made.add("sheep", (80, 20, 190, 60), target_id="1/900100000001")
    judged = judge(made)
    assert len(judged.glance.things) == 1
    assert judged.referents(Phrase("sheep")) is None
    assert not judged.is_absent(Phrase("sheep", color="red"))
    assert judged.is_absent(Phrase("dog"))


def test_rows_of_windows_are_level_and_apart(photograph):
    made = photograph("facades")
    facade = made.add("facade", (0, 0, 200, 200))
    for top in (20, 80, 140):
        for left in (20, 80, 140):
            made.add("window", (left, top, left + 25, top + 30), "black", facade)
    judged = judge(made)
    assert judged.referents(Phrase("window", row="top")) == (1, 2, 3)
    assert judged.referents(Phrase("window", row="second", place="rightmost")) == (6,)
    assert judged.referents(Phrase("window", row="bottom", place="middle")) == (8,)
    assert judged.referents(Phrase("window", place="leftmost")) is None  # there is a column of them
    made.add("window", (110, 45, 130, 90), "black", facade)  # reaches into two rows
    assert judge(made).referents(Phrase("window", row="top")) is None


def test_unknown_sources_deny_nothing(photograph):
    made = photograph("elsewhere")
    made.add("dog", (20, 20, 90, 90), "white")
    judged = judge(made)
    assert judged.referents(Phrase("dog")) == (0,)
    assert not judged.is_absent(Phrase("zebra")) and not judged.is_absent(Phrase("dog", color="red"))
