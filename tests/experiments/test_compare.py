# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires compare`: the same numbers as `unires evaluate`, and four files."""

import argparse
import json

import numpy as np
import pytest
from PIL import Image

from unires_hf.commands.compare import add_arguments, compare
from unires_hf.evaluation import evaluate_model
from unires_hf.evaluation.comparison_table import comparison_table
from unires_hf.evaluation.cost import measure_cost
from unires_hf.loading import load_rows
from unires_hf.report.model_comparison import Comparison, compare_models


def call(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    compare(parser.parse_args(words))


def test_the_command_writes_table_panel_and_page(checkpoints, tmp_path, capsys):
    models = [checkpoints[preset] for preset in ("tiny", "cris-tiny", "lavt-tiny", "clipseg-tiny")]
    out = tmp_path / "out"
    data = ("--dataset", "partscenes,length=2", "--panel-rows", "1", "--page-cases", "3")
    call("--models", *models, *data, "--no-costs", "--device", "cpu", "--out", str(out))
    assert {path.name for path in out.iterdir()} == {"comparison.json", "comparison.md", "panel.png", "cases.html"}
    assert (out / "comparison.md").read_text().strip() in capsys.readouterr().out
    summaries = json.loads((out / "comparison.json").read_text())
    assert list(summaries) == ["tiny", "cris-tiny", "lavt-tiny", "clipseg-tiny"]
    assert [summary["mask_threshold"] for summary in summaries.values()] == [0.35, 0.35, 0.5, 0.5]
    assert len({summary["n_expressions"] for summary in summaries.values()}) == 1
    with Image.open(out / "panel.png") as panel:
        assert panel.width > 6 * 200


def test_scores_are_those_of_the_evaluator(compared, checkpoints, rows):
    from unires_hf.loading import load_model

    model, processor = load_model(checkpoints["clipseg-tiny"])
    alone = evaluate_model(model, processor, rows, mask_threshold=0.5, bootstrap=20).summary
    for key in ("miou", "miou_part", "oiou", "pr@0.5", "miou_low", "n_expressions"):
        assert compared.summaries["clipseg-tiny"][key] == alone[key]
    first = compared.summaries["tiny"]
    assert first["control_all_foreground_miou"] == alone["control_all_foreground_miou"]
    assert "control_all_foreground_miou" not in compared.summaries["clipseg-tiny"]


def test_an_empty_mask_is_the_right_answer_for_nothing_whoever_gives_it(checkpoints):
    rows = load_rows(["partscenes,split=no_target,length=3"])
    models = [checkpoints["tiny"], checkpoints["clipseg-tiny"]]
    comparison = compare_models(models, rows, costs=False, bootstrap=20)
    head, _, *lines = (cells(comparison.markdown(), number) for number in range(4))
    for line, (name, results) in zip(lines, comparison.results.items(), strict=True):
        records = results.records.to_pylist()
        meant = [it["iou"] for it in records if not it["no_target"]]
        denied = [it["pred_area"] == 0 for it in records if it["no_target"]]
        overall = (
            [it["intersection"] for it in records if not it["no_target"]],
            [it["union"] for it in records if not it["no_target"]],
        )
        expected = {
            "Obj & Part": np.mean(meant),
            "oIoU": sum(overall[0]) / sum(overall[1]),
            "Pr@0.5": np.mean(np.array(meant) > 0.5),
            "gIoU": np.mean(meant + denied),
            "N-acc": np.mean(denied),
        }
        assert line[0] == name and len(denied) > 5 and len(meant) > 5
        for title, value in expected.items():
            assert line[head.index(title)].partition(" ")[0] == f"{100 * value:.1f}", title
    assert "their IoU is 0" not in comparison.markdown()


def test_cost_is_measured_in_a_process_of_its_own(checkpoints, rows):
    cost = measure_cost(checkpoints["tiny"], rows[0]["image"], ["the red mug", "its handle"], runs=2)
    assert 4.5e6 < cost["parameters"] < 6.5e6
    assert 0 < cost["ms_16"] < cost["ms_1"], "16 expressions share one encoding of the image"
    assert cost["peak_mib"] is None or cost["peak_mib"] > 4 * cost["parameters"] / 2**20


def test_one_model_is_no_comparison(checkpoints, rows):
    with pytest.raises(ValueError, match="two models or more"):
        compare_models([checkpoints["tiny"]], rows)


def summary(**fields):
    fixed = {"protocol": "unires", "scored_at": "original size", "n_expressions": 9, "n_images": 3, "n_no_target": 0}
    scores = {"miou": 61.23, "miou_low": 50.0, "miou_high": 70.0, "oiou": 62.0, "pr@0.5": 80.0}
    return {**fixed, **scores, **fields}


def cells(table, row):
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split("|")]


def test_table_of_objects_and_parts():
    both = {"miou_part": 20.0, "miou_object": 70.0, "control_all_foreground_miou": 1.0}
    both |= {"control_all_foreground_miou_part": 0.5, "control_all_foreground_oiou": 2.0}
    both |= {"control_all_foreground_pr@0.5": 0.0, "control_parent_object_miou_part": 18.0}
    both |= {"control_parent_object_miou": 18.0, "control_parent_object_oiou": 17.0, "control_parent_object_pr@0.5": 0}
    table = comparison_table({"a": summary(**both, parameters=5_400_000, ms_1=3.21, ms_16=1.0, peak_mib=None)})
    assert cells(table, 0) == ["model", "Part", "Obj & Part", "oIoU", "Pr@0.5", "weights", "ms, k = 1", "ms, k = 16"]
    assert cells(table, 2) == ["a", "20.0", "61.2 [50.0, 70.0]", "62.0", "80.0", "5.4 M", "3.2", "1.0"]
    assert cells(table, 3) == ["*all foreground*", "0.5", "1.0", "2.0", "0.0", "–", "–", "–"]
    assert cells(table, 4) == ["*whole parent object*", "18.0", "–", "–", "–", "–", "–", "–"]


def test_table_of_one_granularity_says_nothing_twice():
    assert cells(comparison_table({"a": summary(miou_object=61.23)}), 0) == ["model", "mIoU", "oIoU", "Pr@0.5"]
    assert cells(comparison_table({"a": summary(miou_part=61.23)}), 0) == ["model", "Part", "oIoU", "Pr@0.5"]
    told = {"n_acc": 50.0, "n_no_target": 2, "giou": 70.0, "present_giou": 1.0, "present_miou": 80.0}
    nothing = comparison_table({"a": summary(miou_object=61.23, **told)})
    assert cells(nothing, 0)[-2:] == ["gIoU", "N-acc"] and "2 expressions have no referent" in nothing
    assert cells(nothing, 2) == ["a", "80.0 [50.0, 70.0]", "62.0", "80.0", "70.0", "50.0"]


def test_files_appear_whole_or_not_at_all(compared, rows, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("unires_hf.report.model_comparison.draw_panel", fail)
    with pytest.raises(OSError, match="disk full"):
        compared.save(tmp_path, rows)
    assert not (tmp_path / "panel.png").exists()


def test_what_was_measured_on_other_rows_is_refused(compared, rows, tmp_path):
    results = dict(compared.results)
    records = results["tiny"].records
    results["tiny"] = type(results["tiny"])(results["tiny"].summary, records.slice(1), results["tiny"].controls)
    other = Comparison(compared.names, results, compared.costs)
    with pytest.raises(ValueError, match="different expressions"):
        other.save(tmp_path, rows)
    assert np.all([path.suffix != ".png" for path in tmp_path.iterdir()])
