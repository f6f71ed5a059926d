# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Any model that the evaluator takes, by what a person writes on a command line."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoProcessor, PreTrainedModel, ProcessorMixin

from unires_hf import UniResConfig
from unires_hf.baselines import CrisConfig, LavtConfig
from unires_hf.baselines.peers import load_clipseg, load_florence2, load_grounded_sam2, load_sam3
from unires_hf.checkpoints import checkpoint_path

Loaded = tuple[PreTrainedModel, ProcessorMixin]
PEERS: dict[str, Callable[..., Any]] = {
    "clipseg": load_clipseg,
    "sam3": load_sam3,
    "florence2": load_florence2,
    "grounded-sam2": load_grounded_sam2,
}


def load_model(name: str) -> Loaded:
    """A model in evaluation mode and its processor.

    Args:
        name (`str`): a folder or Hub repository of a UniRES, CRIS or LAVT; `default`, the checkpoint that ships; or
            `PEER:NAME`, such as `clipseg:CIDAS/clipseg-rd64-refined`, `sam3:facebook/sam3`,
            `florence2:florence-community/Florence-2-large-ft`, `grounded-sam2:DETECTOR+SEGMENTER`. `PEER:` alone is
            the published model.

    Raises:
        ValueError: if it is a model of another kind.
        OSError: if there is no such model.
    """
    peer, colon, place = name.partition(":")
    if colon and peer in PEERS:
        return PEERS[peer](*filter(None, place.split("+")))
    place = checkpoint_path(name)
    config = AutoConfig.from_pretrained(place)
    if not isinstance(config, UniResConfig | CrisConfig | LavtConfig):
        raise ValueError(
            f"{name} is a model of type {config.model_type}, which segments nothing by itself; a UniRES, CRIS or LAVT "
            f"is named as it is, and others as {', '.join(f'{peer}:NAME' for peer in PEERS)}."
        )
    return AutoModel.from_pretrained(place).eval(), AutoProcessor.from_pretrained(place)


def best_device() -> str:
    """The kind of device that models are measured on where none is asked for."""
    return torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"


def short_names(names: Sequence[str]) -> list[str]:
    """What tables and pictures call the models: the last piece of each name, where that tells them apart.

    Raises:
        ValueError: if a model is named twice.
    """
    twice = {name for name in names if list(names).count(name) > 1}
    if twice:
        raise ValueError(f"The model {twice.pop()} is named twice.")
    short = [name.rstrip("/:").replace(":", "/").rpartition("/")[2] for name in names]
    return short if len(set(short)) == len(short) else list(names)
