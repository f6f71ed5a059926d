# Copyright 2026 The unires-hf authors. Apache-2.0.
"""LoRA: the encoders learn through small matrices beside their weights, which PEFT saves in a layout of its own."""

from collections.abc import Iterator
from pathlib import Path

from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedModel

from unires_hf import UniResModel
from unires_hf.loading import LORA_WEIGHTS, import_peft

ENCODERS = ("vision_model", "text_model", "backbone")


def add_lora(model: PreTrainedModel, rank: int, base: str) -> None:
    """
    Leaves the encoders' weights as they are and adds matrices of a low rank to them, which learn in their place.

    Every linear layer of the encoders gets them, and every 1 x 1 convolution of a pretrained backbone, which is one
    too; kernels of single channels have no rank to lower and stay. All other modules learn fully, unless they are
    frozen (our choice: decoders and heads are small, and of a new model they have yet to learn everything). Group
    tokens stay as they are. The scale is 2, there is no dropout (our choice).

    Args:
        model (`PreTrainedModel`): a UniRES, in which `--freeze` has done its work.
        rank (`int`): of the matrices.
        base (`str`): where the model without them can be loaded, for `adapter_config.json`.

    Raises:
        ValueError: if the model is no UniRES, the rank is below 1, PEFT is not installed, or no encoder may learn.
    """
    peft = import_peft("--lora")
    if not isinstance(model, UniResModel):
        raise ValueError(f"--lora is for UniRES, whose encoders it knows; this is a {type(model).__name__}.")
    if rank < 1:
        raise ValueError(f"--lora is {rank}: the rank of a matrix is 1 or more.")
    learning = {
        name: it for name, it in model.named_children() if any(weight.requires_grad for weight in it.parameters())
    }
    adapted = [f"{name}.{path}" for name in ENCODERS if name in learning for path in _linear(learning[name])]
    if not adapted:
        raise ValueError("--lora finds no linear layer in an encoder that may learn: freeze fewer of them.")
    encoders = {path.partition(".")[0] for path in adapted}
    whole = [path for name, it in learning.items() if name not in encoders for path in _owners(it, name)]
    model.name_or_path = base
    model.add_adapter(
        peft.LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=adapted, modules_to_save=whole)
    )
    for name, it in model.named_children():  # PEFT finds modules by the end of their names
        if name not in learning:
            it.requires_grad_(False)


def load_lora(model: PreTrainedModel, folder: str) -> list[str]:
    """Gives a model of [`add_lora`] the weights of a folder, unless some are not in both; returns their names."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    prefix = "base_model.model."
    weights = {name.removeprefix(prefix): it for name, it in load_file(Path(folder, LORA_WEIGHTS)).items()}
    own = {(name, it.shape) for name, it in get_peft_model_state_dict(model).items()}
    strange = sorted({name for name, _ in own ^ {(name, it.shape) for name, it in weights.items()}})
    if not strange:
        set_peft_model_state_dict(model, weights)
    return strange


def has_lora(model: nn.Module) -> bool:
    """Whether [`add_lora`] has changed the model."""
    return getattr(model, "_hf_peft_config_loaded", False)


def _linear(module: nn.Module) -> Iterator[str]:
    """The layers below a module that are linear, but for those whose weights torch's own attention reads itself."""
    for name, it in module.named_children():
        if isinstance(it, nn.Linear) or (isinstance(it, nn.Conv2d) and it.kernel_size == (1, 1) and it.groups == 1):
            yield name
        elif not isinstance(it, nn.MultiheadAttention):
            yield from (f"{name}.{path}" for path in _linear(it))


def _owners(module: nn.Module, name: str) -> Iterator[str]:
    """The topmost modules, from here on down, that own weights: so that none of them lies in another."""
    if next(module.parameters(recurse=False), None) is not None:
        yield name
    else:
        for child, it in module.named_children():
            yield from _owners(it, f"{name}.{child}")
