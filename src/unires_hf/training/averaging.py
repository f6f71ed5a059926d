# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The mean of a model's weights over the last steps, which is steadier than the last step's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback

FILE = "average.safetensors"


class WeightAverage(TrainerCallback):
    """
    An exponential mean in float32 of all weights that learn, and of the statistics of batch norm.

    After the run the model has the mean's weights. Our choice: the decay rises to its value as (1 + steps) / (10 +
    steps), so that the weights at the start are forgotten soon.

    Args:
        model (`nn.Module`): on the device it trains on.
        decay (`float`): of the mean in a step; 0.999 is a mean over about 1,000 steps.

    Raises:
        ValueError: if the decay is not between 0 and 1.
    """

    def __init__(self, model: nn.Module, decay: float):
        if not 0 < decay < 1:
            raise ValueError(f"--average_weights is {decay}: the decay of a mean lies between 0 and 1.")
        self.decay = decay
        buffers = {name: it for name, it in model.named_buffers() if it.is_floating_point()}
        learned = {name: it for name, it in model.named_parameters() if it.requires_grad}
        self._live = learned | buffers
        self._mean: dict[str, torch.Tensor] | None = None

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        if self._mean is None:  # else it was loaded from a checkpoint
            self._mean = {name: it.detach().float().clone() for name, it in self._live.items()}

    @torch.no_grad()
    def on_step_end(self, args, state, control, **kwargs) -> None:
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        live = [it.detach().float() for it in self._live.values()]
        torch._foreach_lerp_(list(self._mean.values()), live, 1 - decay)

    def on_train_end(self, args, state, control, **kwargs) -> None:
        self._exchange()
        self._mean = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it, the model has the mean's weights."""
        if self._mean is None:
            yield
            return
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def save(self, folder: str | Path) -> None:
        """Writes the mean beside a checkpoint."""
        save_file({name: it.contiguous() for name, it in self._mean.items()}, Path(folder, FILE))

    def load(self, folder: str | Path) -> None:
        """Goes on with the mean of a checkpoint; with its weights, if it has no mean."""
        if Path(folder, FILE).exists():
            mean = load_file(Path(folder, FILE))
            self._mean = {name: mean[name].to(it.device) for name, it in self._live.items()}

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, it in self._live.items():
            mean = self._mean[name]
            self._mean[name] = it.detach().float().clone()
            it.copy_(mean)
