# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One file a source: each reader turns a published layout into rows of the schema. Imports `unires_hf.data` alone."""
