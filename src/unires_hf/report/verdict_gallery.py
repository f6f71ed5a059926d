# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What each stage of the engine accepted and what it rejected, side by side, to see whether it is right."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageOps
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont

from unires_hf.data import masks
from unires_hf.data.schema import Row

from .overlay import BY_GRANULARITY, FAINT, INK, PAPER, draw_legend, fit, shorten, tint
from .statistics import shards

SIDE, GAP, LINE, HEADING = 180, 10, 18, 40
SHARDS = 8
"""Cases are taken from at most so many shards, evenly spaced."""


class Judged(NamedTuple):
    """One verdict of a stage about a target, an expression of it, or words without one."""

    stage: str
    accepted: bool
    place: tuple[Path, int]
    mask: Row | None
    granularity: str
    title: str
    note: str


def draw_verdicts(folder: str | Path, path: str | Path, count: int = 4) -> Path:
    """Draws up to `count` accepted and as many rejected cases of every stage, evenly spread.

    Args:
        folder (`str` or `Path`): what `unires annotate` made.
        path (`str` or `Path`): of the PNG.
        count (`int`, *optional*, defaults to 4): cases a stage and verdict.

    Raises:
        ValueError: if the folder has no shards.
    """
    files = [it for paths in shards(folder).values() for it in paths]
    chosen = [files[it] for it in np.unique(np.linspace(0, len(files) - 1, SHARDS).round().astype(int))]
    found: dict[str, dict[bool, list[Judged]]] = defaultdict(lambda: {True: [], False: []})
    for file in chosen:
        for judged in _verdicts(Path(folder), file):
            found[judged.stage][judged.accepted].append(judged)
    strips = [_strip(stage, by_verdict, count) for stage, by_verdict in found.items()]
    if not strips:
        raise ValueError(f"{folder} holds no verdict: no stage judged anything.")
    page = Image.new("RGB", (max(it.width for it in strips), HEADING + sum(it.height for it in strips)), PAPER)
    pen, top = ImageDraw.Draw(page), HEADING
    pen.text((GAP, 10), "Accepted", fill=INK, font=ImageFont.load_default(20))
    pen.text((page.width // 2 + GAP, 10), "Rejected", fill=INK, font=ImageFont.load_default(20))
    draw_legend(pen, page.width - GAP, 16)
    for strip in strips:
        page.paste(strip, (0, top))
        top += strip.height
    page.save(path, format="PNG")
    return Path(path)


def _verdicts(folder: Path, file: Path) -> Iterator[Judged]:
    rows = pq.read_table(file, columns=["image_id", "targets", "provenance"]).to_pylist()
    places = {row["image_id"]: number for number, row in enumerate(rows)}
    for number, row in enumerate(rows):
        about: dict[str, tuple[Row, str]] = {}
        for target in row["targets"]:
            about[target["target_id"]] = (target, _name(target))
            if target["mask"] is not None and not masks.area(target["mask"]):
                about[target["target_id"]] = (target, f"“{target['expressions'][0]['text']}”")
            about |= {it["expression_id"]: (target, f"“{it['text']}”") for it in target["expressions"]}
        for it in row["provenance"]:
            target, title = about[it["about"]]
            note = it["maker"].rstrip("/").rpartition("/")[2] + _score(it["score"])
            yield Judged(it["stage"], True, (file, number), target["mask"], target["granularity"], title, note)
    for line in (folder / "rejected" / f"{file.name.split('-')[-3]}.jsonl").read_text(encoding="utf-8").splitlines():
        it: dict[str, Any] = json.loads(line)
        if it["image_id"] in places and it["stage"] != "pictures":
            title = f"“{it['text']}”" if it["text"] and it["stage"] != "similarity" else _name(it)
            also = f" ({it['text']})" if it["stage"] == "similarity" else ""
            note = it["reason"] + also + _score(it["score"])
            place = (file, places[it["image_id"]])
            yield Judged(it["stage"], False, place, it["mask"], it["granularity"] or "object", title, note)


def _name(target: Row) -> str:
    return " · ".join(filter(None, (target["category"], target["part"]))) or "(no name)"


def _score(score: float | None) -> str:
    return "" if score is None else f", {score:.2f}"


def _strip(stage: str, by_verdict: dict[bool, list[Judged]], count: int) -> Image.Image:
    half = count * (SIDE + GAP) + GAP
    strip = Image.new("RGB", (2 * half, LINE + SIDE + 3 * LINE + 2 * GAP), PAPER)
    pen = ImageDraw.Draw(strip)
    for accepted, left in ((True, 0), (False, half)):
        cases = by_verdict[accepted]
        title = f"{stage}: {len(cases):,} in the shards that were looked at"
        pen.text((left + GAP, 0), title, fill=FAINT, font=ImageFont.load_default(14))
        places = np.unique(np.linspace(0, len(cases) - 1, count).round().astype(int)) if cases else []
        for column, place in enumerate(places):
            strip.paste(_panel(cases[place]), (left + GAP + column * (SIDE + GAP), LINE + 4))
    pen.line((0, strip.height - 4, strip.width, strip.height - 4), fill=(220, 220, 220))
    return strip


def _panel(case: Judged) -> Image.Image:
    file, number = case.place
    image = pq.ParquetFile(file).read(columns=["image"]).column("image")[number].as_py()
    with PIL.Image.open(io.BytesIO(image["bytes"])) as opened:
        picture = fit(PIL.ImageOps.exif_transpose(opened).convert("RGB"), SIDE)
    if case.mask is not None and masks.area(case.mask):
        picture = tint(picture, masks.decode(case.mask), BY_GRANULARITY[case.granularity])
    panel = Image.new("RGB", (SIDE, SIDE + 3 * LINE), PAPER)
    panel.paste(picture, ((SIDE - picture.width) // 2, 0))
    pen = ImageDraw.Draw(panel)
    pen.text((0, SIDE + 2), shorten(case.title, SIDE, 14), fill=INK, font=ImageFont.load_default(14))
    font = ImageFont.load_default(12)
    for number, line in enumerate(_lines(case.note, font)):
        pen.text((0, SIDE + LINE + 2 + 15 * number), shorten(line, SIDE, 12), fill=FAINT, font=font)
    return panel


def _lines(note: str, font: ImageFont.FreeTypeFont) -> tuple[str, str]:
    """A note on two lines, as many words as fit on the first: its score comes last, and must be seen."""
    words = note.split()
    fitting = max((it for it in range(1, len(words)) if font.getlength(" ".join(words[:it])) <= SIDE), default=1)
    if font.getlength(note) <= SIDE:
        return note, ""
    return " ".join(words[:fitting]), " ".join(words[fitting:])
