# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encode a picture once, ask many times: one segmenter, and the stream over folders.

May import model, data and evaluation's scores.
"""
