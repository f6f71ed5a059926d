# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Arguments, tokenizer and trainer of the two recipes."""
