# Copyright 2026 The unires-hf authors. Apache-2.0.
"""RefCOCOm as tasks of lmms-eval: language models answer with boxes. See docs/evaluation.md."""
