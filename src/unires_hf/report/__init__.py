# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What people look at: statistics of data sets, drawings, and galleries of samples."""

from .statistics import Statistics, count
from .write import write_report

__all__ = ["Statistics", "count", "write_report"]
