# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Examples to click on: the photographs that ship, with what may be asked about them."""

import shutil
from pathlib import Path

from unires_hf.photographs import FOLDER, SAID


def write_examples(folder: Path) -> list[tuple[str, str]]:
    """Puts the photographs into a folder; returns each one's path and its expressions, one a line."""
    return [(str(shutil.copy(FOLDER / name, folder)), "\n".join(text)) for name, text in SAID.items()]
