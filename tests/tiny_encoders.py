# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encoders of each family that carries UniRES, a few thousand weights each."""

from pathlib import Path

import torch
import transformers
from tiny_unires import EOS, tiny_config, tiny_inputs

from unires_hf import UniResConfig

TOWER = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 40}
PIXELS = {"image_size": 32, "patch_size": 8}
WORDS = {"vocab_size": 99, "max_position_embeddings": 9, "bos_token_id": 97, "eos_token_id": EOS, "pad_token_id": EOS}

FAMILIES = {
    "clip": (transformers.CLIPModel, {"projection_dim": 24}),
    "metaclip_2": (transformers.MetaClip2Model, {"projection_dim": 24}),
    "siglip": (transformers.SiglipModel, {}),
    "tipsv2": (transformers.Tipsv2Model, {}),
    "dinov3": (transformers.DINOv3ViTModel, {}),
}
"""Of each family, the class of transformers that holds it whole, and fields of its config."""


def original(family: str, words: dict = WORDS, pixels: dict = PIXELS) -> transformers.PreTrainedModel:
    """transformers' own model of a family, with random weights that are far from those that it starts with."""
    model_class, fields = FAMILIES[family]
    if family == "dinov3":
        config = transformers.DINOv3ViTConfig(**TOWER, **pixels, num_register_tokens=2)
    else:
        config = model_class.config_class(
            text_config={**TOWER, **words, **fields}, vision_config={**TOWER, **pixels, **fields}, **fields
        )
    model = model_class(config).eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return model


def saved(family: str, folder: Path) -> list[str]:
    """Saves a family's model, and for DINOv3 a CLIP beside it; the names that `from_encoders` takes."""
    names = [family, *(["clip"] if family == "dinov3" else [])]
    for name in names:
        original(name).save_pretrained(folder / name)
    return [str(folder / name) for name in names]


def family_config(family: str, **fields) -> UniResConfig:
    """A UniRES on a family's encoders."""
    words = original("clip" if family == "dinov3" else family).config.text_config.to_dict()
    config = original(family).config
    pixels = config.to_dict() if family == "dinov3" else config.vision_config.to_dict()
    return tiny_config(text_config=words, vision_config=pixels, **fields)


def family_inputs(images: int = 2, expressions: int | None = None, **options) -> dict[str, torch.Tensor]:
    """Inputs with words as long as the text encoders have positions, as SigLIP demands."""
    inputs = tiny_inputs(images, expressions, **options)
    short = WORDS["max_position_embeddings"] - inputs["input_ids"].shape[1]
    inputs["input_ids"] = torch.nn.functional.pad(inputs["input_ids"], (0, short), value=EOS)
    inputs["attention_mask"] = torch.nn.functional.pad(inputs["attention_mask"], (0, short))
    return inputs
