# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Mosaics keep what was said true, pixel by pixel, and the table of tiles says what was found and what it cost."""

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_unires import tiny_model, tiny_processor

from unires_hf.data import masks
from unires_hf.data.schema import validate_row
from unires_hf.experiments.mosaics import measure_tiles, mosaics, tiles_table
from unires_hf.inference.segmenter import Segmenter

SIZE = (150, 250)  # five shelves as high as the photographs, which then stay as they are
KINDS = ("class", "location", "part", "no_target")


def photograph(source: str, number: int, color: int) -> dict:
    """30 x 40 pixels: one thing of its source's own class, in a gray that no other photograph has; and words."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    mask = np.zeros((30, 40), bool)
    mask[5:20, 4:24] = True
    pixels[mask] = color
    name = f"{source}-{number}"
    about = {"part": None, "parent_id": None, "granularity": "object", "bbox": masks.bbox(masks.encode(mask))}
    said = [
        {"expression_id": f"{name}:{place}:{kind}", "text": f"{kind} {source}"} for place, kind in enumerate(KINDS)
    ]
    whole = {**about, "target_id": name, "category": source, "mask": masks.encode(mask), "expressions": said[:2]}
    part = {**whole, "target_id": f"{name}/p", "granularity": "part", "part": "all", "parent_id": name}
    absent = {**whole, "target_id": f"{name}/n", "category": "class 0", "mask": masks.empty(30, 40)}
    targets = [whole, {**part, "expressions": said[2:3]}, {**absent, "expressions": said[3:], "bbox": [0.0] * 4}]
    row = {"image_id": name, "source": source, "width": 40, "height": 30, "targets": targets}
    return {"image": Image.fromarray(pixels), **row}


@pytest.fixture
def photographs() -> list[dict]:
    return [photograph(f"class {kind}", number, 60 + 20 * kind + number) for kind in range(8) for number in range(3)]


def test_words_stay_true(photographs):
    colors = {it["image_id"]: np.asarray(it["image"]).max() for it in photographs}
    made = list(mosaics(photographs, 4, SIZE, seed=2))
    for row in made:
        validate_row(row)
        pixels = np.asarray(row["image"])[..., 0].astype(int)
        said = [it["text"] for target in row["targets"] for it in target["expressions"]]
        assert not any("location" in text for text in said)
        asked = {target["target_id"].split("/")[0] for target in row["targets"]}
        assert len({name.rpartition("-")[0] for name in asked}) == len(asked) == 6
        for target in row["targets"]:
            mask = masks.decode(target["mask"])
            color = colors[target["target_id"].split("/")[0]]
            if mask.any():
                assert mask.sum() == 300 and np.array_equal(pixels == color, mask)
        shown = {name for name, color in colors.items() if (pixels == color).sum() > 100}
        if any(name.startswith("class 0") for name in shown - asked):
            assert "no_target" not in " ".join(said)
    assert any("no_target" in it["text"] for row in made for target in row["targets"] for it in target["expressions"])
    again = list(mosaics(photographs, 4, SIZE, seed=2))
    assert all(np.array_equal(one["image"], two["image"]) for one, two in zip(made, again, strict=True))


def test_too_few_classes_are_refused(photographs):
    with pytest.raises(ValueError, match="add a source"):
        next(mosaics(photographs[:12], 1, SIZE))


def test_the_table(photographs):
    processor = tiny_processor(presence_threshold=0.01)
    model = tiny_model(processor)
    with torch.no_grad():
        model.presence_head.fc2.bias.fill_(6)
    records = measure_tiles(Segmenter(model, processor), mosaics(photographs, 2, SIZE))
    for way, views in (("off", 1), ("auto", 1 + 2 * 3 + 3 * 5)):
        own = [it for it in records if it["tiles"] == way]
        assert {it["views"] for it in own} == {views} and all(it["seconds"] > 0 for it in own)
        assert {it["share"] > 0 for it in own} == {True, False} and len({it["image_id"] for it in own}) == 2
    head, _, off, auto = tiles_table(records).splitlines()
    assert "objects (" in head and "small parts (0)" in head and off.startswith("| `off`") and "| 22 |" in auto
    known = [
        {"tiles": way, "granularity": "part", "share": share, "iou": iou, "denied": False}
        | {"image_id": "1", "views": 1, "seconds": 1.0, "mib": 2.0}
        for way, share, iou in (("off", 1e-4, 0.2), ("off", 1e-4, 0.6), ("off", 0.1, 0.9), ("auto", 1e-4, 0.7))
    ]
    _, _, off, auto = tiles_table(known).splitlines()
    assert off == "| `off` | – | – | 90.0 | 100.0 | 40.0 | 50.0 | – | 1 | 1.0 | 2 |"
    assert auto == "| `auto` | – | – | – | – | 70.0 | 100.0 | – | 1 | 1.0 | 2 |"
