# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encoders of baselines as the warm-up sees them: what they make of pictures and words, and how alike the two are."""

import math

import torch
from torch import nn

from unires_hf.baselines import CrisModel, LavtModel
from unires_hf.baselines.adapters.clipseg import ReferringCLIPSeg

Baseline = CrisModel | LavtModel | ReferringCLIPSeg


class BaselineSimilarity(nn.Module):
    """
    How like a sentence each cell is, for models that have no such thing: all maps of the vision encoder are projected
    to the text's width, averaged to one grid and added. Thrown away after the warm-up.

    Args:
        model: a CRIS, a LAVT or a CLIPSeg.
        grid (`int`): cells a side.
    """

    def __init__(self, model: Baseline, grid: int):
        super().__init__()
        config = model.config
        if isinstance(model, CrisModel):
            width = config.vision_config.projection_dim
            channels = [*config.vision_config.hidden_sizes[1:3], width]
        elif isinstance(model, LavtModel):
            channels, width = config.stage_channels, config.text_config.hidden_size
        else:
            channels, width = [config.vision_config.hidden_size], config.projection_dim
        self.grid = grid
        self.projections = nn.ModuleList([nn.Conv2d(size, width, kernel_size=1) for size in channels])
        self.logit_scale = nn.Parameter(torch.tensor(2.66))
        self.logit_bias = nn.Parameter(torch.tensor(-4.0))  # as UniRES's: most names fit no cell

    def forward(self, maps: list[torch.Tensor], words: torch.Tensor) -> torch.Tensor:
        """From maps (images, channels, …) and words (names, width) to (images, names, cells)."""
        cells = sum(
            nn.functional.adaptive_avg_pool2d(projection(it), self.grid)
            for projection, it in zip(self.projections, maps, strict=True)
        )
        cells = nn.functional.normalize(cells.flatten(2).float(), dim=1)
        words = nn.functional.normalize(words.float(), dim=-1)
        return words @ cells * self.logit_scale.exp() + self.logit_bias


def feature_maps(model: Baseline, pixel_values: torch.Tensor) -> list[torch.Tensor]:
    """What a baseline's vision encoder makes of pictures as long as no words come in: maps (images, channels, …)."""
    if isinstance(model, CrisModel):
        return list(model.get_image_features(pixel_values).feature_maps)
    if isinstance(model, LavtModel):
        outputs = model.vision_model(
            pixel_values,
            interpolate_pos_encoding=True,
            always_partition=True,
            output_hidden_states=True,
            output_hidden_states_before_downsampling=True,
        )
        return list(outputs.reshaped_hidden_states[1:])
    patches = model.get_image_features(pixel_values).hidden_states[max(model.extract_layers) + 1][:, 1:]
    return [patches.mT.unflatten(2, (math.isqrt(patches.shape[1]), -1))]


def sentences(model: Baseline, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """What a baseline's text encoder makes of words: (names, width). LAVT's BERT has its first token for it."""
    if isinstance(model, LavtModel):
        return model.get_text_features(input_ids, attention_mask).last_hidden_state[:, 0]
    encoder = model if isinstance(model, CrisModel) else model.clip
    return encoder.get_text_features(input_ids, attention_mask=attention_mask).pooler_output
