# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A CRIS and a LAVT of a few thousand weights, and inputs for them."""

import torch

from unires_hf.baselines import CrisConfig, LavtConfig


def cris_config(**fields) -> CrisConfig:
    """A CRIS of a few thousand weights: an input of 32 x 32 pixels, logits of 8 x 8."""
    return CrisConfig(
        **{
            "text_config": {
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "intermediate_size": 37,
                "projection_dim": 24,
                "vocab_size": 99,
                "max_position_embeddings": 20,
                "bos_token_id": 97,
                "eos_token_id": 98,
                "pad_token_id": 98,
            },
            "vision_config": {
                "embedding_size": 4,
                "depths": [1, 1, 1, 1],
                "num_attention_heads": 4,
                "projection_dim": 24,
                "position_grid_size": 2,
                "image_size": 32,
            },
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            **fields,
        }
    )


def lavt_config(**fields) -> LavtConfig:
    """A LAVT of a few thousand weights: an input and logits of 64 x 64."""
    return LavtConfig(
        **{
            "text_config": {
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "intermediate_size": 37,
                "vocab_size": 99,
                "max_position_embeddings": 20,
            },
            "vision_config": {
                "image_size": 64,
                "embed_dim": 8,
                "depths": [1, 2, 1, 1],
                "num_heads": [1, 2, 2, 2],
                "window_size": 2,
            },
            "hidden_size": 16,
            **fields,
        }
    )


def flat_batch(
    images: int = 2, expressions: int | None = None, seed: int = 0, size: int = 64
) -> dict[str, torch.Tensor]:
    """`images` square pictures, and expressions of unlike lengths about them in turn."""
    generator = torch.Generator().manual_seed(seed)
    expressions = expressions or images
    input_ids = torch.randint(1, 90, (expressions, 7), generator=generator)
    attention_mask = torch.ones_like(input_ids)
    for row in range(expressions):
        length = 7 - row % 4
        input_ids[row, length - 1 :] = 98
        attention_mask[row, length:] = 0
    return {
        "pixel_values": torch.randn(images, 3, size, size, generator=generator),
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "image_indices": torch.arange(expressions) % images,
    }
