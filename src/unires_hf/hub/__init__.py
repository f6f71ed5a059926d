# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What goes to the Hub: checkpoints with their custom code, cards, data sets, the metric and the app."""

from .export import export_checkpoint
from .push import push_folder, sent_files

__all__ = ["export_checkpoint", "push_folder", "sent_files"]
