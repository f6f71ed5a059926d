# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What people say of photographs whose masks are known: see [`speak`]."""

from .speaking import kind_of, speak

__all__ = ["kind_of", "speak"]
