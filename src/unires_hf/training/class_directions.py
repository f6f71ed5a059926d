# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What ImageNet knows, by text alone: the model learns to name the directions of a classifier's 1,000 classes."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from .imagenet_weights import load_classifier

NAMES = json.loads(Path(__file__).with_name("imagenet_class_names.json").read_text(encoding="utf-8"))
TEMPLATES = ("{}", "the {}", "a {}", "the {} on the left", "the {} on the right", "the {} in the middle", "the big {}")
CLASSES_A_STEP = 48
TEMPERATURE = 0.07
COSINE_WEIGHT = 0.5


def class_texts() -> Iterator[str]:
    """All names in all templates, for the making of a tokenizer."""
    for name in (*(name for names in NAMES["classes"] for name in names), *NAMES["everyday"]):
        for template in TEMPLATES:
            yield template.format(name)


class ClassDirections:
    """
    Sentences and the directions that they shall have: a class of ImageNet its row of the classifier, less the mean of
    all rows; an everyday word ("dog") the mean of its classes.

    Args:
        backbone (`str`): whose classifier; see [`load_classifier`].
        tokenizer: the model's.
        max_length (`int`): tokens of a sentence.
    """

    def __init__(self, backbone: str, tokenizer: PreTrainedTokenizerBase, max_length: int):
        rows = load_classifier(backbone).classifier.weight.detach()
        rows = nn.functional.normalize(rows - rows.mean(0), dim=1)
        concepts = [(names, rows[index]) for index, names in enumerate(NAMES["classes"])]
        concepts += [([word], rows[indices].mean(0)) for word, indices in NAMES["everyday"].items()]
        self.names = [names for names, _ in concepts]
        self.directions = nn.functional.normalize(torch.stack([row for _, row in concepts]), dim=1)
        self.tokenizer, self.max_length = tokenizer, max_length

    def sample(self, rng: random.Random) -> dict[str, torch.Tensor]:
        """`input_ids`, `attention_mask` (48, length) and `directions` (48, channels) of as many classes."""
        chosen = rng.sample(range(len(self.names)), CLASSES_A_STEP)
        texts = [rng.choice(TEMPLATES).format(rng.choice(self.names[index])) for index in chosen]
        batch = self.tokenizer(
            texts, padding="max_length", truncation=True, max_length=self.max_length, return_tensors="pt"
        )
        return {**batch, "directions": self.directions[chosen]}


def class_direction_loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """
    Cross-entropy of naming the right direction of the batch at temperature 0.07, plus half of (1 - cosine).

    Args:
        model ([`UniResModel`]): with `class_similarity`.
        batch: of [`ClassDirections.sample`], on the model's device.
    """
    sentences = model.get_sentences(batch["input_ids"], batch["attention_mask"])
    cosines = model.class_similarity.directions(sentences) @ batch["directions"].T
    right = torch.arange(len(cosines), device=cosines.device)
    return nn.functional.cross_entropy(cosines / TEMPERATURE, right) + COSINE_WEIGHT * (1 - cosines.diagonal()).mean()
