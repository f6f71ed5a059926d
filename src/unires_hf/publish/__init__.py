# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What goes to others: cards, Hub repositories with their custom code, ONNX folders and the Space.

May import every room but commands and experiments. The ONNX modules need the extra `export` and are imported by name.
"""
