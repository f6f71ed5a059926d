# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Trains both encoders from random weights to match image patches with their names, as a substitute for CLIP.

UniRES starts from CLIP, whose encoders already map words and what they name to similar vectors. Where no CLIP is
available, the warm-up trains a small one. As in CLIP's contrastive loss, each patch token is compared with the words
for every class, color, pattern, part, place and size of `unires_hf.scenes` and for pairs of them ("left horse"), and
must match those that cover it. One pass of the text encoder serves all pictures of a step. Decoders and mask head are
not trained. Encoders of baselines are warmed up in the same way, so that all compared models start equally well.
"""

import random
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from transformers import BatchFeature, PreTrainedModel, ProcessorMixin, Trainer, TrainerCallback, set_seed

from unires_hf import UniResModel
from unires_hf.scenes import PartScenes
from unires_hf.scenes.names import EXCLUSIVE, NAMES, Named, NamedScenes, draw_pair, say_name, say_pair

from .arguments import ModelArguments, UniResTrainingArguments
from .baseline_encoders import BaselineSimilarity, feature_maps, sentences
from .build import build_model
from .resuming import last_checkpoint
from .run import sample_texts

LEARNED = (
    *("text_model.", "vision_model.", "visual_projection.", "text_projection.", "similarity.", "backbone."),
    *("backbone_features.", "low_level_group_tokens", "high_level_group_tokens"),
)
LATER = ("similarity.projection.", "backbone_features.projections.")  # they lead to the decoder and the mask head
BASELINES_LEARNED = ("vision_model.", "text_model.", "text_projection.", "clip.")
BASELINES_CELL = 16  # pixels


@dataclass
class WarmUpArguments(UniResTrainingArguments):
    """`UniResTrainingArguments` with a learning rate for random weights; a batch counts images."""

    learning_rate: float = field(default=1e-3, metadata={"help": "Our choice, for random weights."})
    per_device_train_batch_size: int = field(default=16, metadata={"help": "Images per step."})
    save_strategy: str = field(default="steps", metadata={"help": "no, steps, epoch or best."})
    eval_strategy: str = field(default="no", metadata={"help": "Not used."})


def warm_up(
    model_arguments: ModelArguments,
    arguments: WarmUpArguments,
    scenes: PartScenes,
    callbacks: list[TrainerCallback] | None = None,
) -> Trainer:
    """Trains a model's encoders, and saves the model with its processor to `arguments.output_dir`.

    Args:
        model_arguments (`ModelArguments`): a UniRES with `similarity` in `beyond_paper`, a CRIS, a LAVT or a CLIPSeg.
        arguments (`WarmUpArguments`): the training settings.
        scenes (`PartScenes`): the training scenes; a preset's tokenizer is trained on their expressions.
        callbacks (*optional*): passed to `Trainer`.

    Returns:
        `Trainer`: after the run, with its log.
    """
    set_seed(arguments.seed)
    model, processor = build_model(model_arguments, sample_texts([scenes]))
    patches = NamedPatches(model)
    trainer = Trainer(
        patches,
        arguments,
        data_collator=NamedCollator(processor),
        train_dataset=NamedScenes(scenes, patches.grid),
        callbacks=callbacks,
    )
    start = arguments.resume_from_checkpoint
    trainer.train(last_checkpoint(arguments.output_dir) if start == "last" else start)
    if trainer.is_world_process_zero():
        model.requires_grad_(True)
        model.save_pretrained(arguments.output_dir)
        processor.save_pretrained(arguments.output_dir)
    trainer.save_state()
    return trainer


class NamedPatches(nn.Module):
    """
    The encoders of a model with the loss of the warm-up.

    The loss has two terms (our choice). Names that exclude each other form a group; for each group, a cross-entropy
    over its names and "none of them" teaches patches to tell the names apart. Its targets are the shares of the patch
    that the names cover. A binary cross-entropy for every single name and pair puts all names on one scale.

    Args:
        model (`PreTrainedModel`): a UniRES, whose encoders, projections and group tokens learn through its own
            similarity; or a baseline, whose encoders learn through a similarity that is discarded afterwards.

    Raises:
        ValueError: if a UniRES has no similarity.
    """

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model
        self.none_logits = nn.Parameter(torch.zeros(len(EXCLUSIVE)))
        groups = np.array([group for group, _ in NAMES])
        self.places = [torch.from_numpy(np.flatnonzero(groups == group)) for group in EXCLUSIVE]
        vision = model.config.vision_config
        if isinstance(model, UniResModel):
            if model.similarity is None:
                raise ValueError(
                    "The warm-up trains the similarity: add it to `beyond_paper`, as the preset tiny does."
                )
            learned, self.grid, self.baseline = LEARNED, vision.image_size // vision.patch_size, None
        else:
            learned, self.grid = BASELINES_LEARNED, vision.image_size // BASELINES_CELL
            self.baseline = BaselineSimilarity(model, self.grid)
        for name, weight in model.named_parameters():
            if not name.startswith(learned) or name.startswith(LATER):
                weight.requires_grad_(False)

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
            input_ids, attention_mask (phrases, length): the words for each of `NAMES`, then those for pairs.
            shares (images, phrases, patches): the share of each patch that the phrase covers, 0 to 1.
            known (images, patches): 0 for patches that the loss ignores, else 1.

        Returns:
            `dict` with `loss` and `logits` (images, phrases, patches).
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
        if self.baseline is not None:
            return self.baseline(
                feature_maps(self.model, pixel_values), sentences(self.model, input_ids, attention_mask)
            )
        vision = self.model.get_image_features(pixel_values)
        words = self.model.get_text_features(input_ids, attention_mask).pooler_output
        return self.model.similarity(vision.image_embeds, words).flatten(2)


@dataclass
class NamedCollator:
    """Makes batches of [`NamedScenes`] with newly drawn words for every name and for pairs of names.

    Args:
        processor (`UniResProcessor`): prepares pictures and words.
        pairs (`int`, *optional*, defaults to 4): pairs drawn from each scene; every picture of the batch is
            compared with all of them.
    """

    processor: ProcessorMixin
    pairs: int = 4

    def __call__(self, scenes: list[Named]) -> BatchFeature:
        rng = random.Random(int(torch.randint(2**31, ())))
        pairs = [pair for scene in scenes for _ in range(self.pairs) if (pair := draw_pair(scene, rng))]
        texts = [say_name(*name, rng) for name in NAMES]
        texts += [say_pair(say_name(*NAMES[noun], rng), *NAMES[added], rng) for noun, added in pairs]
        batch = self.processor(text=texts, return_tensors="pt")
        images = self.processor.image_processor([scene.pixels for scene in scenes], return_tensors="pt")
        batch["pixel_values"] = images["pixel_values"]
        nouns, added = np.array(pairs, dtype=int).reshape(-1, 2).T
        shares = [it.shares(np.hstack([it.names, it.names[:, nouns] & it.names[:, added]])) for it in scenes]
        batch["shares"] = torch.from_numpy(np.stack(shares)).flatten(2)
        batch["known"] = torch.from_numpy(np.stack([scene.known for scene in scenes])).flatten(1)
        return batch
