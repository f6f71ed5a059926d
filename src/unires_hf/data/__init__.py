# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Images, masks and expressions: one schema, one reader a source."""
