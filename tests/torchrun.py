# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A script or module on two processes, as torchrun starts it."""

import os
import signal
import subprocess
import sys


def torchrun(*words) -> str:
    """What it prints; a failure carries its errors, and no process outlives a run that takes too long."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    process = subprocess.Popen(
        [*command, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, errors
    return printed
