# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What made a mask, as a note in every file that holds it: nobody shall take it for a person's work."""

from collections.abc import Sequence
from typing import Any

from PIL.PngImagePlugin import PngInfo
from transformers import ProcessorMixin

from unires_hf import __version__

NOTE = "Made by a model, which may be wrong"


def made_by(model: str, processor: ProcessorMixin, **asked: Any) -> dict[str, Any]:
    """The note as a field of JSON.

    Args:
        model (`str`): the name that the checkpoint was opened by.
        processor (`ProcessorMixin`): whose thresholds hold where none is given.
        asked: what was asked for, such as `mask_threshold`, and the `revision` of a model of the Hub; `None` stands
            for the default.
    """
    usual = {name: getattr(processor, name) for name in ("mask_threshold", "presence_threshold")}
    asked = {name: value for name, value in asked.items() if value is not None}
    return {"note": NOTE, "software": f"unires-hf {__version__}", "model": model, **usual, **asked}


def png_note(origin: dict[str, Any], expressions: Sequence[str]) -> PngInfo:
    """The note of [`made_by`] as text chunks of a PNG, with what was asked, one expression a line."""
    chunks = PngInfo()
    chunks.add_itxt("Expression", "\n".join(expressions))
    for key, value in origin.items():
        chunks.add_itxt(key.replace("_", " ").capitalize(), str(value))
    return chunks
