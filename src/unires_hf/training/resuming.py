# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Which checkpoint of a run is whole."""

import json
import re
from pathlib import Path


def last_checkpoint(output_dir: str | Path) -> str | None:
    """
    The folder of the last whole checkpoint, or None. `trainer_state.json` is written last: without it, or with half of
    it, a checkpoint was cut off by a kill or a full disk.
    """
    folders = [path for path in Path(output_dir).glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
    for folder in sorted(folders, key=lambda path: int(path.name.split("-")[1]), reverse=True):
        try:
            json.loads((folder / "trainer_state.json").read_text())
        except (OSError, ValueError):
            continue
        return str(folder)
    return None
