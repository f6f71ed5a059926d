# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Images, masks and expressions: the schema, one reader for each source, words, groups, batches and conversion.

Knows no model: the processor, which the collator is given, is where the two meet.
"""
