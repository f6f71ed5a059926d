# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A training run that kills its process; a module, so that a process started for it finds it."""

import os
import signal

import datasets.config
import torch
from transformers import TrainerCallback

from unires_hf.training.arguments import parse_arguments
from unires_hf.training.run import run


class Kill(TrainerCallback):
    """Ends the process after a step as a power failure would."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(recipe: str, step: int) -> None:
    """Trains by a recipe's file, to a step."""
    torch.set_num_threads(1)
    datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN = 0
    run(*parse_arguments(words=[recipe]), callbacks=[Kill(step)])
