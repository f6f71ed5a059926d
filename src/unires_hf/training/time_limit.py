# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A run that ends in time: its learning rate falls with the steps or the minutes, whichever are used up sooner."""

import math
import time

import torch
from torch.optim.lr_scheduler import LRScheduler
from transformers import TrainerCallback


class TimedCosine(LRScheduler):
    """
    Linear warm-up, then half a cosine down to 0, over the share of the steps or of the time that has gone by: the
    larger of the two. For machines that are lent for so many minutes.

    Time runs on in a run that is resumed from a checkpoint; what lay between does not count.

    Args:
        optimizer: whose rates it sets.
        steps (`int`): after which the rate is 0.
        warmup_steps (`int`): on the way up, counted in steps alone.
        seconds (`float`): after which the rate is 0.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int, warmup_steps: int, seconds: float):
        self.steps, self.warmup_steps, self.seconds = steps, warmup_steps, seconds
        self.elapsed = 0.0
        self._last = time.monotonic()
        super().__init__(optimizer)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return self.elapsed >= self.seconds

    def get_lr(self) -> list[float]:
        now = time.monotonic()
        self.elapsed, self._last = self.elapsed + now - self._last, now
        share = min(max(self.last_epoch / self.steps, self.elapsed / self.seconds), 1.0)
        rising = min((self.last_epoch + 1) / (self.warmup_steps + 1), 1.0)
        return [rate * rising * (1 + math.cos(math.pi * share)) / 2 for rate in self.base_lrs]

    def load_state_dict(self, state_dict: dict) -> None:
        seconds = self.seconds  # those asked for now: a second lease may be longer
        super().load_state_dict(state_dict)
        self.seconds, self._last = seconds, time.monotonic()


class StopInTime(TrainerCallback):
    """Ends a run with [`TimedCosine`] when its time is used up; where checkpoints are saved, with a last one."""

    def on_step_end(self, args, state, control, lr_scheduler: LRScheduler, **kwargs) -> None:
        if lr_scheduler.is_over:
            control.should_training_stop = True
            control.should_save = args.save_strategy != "no"
