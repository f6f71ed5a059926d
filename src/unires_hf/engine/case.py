# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One picture on its way through the stages: what is kept of it, what was rejected and why, and what made it."""

import io
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import PIL.Image
from datasets import Features, List, Value
from PIL.Image import Image

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES, Row, validate_row
from unires_hf.model.image_input_unires import upright

KEPT = "kept"
ENGINE_FEATURES = Features(
    {
        **FEATURES,
        "license": Value("string"),
        "provenance": List(
            {
                "about": Value("string"),
                "stage": Value("string"),
                "maker": Value("string"),
                "score": Value("float32"),
            }
        ),
    }
)
"""The schema, the license of the source, and for each target_id or expression_id (`about`) every stage that made or
passed it, by what (`maker`: a model's name, or the rule) and with what score (null where there is none)."""


@dataclass
class Case:
    """A picture with what has been found in it.

    Args:
        row (`dict`): a row of the schema; its targets are those kept so far.
        picture (`PIL.Image.Image`): upright, RGB.
        rejected (`list[dict]`): what a stage refused: `stage`, `reason`, `score`, `granularity`, `category`, `part`,
            `text`, `mask`, `bbox`.
        verdicts (`Counter`): by (stage, `KEPT` or the reason), how often.
        provenance (`list[dict]`): as in `ENGINE_FEATURES`.
        several (`set[str]`): the target_ids of parts that were found by the plural of their name.
    """

    row: Row
    picture: Image
    rejected: list[Row] = field(default_factory=list)
    verdicts: Counter = field(default_factory=Counter)
    provenance: list[Row] = field(default_factory=list)
    several: set[str] = field(default_factory=set)

    @property
    def objects(self) -> list[Row]:
        """The targets that are objects; those without a pixel are none."""
        return [it for it in self.row["targets"] if it["granularity"] == "object" and not is_nothing(it)]

    @property
    def parts(self) -> list[Row]:
        """The targets that are parts of an object."""
        return [it for it in self.row["targets"] if it["granularity"] == "part" and not is_nothing(it)]

    def keep(self, stage: str, about: str, maker: str, score: float | None = None) -> None:
        """Notes that a stage made or passed a target or an expression."""
        self.verdicts[stage, KEPT] += 1
        score = None if score is None else round(score, 4)
        self.provenance.append({"about": about, "stage": stage, "maker": maker, "score": score})

    def reject(
        self, stage: str, reason: str, target: Row | None = None, text: str | None = None, score: float | None = None
    ) -> None:
        """Notes that a stage refused a target, or one expression of it; whoever calls takes it out of the row."""
        self.verdicts[stage, reason] += 1
        about = {name: (target or {}).get(name) for name in ("granularity", "category", "part", "mask", "bbox")}
        score = None if score is None else round(score, 4)
        self.rejected.append({"stage": stage, "reason": reason, "score": score, "text": text, **about})

    def drop(self, gone: set[str]) -> None:
        """Takes targets out of the row, and the parts of the objects among them, by target_id."""
        self.row["targets"] = [
            it for it in self.row["targets"] if it["target_id"] not in gone and it["parent_id"] not in gone
        ]


def open_case(row: Row) -> Case:
    """The case of a row with its picture's bytes.

    Raises:
        ValueError: if the picture cannot be decoded, or what is known of it breaks the schema.
    """
    try:
        with PIL.Image.open(io.BytesIO(row["image"]["bytes"])) as opened:
            picture = upright(opened).convert("RGB")
    except PIL.UnidentifiedImageError as error:  # whose own words hold an address in memory
        raise ValueError("the picture is of no format that Pillow knows") from error
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
        raise ValueError(f"the picture is damaged: {error}") from error
    row = {**row, "width": picture.width, "height": picture.height}
    targets = [{**it, "expressions": list(it["expressions"] or [])} for it in row["targets"] or []]
    row = {**row, "targets": targets}
    validate_row(row)
    return Case(row, picture)


def make_target(
    target_id: str, category: str, mask: masks.RLE, part: str | None = None, parent_id: str | None = None
) -> Row:
    """A target of the schema without expressions."""
    return {
        "target_id": target_id,
        "granularity": "object" if part is None else "part",
        "category": category,
        "part": part,
        "parent_id": parent_id,
        "bbox": masks.bbox(mask),
        "mask": mask,
        "expressions": [],
    }


def is_nothing(target: Row) -> bool:
    """Whether the target is a mask without a pixel, which stands for "there is none"."""
    return target["mask"] is not None and not masks.area(target["mask"])


def region(target: Row, height: int, width: int) -> np.ndarray:
    """Where a target is, bool (height, width): its mask, or its box where it has none."""
    if target["mask"] is not None:
        return masks.decode(target["mask"])
    inside = np.zeros((height, width), bool)
    x, y, w, h = (round(side) for side in target["bbox"])
    inside[y : y + h, x : x + w] = True
    return inside


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two bool masks of one shape; 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0
