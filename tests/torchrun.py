# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A script or module on two processes, as torchrun starts it."""

import os
import signal
import subprocess
import sys

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]


def torchrun(*words) -> str:
    """What it prints; a failure carries its errors, and no process outlives a run that takes too long."""
    return printed_by([*TORCHRUN, "2", *words])


def printed_by(command: list, timeout: float = 300, **options) -> str:
    """What a command prints, on one thread; its children end with it."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})},
        start_new_session=True,
        **options,
    )
    try:
        printed, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, errors
    return printed
