# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The Markdown table."""

from unires_hf.evaluation import evaluate_model, markdown_table

SETTINGS = {
    "protocol": "unires",
    "mask_threshold": 0.35,
    "mask_threshold_chosen_by": "the model",
    "scored_at": "original size",
    "n_images": 2000,
    "n_no_target": 0,
}


def cells(table):
    """Of the first table."""
    lines = table.partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_rows_are_subsets_with_the_controls_under_the_model():
    summary = SETTINGS | {
        "n_expressions": 12345,
        "n_expressions_object": 2345,
        "n_expressions_part": 10000,
        "miou": 34.26,
        "miou_low": 33.0,
        "miou_high": 35.55,
        "oiou": 40.0,
        "pr@0.5": 30.0,
        "pr@0.5_low": 29.0,
        "pr@0.5_high": 31.0,
        "pr@0.5_part": 9.0,
        "miou_part": 19.6,
        "oiou_part": 20.0,
        "miou_object": 70.0,
        "oiou_object": 70.0,
        "pr@0.5_object": 75.0,
        "control_parent_object_miou": 12.0,
        "control_parent_object_miou_part": 12.0,
        "control_parent_object_oiou": 13.0,
        "control_parent_object_oiou_part": 13.0,
        "control_parent_object_pr@0.5": 1.0,
        "control_parent_object_pr@0.5_part": 1.0,
        "control_parent_object_n_expressions": 9000,
        "control_parent_object_n_expressions_part": 9000,
    }
    head, rule, *body = cells(markdown_table(summary))
    assert head == ["expressions", "prediction", "n", "mIoU", "oIoU", "Pr@0.5"] and len(rule) == len(head)
    assert body == [
        ["all", "**model**", "12,345", "34.3 [33.0, 35.5]", "40.0", "30.0"],
        ["objects", "**model**", "2,345", "70.0", "70.0", "75.0"],
        ["parts", "**model**", "10,000", "19.6", "20.0", "9.0"],
        ["parts", "whole parent object", "9,000", "12.0", "13.0", "1.0"],
    ]


def test_one_granularity_is_said_once_and_no_target_adds_its_columns():
    summary = SETTINGS | {"n_no_target": 3, "n_expressions": 5, "n_expressions_part": 5}
    for suffix in ("", "_part"):
        summary |= {f"{key}{suffix}": 50.0 for key in ("miou", "oiou", "giou", "n_acc", "pr@0.7")}
    head, _, *body = cells(markdown_table(summary))
    assert head[3:] == ["mIoU", "oIoU", "gIoU", "N-acc", "Pr@0.7"]
    assert [row[0] for row in body] == ["parts"]


def test_real_results_have_every_cell(painter, processor, boxes):
    results = evaluate_model(painter, processor, boxes.rows(4), controls=["all_foreground", "parent_object"])
    table = results.markdown()
    head, _, *body = cells(table)
    assert all(len(row) == len(head) for row in body)
    assert [row[:2] for row in body if "parent" not in row[1]] == [
        [subset, who] for subset in ("all", "objects", "parts") for who in ("**model**", "all foreground")
    ]
    assert "4 images" in table and "`unires`" in table and "[" in body[0][3]
    # Parts never lack a referent here: no N-acc to show for them.
    assert [row[head.index("N-acc")] for row in body if row[0] == "parts"] == ["–"] * 3
