# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models side by side: published ones on one's data, and architectures at an equal budget."""

from .compare import Comparison, compare_models
from .cost import measure_cost
from .models import load_model
from .table import comparison_table

__all__ = ["Comparison", "compare_models", "comparison_table", "load_model", "measure_cost"]
