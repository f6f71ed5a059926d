# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The masks of a folder as annotations that other tools read; made from masks.jsonl, each time anew."""

import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.outlines import one_outline, outlines
from unires_hf.files import whole, write_json, write_text

from .origin import png_note

FORMATS = ("rle", "png", "coco", "yolo", "labelme")
Line = dict[str, Any]


def write_annotations(out: Path, format: str, images: Path) -> Path:
    """
    Writes the masks of `out/masks.jsonl` in another format, beside it.

    - `rle`: nothing more; masks.jsonl holds COCO's compressed RLE.
    - `png`: `masks/NAME/1.png` …, 0 and 255, in the order of the expressions.
    - `coco`: `annotations.json` with RLE, which loses no pixel; an expression is a category.
    - `yolo`: `labels/NAME.txt`, one polygon an expression, holes and pieces joined by slits; `data.yaml` names them.
    - `labelme`: `labelme/NAME.json`, one polygon a connected piece, those of an expression in one group.

    Empty masks have no annotation but in `rle` and `png`. Every format says what made the masks, see [`made_by`].

    Args:
        out (`Path`): the folder that [`segment_many`] wrote.
        format (`str`): one of `FORMATS`.
        images (`Path`): the folder of the pictures, which labelme's files name.

    Returns:
        `Path`: the file or folder that was written.

    Raises:
        ValueError: if two pictures would share a file of the format.
    """
    lines = out / "masks.jsonl"
    if format == "png":
        for line in _lines(lines):
            for number, result in enumerate(line["results"], 1):
                path = out / "masks" / line["file_name"] / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                mask = Image.fromarray(np.uint8(255) * masks.decode(result["mask"]))
                mask.save(path, pnginfo=png_note(line["made_by"], [result["label"]]))
        return out / "masks"
    if format == "coco":
        _write_coco(lines, out / "annotations.json")
        return out / "annotations.json"
    if format == "yolo":
        _write_yolo(lines, out)
        return out / "labels"
    if format == "labelme":
        _write_labelme(lines, out / "labelme", images)
        return out / "labelme"
    return lines


def _lines(path: Path) -> Iterator[Line]:
    with open(path, encoding="utf-8") as file:
        yield from map(json.loads, file)


def _found(line: Line) -> list[tuple[int, Line]]:
    """The results that are not empty, with their numbers from 1."""
    return [(number, result) for number, result in enumerate(line["results"], 1) if not result["is_empty"]]


def _classes(path: Path) -> dict[str, int]:
    """Every expression that something was found for, numbered as they are met."""
    classes: dict[str, int] = {}
    for line in _lines(path):
        for _, result in _found(line):
            classes.setdefault(result["label"], len(classes))
    return classes


def _size(line: Line) -> tuple[int, int]:
    height, width = line["results"][0]["mask"]["size"]
    return height, width


def _write_coco(path: Path, target: Path) -> None:
    classes, number = _classes(path), 0
    with whole(target) as part, open(part, "w", encoding="utf-8") as file:
        origin = next((line["made_by"] for line in _lines(path)), None)
        file.write(f'{{"info": {json.dumps(origin, ensure_ascii=False)},\n"images": [')
        for place, line in enumerate(_lines(path)):
            height, width = _size(line)
            image = {"id": place + 1, "file_name": line["file_name"], "height": height, "width": width}
            file.write(f"{', ' if place else ''}{json.dumps(image, ensure_ascii=False)}")
        file.write('],\n"annotations": [')
        for place, line in enumerate(_lines(path)):
            for _, result in _found(line):
                annotation = {
                    "id": number + 1,
                    "image_id": place + 1,
                    "category_id": classes[result["label"]] + 1,
                    "segmentation": result["mask"],
                    "area": masks.area(result["mask"]),
                    "bbox": masks.bbox(result["mask"]),
                    "iscrowd": 0,
                    "score": result["score"],
                }
                file.write(f"{', ' if number else ''}{json.dumps(annotation, ensure_ascii=False)}")
                number += 1
        categories = [{"id": number + 1, "name": name} for name, number in classes.items()]
        file.write(f'],\n"categories": {json.dumps(categories, ensure_ascii=False)}}}\n')


def _stems(path: Path, folder: Path, suffix: str) -> Iterator[tuple[Line, Path]]:
    """Each line with the file of its picture, which these formats name without the picture's own ending."""
    seen: dict[str, str] = {}
    for line in _lines(path):
        stem = str(PurePosixPath(line["file_name"]).with_suffix(""))
        if stem in seen:
            raise ValueError(
                f"{seen[stem]} and {line['file_name']} would share the file {stem}{suffix}: rename one, or take the "
                "format coco."
            )
        seen[stem] = line["file_name"]
        target = folder / f"{stem}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        yield line, target


def _write_yolo(path: Path, out: Path) -> None:
    classes = _classes(path)
    for line, target in _stems(path, out / "labels", ".txt"):
        height, width = _size(line)
        text = ""
        for _, result in _found(line):
            corners = one_outline(masks.decode(result["mask"]))
            shares = " ".join(f"{x / width:.6g} {y / height:.6g}" for x, y in corners)
            text += f"{classes[result['label']]} {shares}\n"
        write_text(target, text)
    names = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for name, number in classes.items())
    origin = next((line["made_by"] for line in _lines(path)), None)
    write_text(out / "data.yaml", f"# {json.dumps(origin, ensure_ascii=False)}\nnames:\n{names}")


def _write_labelme(path: Path, folder: Path, images: Path) -> None:
    for line, target in _stems(path, folder, ".json"):
        height, width = _size(line)
        shapes = [
            {
                "label": result["label"],
                "points": [[float(x), float(y)] for x, y in corners],
                "group_id": number,
                "description": f"score {result['score']}",
                "shape_type": "polygon",
                "flags": {},
            }
            for number, result in _found(line)
            for corners in outlines(masks.decode(result["mask"]))
        ]
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": os.path.relpath(images / line["file_name"], target.parent),
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
            "made_by": line["made_by"],
        }
        write_json(target, content)
