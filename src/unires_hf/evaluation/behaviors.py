# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a mean IoU hides: the whole for a part, left for right, a sibling for the one that is meant, edges, denials;
and what a hint mends.

Each expression's record gets its overlaps with what else could have been drawn ([`probe_batch`]); rates and means are
computed from the records alone ([`behavior_summary`]), on any number of processes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from unires_hf.data import masks
from unires_hf.data.flip import flip_row, mirror_words
from unires_hf.data.schema import Row

from .calibration import calibration_error

BOUNDARY = 0.02  # of the image's diagonal (Cheng et al., "Boundary IoU", CVPR 2021)
SAME = 0.5  # masks of this IoU are taken for the same
CONCEPT_THRESHOLDS = tuple(step / 100 for step in range(50, 100, 5))

Ask = Callable[[Sequence[Row]], list[list[np.ndarray]]]
Refine = Callable[..., list[list[np.ndarray]]]


def probe_batch(
    rows: Sequence[Row], drawn: Sequence[Sequence[np.ndarray]], ask: Ask, refine: Refine | None = None
) -> list[list[dict[str, Any]]]:
    """
    For each image and expression the columns of its record that tell of behaviors.

    - `boundary_iou`: of the pixels within 2 % of the diagonal of both outlines; null without a referent.
    - `parent_iou`: with the whole object that the part belongs to; null for objects.
    - `sibling_iou`: the highest with another object of the category, or another part of the object, in the image; null
      where there is none.
    - `mirror_iou`: with what is drawn for the mirrored words in the mirrored picture, mirrored back.
    - `swap_iou`: with what is drawn for the words with left and right exchanged; null where they name no side.
    - `click_iou`, `box_iou`: of what is meant with what is drawn after a click into its middle, or in its box; null
      without a referent.

    Args:
        rows: of the schema, pictures decoded, each with something to score.
        drawn: bool masks (H, W) at original size, for each row one an expression of its targets with masks.
        ask: draws the same for other rows.
        refine (*optional*): draws the same again with `points=` or `boxes=`, one or `None` an expression.
    """
    mirrored = ask([flip_row(row) for row in rows])
    swapped = _swapped(rows, ask)
    truths = [
        {target["target_id"]: masks.decode(target["mask"]) for target in row["targets"] if target["mask"]}
        for row in rows
    ]
    hinted = _hinted(rows, truths, refine) if refine else [None] * len(rows)
    return [
        _probe_row(row, of_row, own, [mask[:, ::-1] for mask in flipped], iter(exchanged), hints)
        for row, of_row, own, flipped, exchanged, hints in zip(
            rows, truths, drawn, mirrored, swapped, hinted, strict=True
        )
    ]


def _hinted(rows: Sequence[Row], truths: Sequence[dict[str, np.ndarray]], refine: Refine) -> list[list[Any]]:
    """For each row and expression the masks after a click and in a box."""
    meant = [
        truth if truth.any() else None
        for row, of_row in zip(rows, truths, strict=True)
        for target in _scored(row)
        for truth in [of_row[target["target_id"]]] * len(target["expressions"])
    ]
    clicked = refine(points=[None if truth is None else middle(truth) for truth in meant])
    boxed = refine(boxes=[None if truth is None else _box(truth) for truth in meant])
    return [list(zip(*both, strict=True)) for both in zip(clicked, boxed, strict=True)]


def middle(mask: np.ndarray) -> tuple[float, float]:
    """(x, y) of the middle of that pixel of a bool mask (H, W) which is nearest to its center of mass."""
    rows, columns = np.nonzero(mask)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    return float(columns[nearest]) + 0.5, float(rows[nearest]) + 0.5


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _swapped(rows: Sequence[Row], ask: Ask) -> list[list[np.ndarray]]:
    """For each row the masks of its expressions that name a side, left and right exchanged."""
    changed = []
    for row in rows:
        targets = []
        for target in _scored(row):
            said = [{**it, "text": mirror_words(it["text"])} for it in target["expressions"]]
            said = [new for new, old in zip(said, target["expressions"], strict=True) if new["text"] != old["text"]]
            if said:
                targets.append({**target, "expressions": said})
        changed.append({**row, "targets": targets})
    asked = [row for row in changed if row["targets"]]
    answers = iter(ask(asked)) if asked else iter(())
    return [next(answers) if row["targets"] else [] for row in changed]


def _scored(row: Row) -> list[Row]:
    return [target for target in row["targets"] if target["mask"] is not None and target["expressions"]]


def _probe_row(
    row: Row,
    truths: dict[str, np.ndarray],
    drawn: Sequence[np.ndarray],
    mirrored: Sequence[np.ndarray],
    swapped: Iterator[np.ndarray],
    hinted: Sequence[tuple[np.ndarray, np.ndarray]] | None,
) -> list[dict[str, Any]]:
    answers = iter(zip(drawn, mirrored, hinted or [None] * len(drawn), strict=True))
    columns = []
    for target in _scored(row):
        truth, parent = truths[target["target_id"]], truths.get(target["parent_id"])
        siblings = [
            truths[other["target_id"]]
            for other in row["targets"]
            if other["mask"] and _are_siblings(target, other) and truths[other["target_id"]].any()
        ]
        for expression in target["expressions"]:
            mask, flipped, hints = next(answers)
            clicked, boxed = hints if hints and truth.any() else (None, None)
            names_side = mirror_words(expression["text"]) != expression["text"]
            columns.append(
                {
                    "boundary_iou": boundary_iou(mask, truth) if truth.any() else None,
                    "parent_iou": None if parent is None else _iou(mask, parent),
                    "sibling_iou": max((_iou(mask, other) for other in siblings), default=None),
                    "mirror_iou": _iou(mask, flipped),
                    "swap_iou": _iou(mask, next(swapped)) if names_side else None,
                    "click_iou": None if clicked is None else _iou(clicked, truth),
                    "box_iou": None if boxed is None else _iou(boxed, truth),
                }
            )
    return columns


def _are_siblings(target: Row, other: Row) -> bool:
    if other["target_id"] == target["target_id"] or other["granularity"] != target["granularity"]:
        return False
    if target["granularity"] == "part":
        return target["parent_id"] is not None and other["parent_id"] == target["parent_id"]
    return bool(target["category"]) and other["category"] == target["category"]


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    """Of two bool masks; 1 where both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def boundary_iou(prediction: np.ndarray, truth: np.ndarray) -> float:
    """IoU of what lies within 2 % of the diagonal of the outline of each bool mask (H, W); the image's edge is outline
    too. 1 where both are empty."""
    return _iou(_boundary(prediction), _boundary(truth))


def _boundary(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask whose square of 2 d + 1 pixels is not wholly in the mask."""
    distance = max(1, round(BOUNDARY * float(np.hypot(*mask.shape))))
    side = 2 * distance + 1
    sums = np.pad(np.pad(mask, distance).astype(np.int32).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    window = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return mask & (window < side * side)


def behavior_summary(records: pa.Table) -> dict[str, float | int]:
    """
    Flat keys, rates and means in percent, each with the number of expressions (or pairs) that it is over; what occurs
    nowhere is left out.

    - `behavior_whole_for_part`: part expressions whose mask is the whole object (IoU of 0.5 or more with it, and more
      than with the part); `…_n`.
    - `behavior_swap_unmoved`: expressions with a side whose mask stays the same, IoU of 0.5 or more, when left and
      right are exchanged; of those that drew anything.
    - `behavior_pairs_right`: pairs of expressions of an image that differ in left and right alone, both of them right
      (IoU above 0.5).
    - `behavior_mirror_iou`: mean IoU of a mask and that of the mirrored words in the mirrored picture.
    - `behavior_sibling_object`, `behavior_sibling_part`: expressions whose mask fits another object of the category,
      or another part of the object, better than what is meant.
    - `behavior_boundary_iou`: mean over expressions that have a referent.
    - `behavior_unaided_iou`, `behavior_click_iou`, `behavior_box_iou`: mean IoU over expressions that have a referent,
      of the mask by the words alone, after a click into the referent's middle, and with its box.
    - `behavior_il_mcc`, `behavior_pmf1`, `behavior_cgf1`: see [`concept_scores`].
    - `behavior_ece`: see [`calibration_error`].

    Args:
        records (`pa.Table`): of the model, with `iou` and the columns of [`probe_batch`].
    """
    column = {name: records[name].to_numpy(zero_copy_only=False) for name in _NUMBERS}
    kinds = np.array(records["granularity"].to_pylist())
    iou, denied = column["iou"], records["predicted_no_target"].to_numpy(zero_copy_only=False)
    no_target = records["no_target"].to_numpy(zero_copy_only=False)
    rates = {
        "whole_for_part": (
            (column["parent_iou"] >= SAME) & (column["parent_iou"] > iou),
            ~np.isnan(column["parent_iou"]) & ~no_target,
        ),
        "swap_unmoved": (column["swap_iou"] >= SAME, ~np.isnan(column["swap_iou"]) & (column["pred_area"] > 0)),
        "mirror_iou": (column["mirror_iou"], ~np.isnan(column["mirror_iou"])),
        "boundary_iou": (column["boundary_iou"], ~np.isnan(column["boundary_iou"])),
        "unaided_iou": (iou, ~np.isnan(column["click_iou"])),
        "click_iou": (column["click_iou"], ~np.isnan(column["click_iou"])),
        "box_iou": (column["box_iou"], ~np.isnan(column["box_iou"])),
    }
    for kind in ("object", "part"):
        asked = ~np.isnan(column["sibling_iou"]) & ~no_target & (kinds == kind)
        rates[f"sibling_{kind}"] = (column["sibling_iou"] > iou, asked)
    pairs = _pairs(records, iou > SAME)
    rates["pairs_right"] = (pairs, np.ones(len(pairs), bool))
    summary: dict[str, float | int] = {}
    for name, (values, asked) in rates.items():
        if asked.any():
            summary[f"behavior_{name}"] = 100 * float(np.mean(values[asked], dtype=float))
            summary[f"behavior_{name}_n"] = int(asked.sum())
    summary |= {f"behavior_{name}": value for name, value in concept_scores(iou, no_target, denied).items()}
    answered = column["score"] > 0
    if answered.any():
        right = (iou > SAME) & ~no_target
        summary["behavior_ece"] = 100 * calibration_error(column["score"][answered], right[answered])
        summary["behavior_ece_n"] = int(answered.sum())
    return summary


_NUMBERS = (
    *("iou", "score", "pred_area", "boundary_iou", "parent_iou", "sibling_iou", "mirror_iou", "swap_iou"),
    *("click_iou", "box_iou"),
)


def _pairs(records: pa.Table, right: np.ndarray) -> np.ndarray:
    """For each pair of an image's expressions that are each other's mirror in words: whether both are right."""
    places: dict[tuple[int, str], int] = {}
    texts = [" ".join(text.lower().split()) for text in records["text"].to_pylist()]
    keys = list(zip(records["row"].to_pylist(), texts, strict=True))
    for place, key in enumerate(keys):
        places.setdefault(key, place)
    found = []
    for place, (row, text) in enumerate(keys):
        other = places.get((row, mirror_words(text)))
        if mirror_words(text) != text and places[row, text] == place and other is not None and place < other:
            found.append(right[place] and right[other])
    return np.array(found, bool)


def concept_scores(iou: np.ndarray, no_target: np.ndarray, denied: np.ndarray) -> dict[str, float]:
    """
    Image-level MCC, positive micro F1 and their product cgF1, as SAM 3's benchmark defines them, for one mask an
    expression (SAM 3, section 5).

    - `il_mcc`: Matthews correlation of "there is a referent" with "a mask was drawn", in [-1, 1].
    - `pmf1`, percent: F1 over expressions that have a referent, where a mask is right at IoU τ or more, a wrong one
      counts as found and as missed; mean over τ of 0.5, 0.55 … 0.95.
    - `cgf1`, percent: `pmf1` times `il_mcc`. The first and the last are left out where all have a referent.

    Args:
        iou, no_target, denied: (expressions,): IoU in [0, 1], no referent in truth, no mask drawn.
    """
    there, drawn = ~no_target, ~denied
    scores = {}
    if there.any():
        of_threshold = []
        for threshold in CONCEPT_THRESHOLDS:
            hit = there & drawn & (iou >= threshold)
            wrong, missed = there & drawn & ~hit, there & ~hit
            of_threshold.append(2 * hit.sum() / max(1, 2 * hit.sum() + wrong.sum() + missed.sum()))
        scores["pmf1"] = 100 * float(np.mean(of_threshold))
    if no_target.any():
        hits, denials = int((there & drawn).sum()), int((no_target & denied).sum())
        false, missed = int((no_target & drawn).sum()), int((there & denied).sum())
        product = (hits + false) * (hits + missed) * (denials + false) * (denials + missed)
        scores["il_mcc"] = (hits * denials - false * missed) / product**0.5 if product else 0.0
        if there.any():
            scores["cgf1"] = scores["pmf1"] * scores["il_mcc"]
    return scores


_SAID = {
    "whole_for_part": "the whole object is drawn for a part",
    "swap_unmoved": "the same is drawn when left and right are exchanged",
    "pairs_right": "both right, of two expressions that differ in left and right",
    "mirror_iou": "IoU with the mirrored picture's mask",
    "sibling_object": "another object of the category is drawn",
    "sibling_part": "another part of the object is drawn",
    "boundary_iou": "boundary IoU, 2 % of the diagonal",
    "unaided_iou": "IoU by the words alone",
    "click_iou": "IoU after a click into the middle",
    "box_iou": "IoU with a box",
    "ece": "expected calibration error of the score",
    "pmf1": "positive micro F1 (SAM 3)",
    "cgf1": "cgF1 (SAM 3)",
}


def behavior_table(summary: Mapping[str, Any]) -> str:
    """The Markdown table of [`behavior_summary`], in percent."""
    lines = ["| behavior | % | of |", "|---|---:|---:|"]
    for name, said in _SAID.items():
        if f"behavior_{name}" in summary:
            count = summary.get(f"behavior_{name}_n")
            lines.append(f"| {said} | {summary[f'behavior_{name}']:.1f} | {'–' if count is None else f'{count:,}'} |")
    if "behavior_il_mcc" in summary:
        lines.append(f"| image-level MCC (SAM 3), from -1 to 1 | {summary['behavior_il_mcc']:.3f} | – |")
    return "\n".join(lines) + "\n"
