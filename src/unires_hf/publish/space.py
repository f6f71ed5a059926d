# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The app as a Space of the Hub: a folder that holds this package and needs nothing else of ours."""

import shutil
import tempfile
from importlib.metadata import requires
from pathlib import Path

from unires_hf.checkpoints import checkpoint_path

PACKAGE = Path(__file__).parents[1]
README = """---
title: UniRES
emoji: ✂️
colorFrom: blue
colorTo: green
sdk: gradio
sdk_version: 6.31.0
python_version: "3.11"
app_file: app.py
license: apache-2.0
short_description: Segments what a phrase refers to, objects and parts
---

# UniRES

Segments what a phrase refers to, an object or a part of one: "the red truck", "left wheel of the red truck".
Written by `unires app --write-space`; `python app.py` runs it anywhere.
"""
APP = """from unires_hf.app.page import serve

serve({model!r})
"""


def write_space(folder: str | Path, model: str = "default") -> Path:
    """
    Writes the folder of a Space: `app.py`, `requirements.txt`, `README.md` with the Space's header, and this package.

    The folder appears whole or not at all.

    Args:
        folder (`str` or `Path`): the folder to make; it must not exist, or be empty.
        model (`str`, *optional*, defaults to `"default"`): what the Space asks, or a repository of the Hub.

    Returns:
        `Path`: `folder`.

    Raises:
        ValueError: if there is something in `folder`, or the model is only in a folder of this machine.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder, nothing there will be overwritten.")
    if model != "default" and Path(model).exists():
        raise ValueError(f"{model} is on this machine only: send it with `unires push`, then name its repository.")
    if model == "default" and not Path(checkpoint_path(model)).is_dir():
        raise ValueError(f"this installation lacks the checkpoint {model}: name a model with `--model`.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        draft = Path(scratch) / folder.name
        shutil.copytree(PACKAGE, draft / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        needed = [line for line in requires("unires-hf") if "extra ==" not in line]
        texts = {"README.md": README, "app.py": APP.format(model=model), "requirements.txt": "\n".join(needed) + "\n"}
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        draft.rename(folder)
    return folder
