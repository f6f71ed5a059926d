# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Encode a picture once, ask many times: one segmenter, and the stream over folders.

May import loading, baselines, scenes, data and model; inference and evaluation do not know each other.
"""
