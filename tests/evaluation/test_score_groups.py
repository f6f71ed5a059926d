# Copyright 2026 The unires-hf authors. Apache-2.0.
import pyarrow as pa
import pytest

from unires_hf.evaluation import RECORDS, Results, macro, scores_by


def record(number, kind, iou, part=None, predictor="model", area=50, nothing=False, denied=False):
    known = {
        **{"predictor": predictor, "source": "cars", "image_id": "1", "target_id": "1", "category": "car"},
        **{"expression_id": f"1:{number}:{kind}", "granularity": "part" if part else "object", "part": part},
        **{"text": "x", "n_words": 1, "height": 100, "width": 100, "no_target": nothing},
        **{"predicted_no_target": denied, "intersection": 0 if nothing else round(iou * 100), "union": 100},
        **{"pred_area": 50, "gt_area": 0 if nothing else area},
    }
    return {name: known.get(name) for name in RECORDS.names} | ({"row": 0} if "row" in RECORDS.names else {})


@pytest.fixture
def results():
    records = [
        *(record(0, "class", 0.8, area=5000), record(1, "part", 0.6, "hood"), record(2, "part", 0.2, "hood")),
        *(record(3, "part_side", 0.5, "left mirror"), record(4, "no_target", 0, nothing=True, denied=True)),
        *(record(5, "no_target", 0, nothing=True), record(1, "part", 0.1, "hood", predictor="parent_object")),
    ]
    table = pa.Table.from_pylist(records, schema=RECORDS)
    return Results.from_records(table, {"protocol": "unires", "bootstrap": 0, "bootstrap_seed": 0})


def test_scores_by_kind_stand_beside_the_controls(results):
    scores = scores_by(results, "kind")
    assert list(scores) == ["class", "no_target", "part", "part_side"]
    assert scores["part"] == pytest.approx({"n": 2, "miou": 40, "miou_parent_object": 10}, abs=1e-3)
    assert scores["no_target"] == {"n": 0, "n_no_target": 2, "n_acc": 50}


def test_other_groups_and_the_mean_of_means(results):
    by_part = scores_by(results, "part")
    assert {name: values["n"] for name, values in by_part.items()} == {"hood": 2, "left mirror": 1}
    assert macro(by_part) == pytest.approx(45, abs=1e-3)
    assert {name: values["n"] for name, values in scores_by(results, "size").items()} == {
        "0.1 to 1 %": 3,
        "over 10 %": 1,
    }
    assert set(scores_by(results, "source")) == {"cars objects", "cars parts"}
