# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the tasks of lmms-eval ask, and how boxes are scored; called by the YAML files beside it."""

import re
from typing import Any

import datasets
import numpy as np
from PIL import Image

from unires_hf.data import masks

Doc = dict[str, Any]
DOCS = datasets.Features(
    {
        "image": datasets.Image(),
        "text": datasets.Value("string"),
        "granularity": datasets.Value("string"),
        "box": datasets.List(datasets.Value("float64")),
    }
)
_NUMBER = r"\s*(-?\d+(?:\.\d+)?)\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")


def to_docs(rows: datasets.Dataset) -> datasets.Dataset:
    """A document an expression that has a referent, from rows of our schema; `box` is x0, y0, x1, y1 in shares of the
    picture."""
    silent = rows.cast_column("image", datasets.Image(decode=False))
    return silent.map(_said, batched=True, batch_size=8, remove_columns=silent.column_names, features=DOCS)


def _said(batch: dict[str, list]) -> dict[str, list]:
    docs: dict[str, list] = {name: [] for name in DOCS}
    columns = (batch[name] for name in ("image", "width", "height", "targets"))
    for image, width, height, targets in zip(*columns, strict=True):
        for target in targets:
            if target["mask"] is None or not masks.area(target["mask"]):
                continue
            x, y, w, h = masks.bbox(target["mask"])
            for expression in target["expressions"]:
                docs["image"].append(image)
                docs["text"].append(expression["text"])
                docs["granularity"].append(target["granularity"])
                docs["box"].append([x / width, y / height, (x + w) / width, (y + h) / height])
    return docs


def doc_to_visual(doc: Doc) -> list[Image.Image]:
    """The picture."""
    return [doc["image"].convert("RGB")]


def doc_to_text(doc: Doc) -> str:
    """The question."""
    return (
        "Give the bounding box of what this phrase refers to, an object or a part of one, as [left, top, right, "
        f"bottom], each a number from 0 to 1 in shares of the picture's width or height: {doc['text']}"
    )


def process_results(doc: Doc, results: list[str]) -> dict[str, tuple[str, float]]:
    """Granularity and box IoU, for each metric; 0 for an answer without a box."""
    found = _BOX.search(results[0]) if results else None
    iou = box_iou([float(number) for number in found.groups()], doc["box"]) if found else 0.0
    return {name: (doc["granularity"], iou) for name in ("part_acc", "all_acc", "part_iou", "all_iou")}


def box_iou(first: list[float], second: list[float]) -> float:
    """IoU of two boxes x0, y0, x1, y1."""
    sides = [min(first[axis + 2], second[axis + 2]) - max(first[axis], second[axis]) for axis in (0, 1)]
    both = max(0.0, sides[0]) * max(0.0, sides[1])
    areas = [max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (first, second)]
    return both / (sum(areas) - both) if both else 0.0


def part_acc(items: list[tuple[str, float]]) -> float:
    """Share of parts with an IoU above 0.5, in percent: RefCOCOm's protocol "Part"."""
    return all_acc([item for item in items if item[0] == "part"])


def all_acc(items: list[tuple[str, float]]) -> float:
    """Share of all expressions with an IoU above 0.5, in percent: RefCOCOm's protocol "Obj & Part"."""
    return 100 * float(np.mean([iou > 0.5 for _, iou in items])) if items else float("nan")


def part_iou(items: list[tuple[str, float]]) -> float:
    """Mean box IoU of parts, in percent."""
    return all_iou([item for item in items if item[0] == "part"])


def all_iou(items: list[tuple[str, float]]) -> float:
    """Mean box IoU of all expressions, in percent."""
    return 100 * float(np.mean([iou for _, iou in items])) if items else float("nan")
