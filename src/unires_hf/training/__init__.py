# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Training: arguments, models made from them, the trainer of both recipes, and the warm-up.

May import inference, evaluation and what is below them; knows a model by its public calls alone.
"""
