# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Puts this folder on the path, so that test modules can import `transformers_suite`; spares the garbage collector."""

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_finish() -> None:
    """What was imported by now stays to the end. Else each `Trainer.train`, which collects garbage, looks at a million
    objects of libraries once more: a third of its time where the model is tiny."""
    gc.collect()
    gc.freeze()
