# Copyright 2026 The unires-hf authors. Apache-2.0.
"""How an error shows a value that a file holds."""

import reprlib
from typing import Any


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 4, 80, 80

    def repr_int(self, value: int, level: int) -> str:
        return repr(value) if value.bit_length() < 256 else f"a number of {value.bit_length()} bits"


_SHORT = _Short()


def brief(value: Any) -> str:
    """The value in at most 80 characters; of what is long or deep only the beginning is looked at."""
    text = _SHORT.repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
