# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The checkpoints that ship, by the names that every command and `pipeline` know them by.

`default` learned from photographs, `drawings` from PartScenes alone.
"""

from pathlib import Path

SHIPPED = ("default", "drawings")

DRAWINGS_ONLY = "This model was trained on drawings only; for photographs use `default`."


def checkpoint_path(name: str) -> str:
    """The folder of a checkpoint that ships; any other name, a folder's or the Hub's, as it is."""
    return str(Path(__file__).with_name(name)) if name in SHIPPED else name
