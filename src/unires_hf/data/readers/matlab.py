# Copyright 2026 The unires-hf authors. Apache-2.0.
"""MATLAB files of annotations, which Pascal-Part and ReferIt have."""

from pathlib import Path
from typing import Any


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a `.mat` file; struct arrays as dicts, and as lists of them.

    Raises:
        ValueError: if the file is missing or damaged.
        ImportError: if scipy is not installed.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:  # optional: few sources need it
        raise ImportError("MATLAB files need scipy: pip install unires-hf[pascal-part].") from error
    if not path.is_file():
        raise ValueError(f"{path} is missing.")
    try:
        return loadmat(str(path), simplify_cells=True)
    except Exception as error:  # scipy raises nearly anything on a damaged file
        raise ValueError(f"{path} is no readable .mat file: {error}.") from error
