# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A UniRES of a few thousand weights, and inputs for it."""

from pathlib import Path

import torch
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from unires_hf import UniResConfig, UniResModel, UniResProcessor
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil

EOS = 98


PYRAMID = {
    "backbone_config": {
        "model_type": "conv_pyramid",
        "hidden_sizes": [4, 6, 8],
        "out_features": ["stage1", "stage2", "stage3"],
    },
}
"""Fields of a backbone for `tiny_config`."""

NO_GROUPS = {"num_low_level_group_tokens": 0, "num_high_level_group_tokens": 0}


def tiny_config(**fields) -> UniResConfig:
    """A model of a few thousand weights: 4 x 4 patches, logits of 16 x 16."""
    tower = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 37,
        "projection_dim": 24,
    }
    stage = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 40}
    return UniResConfig(
        **{
            "text_config": {
                **tower,
                "vocab_size": 99,
                "max_position_embeddings": 20,
                "bos_token_id": 97,
                "eos_token_id": EOS,
                "pad_token_id": EOS,
            },
            "vision_config": {**tower, "image_size": 32, "patch_size": 8},
            "stage1_config": stage,
            "stage2_config": stage,
            "projection_dim": 24,
            "num_low_level_group_tokens": 5,
            "num_high_level_group_tokens": 3,
            "group_split_layer": 1,
            "mask_head_channels": [16, 16, 8],
            **fields,
        }
    )


def tiny_inputs(images: int = 2, expressions: int | None = None, seed: int = 0, size: tuple[int, int] = (32, 32)):
    """`images` pictures, and expressions of unlike lengths about them in turn."""
    generator = torch.Generator().manual_seed(seed)
    expressions = expressions or images
    input_ids = torch.randint(0, 90, (expressions, 7), generator=generator)
    attention_mask = torch.ones_like(input_ids)
    for row in range(expressions):
        length = 7 - row % 4
        input_ids[row, length - 1 :] = EOS
        attention_mask[row, length:] = 0
    return {
        "pixel_values": torch.randn(images, 3, *size, generator=generator),
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "image_indices": torch.arange(expressions) % images,
    }


def tiny_processor(size: tuple[int, int] = (32, 32), length: int = 20, **thresholds) -> UniResProcessor:
    """For inputs of (height, width) pixels; its tokenizer takes words apart into letters."""
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(vocab={word: at for at, word in enumerate(words)}, merges=[], model_max_length=length)
    images = UniResImageProcessorPil(size={"height": size[0], "width": size[1]})
    return UniResProcessor(image_processor=images, tokenizer=tokenizer, **thresholds)


def tiny_model(processor: UniResProcessor, seed: int = 0) -> UniResModel:
    """A model of random weights that takes what a processor makes."""
    tokenizer = processor.tokenizer
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    config = tiny_config()
    for name, value in {"vocab_size": len(tokenizer), **special}.items():
        setattr(config.text_config, name, value)
    torch.manual_seed(seed)
    return UniResModel(config).eval()


def save_checkpoint(folder: Path, processor: UniResProcessor) -> Path:
    """Saves a processor, and a model for it; returns `folder`."""
    tiny_model(processor).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
