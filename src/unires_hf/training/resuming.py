# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Which checkpoint of a run is whole."""

import json
import logging
import re
import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from unires_hf.loading import LORA_CONFIG, LORA_WEIGHTS

logger = logging.getLogger(__name__)

INDEX = "model.safetensors.index.json"  # of weights in several files


def last_checkpoint(output_dir: str | Path) -> str | None:
    """
    The folder of the last whole checkpoint, or None; those that are passed over are named in a warning.

    A kill, a full disk or a copy may leave half of any file. So all are opened: weights must be as long as their
    header says, what torch stored must be a whole archive, and `trainer_state.json`, which is written last, be there.
    """
    folders = [path for path in Path(output_dir).glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
    for folder in sorted(folders, key=lambda path: int(path.name.split("-")[1]), reverse=True):
        try:
            _check(folder)
        except (OSError, ValueError) as error:
            logger.warning("%s is not whole (%s): it is passed over.", folder, error)
        else:
            return str(folder)
    return None


def _check(folder: Path) -> None:
    """Raises an error if a file is missing, or is not whole."""
    json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    names = {"model.safetensors", "optimizer.pt", "scheduler.pt"}
    if (folder / LORA_CONFIG).is_file():
        names = names - {"model.safetensors"} | {LORA_WEIGHTS}
    if (folder / INDEX).is_file():
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = names - {"model.safetensors"} | set(index["weight_map"].values())
    there = {path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".pt", ".pth")}
    for name in sorted(names | there):
        try:
            if name.endswith(".safetensors"):
                with safe_open(folder / name, framework="pt"):
                    continue
            with zipfile.ZipFile(folder / name) as archive:
                broken = archive.testzip()
            if broken:
                raise zipfile.BadZipFile(f"{broken} is damaged")
        except (OSError, SafetensorError, zipfile.BadZipFile) as error:
            raise ValueError(f"{name}: {error}") from error
