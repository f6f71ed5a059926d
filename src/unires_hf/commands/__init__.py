# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The subcommands of `unires`, one a module: `add_arguments`, and the function that runs it.

May import everything, inside of functions, so that help is quick; only `cli` imports it.
"""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs_ray() -> Iterator[None]:
    """Names the extra to install where Ray cannot be imported."""
    try:
        yield
    except ImportError as error:
        raise ValueError("--engine ray needs Ray Data: pip install 'unires-hf[ray]'.") from error
