# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A small data set on disk, with unlike numbers of expressions an image, and recipes that learn from it in seconds."""

import json
from collections.abc import Callable
from pathlib import Path

import datasets.config
import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers import HfArgumentParser

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments

TOWER = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96}
SMALL = {
    "text_config": {**TOWER, "vocab_size": 600, "max_position_embeddings": 24, "projection_dim": 48},
    "vision_config": {**TOWER, "image_size": 64, "patch_size": 16, "projection_dim": 48},
    "projection_dim": 48,
    "group_split_layer": 1,
}
COUNTS = [(1, 0), (5, 2), (2, 1), (4, 3), (1, 1), (3, 0), (2, 6), (1, 2), (4, 1), (2, 2), (1, 0), (0, 1)]


def make_row(number: int, said_of_object: int, said_of_part: int) -> dict:
    """A square with a corner of its own: an object and its part."""
    rng = np.random.default_rng(number)
    height, width = (int(side) for side in rng.integers(40, 60, 2))
    top, left = rng.integers(2, 16, 2)
    whole, corner = np.zeros((2, height, width), bool)
    whole[top : top + 20, left : left + 20] = True
    corner[top : top + 8, left : left + 8] = True
    pixels = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    pixels[whole] += 120
    pixels[corner, 0] += 70
    targets = []
    for kind, mask, count in (("object", whole, said_of_object), ("part", corner, said_of_part)):
        said = [
            {"expression_id": f"{number}/{kind}/{place}", "text": f"{kind} number {place} on the left"}
            for place in range(count)
        ]
        part = kind == "part"
        targets.append(
            {
                "target_id": f"{number}/{kind}",
                "granularity": kind,
                "category": "square",
                "part": "corner" if part else None,
                "parent_id": f"{number}/object" if part else None,
                "bbox": masks.bbox(masks.encode(mask)),
                "mask": masks.encode(mask),
                "expressions": said,
            }
        )
    return {
        "image": Image.fromarray(pixels),
        "image_id": str(number),
        "source": "squares",
        "width": width,
        "height": height,
        "targets": targets,
    }


@pytest.fixture(scope="session")
def rows() -> Dataset:
    return Dataset.from_list([make_row(number, *counts) for number, counts in enumerate(COUNTS)], FEATURES)


@pytest.fixture(scope="session")
def squares(rows, tmp_path_factory) -> str:
    """How a command names these rows, stored in two files."""
    folder = tmp_path_factory.mktemp("squares")
    for number in range(2):
        shard = rows.shard(2, number, contiguous=True)
        shard.to_parquet(folder / "data" / f"train-{number:05d}-of-00002.parquet")
    return f"{folder / 'data'},cache_dir={folder / 'cache'}"


@pytest.fixture
def recipe(squares, tmp_path) -> Callable[..., Path]:
    """Writes a recipe that a training script can be called with."""

    def write(name: str, **fields) -> Path:
        settings = {
            "preset": "tiny",
            "config_overrides": json.dumps(SMALL),
            "train_data": [squares],
            "output_dir": str(tmp_path / name),
            "expressions_per_image": 3,
            "per_device_train_batch_size": 2,
            "learning_rate": 1e-3,
            "num_train_epochs": 2,
            "logging_steps": 1,
            "save_strategy": "no",
            "dataloader_num_workers": 0,
            "disable_tqdm": True,
            **fields,
        }
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(settings))
        return path

    return write


@pytest.fixture
def arguments(recipe) -> Callable[..., tuple[ModelArguments, DataArguments, UniResTrainingArguments]]:
    """The arguments that such a recipe makes."""

    def make(name: str = "run", **fields):
        parser = HfArgumentParser((ModelArguments, DataArguments, UniResTrainingArguments))
        return parser.parse_json_file(str(recipe(name, **fields)))

    return make


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """`datasets` sleeps for seconds after each pass over a stream of Parquet; these streams have 11 rows."""
    monkeypatch.setattr(datasets.config, "SLEEP_TIME_ON_THREADS_SHUTDOWN", 0)


@pytest.fixture(autouse=True)
def one_thread():
    """So that runs in this process and in others round alike."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
