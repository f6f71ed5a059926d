# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A small model of each kind with random weights, as a folder, and a comparison of two of them."""

import pytest
import torch
from datasets import Dataset
from transformers import set_seed

from unires_hf.loading import load_rows
from unires_hf.report.model_comparison import Comparison, compare_models
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model

TEXTS = ["the red mug", "handle of the blue mug", "the wheels of the bus on the left"]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> dict[str, str]:
    """From a preset to what `load_model` knows such a model by."""
    root = tmp_path_factory.mktemp("checkpoints")
    names = {}
    for preset in ("tiny", "cris-tiny", "lavt-tiny", "clipseg-tiny"):
        set_seed(0)
        model, processor = build_model(ModelArguments(preset=preset), TEXTS)
        if preset == "tiny":  # untrained, it would find nothing anywhere
            torch.nn.init.zeros_(model.similarity.logit_bias)
            torch.nn.init.constant_(model.presence_head.fc2.bias, 3.0)
        if preset == "clipseg-tiny":
            torch.nn.init.zeros_(model.decoder.transposed_convolution[-1].bias)  # likewise
        for part in (model, processor):
            part.save_pretrained(root / preset)
        names[preset] = f"clipseg:{root / preset}" if preset == "clipseg-tiny" else str(root / preset)
    return names


@pytest.fixture(scope="session")
def rows() -> Dataset:
    return load_rows(["partscenes,split=val,length=4"])


@pytest.fixture(scope="session")
def compared(checkpoints, rows) -> Comparison:
    return compare_models([checkpoints["tiny"], checkpoints["clipseg-tiny"]], rows, costs=False, bootstrap=20)
