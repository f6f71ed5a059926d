# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniRES outside of PyTorch: two ONNX graphs and a runtime of one file. Needs the extra `export`."""

from .folder import TOLERANCE, Exported, export_onnx

__all__ = ["TOLERANCE", "Exported", "export_onnx"]
