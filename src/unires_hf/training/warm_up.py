# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Warm-up of both encoders from random weights: patches learn what they are called, in place of CLIP's pre-training.

UniRES starts from CLIP, whose encoders already share a space in which words find what they name. Where no CLIP can be
had, this makes a small one: each patch token is compared, as in CLIP's contrastive loss, with the words for every
class, colour, pattern and part of `unires_hf.scenes`, and must find those that cover it. One pass of the text encoder
serves all pictures of a step. Decoders and mask head take no part.
"""

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import BatchFeature, ProcessorMixin

from unires_hf import UniResModel
from unires_hf.scenes.names import EXCLUSIVE, NAMES, say_name

LEARNED = (
    *("text_model.", "vision_model.", "visual_projection.", "text_projection.", "likeness.", "pixel_pyramid."),
    *("low_level_group_tokens", "high_level_group_tokens"),
)
LATER = ("likeness.projection.", "pixel_pyramid.projections.")  # they lead to the decoder and the mask head


class NamedPatches(nn.Module):
    """
    The encoders of a UniRES under the loss of the warm-up.

    For each group of names that exclude each other, cross-entropy of every patch between the names and "none of
    them", with the shares that they cover as targets; and binary cross-entropy for every name by itself (our choice:
    the first teaches to tell names apart, the second gives them one scale).

    Args:
        unires (`UniResModel`): its text and vision encoder, both projections and the group tokens learn.

    Raises:
        ValueError: if the model has no likeness to teach.
    """

    def __init__(self, unires: UniResModel):
        super().__init__()
        if unires.likeness is None:
            raise ValueError(
                "The warm-up teaches likeness: set `use_likeness` in the config, as the preset tiny does."
            )
        self.unires = unires
        self.none_logits = nn.Parameter(torch.zeros(len(EXCLUSIVE)))
        groups = np.array([group for group, _ in NAMES])
        self.places = [torch.from_numpy(np.flatnonzero(groups == group)) for group in EXCLUSIVE]
        for name, weight in unires.named_parameters():
            weight.requires_grad_(name.startswith(LEARNED) and not name.startswith(LATER))

    def forward(
        self,
        pixel_values: torch.Tensor,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        shares: torch.Tensor,
        known: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """
        Args:
            pixel_values (images, 3, height, width): prepared pictures.
            input_ids, attention_mask (names, length): the words for each of `NAMES`.
            shares (images, names, patches), known (images, patches): as [`NamedScenes`] gives them.

        Returns:
            `dict` with `loss` and `logits` (images, names, patches).
        """
        logits = self._logits(pixel_values, input_ids, attention_mask)
        loss = 10 * nn.functional.binary_cross_entropy_with_logits(
            logits, shares, weight=known[:, None].expand_as(shares)
        )
        for none_logit, places in zip(self.none_logits, self.places, strict=True):
            named = shares[:, places]
            target = torch.cat([(1 - named.sum(1, keepdim=True)).clamp(min=0), named], dim=1)
            scores = torch.cat([none_logit.expand_as(target[:, :1]), logits[:, places]], dim=1)
            loss = loss - ((target * scores.log_softmax(1)).sum(1) * known).mean()
        return {"loss": loss, "logits": logits}

    def _logits(
        self, pixel_values: torch.Tensor, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> torch.Tensor:
        vision = self.unires.get_image_features(pixel_values)
        words = self.unires.get_text_features(input_ids, attention_mask).pooler_output
        return self.unires.likeness(vision.image_embeds.flatten(1, 2), words).mT


@dataclass
class NamedCollator:
    """Batches of [`NamedScenes`], with the words for every name, said anew each time.

    Args:
        processor (`UniResProcessor`): prepares pictures and words.
    """

    processor: ProcessorMixin

    def __call__(self, scenes: list[dict[str, np.ndarray]]) -> BatchFeature:
        rng = random.Random(int(torch.randint(2**31, ())))
        batch = self.processor.tokenizer(
            [say_name(group, name, rng) for group, name in NAMES], padding=True, return_tensors="pt"
        )
        images = self.processor.image_processor([scene["pixels"] for scene in scenes], return_tensors="pt")
        batch["pixel_values"] = images["pixel_values"]
        batch["shares"] = torch.from_numpy(np.stack([scene["shares"] for scene in scenes])).flatten(2)
        batch["known"] = torch.from_numpy(np.stack([scene["known"] for scene in scenes])).flatten(1)
        return batch
