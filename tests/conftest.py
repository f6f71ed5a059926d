# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Puts this folder on the path, so that test modules can import `transformers_suite`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
