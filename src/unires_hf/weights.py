# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Opens models of transformers, and refuses those whose weights are not all there."""

import logging
from typing import Any

import torch
from transformers import PreTrainedModel

logger = logging.getLogger(__name__)


def load_whole(
    owner: Any, name: str, overrides: dict[str, Any] | None = None, allow_new: bool = False, **options: Any
) -> PreTrainedModel:
    """A model, all of whose weights its checkpoint holds; transformers would draw missing ones at random.

    Args:
        owner: the model's class, or an Auto class.
        name (`str`): a folder or a repository of the Hub.
        overrides (`dict`, *optional*): fields of the config to change. Weights that they call for, or to which they
            give another shape, are new, and a line of the log names their modules.
        allow_new (`bool`, *optional*, defaults to `False`): takes all weights that are missing for new.
        options: as for `from_pretrained`.

    Raises:
        ValueError: if weights are missing, or have another shape than in the model.
    """
    model, report = owner.from_pretrained(
        name, **options, **(overrides or {}), output_loading_info=True, ignore_mismatched_sizes=True
    )
    lost = sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])])
    new = lost if allow_new else _of_changed_fields(model, name, lost) if overrides else []
    if damaged := [key for key in lost if key not in new]:
        raise ValueError(
            f"{name} lacks {len(damaged)} of the model's weights, {damaged[0]!r} among them, or has them in another "
            "shape: save the whole model again, since weights drawn at random know nothing."
        )
    if new:
        logger.warning("New, and to be trained: %s.", ", ".join(sorted({key.partition(".")[0] for key in new})))
    return model


def _of_changed_fields(model: PreTrainedModel, name: str, lost: list[str]) -> list[str]:
    """Those of the weights that a model of the checkpoint's own config has not, or not in this shape."""
    with torch.device("meta"):
        before = type(model)(type(model.config).from_pretrained(name)).state_dict()
    after = model.state_dict()
    return [key for key in lost if key not in before or before[key].shape != after[key].shape]
