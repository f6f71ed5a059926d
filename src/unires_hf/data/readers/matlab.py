# Copyright 2026 The unires-hf authors. Apache-2.0.
"""MATLAB files of annotations, which Pascal-Part, ReferIt and Clothing Co-Parsing have.

scipy reads them, and a damaged one ends its process or takes all memory: so another process does it, within limits.
"""

import importlib.util
import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Lock, Timer
from typing import Any

SECONDS, BYTES = 60, 2 << 30
"""What one file may take (our choice: a label map of 10 megapixels takes a second and 100 MB)."""
_CHILD = """
import pickle, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
except (ImportError, ValueError, OSError):  # not every system has limits
    pass
from scipy.io import loadmat
for line in sys.stdin.buffer:
    try:
        answer = loadmat(line.decode("utf-8", "surrogateescape")[:-1], simplify_cells=True)
    except Exception as error:
        answer = f"{error}" or type(error).__name__
    content = pickle.dumps(answer)
    sys.stdout.buffer.write(len(content).to_bytes(8, "big") + content)
    sys.stdout.buffer.flush()
"""
_lock = Lock()


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a `.mat` file; struct arrays as dicts, and as lists of them.

    Raises:
        ValueError: if the file is missing or damaged.
        ImportError: if scipy is not installed.
    """
    if importlib.util.find_spec("scipy") is None:  # optional: few sources need it
        raise ImportError("MATLAB files need scipy: pip install 'unires-hf[pascal-part]'.")
    if not path.is_file() or "\n" in str(path):
        raise ValueError(f"{path} is missing.")
    with _lock:
        child = _child(os.getpid())
        timer = Timer(SECONDS, child.kill)
        timer.start()
        try:
            child.stdin.write(os.fsencode(path.absolute()) + b"\n")
            child.stdin.flush()
            size = int.from_bytes(child.stdout.read(8), "big")
            content = child.stdout.read(size)
        except BrokenPipeError:
            size, content = 1, b""
        finally:
            timer.cancel()
        if not content or len(content) < size:
            _child.cache_clear()
            child.kill()
            raise ValueError(f"{path} is no readable .mat file: it ends or exhausts the process that reads it.")
    answer = pickle.loads(content)  # of our own process: scipy's arrays
    if isinstance(answer, str):
        raise ValueError(f"{path} is no readable .mat file: {answer}.")
    return answer


@cache
def _child(parent: int) -> subprocess.Popen:
    """The process that reads for this one; it ends with it, since its input does."""
    command = [sys.executable, "-c", _CHILD, str(BYTES)]
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each thread would reserve room
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=alone, **pipes)
