# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Every named class of model, with random weights, behind the engine's calls; the same code opens published ones."""

import numpy as np
import pytest
import torch
from drawn_cars import car_row, draw_car
from tiny_engine import (
    save_clip,
    save_grounding_dino,
    save_llava,
    save_owlv2,
    save_sam2,
    save_sam3,
    save_siglip,
    save_unires,
)
from transformers import AutoProcessor, CLIPModel, Sam3Model

from unires_hf.data import masks
from unires_hf.data.schema import validate_row
from unires_hf.engine import finders
from unires_hf.engine.case import open_case
from unires_hf.engine.finders import Detector, ReferringFinder, Sam2Filler, Sam3Finder, load_finder, loaded
from unires_hf.engine.object_stage import ObjectsRecipe, ObjectStage
from unires_hf.engine.part_stage import PartsRecipe, PartStage
from unires_hf.engine.verification import Similarity, SimilarityRecipe
from unires_hf.engine.word_stage import Captioner, WordsRecipe, WordStage
from unires_hf.inference.segmenter import Segmenter


def test_unires_finds_what_its_own_segmenter_finds(tmp_path):
    name = save_unires(tmp_path)
    texts = ["wheel", "window", "the head of the red car"]
    ((*found,),) = ReferringFinder(name).find([draw_car()], [texts])
    segmenter = Segmenter.from_pretrained(name)
    (shown,) = segmenter.masks(segmenter.ask(segmenter.encode([draw_car()]), [texts]))
    assert [len(it) for it in found] == [0 if it["is_empty"] else 1 for it in shown] and any(found)
    for one, other in zip(found, shown, strict=True):
        for it in one:
            np.testing.assert_array_equal(it.mask, other["mask"].numpy())


def test_many_phrases_share_one_encoding(tmp_path, monkeypatch):
    finder = ReferringFinder(save_unires(tmp_path))
    texts = [f"{it} wheel" for it in ("red", "blue", "left", "right", "big")]
    whole = finder.find([draw_car()], [texts])[0]
    seen = []
    original = type(finder.model).get_image_features
    monkeypatch.setattr(
        type(finder.model), "get_image_features", lambda *it, **more: seen.append(1) or original(*it, **more)
    )
    monkeypatch.setattr(finders, "PHRASES", 2)
    again = finder.find([draw_car()], [texts])[0]
    assert len(seen) == 1
    for one, other in zip(whole, again, strict=True):
        assert [it.mask.tobytes() for it in one] == [it.mask.tobytes() for it in other]
    assert finder.find([draw_car()], [[]]) == [[]]


def test_sam3_gives_every_instance_as_transformers_does(tmp_path, monkeypatch):
    finder = Sam3Finder(save_sam3(tmp_path), threshold=0.0, image_size=56)
    texts = ["wheel", "window", "door of the car"]
    (found,) = finder.find([draw_car()], [texts])
    inputs = finder.processor(images=[draw_car()], text=[texts], return_tensors="pt")
    with torch.inference_mode():
        truth = Sam3Model.forward(
            Sam3Model.from_pretrained(tmp_path).eval(),
            pixel_values=inputs["pixel_values"].expand(3, -1, -1, -1),
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
        )
    scores = truth.pred_logits.sigmoid() * truth.presence_logits.sigmoid()
    for instances, mine in zip(found, scores, strict=True):
        best = sorted(mine.tolist(), reverse=True)
        assert [it.score for it in instances] == pytest.approx(best[: len(instances)], abs=1e-4)
        assert all(it.mask.shape == (64, 96) for it in instances)
    assert any(len(instances) > 1 for instances in found)
    monkeypatch.setattr(finders, "SAM3_PHRASES", 1)
    for one, other in zip(found, finder.find([draw_car()], [texts])[0], strict=True):
        assert [it.score for it in one] == pytest.approx([it.score for it in other], abs=1e-4)


def test_a_phrase_longer_than_sam3_reads_is_cut(tmp_path):
    finder = load_finder(f"sam3:{save_sam3(tmp_path)}", 0.0, image_size=56)
    assert len(finder.find([draw_car()], [["very " * 60 + "red wheel"]])[0]) == 1


def test_sam2_fills_boxes_as_transformers_does(tmp_path):
    filler = Sam2Filler(save_sam2(tmp_path))
    boxes = [[10.0, 20, 70, 44], [14, 38, 26, 50]]
    found = filler.fill(draw_car(), boxes)
    assert [it.mask.shape for it in found] == [(64, 96)] * 2 and all(0 <= it.score <= 1 for it in found)
    alone = [filler.fill(draw_car(), [box])[0] for box in boxes]
    for one, other in zip(found, alone, strict=True):
        assert (one.mask != other.mask).mean() < 0.01
    assert filler.fill(draw_car(), []) == []


@pytest.mark.parametrize("kind", ("grounding-dino", "owlv2"))
def test_detectors_find_boxes_of_the_names_asked(tmp_path, kind):
    names = ["Car", "Wall"]
    place = save_owlv2(tmp_path) if kind == "owlv2" else save_grounding_dino(tmp_path, ["car", "wall"])
    boxes = Detector(place, threshold=0.01).detect(draw_car(), names)
    assert boxes and {box.name for box in boxes} <= set(names)
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    for box in boxes:
        x0, y0, x1, y1 = box.corners
        assert 0 <= x0 < x1 <= 96 and 0 <= y0 < y1 <= 64


@pytest.mark.parametrize("method", ("boxes", "sam3", "detect"))
def test_objects_by_every_method_make_a_valid_row(tmp_path, vocabulary, method, monkeypatch):
    monkeypatch.setattr(Sam3Finder.__init__, "__defaults__", (0.0, 56))
    row = car_row()
    row["targets"][0]["mask"] = None
    if method != "boxes":
        row["targets"] = []
    model = save_sam3(tmp_path / "model") if method == "sam3" else save_sam2(tmp_path / "model")
    detector = save_owlv2(tmp_path / "detector") if method == "detect" else None
    recipe = ObjectsRecipe(method, model, detector, ("car", "wall"), threshold=0.0, min_area=0.0)
    case = open_case(row)
    ObjectStage(recipe, vocabulary)([case])
    assert case.objects and all(it["mask"] is not None for it in case.objects)
    validate_row(case.row)
    made = {it["about"]: it for it in case.provenance}
    assert all(
        made[it["target_id"]]["score"] is not None and model in made[it["target_id"]]["maker"] for it in case.objects
    )


@pytest.mark.parametrize("save", (save_clip, save_siglip))
def test_similarity_is_transformers_own(tmp_path, vocabulary, save):
    judge = Similarity(SimilarityRecipe(save(tmp_path)), vocabulary)
    texts = ["the wheel of a car", "the window of a car"]
    case = open_case(car_row())
    alike = judge.read(texts) @ judge.see(case, case.objects)[0]
    processor = AutoProcessor.from_pretrained(tmp_path)
    crop = judge._crop(case, case.objects[0])
    padding = True if isinstance(judge.model, CLIPModel) else "max_length"
    inputs = processor(images=crop, text=texts, padding=padding, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        outputs = judge.model(**inputs)
    truth = (outputs.text_embeds @ outputs.image_embeds.T)[:, 0]
    torch.testing.assert_close(alike, truth, atol=1e-5, rtol=1e-4)


def test_similarity_refuses_what_looks_more_like_a_sibling(tmp_path, vocabulary):
    case = open_case(car_row())
    stage = PartStage(
        PartsRecipe(save_unires(tmp_path / "u"), containment=0.0, max_share=2.0, max_overlap=1.0), vocabulary
    )
    stage([case])
    before = len(case.parts)
    assert before
    judge = Similarity(SimilarityRecipe(save_clip(tmp_path / "clip")), vocabulary)
    judge([case])
    counted = {verdict: count for (name, verdict), count in case.verdicts.items() if name == "similarity"}
    assert sum(counted.values()) == before and len(case.parts) == counted.get("kept", 0)
    strict = open_case(car_row())
    stage([strict])
    Similarity(SimilarityRecipe(str(tmp_path / "clip"), margin=-2.0), vocabulary)([strict])
    assert not strict.parts


def test_a_vision_language_model_names_objects(tmp_path, vocabulary, monkeypatch):
    recipe = WordsRecipe(captioner=save_llava(tmp_path), max_new_tokens=4, rich=False)
    captioner = Captioner(recipe)
    said = captioner.name_it(draw_car(), "car")
    assert isinstance(said, str) and said == captioner.name_it(draw_car(), "car")
    case = open_case(car_row())
    stage = WordStage(recipe, vocabulary)
    stage([case])  # random weights do not name the car
    assert case.verdicts["words", "the caption does not name the object"] == 1
    assert [it["text"] for it in case.objects[0]["expressions"]] == ["car"]
    monkeypatch.setattr(Captioner, "name_it", lambda *arguments: "red car with two wheels")
    case = open_case(car_row())
    stage([case])
    assert [it["text"] for it in case.objects[0]["expressions"]] == ["red car with two wheels"]
    assert case.provenance[0]["maker"] == recipe.captioner


def test_a_missing_model_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="^The model .*nowhere cannot be loaded: .*") as error:
        load_finder(str(tmp_path / "nowhere"))
    assert "\n" not in str(error.value)


def test_a_model_of_another_kind_is_one_sentence(tmp_path, vocabulary):
    other = save_unires(tmp_path)
    with pytest.raises(ValueError, match="cannot be loaded: it is no SAM 2, but of type unires"):
        Sam2Filler(other)
    for load in (Detector, lambda name: Similarity(SimilarityRecipe(name), vocabulary)):
        with pytest.raises(ValueError, match="cannot be loaded: Unrecognized configuration class"):
            load(other)


def test_a_gated_model_says_what_to_do():
    from huggingface_hub.errors import GatedRepoError
    from huggingface_hub.utils import httpx

    def load():
        response = httpx.Response(403, request=httpx.Request("GET", "https://example.org"))
        try:
            raise GatedRepoError("no", response=response)
        except GatedRepoError as error:
            raise OSError("You are trying to access a gated repo.\nMake sure …") from error

    with pytest.raises(ValueError, match="is gated: accept its terms"):
        loaded("facebook/sam3", load)


def test_masks_are_of_the_pictures_size(tmp_path):
    found = ReferringFinder(save_unires(tmp_path)).find([draw_car().resize((40, 90))], [["wheel"]])[0][0]
    assert all(it.mask.shape == (90, 40) for it in found)
    assert all(masks.decode(masks.encode(it.mask)).shape == (90, 40) for it in found)
