# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A checkpoint of a few thousand weights, and the folder that it is exported to."""

import argparse
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tiny_unires import PYRAMID, tiny_config

from unires_hf import UniResImageProcessorPil, UniResModel, UniResProcessor
from unires_hf.training.tokenizer import train_clip_tokenizer


@pytest.fixture(scope="session", autouse=True)
def extra():
    """Skips everything here where what the extra installs is missing."""
    for module in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(module, reason="the extra `export` is not installed")


@pytest.fixture(scope="session")
def save_checkpoint():
    """Saves a model of random weights, made bold enough to draw something, and its processor."""

    def save(folder: Path, seed: int = 0, **fields) -> Path:
        tokenizer = train_clip_tokenizer(["the red truck", "left wheel of the red truck"], model_max_length=20)
        special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
        text_config = tiny_config().text_config.to_dict() | special | {"vocab_size": len(tokenizer)}
        torch.manual_seed(seed)
        model = UniResModel(tiny_config(text_config=text_config, **fields))
        with torch.no_grad():
            model.mask_head.kernel.weight.mul_(20)  # random weights as they start draw next to nothing
        model.save_pretrained(folder)
        images = UniResImageProcessorPil(size={"height": 32, "width": 32})
        UniResProcessor(images, tokenizer, mask_threshold=0.5, presence_threshold=0.0).save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def checkpoint(save_checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    return save_checkpoint(folder, seed=4, **PYRAMID)


class Export(NamedTuple):
    """A folder that `unires export` wrote, and what it said."""

    folder: Path
    said: str


@pytest.fixture(scope="session")
def command(checkpoint, tmp_path_factory) -> Export:
    from unires_hf.commands.export import add_arguments, export

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    said = StringIO()
    with redirect_stdout(said):
        export(parser.parse_args([str(checkpoint), "--out", str(folder)]))
    return Export(folder, said.getvalue())


@pytest.fixture(scope="session")
def exported(command) -> Path:
    return command.folder
