# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A checkpoint of a few thousand random weights, and a segmenter of it."""

from pathlib import Path

import pytest
import torch
from tiny_unires import tiny_config
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from unires_hf import UniResModel
from unires_hf.app import Segmenter
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.processing_unires import UniResProcessor


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its presence threshold is so low that something is found."""
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: at for at, word in enumerate(words)}, merges=[], model_max_length=20)
    torch.manual_seed(0)
    config = tiny_config(presence_threshold=0.01)
    config.text_config.vocab_size = len(words)
    config.text_config.bos_token_id, config.text_config.eos_token_id = len(words) - 2, len(words) - 1
    config.text_config.pad_token_id = len(words) - 1
    images = UniResImageProcessorPil(size={"height": 32, "width": 32})
    folder = tmp_path_factory.mktemp("tiny") / "checkpoint"
    UniResModel(config).save_pretrained(folder)
    UniResProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def segmenter(checkpoint: Path) -> Segmenter:
    return Segmenter.from_pretrained(str(checkpoint))
