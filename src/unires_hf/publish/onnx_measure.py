# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What each form of a checkpoint costs and keeps: size, time and mIoU on labeled images."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from transformers import pipeline

from unires_hf.checkpoints import checkpoint_path
from unires_hf.data import masks
from unires_hf.data.schema import Row
from unires_hf.evaluation import compute_metrics, overlap

from .onnx_folder import GRAPHS, export_onnx, quantize
from .onnx_segment import Segmenter


class Form(NamedTuple):
    """One form of a checkpoint: what segments, and the bytes of its weights or graphs."""

    name: str
    size: int
    segment: Callable[[Image.Image, list[str]], list[dict[str, Any]]]


class Measured(NamedTuple):
    """
    What was measured of one form; the first form measured is the one that ratios and losses refer to.

    Args:
        name (`str`): such as "ONNX int8, cpu".
        faster (`float`): the median over images of the first form's seconds over this one's.
        smaller (`float`): the first form's bytes over this one's.
        miou_lost (`float`): the first form's mIoU less this one's, in points.
        milliseconds (`float`): the median over images, from the picture with all its expressions to the masks.
        megabytes (`float`): weights, or graphs.
        miou, miou_part (`float`): of all expressions with a referent, and of those about parts, in percent.
    """

    name: str
    faster: float
    smaller: float
    miou_lost: float
    milliseconds: float
    megabytes: float
    miou: float
    miou_part: float


def measure_exports(name: str, rows: Sequence[Row], threads: int, device: str = "cpu") -> list[Measured]:
    """
    Measures a checkpoint in PyTorch at full and half precision, and as ONNX on the CPU in float32 and int8.

    Args:
        name (`str`): `default`, a folder, or a repository of the Hub.
        rows (`Sequence[Row]`): rows of the schema, 2 or more with expressions: the first one is scored, but not timed.
        threads (`int`): of onnxruntime; PyTorch's are set by who calls.
        device (`str`, *optional*, defaults to `"cpu"`): where PyTorch runs.

    Raises:
        ValueError: if fewer than 2 rows have an expression with a referent.
    """
    rows = [row for row in rows if any(it["expressions"] and masks.area(it["mask"]) for it in row["targets"])]
    if len(rows) < 2:
        raise ValueError(
            f"Of the images to measure on, {len(rows)} have an expression with a referent: give 2 or more that do."
        )
    with tempfile.TemporaryDirectory() as scratch:
        # On a CPU, float16 is several times slower than float32, and no smaller than bfloat16.
        halves = [torch.bfloat16] if device == "cpu" else [torch.bfloat16, torch.float16]
        forms = [_pytorch(name, dtype, device) for dtype in (torch.float32, *halves)]
        folder = export_onnx(name, Path(scratch, "float32")).folder
        quantize(shutil.copytree(folder, Path(scratch, "int8")))
        for precision in ("float32", "int8"):
            folder = Path(scratch, precision)
            size = sum((folder / graph).stat().st_size for graph in GRAPHS)
            forms.append(Form(f"ONNX {precision}, cpu", size, Segmenter(folder, threads=threads).segment))
        return compare(forms, rows)


def compare(forms: Sequence[Form], rows: Sequence[Row]) -> list[Measured]:
    """Runs all forms over rows of the schema, in turn within each row, so that a slow moment hits them alike."""
    seconds = {form.name: [] for form in forms}
    records = {form.name: [] for form in forms}
    for row in rows:
        texts, truths, parts = zip(*_asked(row), strict=True)
        for form in forms:
            start = time.perf_counter()
            results = form.segment(row["image"], list(texts))
            seconds[form.name].append(time.perf_counter() - start)
            records[form.name] += [
                (*overlap(np.asarray(result["mask"]) > 0, truth)[:2], result["is_empty"], part)
                for result, truth, part in zip(results, truths, parts, strict=True)
                if truth.any()
            ]
    scores = {name: _score(values) for name, values in records.items()}
    first = forms[0]
    timed = {name: values[1:] for name, values in seconds.items()}  # the first image warms up
    return [
        Measured(
            name=form.name,
            faster=statistics.median(a / b for a, b in zip(timed[first.name], timed[form.name], strict=True)),
            smaller=first.size / form.size,
            miou_lost=scores[first.name]["miou"] - scores[form.name]["miou"],
            milliseconds=1000 * statistics.median(timed[form.name]),
            megabytes=form.size / 1e6,
            miou=scores[form.name]["miou"],
            miou_part=scores[form.name]["miou_part"],
        )
        for form in forms
    ]


def markdown(measured: Sequence[Measured]) -> str:
    """The table, ratios first."""
    lines = ["| form | faster | smaller | mIoU lost | ms/image | MB | mIoU | mIoU of parts |", "|---|" + "---:|" * 7]
    lines += [
        f"| {it.name} | {it.faster:.2f}x | {it.smaller:.2f}x | {it.miou_lost:.2f} | {it.milliseconds:.1f} | "
        f"{it.megabytes:.2f} | {it.miou:.2f} | {it.miou_part:.2f} |"
        for it in measured
    ]
    return "\n".join(lines)


def _pytorch(name: str, dtype: torch.dtype, device: str) -> Form:
    segmenter = pipeline("referring-segmentation", model=checkpoint_path(name), dtype=dtype, device=device)
    size = sum(parameter.nbytes for parameter in segmenter.model.parameters())
    label = f"PyTorch {str(dtype).removeprefix('torch.')}, {device}"
    return Form(label, size, lambda image, texts: segmenter(image, text=texts))


def _asked(row: Row) -> list[tuple[str, np.ndarray, str]]:
    """The expressions of a row, with the true mask and the granularity of each."""
    return [
        (expression["text"], masks.decode(target["mask"]), target["granularity"])
        for target in row["targets"]
        for expression in target["expressions"]
    ]


def _score(records: list[tuple[int, int, bool, str]]) -> dict[str, float | int]:
    intersection, union, predicted, granularity = zip(*records, strict=True)
    return compute_metrics(intersection, union, predicted_no_target=predicted, granularity=granularity, bootstrap=0)
