# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Which expressions of an evaluation to look at, with their pictures: the extremes, and some at random."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from PIL import Image

from unires_hf.data import masks
from unires_hf.evaluation import Results

Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One expression, and what one or more models drew for it.

    Args:
        rule (`str`): why it was chosen.
        image (`tuple[str, str]`): source and image_id.
        picture (`PIL.Image.Image`): RGB, at original size.
        text, granularity (`str`): the expression, and what it is about.
        truth (`dict`): the true mask as RLE.
        predictions (`tuple[dict, ...]`): each model's, as RLE.
        ious (`tuple[float, ...]`): each model's, in [0, 1]; 1 for a right "nothing there".
    """

    rule: str
    image: tuple[str, str]
    picture: Image.Image
    text: str
    granularity: str
    truth: masks.RLE
    predictions: tuple[masks.RLE, ...]
    ious: tuple[float, ...]

    @property
    def no_target(self) -> bool:
        """Whether the expression has no referent."""
        return masks.area(self.truth) == 0

    def verdict(self, model: int) -> str:
        """The IoU in words fit for a caption; where there is no referent, whether the model saw that."""
        drawn = masks.area(self.predictions[model]) > 0
        if self.no_target:
            return "wrong: something found" if drawn else "right: nothing found"
        return f"IoU {100 * self.ious[model]:.0f}" if drawn else "nothing found"


def extreme_cases(results: Results, rows: Iterable[Row], count: int) -> list[Case]:
    """The `count` worst and the `count` best cases of a model, by the rules "worst" and "best".

    One case an image at most a side, so that one hard photograph does not fill the page (our choice). Among equal IoUs
    the larger union comes first: the greater mistake, the greater success.

    Args:
        results: of [`evaluate_model`] with `keep_masks=True`.
        rows: the rows that were evaluated, for their pictures.
        count (`int`): of each.

    Raises:
        ValueError: if the results hold no masks, or the pictures of the cases are not among the rows.
    """
    (ious,), unions = _columns([results]), results.records["union"].to_numpy()
    images = results.records["row"].to_pylist()
    chosen = [("worst", place) for place in _one_an_image(np.lexsort((-unions, ious)), images, count)]
    chosen += [("best", place) for place in _one_an_image(np.lexsort((-unions, -ious)), images, count)]
    return _open([results], rows, chosen)


def compared_cases(
    results: Sequence[Results],
    rows: Iterable[Row],
    count: int,
    seed: int = 0,
    one_an_image: bool = True,
    subject: int = 0,
) -> list[Case]:
    """Cases of two or more models: `count` at random, then the largest gains and the largest losses.

    A gain is what one model's IoU has over the best of the others', a loss what it lacks. No case comes twice. The
    rules are "random", "gain" and "loss" (our choice; the paper does not say how supplementary figure 2 was made).

    Args:
        results: of [`evaluate_model`] with `keep_masks=True`, on the same rows.
        rows: those rows, for their pictures.
        count (`int`): of each; fewer where there are no more.
        seed (`int`, *optional*, defaults to 0): of the random ones.
        one_an_image (`bool`, *optional*, defaults to `True`): no image comes twice.
        subject (`int`, *optional*, defaults to 0): which model gains and loses.

    Raises:
        ValueError: if the models were measured on different expressions, the results hold no masks, or the pictures
            of the cases are not among the rows.
    """
    ious = _columns(results)
    difference = ious[subject] - np.max(np.delete(ious, subject, axis=0), axis=0)
    images = results[0].records["row"].to_pylist() if one_an_image else list(range(len(difference)))
    order = np.argsort(-difference, kind="stable")
    seen: set[Any] = set()
    chosen = []
    for rule, places in (
        ("random", np.random.default_rng(seed).permutation(len(difference))),
        ("gain", order[difference[order] > 0]),
        ("loss", order[::-1][difference[order[::-1]] < 0]),
    ):
        chosen += [(rule, place) for place in _one_an_image(places, images, count, seen)]
    return _open(results, rows, chosen)


def _columns(results: Sequence[Results]) -> list[np.ndarray]:
    """Each model's IoUs, expression by expression; a right "nothing there", both masks empty, counts as 1."""
    names = [one.records.select(["source", "expression_id", "row"]) for one in results]
    if any(not name.equals(names[0]) for name in names):
        raise ValueError("The models were measured on different expressions; measure them on the same rows.")
    if any(one.records["prediction"].null_count for one in results):
        raise ValueError("The records hold no predicted masks; evaluate with keep_masks=True.")
    return [_ious(one.records) for one in results]


def _ious(records: pa.Table) -> np.ndarray:
    return np.where(records["union"].to_numpy() == 0, 1.0, records["iou"].to_numpy())


def _one_an_image(
    places: Iterable[int], images: Sequence[Any], count: int, seen: set[Any] | None = None
) -> Iterator[int]:
    seen = set() if seen is None else seen
    stop = len(seen) + count
    for place in places:
        if len(seen) >= stop:
            return
        if images[place] not in seen:
            seen.add(images[place])
            yield int(place)


def _open(results: Sequence[Results], rows: Iterable[Row], chosen: list[tuple[str, int]]) -> list[Case]:
    tables = [one.records.take([place for _, place in chosen]) for one in results]
    records, ious = [table.to_pylist() for table in tables], np.array([_ious(table) for table in tables]).T.tolist()
    found = _find(rows, {record["row"] for record in records[0]})
    cases = []
    for (rule, _), values, *drawn in zip(chosen, ious, *records, strict=True):
        row = found.get(drawn[0]["row"])
        if row is None or row["image_id"] != drawn[0]["image_id"]:
            named = (drawn[0]["source"], drawn[0]["image_id"])
            raise ValueError(f"The image {named} is not among the rows; pass those that were evaluated.")
        image = datasets.Image().decode_example(row["image"]) if isinstance(row["image"], dict) else row["image"]
        (truth,) = (target["mask"] for target in row["targets"] if target["target_id"] == drawn[0]["target_id"])
        cases.append(
            Case(
                rule,
                (row["source"], row["image_id"]),
                image.convert("RGB"),
                drawn[0]["text"],
                drawn[0]["granularity"],
                truth,
                tuple(record["prediction"] for record in drawn),
                tuple(values),
            )
        )
    return cases


def _find(rows: Iterable[Row], places: set[int]) -> dict[int, Row]:
    """The rows at these places; of a table, only their pictures are read."""
    if isinstance(rows, datasets.Dataset):
        return {place: rows[place] for place in places if place < len(rows)}
    return {place: row for place, row in enumerate(rows) if place in places}
