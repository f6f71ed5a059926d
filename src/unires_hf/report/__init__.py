# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What people look at: statistics of data sets, plots, panels, galleries, and the comparison of models.

May import inference, evaluation and what is below them.
"""

from .statistics import Statistics, count
from .write import write_report

__all__ = ["Statistics", "count", "write_report"]
