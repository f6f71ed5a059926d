# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The checkpoints that ship, by the names that every command and `pipeline` know them by."""

from pathlib import Path

SHIPPED = {"default": "drawings", "drawings": "drawings"}
"""Name → folder beside this file."""

DRAWINGS_ONLY = "The default model was trained on drawings only; for photographs fine-tune it, or name another model."


def checkpoint_path(name: str) -> str:
    """The folder of a checkpoint that ships; any other name, a folder's or the Hub's, as it is."""
    return str(Path(__file__).with_name(SHIPPED[name])) if name in SHIPPED else name
