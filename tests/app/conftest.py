# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A tiny checkpoint, and a segmenter of it."""

from tiny_segmenter import checkpoint, segmenter  # noqa: F401
