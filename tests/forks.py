# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Processes that are forks of one that has imported everything: none spends seconds on importing torch again."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable

import datasets.config
import torch
from transformers import TrainerCallback

from unires_hf.training.arguments import parse_arguments
from unires_hf.training.run import run

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["unires_hf.training.run"])


def on_two_processes(function: Callable, *arguments) -> None:
    """Calls a function in two processes, each told what torchrun tells it."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [FORKS.Process(target=_as_rank, args=(rank, port, function, arguments)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        process.kill()  # if it still runs
    assert [process.exitcode for process in processes] == [0, 0]


def _as_rank(rank: int, port: int, function: Callable, arguments: tuple) -> None:
    told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    told |= {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    os.environ.update({name: str(value) for name, value in told.items()})
    function(*arguments)


class Kill(TrainerCallback):
    """Ends the process after a step as a power failure would."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def train(recipe: str, callbacks: list[TrainerCallback] | None = None) -> None:
    """Trains by a recipe's file."""
    torch.set_num_threads(1)
    datasets.config.SLEEP_TIME_ON_THREADS_SHUTDOWN = 0
    run(*parse_arguments(words=[recipe]), callbacks=callbacks)
