# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Sheets of what a stream over a folder has found."""

import itertools
import json
from pathlib import Path

from unires_hf.data import masks
from unires_hf.inference.origin import png_note
from unires_hf.inference.picture_source import pictures_at

from .overlay import draw_overlays

SHOWN = 11  # expressions a picture


def draw_segmented(out: Path, images: Path, most: int) -> int:
    """Draws the first pictures of `out/masks.jsonl` with their masks, as `out/overlays/NAME.png`; returns how many.

    Args:
        out (`Path`): the folder that [`segment_many`] wrote.
        images (`Path`): where the pictures are, see [`pictures_at`].
        most (`int`): how many pictures are drawn.
    """
    drawn, source = 0, pictures_at(images)
    with open(out / "masks.jsonl", encoding="utf-8") as lines:
        for line in map(json.loads, itertools.islice(lines, most)):
            results = [{**result, "mask": masks.decode(result["mask"])} for result in line["results"][:SHOWN]]
            path = out / "overlays" / f"{line['file_name']}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            note = png_note(line["made_by"], [result["label"] for result in results])
            draw_overlays(source.open(line["file_name"]), results).save(path, pnginfo=note)
            drawn += 1
    return drawn
