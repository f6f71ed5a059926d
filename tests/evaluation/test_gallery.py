# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The gallery shows the right cases, with masks where they belong."""

import datasets
import numpy as np
import pytest
from PIL import Image

from unires_hf.data.schema import FEATURES
from unires_hf.evaluation import evaluate_model
from unires_hf.report.gallery import draw_gallery
from unires_hf.report.overlay import BY_GRANULARITY


def has_color(picture, color):
    return (np.abs(picture.astype(int) - color).max(-1) <= 3).any()


def test_worst_left_best_right(painter, processor, boxes, tmp_path):
    rows = boxes.rows(4)
    box = (16, 16, 48, 48)
    for number, (row, said) in enumerate(zip(rows, [(0, 0, 8, 8), (16, 16, 48, 40), box, box], strict=True)):
        row["image"] = Image.new("RGB", (boxes.size, boxes.size), (40, 40, 40))
        row["targets"] = [boxes.target(f"{number}/a", [box], [boxes.spell(said)])]
    part = boxes.target("3/p", [box], [boxes.spell(box)], parent="3/a")
    rows[3]["targets"] = [part]
    results = evaluate_model(painter, processor, rows, keep_masks=True)
    for source in (rows, datasets.Dataset.from_list(rows, features=FEATURES)):
        path = draw_gallery(results, source, tmp_path / "new" / "gallery.png", count=2)
        page = np.asarray(Image.open(path).convert("RGB"))
        middle = page.shape[1] // 2
        below = page[40:]
        assert has_color(below[:, :middle], BY_GRANULARITY["object"]), "the worst are objects: blue outlines"
        assert has_color(below[:, middle:], BY_GRANULARITY["part"]), "a part is among the best: an orange outline"
        assert not has_color(below[:, :middle], BY_GRANULARITY["part"])


def test_what_is_missing_is_named(painter, processor, boxes, tmp_path):
    rows = boxes.rows(3)
    with pytest.raises(ValueError, match="keep_masks=True"):
        draw_gallery(evaluate_model(painter, processor, rows), rows, tmp_path / "gallery.png")
    results = evaluate_model(painter, processor, rows, keep_masks=True)
    with pytest.raises(ValueError, match=r"\('boxes', '2'\) is not among the rows"):
        draw_gallery(results, rows[:2], tmp_path / "gallery.png")
    assert not (tmp_path / "gallery.png").exists()
