# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of data sets on the Hub, one row a referent: jxu124/refcoco(+/g), without pictures, lmms-lab/RefCOCO, and
dddraxxx/ref-adv-s, which has boxes alone."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow
from datasets import Dataset, Image, load_dataset
from datasets.exceptions import DatasetGenerationError

from unires_hf.data.brief import brief, line
from unires_hf.data.schema import Row, Skipped

from .coco_names import BY_ID
from .draft import Draft, drafted, segmentation
from .records import find, take
from .refer import say_sentences
from .source_files import Pictures, parse_json, require


def read_hub(
    root: str | Dataset, split: str = "validation", images: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields one row an image, of a data set that has one row a referent.

    Args:
        root (`str` or `datasets.Dataset`): the data set's name on the Hub, a folder, or its rows.
        split (`str`, defaults to `"validation"`): the data set's own name of the split.
        images (`str` or `Path`, *optional*): COCO's `train2014`, or the folder that holds it; needed where the rows
            carry no pictures.

    Raises:
        ValueError: if the data set has another layout, or needs `images` and has none.
    """
    rows = root if isinstance(root, Dataset) else _loaded(str(root), split)
    if {"raw_anns", "raw_image_info", "sentences"} <= set(rows.column_names):
        if images is None:
            raise ValueError("the rows carry no pictures: give the folder of COCO's as `images`.")
        folder = require(Path(images), "Give the folder of COCO's pictures.")
        pictures = Pictures([folder], lambda: filter(None, rows["image_path"]))
        yield from _rows(rows, "image_path", str, partial(_fill_jxu124, pictures))
    elif {"image", "answer", "segmentation", "file_name"} <= set(rows.column_names):
        undecoded = rows.cast_column("image", Image(decode=False))
        yield from _rows(undecoded, "file_name", _without_annotation, _fill_lmms)
    elif {"image", "normal_caption", "solution", "file_name"} <= set(rows.column_names):
        yield from _rows(rows.cast_column("image", Image(decode=False)), "file_name", str, _fill_ref_adv)
    else:
        raise ValueError(
            f"the columns {rows.column_names} are neither jxu124/refcoco's nor lmms-lab/RefCOCO's nor ref-adv-s's."
        )


def _loaded(root: str, split: str) -> Dataset:
    for path in Path(root).rglob("*") if Path(root).is_dir() else ():
        if not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path} is neither a file nor a folder: remove it.")
    try:
        return load_dataset(root, split=split)
    except DatasetGenerationError as error:  # it says less than what it comes of
        raise ValueError(f"{root} cannot be read: {line(error.__cause__ or error)}.") from error
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{root} cannot be read: {line(error)}.") from error


def _rows(
    rows: Dataset, column: str, picture_of: Callable[[str], str], fill: Callable[[Draft, int, Row], None]
) -> Iterator[Row | Skipped]:
    """Groups rows by the picture that a column names; only that column is read ahead."""
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(rows[column]):
        if isinstance(name, str):
            groups.setdefault(picture_of(name), []).append(index)
        else:
            yield Skipped("hub", f"row {index}", f"'{column}' is missing.")
    for picture, indices in groups.items():
        yield from drafted("hub", Path(picture).stem, partial(_fill, rows, indices, fill))


def _fill(rows: Dataset, indices: list[int], fill: Callable[[Draft, int, Row], None], draft: Draft) -> None:
    for index in indices:
        with draft.attempt(f"row {index}"):
            fill(draft, index, rows[index])


def _fill_jxu124(pictures: Pictures, draft: Draft, index: int, row: Row) -> None:
    image, annotation = _json(row, "raw_image_info"), _json(row, "raw_anns")
    if draft.image is None:
        picture = pictures.locate(take(row, "image_path", str))
        draft.open(picture, (take(image, "height", int), take(image, "width", int)))
    mask = segmentation(annotation, draft)
    category = find(BY_ID, annotation.get("category_id"))
    target = draft.add(take(row, "ref_id", int, str), category, mask, box=annotation.get("bbox"))
    say_sentences(draft, target, row)


def _fill_lmms(draft: Draft, index: int, row: Row) -> None:
    if draft.image is None:
        draft.open(take(take(row, "image", dict), "bytes", bytes))
    polygon = take(row, "segmentation", list)
    mask = segmentation({"segmentation": [polygon] if polygon else []}, draft)
    target = draft.add(index, "", mask, box=row.get("bbox"))
    for number, text in enumerate(take(row, "answer", list)):
        draft.say(target, f"{index}/{number}", text)


def _fill_ref_adv(draft: Draft, index: int, row: Row) -> None:
    """`solution` is the box x0, y0, x1, y1; the kind of an expression is whether it has a negation."""
    if draft.image is None:
        size = take(row, "height", int), take(row, "width", int)
        draft.open(take(take(row, "image", dict), "bytes", bytes), size)
    corners = take(row, "solution", list)
    if len(corners) != 4 or None in corners:
        raise ValueError(f"'solution' is a box x0, y0, x1, y1, got {brief(corners)}.")
    left, top, right, bottom = corners
    target = draft.add(index, "", None, box=[left, top, right - left, bottom - top])
    kind = "negation" if take(row, "use_negation", bool) else "plain"
    draft.say(target, f"{index}:{kind}", take(row, "normal_caption", str))


def _json(row: Row, key: str) -> Row:
    """jxu124 keeps the original records as JSON strings."""
    text = take(row, key, str)
    try:
        record = parse_json(text)
    except ValueError as error:
        raise ValueError(f"'{key}' is no JSON: {error}.") from error
    if not isinstance(record, dict):
        raise ValueError(f"'{key}' is no record, got {brief(record)}.")
    return record


def _without_annotation(name: str) -> str:
    """COCO_train2014_000000581857_16.jpg names an annotation of COCO_train2014_000000581857.jpg."""
    return "_".join(Path(name).stem.split("_")[:3]) + ".jpg"
