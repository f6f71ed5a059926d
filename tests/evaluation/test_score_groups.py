# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Scores by source, kind, part and size; the source's are in every table."""

import pyarrow as pa
import pyarrow.compute
import pytest

from unires_hf.evaluation import RECORDS, Results, macro, markdown_table, scores_by


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
    part = {"n": 2, "miou": 40, "oiou": 40, "t_acc": 100, "miou_parent_object": 10}
    assert scores["part"] == pytest.approx(part, abs=1e-3)
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


def test_the_table_tells_expressions_with_a_referent_from_those_without(results):
    """In the mean over all of them a right denial counts 0."""
    assert results.summary["miou_object"] == pytest.approx(80 / 3, abs=1e-3)
    expected = {"n": 1, "miou": 80, "oiou": 80, "t_acc": 100, "n_no_target": 2, "n_acc": 50}
    assert results.summary["by_source"]["cars objects"] == pytest.approx(expected, abs=1e-3)
    settings = {"mask_threshold": 0.35, "mask_threshold_chosen_by": "the model", "scored_at": "original size"}
    table = markdown_table(results.summary | settings)
    assert "| source | with a referent | mIoU | oIoU | T-acc | without a referent | N-acc |" in table
    assert "| cars objects | 1 | 80.0 | 80.0 | 100.0 | 2 | 50.0 |" in table
    assert "| cars parts | 3 | 43.3 | 43.3 | 100.0 | 0 | – |" in table
    assert "in mIoU an expression without a referent counts 0" in table


def test_one_source_in_which_everything_has_a_referent_needs_no_second_table(results):
    records = results.records.filter(pa.compute.invert(results.records["no_target"])).select(RECORDS.names)
    settings = {"protocol": "unires", "bootstrap": 0, "bootstrap_seed": 0, "mask_threshold": None}
    settings |= {"scored_at": "original size"}
    assert "with a referent" not in Results.from_records(records, settings).markdown()
    other = records.set_column(records.column_names.index("source"), "source", pa.array(["faces"] * len(records)))
    both = Results.from_records(pa.concat_tables([records, other]), settings).markdown()
    assert "| cars objects |" in both and "| faces objects |" in both
