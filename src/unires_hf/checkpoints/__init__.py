# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The checkpoint that ships: a small UniRES that learned from PartScenes alone, known by the name `default`."""

from pathlib import Path

DEFAULT = "partscenes-tiny"
DRAWINGS_ONLY = "The default model was trained on drawings only; for photographs fine-tune it, or name another model."


def checkpoint_path(name: str) -> str:
    """The folder of the shipped checkpoint for `default`; any other name, a folder's or the Hub's, as it is."""
    return str(Path(__file__).with_name(DEFAULT)) if name == "default" else name
