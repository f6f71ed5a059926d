# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Checkpoints of a few thousand weights of every kind that is exported, and a Hub on localhost."""

import os
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_unires import tiny_config
from transformers import BertTokenizer

from unires_hf import UniResModel
from unires_hf.baselines import CrisModel, LavtModel
from unires_hf.baselines import make_processor as baseline_processor
from unires_hf.publish.hub_folder import export_checkpoint
from unires_hf.training.build import fit_tokenizer, make_processor
from unires_hf.training.tokenizer import train_clip_tokenizer

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "baselines")]

TEXT = ["the red disk", "left part of the red disk"]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A UniRES with its processor."""
    folder = tmp_path_factory.mktemp("checkpoint")
    text_config = {**tiny_config().text_config.to_dict(), "vocab_size": 600, "max_position_embeddings": 24}
    config = tiny_config(text_config=text_config)
    tokenizer = fit_tokenizer(config, TEXT)
    torch.manual_seed(0)
    UniResModel(config).save_pretrained(folder)
    make_processor(config, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def baselines(tmp_path_factory) -> dict[str, Path]:
    """A CRIS and a LAVT with their processors."""
    from tiny_baselines import cris_config, lavt_config

    torch.manual_seed(0)
    words = {"vocab_size": 520, "bos_token_id": 518, "eos_token_id": 519, "pad_token_id": 519}
    cris = CrisModel(cris_config(text_config=cris_config().text_config.to_dict() | words))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "red", "disk", "left", "part", "of"]
    tokenizers = [
        train_clip_tokenizer(TEXT, vocab_size=520, model_max_length=20),
        BertTokenizer(vocab={word: at for at, word in enumerate(vocabulary)}, model_max_length=20),
    ]
    folders = {}
    for model, tokenizer in zip((cris, LavtModel(lavt_config())), tokenizers, strict=True):
        name = model.config.model_type
        folders[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(folders[name])
        baseline_processor(model.config, tokenizer).save_pretrained(folders[name])
    return folders


@pytest.fixture(scope="session")
def exported(checkpoint, tmp_path_factory) -> Path:
    return export_checkpoint(checkpoint, tmp_path_factory.mktemp("hub") / "unires-test")


@pytest.fixture(scope="session")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def hub(monkeypatch) -> Iterator[ThreadingHTTPServer]:
    """What this process takes for the Hub, and processes with [`environment`] too."""
    from hub_stand_in import HubStandIn

    server = HubStandIn()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", server.token)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def environment(hub, tmp_path) -> dict[str, str]:
    """For a process that takes the stand-in for the Hub, and has nothing cached."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": hub.token,
    }
