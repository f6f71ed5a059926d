# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What made the tables of docs/results.md: models at an equal budget, and the ablation.

Commands and scripts may import it; nothing else does.
"""
