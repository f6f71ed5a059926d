# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The folder that `evaluate.load` takes: alone, without this package, and equal to the package's own numbers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import evaluate
import numpy as np
import pytest

from unires_hf import evaluation
from unires_hf.data import masks
from unires_hf.evaluation import PROTOCOLS, compute_metrics, score

FOLDER = Path(evaluation.__file__).parent / "referring_segmentation_metric"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path / "metrics"))


def make_cases(count, seed=0):
    generator = np.random.default_rng(seed)
    predictions, truths = (list(generator.random((count, 30, 50)) < generator.random((count, 1, 1))) for _ in range(2))
    predictions[0][:] = truths[1][:] = False
    predictions[2][:] = truths[2][:] = False
    return predictions, truths


@pytest.mark.parametrize("name", PROTOCOLS)
def test_rles_give_the_packages_numbers(name):
    predictions, truths = make_cases(12)
    options = {
        "protocol": name,
        "granularity": ["object", "part"] * 6,
        "image_ids": [str(number // 3) for number in range(12)],
        "bootstrap": 50,
    }
    metric = evaluate.load(str(FOLDER))
    for start in range(0, 12, 5):
        metric.add_batch(
            predictions=[masks.encode(mask) for mask in predictions[start : start + 5]],
            references=[masks.encode(mask) for mask in truths[start : start + 5]],
        )
    scored = [score(p, masks.encode(t), PROTOCOLS[name]) for p, t in zip(predictions, truths, strict=True)]
    assert metric.compute(**options) == compute_metrics(
        [one.intersection for one in scored],
        [one.union for one in scored],
        no_target=[not mask.any() for mask in truths],
        predicted_no_target=[not mask.any() for mask in predictions],
        **options,
    )


def test_counts_give_the_packages_numbers():
    metric = evaluate.load(str(FOLDER), "counts")
    options = {"no_target": [False, True, True], "predicted_no_target": [False, True, False], "protocol": "grefcoco"}
    result = metric.compute(intersections=[7, 0, 0], unions=[10, 5, 4], **options)
    assert result == compute_metrics([7, 0, 0], [10, 5, 4], **options)
    assert (result["n_acc"], result["oiou"]) == (50, pytest.approx(100 * 7 / 14))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="'pixels'; choose one of default, counts"):
        evaluate.load(str(FOLDER), "pixels")
    small, large = masks.encode(np.ones((2, 3), bool)), masks.encode(np.ones((4, 6), bool))
    with pytest.raises(ValueError, match=r"\[2, 3\].*\[4, 6\]; bring predictions to the original image size"):
        evaluate.load(str(FOLDER)).compute(predictions=[small], references=[large])


ALONE = """
import json, sys
sys.modules["unires_hf"] = None  # importing it raises
import evaluate
metric = evaluate.load(sys.argv[1])
square = {"size": [4, 4], "counts": "04L"}  # what pycocotools makes of the left column
print(json.dumps(metric.compute(predictions=[square], references=[square])))
"""


def test_folder_works_without_the_package(tmp_path):
    square = masks.encode(np.arange(16).reshape(4, 4) % 4 == 0)
    folder = shutil.copytree(FOLDER, tmp_path / FOLDER.name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1"}
    code = ALONE.replace("04L", square["counts"])
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["oiou"] == 100
