# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The metric as `evaluate` loads it from this folder; the rest of the package uses its arithmetic from here."""
