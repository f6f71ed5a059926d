# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The evaluator against loops over a model whose masks are known, and with the real model."""

import copy
import json
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet
import pytest
import torch
from forks import on_two_processes

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES
from unires_hf.evaluation import Results, evaluate_model
from unires_hf.model.configuration_unires import UniResConfig
from unires_hf.model.modeling_unires import UniResModel

ALL_CONTROLS = ("all_foreground", "parent_object", "other_expression", "empty_expression")
SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def drawn_by(boxes, text):
    return boxes.mask(*boxes.read(text))


def iou(prediction, truth):
    return (prediction & truth).sum() / ((prediction | truth).sum() + 1e-6)


def percent(values):
    return pytest.approx(100 * sum(values) / len(values), abs=1e-6)


def by_id(table):
    return {record["expression_id"]: record for record in table.to_pylist()}


def test_every_expression_is_scored_once_and_each_image_seen_once(painter, processor, boxes):
    rows = boxes.rows(7)
    results = evaluate_model(painter, processor, rows, batch_size=3)
    assert painter.vision_passes == len(rows)
    ious = {"object": [], "part": []}
    records = by_id(results.records)
    for row in rows:
        for target in row["targets"]:
            truth = masks.decode(target["mask"])
            for expression in target["expressions"]:
                denied = expression["text"].startswith("no")
                prediction = np.zeros_like(truth) if denied else drawn_by(boxes, expression["text"])
                record = records.pop(expression["expression_id"])
                assert record["text"] == expression["text"] and record["n_words"] == len(expression["text"].split())
                assert record["intersection"] == (prediction & truth).sum()
                assert record["union"] == (prediction | truth).sum()
                assert (record["pred_area"], record["gt_area"]) == (prediction.sum(), truth.sum())
                assert record["no_target"] == (not truth.any()) and record["predicted_no_target"] == denied
                assert record["iou"] == pytest.approx(iou(prediction, truth))
                assert (record["score"] > 0) == prediction.any()
                ious[target["granularity"]].append(iou(prediction, truth))
    assert not records
    summary = results.summary
    assert summary["miou_object"] == percent(ious["object"])
    assert summary["miou_part"] == percent(ious["part"])
    assert summary["miou"] == percent(ious["object"] + ious["part"])
    assert (summary["n_images"], summary["n_expressions"], summary["n_no_target"]) == (7, 42, 7)
    # "no …" is said of every second empty target and of one real target of six an image.
    assert summary["n_acc"] == pytest.approx(100 * 4 / 7)
    assert summary["t_acc"] == pytest.approx(100 * 28 / 35)


def test_batch_size_and_kind_of_rows_change_nothing(painter, processor, boxes):
    rows = boxes.rows(6)
    dataset = datasets.Dataset.from_list(rows, features=FEATURES)
    expected = evaluate_model(painter, processor, rows, batch_size=1, controls=ALL_CONTROLS)
    for other in (rows, dataset, dataset.to_iterable_dataset(num_shards=2), iter(rows)):
        results = evaluate_model(painter, processor, other, batch_size=4, controls=ALL_CONTROLS)
        assert results.summary == expected.summary
        assert results.records.equals(expected.records) and results.controls.equals(expected.controls)


def test_max_images_takes_the_first(painter, processor, boxes):
    rows = boxes.rows(6)
    dataset = datasets.Dataset.from_list(rows, features=FEATURES)
    expected = evaluate_model(painter, processor, rows[:4], max_images=4)
    for other in (rows, dataset, dataset.to_iterable_dataset(num_shards=3)):
        assert evaluate_model(painter, processor, other, max_images=4).summary == expected.summary
    assert evaluate_model(painter, processor, rows, max_images=100).summary["n_images"] == 6


def test_controls(painter, processor, boxes):
    rows = boxes.rows(4)
    results = evaluate_model(painter, processor, rows, controls=ALL_CONTROLS)
    ious = {name: [] for name in ALL_CONTROLS}
    for row in rows:
        for place, target in enumerate(row["targets"]):
            truth = masks.decode(target["mask"])
            following = row["targets"][(place + 1) % len(row["targets"])]["expressions"][0]["text"]
            for _ in target["expressions"]:
                ious["all_foreground"].append(truth.mean())
                ious["empty_expression"].append(iou(boxes.mask((0, 0, boxes.size, boxes.size // 2)), truth))
                denied = following.startswith("no")
                ious["other_expression"].append(0 if denied else iou(drawn_by(boxes, following), truth))
                if target["granularity"] == "part":
                    ious["parent_object"].append(iou(masks.decode(row["targets"][0]["mask"]), truth))
    for name, values in ious.items():
        assert results.summary[f"control_{name}_miou"] == percent(values)
        assert results.summary[f"control_{name}_n_expressions"] == len(values)
    assert "control_parent_object_miou_object" not in results.summary
    assert painter.vision_passes == len(rows), "no words are one more question about the same picture"
    assert set(results.controls["predictor"].to_pylist()) == set(ALL_CONTROLS)
    assert set(results.records["predictor"].to_pylist()) == {"model"}


def test_another_expression_is_not_the_same_words(painter, processor, boxes):
    row = boxes.rows(1)[0]
    row["targets"] = [
        boxes.target("x", [(0, 0, 9, 9)], [boxes.spell((0, 0, 9, 9))]),
        boxes.target("y", [(5, 5, 9, 9)], [boxes.spell((0, 0, 9, 9))]),
    ]
    results = evaluate_model(painter, processor, [row], controls=["other_expression"])
    assert results.controls.num_rows == 0


def test_boxes_without_a_mask_are_counted_and_left_out(painter, processor, boxes):
    rows = boxes.rows(3)
    expected = evaluate_model(painter, processor, rows[:2]).summary
    boxes_only = boxes.target("q", [(0, 0, 9, 9)], [boxes.spell((0, 0, 9, 9)), boxes.spell((0, 0, 8, 8))]) | {
        "mask": None
    }
    rows[0]["targets"].insert(0, boxes_only)
    rows[2]["targets"] = [boxes_only]
    rows.append(rows[2] | {"targets": [], "image_id": "silent"})
    results = evaluate_model(painter, processor, rows)
    assert results.summary == expected | {"n_boxes_only": 4}
    with pytest.raises(ValueError, match="boxes only"):
        evaluate_model(painter, processor, rows[2:])


def test_boxes_without_a_mask_are_scored_by_the_protocol_of_boxes(painter, processor, boxes):
    row = boxes.rows(1)[0]
    box_only = boxes.target("q", [(10, 10, 30, 30)], [boxes.spell((10, 10, 20, 12), (25, 20, 30, 30))])
    box_only |= {"mask": None, "bbox": [10.2, 9.9, 20.1, 20.0]}
    half = boxes.target("h", [(0, 0, 40, 10)], [boxes.spell((0, 0, 20, 10))])
    results = evaluate_model(painter, processor, [row | {"targets": [box_only, half]}], protocol="boxes")
    assert results.summary["n_boxes_only"] == 0 and results.summary["n_expressions"] == 2
    iou = dict(zip(*(results.records[name].to_pylist() for name in ("target_id", "iou")), strict=True))
    assert iou == {"q": 1, "h": 0.5}, "two pieces within the box make the whole of it"
    assert [results.summary[f"pr@{x}"] for x in (0.5, 0.75, 0.9)] == [100, 50, 50]
    with pytest.raises(ValueError, match="but boxes compares elsewhere"):
        evaluate_model(painter, processor, [row], protocol="boxes", behaviors=True)


def test_two_data_sets_whose_ids_are_alike_are_measured_whole(painter, processor, boxes):
    first, second = boxes.rows(3), boxes.rows(3, seed=1)
    assert [row["image_id"] for row in first] == [row["image_id"] for row in second]
    alone = [evaluate_model(painter, processor, rows).summary for rows in (first, second)]
    together = evaluate_model(painter, processor, first + second).summary
    assert alone[0]["miou"] != alone[1]["miou"]
    assert together["miou"] == pytest.approx((alone[0]["miou"] + alone[1]["miou"]) / 2)
    assert together["n_expressions"] == 2 * alone[0]["n_expressions"]
    assert together["n_images"] == 6


def test_what_two_processes_score_counts_once(painter, processor, boxes):
    results = evaluate_model(painter, processor, boxes.rows(3), controls=())
    records = results.records.drop_columns(["iou"])
    settings = {"protocol": "unires", "bootstrap": 1000, "bootstrap_seed": 0}
    twice = Results.from_records(pyarrow.concat_tables([records, records.slice(2, 5)]), settings)
    assert twice.records.equals(results.records)
    assert twice.summary.items() <= results.summary.items()


def test_grefcoco_uses_the_mask_behind_a_denial(painter, processor, boxes):
    row = boxes.rows(1)[0]
    row["targets"] = [
        boxes.target("denied", [(0, 0, 32, 32)], ["no " + boxes.spell((16, 0, 48, 32))]),
        boxes.target("absent", [], ["no " + boxes.spell((0, 0, 8, 8))]),
        boxes.target("missed", [], [boxes.spell((0, 0, 8, 8))]),
        boxes.target("found", [(0, 0, 32, 64)], [boxes.spell((0, 0, 32, 64))]),
    ]
    summary = evaluate_model(painter, processor, [row], protocol="grefcoco").summary
    scale = (480 / boxes.size) ** 2
    # The map is drawn at 480 x 480, where corners are rounder than pixels.
    assert summary["oiou"] == pytest.approx(100 * 32 * 64 / (48 * 32 + 8 * 8 + 32 * 64), rel=1e-3)
    assert (summary["giou"], summary["n_acc"], summary["t_acc"]) == (50, 50, 50)
    records = by_id(evaluate_model(painter, processor, [row], protocol="grefcoco").records)
    assert records["denied.0"]["union"] == pytest.approx(48 * 32 * scale, rel=1e-3) and records["denied.0"]["iou"] == 0
    assert records["absent.0"]["iou"] == 1
    # The other protocols take what a user gets: no mask.
    assert by_id(evaluate_model(painter, processor, [row]).records)["denied.0"]["union"] == 32 * 32


def test_the_mask_threshold_is_the_protocols_or_the_models(painter, processor, boxes):
    rows, processor = boxes.rows(2), copy.deepcopy(processor)
    processor.mask_threshold = 0.001  # the painter's ground has a probability of 0.0067
    for protocol, asked, used, whose in (
        ("unires", None, 0.001, "the model"),
        ("unires", 0.4, 0.4, "request"),
        ("lavt", None, 0.5, "the protocol"),
        ("cris", 0.35, 0.35, "the protocol"),
    ):
        results = evaluate_model(painter, processor, rows, protocol=protocol, mask_threshold=asked)
        summary = results.summary
        assert (summary["mask_threshold"], summary["mask_threshold_chosen_by"]) == (used, whose)
        assert f"mask threshold {used:g} ({whose}" in results.markdown() or whose == "request"
        area = results.records["pred_area"][0].as_py()
        assert (area == boxes.size**2) == (used == 0.001)
    with pytest.raises(ValueError, match="cris fixes the mask threshold at 0.35, not 0.4: leave it out"):
        evaluate_model(painter, processor, rows, protocol="cris", mask_threshold=0.4)


def test_what_made_the_numbers_is_in_them(tiny, processor, boxes):
    processor = copy.deepcopy(processor)
    processor.presence_threshold, processor.tokenizer.model_max_length = 0.3, 9
    rows = boxes.rows(2)
    summary = evaluate_model(tiny, processor, rows, seed=5).summary
    wanted = {"presence_threshold": 0.3, "text_length": 9, "input_size": "64x64", "bootstrap_seed": 5}
    assert wanted.items() <= summary.items() and "seed" not in summary
    other = evaluate_model(tiny, processor, rows[:1], max_length=7).summary
    assert other["text_length"] == 7
    assert other["weights_sha256"] == summary["weights_sha256"] and other["data_sha256"] != summary["data_sha256"]
    changed = copy.deepcopy(tiny)
    changed.mask_head.bias.bias.data += 1e-6
    again = evaluate_model(changed, processor, rows).summary
    assert again["weights_sha256"] != summary["weights_sha256"] and again["data_sha256"] == summary["data_sha256"]


def test_names_that_differ_after_a_point_are_two(painter, processor, boxes, tmp_path):
    results = evaluate_model(painter, processor, boxes.rows(1))
    written = [path for name in ("t0.35", "t0.5", "t0.5.json") for path in results.save(tmp_path / name)]
    assert len(set(written)) == 8 and {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "t0.35.parquet").is_file() and (tmp_path / "t0.5.controls.parquet").is_file()


def test_max_length_cuts_the_words(painter, processor, boxes):
    row = boxes.rows(1)[0]
    row["targets"] = [boxes.target("x", [(0, 0, 9, 9)], [boxes.spell((0, 0, 9, 9), (20, 20, 30, 30))])]
    whole, cut = (evaluate_model(painter, processor, [row], max_length=n).records for n in (None, 10))
    assert whole["pred_area"].to_pylist() == [81 + 100] and cut["pred_area"].to_pylist() == [81]


def test_results_are_written_whole(painter, processor, boxes, tmp_path):
    rows = boxes.rows(3)
    results = evaluate_model(painter, processor, rows, keep_masks=True, settings={"model": "painter"})
    written = results.save(tmp_path / "run" / "results.json")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(path.name for path in written)
    summary = json.loads((tmp_path / "run" / "results.json").read_text())
    assert summary == results.summary and summary["model"] == "painter" and summary["protocol"] == "unires"
    assert set(summary.pop("by_source")) == {"boxes objects", "boxes parts"}
    assert all(value is None or isinstance(value, int | float | str) for value in summary.values())
    for key in ("miou", "oiou", "giou", "pr@0.5", "pr@0.9", "miou_object", "oiou_part", "miou_low", "n_expressions"):
        assert key in summary
    table = pyarrow.parquet.read_table(tmp_path / "run" / "results.parquet")
    assert table.equals(results.records)
    for record in table.to_pylist():
        assert masks.area(record["prediction"]) == record["pred_area"]
    controls = pyarrow.parquet.read_table(tmp_path / "run" / "results.controls.parquet")
    assert controls.num_rows == summary["control_all_foreground_n_expressions"] + 3
    assert (tmp_path / "run" / "results.md").read_text() == results.markdown()


def test_bad_input_is_named(painter, processor, boxes):
    rows = boxes.rows(1)
    with pytest.raises(ValueError, match="no protocol 'x'"):
        evaluate_model(painter, processor, rows, protocol="x")
    with pytest.raises(ValueError, match="no control 'x'; choose from all_foreground"):
        evaluate_model(painter, processor, rows, controls=["x"])
    rows[0]["targets"][1]["mask"] = masks.empty(10, 20)
    with pytest.raises(ValueError, match=r"Image 0 is \(64, 64\).*target 0/b is \(10, 20\)"):
        evaluate_model(painter, processor, rows)


def test_training_mode_is_given_back(painter, processor, boxes):
    for mode in (True, False):
        painter.train(mode)
        evaluate_model(painter, processor, boxes.rows(1))
        assert painter.training is mode


@pytest.fixture(scope="module")
def tiny(processor):
    config = UniResConfig.from_preset("tiny")
    vocabulary = {"bos_token_id": processor.tokenizer.bos_token_id, "eos_token_id": processor.tokenizer.eos_token_id}
    config.text_config.update(vocabulary | {"pad_token_id": processor.tokenizer.pad_token_id})
    torch.manual_seed(0)
    model = UniResModel(config).eval()
    torch.nn.init.constant_(model.presence_head.fc2.bias, 3.0)  # untrained: a coin would deny half of the referents
    return model


def test_the_real_model_as_one_call_an_expression(tiny, processor, boxes):
    rows = boxes.rows(3)
    asked = processor(images=rows[0]["image"], text="something", return_tensors="pt")
    asked.pop("original_sizes")
    with torch.no_grad():
        usual = tiny(**asked).logits.median().sigmoid().item()
    results = evaluate_model(tiny, processor, rows, mask_threshold=usual, controls=ALL_CONTROLS, keep_masks=True)
    assert 0.2 < np.mean(results.records["pred_area"].to_pylist()) / boxes.size**2 < 0.8
    records = by_id(results.records)
    for row in rows:
        for target in row["targets"]:
            for expression in target["expressions"]:
                inputs = processor(images=row["image"], text=expression["text"], return_tensors="pt")
                sizes = inputs.pop("original_sizes")
                [[one]] = processor.post_process_referring_segmentation(tiny(**inputs), sizes, mask_threshold=usual)
                kept = masks.decode(records[expression["expression_id"]]["prediction"])
                assert (kept != one["mask"].numpy()).mean() < 0.002  # rounding at the threshold
    assert results.summary["control_empty_expression_n_expressions"] == results.summary["n_expressions"]


@pytest.mark.skipif(not SHARED.exists(), reason=f"the sample photographs are not at {SHARED}")
def test_photographs_score_at_their_own_size(tiny, processor):
    from unires_hf.data.readers.refer import read_refer

    rows = read_refer(SHARED / "mini_refcoco", "refcoco", "unc", "val")
    rows = [row for row in rows if isinstance(row, dict)]
    results = evaluate_model(tiny, processor, rows, batch_size=2)
    for record in results.controls.to_pylist():
        assert record["predictor"] != "all_foreground" or record["union"] == record["height"] * record["width"]
    assert results.summary["n_images"] == len(rows) > 1
    assert results.summary["control_all_foreground_miou"] > 5


TWO_PROCESSES = """
import sys
from pathlib import Path
from accelerate import PartialState

sys.path.insert(0, {here!r})
import conftest
from unires_hf.evaluation import evaluate_model

processor = conftest.make_processor()
rows = conftest.make_rows(7)
assert PartialState(cpu=True).num_processes == 2
for name, images, passes in (("all", rows, 4), ("stream", iter(rows), 4), ("one", rows[:1], 1)):
    painter = conftest.Painter()
    results = evaluate_model(painter, processor, images, batch_size=2, controls={controls!r}, keep_masks=True)
    assert painter.vision_passes <= passes, "each process sees its own images only"
    results.save(Path({out!r}) / f"{{name}}-{{PartialState().process_index}}.json")
PartialState().destroy_process_group()
"""


def test_two_processes_give_the_numbers_of_one(painter, processor, boxes, tmp_path):
    code = TWO_PROCESSES.format(here=str(Path(__file__).parent), controls=ALL_CONTROLS, out=str(tmp_path))
    on_two_processes(exec, code, {})
    for name, rows in (("all", boxes.rows(7)), ("stream", boxes.rows(7)), ("one", boxes.rows(7)[:1])):
        expected: Results = evaluate_model(painter, processor, rows, controls=ALL_CONTROLS, keep_masks=True)
        for process in (0, 1):
            assert json.loads((tmp_path / f"{name}-{process}.json").read_text()) == expected.summary
            assert pyarrow.parquet.read_table(tmp_path / f"{name}-{process}.parquet").equals(expected.records)
