# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What each stage keeps and refuses, on drawn cars whose parts a finder of colors knows."""

import numpy as np
import pytest
from drawn_cars import ColorFinder, car_row

from unires_hf.data import masks
from unires_hf.data.schema import validate_row
from unires_hf.engine import part_stage, verification
from unires_hf.engine.case import KEPT, make_target, open_case
from unires_hf.engine.finders import Found
from unires_hf.engine.negative_stage import NegativesRecipe, NegativeStage
from unires_hf.engine.object_stage import ObjectsRecipe, ObjectStage
from unires_hf.engine.part_stage import PartsRecipe, PartStage, two_sides
from unires_hf.engine.part_vocabulary import Vocabulary
from unires_hf.engine.verification import Agreement, AgreementRecipe, Listener, ListenerRecipe
from unires_hf.engine.word_stage import WordsRecipe, WordStage


@pytest.fixture
def finders(monkeypatch):
    """The finders by the names that recipes give them."""
    known = {"colors": ColorFinder(), "listener": ColorFinder("listener")}
    for module in (part_stage, verification):
        monkeypatch.setattr(module, "load_finder", lambda name, threshold=None: known[name])
    return known


def with_parts(vocabulary, **fields):
    case = open_case(car_row())
    stage = PartStage(PartsRecipe("colors", **fields), vocabulary)
    stage([case])
    return case, stage


def names(case):
    return {it["part"] for it in case.parts}


def test_parts_are_found_in_their_object_with_sides_as_the_viewer_sees_them(finders, vocabulary):
    case, _ = with_parts(vocabulary)
    assert names(case) == {"wheel", "left wheel", "right wheel", "window"}
    by_name = {it["part"]: it for it in case.parts}
    assert by_name["left wheel"]["bbox"] == [14, 38, 12, 12] and by_name["right wheel"]["bbox"] == [50, 38, 12, 12]
    assert masks.area(by_name["wheel"]["mask"]) == 2 * 12 * 12
    assert all(it["parent_id"] == "1-car" and it["category"] == "car" for it in case.parts)
    assert case.verdicts["parts", KEPT] == 4 and finders["colors"].asked == ["wheel", "window", "antenna"]
    validate_row(case.row)


class OneOfTwo(ColorFinder):
    """To which "wheel" is the left one, found without conviction."""

    def _find(self, pixels, text):
        found = super()._find(pixels, text)
        if text != "wheel":
            return found
        left = found[0].mask & (np.arange(pixels.shape[1]) < 45)
        return [Found(left, 0.5)]


def test_the_plural_is_asked_too_and_said_where_it_scores_higher(finders, vocabulary):
    finders["colors"] = OneOfTwo()
    for plurals, area, said in ((False, 144, "wheel of car"), (True, 288, "wheels of car")):
        case, _ = with_parts(vocabulary, plurals=plurals, sides=False)
        WordStage(WordsRecipe(rich=False), vocabulary)([case])
        by_name = {it["part"]: it for it in case.parts}
        assert masks.area(by_name["wheel"]["mask"]) == area
        assert by_name["wheel"]["expressions"][0]["text"] == said
        assert by_name["window"]["expressions"][0]["text"] == "window of car"  # both found, as good: the singular
    assert "windows" in finders["colors"].asked
    PartStage(PartsRecipe("colors", plurals=True), vocabulary).ask(case.picture, "car", ["left mirror"])
    assert finders["colors"].asked[-2:] == ["left mirror", "left mirror"]  # what has a side is one


def test_a_box_does_for_an_object_without_a_mask(finders, vocabulary):
    row = car_row()
    row["targets"][0]["mask"] = None
    case = open_case(row)
    PartStage(PartsRecipe("colors"), vocabulary)([case])
    assert names(case) == {"wheel", "left wheel", "right wheel", "window"}


def test_what_lies_elsewhere_or_is_the_object_or_a_speck_is_refused(finders, vocabulary):
    finders["colors"].mistakes = {"window": "sky", "antenna": "wheel"}
    case, _ = with_parts(vocabulary)
    assert names(case) == {"wheel", "left wheel", "right wheel"}
    assert case.verdicts["parts", "not in its object"] == 1
    assert case.verdicts["parts", "the same place as a better part"] == 1
    refused = next(it for it in case.rejected if it["reason"] == "not in its object")
    assert (refused["category"], refused["part"], refused["score"]) == ("car", "window", 0.6)
    case, _ = with_parts(vocabulary, min_share=0.5)
    assert case.verdicts["parts", "too small a share of its object"] == 2 and not case.parts


def test_a_category_that_the_vocabulary_does_not_know_is_said(finders, vocabulary):
    row = car_row()
    row["targets"][0]["category"] = "zeppelin"
    case = open_case(row)
    PartStage(PartsRecipe("colors"), vocabulary)([case])
    assert case.verdicts == {("parts", "the vocabulary does not know the category"): 1}


def test_small_objects_are_refused_with_all_that_hangs_on_them(vocabulary):
    case = open_case(car_row())
    ObjectStage(ObjectsRecipe(min_area=0.9), vocabulary)([case])
    assert case.row["targets"] == [] and case.verdicts["objects", "too small"] == 1


def test_both_word_orders_and_provenance(finders, vocabulary):
    case, _ = with_parts(vocabulary)
    WordStage(WordsRecipe(rich=False), vocabulary)([case])
    said = {it["part"]: [e["text"] for e in it["expressions"]] for it in case.row["targets"]}
    assert said[None] == ["car"]
    assert said["window"] == ["window of car", "car window"]
    assert said["wheel"] == ["wheels of car", "car wheels"] and said["left wheel"] == [
        "left wheel of car",
        "car left wheel",
    ]
    validate_row(case.row)


def test_a_part_is_called_by_its_object_too(finders, vocabulary):
    row = car_row()
    case = open_case(
        {**row, "targets": [*row["targets"], {**row["targets"][0], "target_id": "2", "bbox": [40, 0, 9, 9]}]}
    )
    PartStage(PartsRecipe("colors"), vocabulary)([case])
    WordStage(WordsRecipe(limit=60), vocabulary)([case])
    texts = [e["text"] for it in case.row["targets"] for e in it["expressions"] if it["part"]]
    assert all("car" in text.split() or "car's" in text or "cars" in text for text in texts)


def test_expressions_have_a_limit_and_each_target_its_turn(finders, vocabulary):
    case, _ = with_parts(vocabulary)
    WordStage(WordsRecipe(limit=5, rich=False), vocabulary)([case])
    assert [len(it["expressions"]) for it in case.row["targets"]] == [1, 1, 1, 1, 1]


def test_the_listener_refuses_what_it_does_not_find_again(finders, vocabulary):
    finders["listener"].mistakes = {"window": "wheel"}
    case, _ = with_parts(vocabulary, sides=False)
    case.row["targets"][0]["expressions"] = [{"expression_id": "given", "text": "red body"}]
    WordStage(WordsRecipe(rich=False), vocabulary)([case])
    Listener(ListenerRecipe("listener"))([case])
    assert names(case) == {"wheel"}  # nothing is left to say of the window
    assert case.verdicts["listener", "the listener finds something else"] == 2
    assert case.objects[0]["expressions"] == [{"expression_id": "given", "text": "red body"}]  # a person's words stay
    assert "red body" not in finders["listener"].asked


def test_agreement_refuses_what_is_found_elsewhere_in_the_mirror(finders, vocabulary):
    case, stage = with_parts(vocabulary)
    first = ColorFinder.find

    class Sided(ColorFinder):
        """Takes the wheels on the left of whatever it sees for all the wheels."""

        def find(self, pictures, phrases):
            found = first(self, pictures, phrases)
            for said, answers in zip(phrases, found, strict=True):
                for text, instances in zip(said, answers, strict=True):
                    for one in instances if text == "wheel" else []:
                        one.mask[:, one.mask.shape[1] // 3 :] = False
            return found

    stage.finder = Sided()
    case = open_case(car_row())
    stage([case])
    assert {"wheel", "window"} <= names(case)
    Agreement(AgreementRecipe(), stage)([case])
    assert names(case) == {"window"}
    assert case.verdicts["agreement", "found elsewhere on the mirrored or rescaled crop"] == 1


def test_a_negative_fools_the_model_and_not_the_listener(finders, vocabulary):
    finders["colors"].mistakes = {"antenna": "sky"}
    case, stage = with_parts(vocabulary, sides=False)
    case.rejected.clear()  # as if no stage had seen an antenna
    WordStage(WordsRecipe(rich=False), vocabulary)([case])
    stage = NegativeStage(
        NegativesRecipe(1, siblings=True), vocabulary, finders["colors"], Listener(ListenerRecipe("listener"))
    )
    stage([case])
    (nothing,) = [it for it in case.row["targets"] if it["mask"] and not masks.area(it["mask"])]
    assert "antenna" in nothing["expressions"][0]["text"] and nothing["part"] == "antenna"
    validate_row(case.row)


def test_what_others_have_is_denied_and_what_a_sibling_might_be_is_not(finders, vocabulary):
    vocabulary = Vocabulary({**vocabulary.categories, "wall": {"sky": "test"}}, pairs=vocabulary.pairs)
    row = car_row()
    wall = {**row["targets"][0], "target_id": "wall", "category": "wall"}
    case = open_case({**row, "targets": [*row["targets"], wall]})
    PartStage(PartsRecipe("colors", sides=False), vocabulary)([case])
    case.row["targets"] = [it for it in case.row["targets"] if it["category"] == "car" or it["part"] is None]
    case.rejected.clear()
    WordStage(WordsRecipe(rich=False), vocabulary)([case])
    finders["listener"].mistakes = {"sky": None}  # it knows no sky
    listener = Listener(ListenerRecipe("listener"))
    NegativeStage(NegativesRecipe(9), vocabulary, finders["colors"], listener)([case])
    said = [it["expressions"][0]["text"] for it in case.row["targets"] if it["part"] == "sky"]
    assert said == ["sky of car"]
    assert not any("antenna" in text for text in finders["listener"].asked)


def test_a_color_of_something_else_is_a_negative(finders, vocabulary):
    case, _ = with_parts(vocabulary, sides=False)
    case.picture.paste((240, 220, 40), (80, 0, 96, 12))
    yellow = np.zeros((64, 96), bool)
    yellow[:12, 80:] = True
    car = case.row["targets"][0]
    sign = make_target("sign", "sign", masks.encode(yellow))
    car["expressions"] = [
        {"expression_id": "1-car:0:attribute", "text": "red car"},
        {"expression_id": "1-car:1:relation", "text": "car below the red thing"},  # whose color is not the car's
    ]
    case.row["targets"].append(sign)
    finders["colors"].mistakes = {"car": "body"}  # takes any car for the red one
    listener = Listener(ListenerRecipe("listener"))
    NegativeStage(NegativesRecipe(9), vocabulary, finders["colors"], listener)([case])
    nothing = [it for it in case.row["targets"] if not masks.area(it["mask"])]
    assert [(it["granularity"], it["expressions"][0]["text"]) for it in nothing] == [("object", "yellow car")]
    assert finders["listener"].asked == ["yellow car"]
    validate_row(case.row)
    NegativeStage(NegativesRecipe(9, colors=False), vocabulary, finders["colors"], listener)([case])
    assert finders["listener"].asked == ["yellow car"]


def test_two_sides_need_a_gap_and_two_of_about_one_size():
    mask = np.zeros((10, 30), bool)
    mask[:, 3:8] = mask[:, 20:25] = True
    left, right = two_sides([mask])
    assert left[:, :10].sum() == 50 and right[:, 15:].sum() == 50
    assert two_sides([right, left])[0] is left  # instances come in any order
    mask[:, 8:20] = True
    assert two_sides([mask]) == []
    mask[:, 4:20] = False
    mask[1:, 3] = False
    assert two_sides([mask]) == []  # a speck
    assert two_sides([np.zeros((4, 4), bool)]) == []
