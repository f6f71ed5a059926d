# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of the REFER layout: RefCOCO, RefCOCO+, RefCOCOg (umd, google) and RefCLEF.

```
ROOT/refcoco/refs(unc).p  ROOT/refcoco/instances.json  ROOT/images/[mscoco/images/]train2014/*.jpg
```
A ref's own `file_name` is not the picture's: that one stands in `instances.json`.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from unires_hf.data.brief import brief
from unires_hf.data.schema import Row, Skipped

from . import safe_pickle
from .draft import Draft, drafted, segmentation
from .json_index import Table, read_tables
from .records import category_names, find, take
from .source_files import first_existing, inside, require, require_file

COCO_FOLDERS = ("images/mscoco/images/train2014", "images/train2014", "train2014", "images")
_SAIAPR_FOLDERS = ("images/saiapr_tc-12", "saiapr_tc-12", "images")
_CURE = "Put the files of lichengunc/refer there."


def read_refer(
    root: str | Path,
    dataset: str = "refcoco",
    split_by: str = "unc",
    split: str = "val",
    images: str | Path | None = None,
    words: str = "sent",
) -> Iterator[Row | Skipped]:
    """Yields one row an image with all its referents, and a `Skipped` for whatever is lost.

    Args:
        root (`str` or `Path`): the folder that holds `dataset`'s folder.
        dataset (`str`, defaults to `"refcoco"`): refcoco, refcoco+, refcocog or refclef.
        split_by (`str`, defaults to `"unc"`): unc, google, umd or berkeley.
        split (`str`, defaults to `"val"`): train, val, testA, testB, testC, or test for all of the tests.
        images (`str` or `Path`, *optional*): the folder of the pictures; found under `root` in REFER's own places.
        words (`str`, defaults to `"sent"`): sent, the cleaned sentence, which CRIS reads; or raw, as it was typed,
            which LAVT and ReLA read.

    Raises:
        ValueError: if a folder or file is missing, or no ref is of that split.
    """
    check_words(words)
    folder = require(Path(root) / dataset, _CURE)
    refs = safe_pickle.load(require_file(folder / f"refs({split_by}).p", f"{_CURE} Or name another split_by."))
    chosen = yield from refs_of_split(dataset, refs, split)
    tables, rest = read_tables(folder / "instances.json", {"images": "id", "annotations": "image_id"}, _CURE)
    names = category_names(rest)
    pictures = picture_folder(root, images, _SAIAPR_FOLDERS if dataset == "refclef" else COCO_FOLDERS)
    for image_id, image_refs in chosen.items():
        yield from drafted(dataset, image_id, partial(_fill, image_refs, tables, names, pictures, words))


def _fill(
    refs: list[Row], tables: dict[str, Table], names: dict[int, str], pictures: Path, words: str, draft: Draft
) -> None:
    annotations = open_coco_image(draft, refs[0]["image_id"], tables, pictures)
    for ref in refs:
        with draft.attempt(f"ref {brief(ref.get('ref_id'))}"):
            annotation = find(annotations, take(ref, "ann_id", int, str))
            category = find(names, take(annotation, "category_id", int))
            mask = segmentation(annotation, draft)
            target = draft.add(take(ref, "ref_id", int, str), category, mask, box=annotation.get("bbox"))
            say_sentences(draft, target, ref, words)


def refs_of_split(source: str, refs: Any, split: str) -> Generator[Skipped, None, dict[Any, list[Row]]]:
    """Groups the refs of a split by image, as the generator's value; a ref whose split is unreadable is skipped.

    Raises:
        ValueError: if `refs` is no list, or none is of that split.
    """
    if not isinstance(refs, list):
        raise ValueError(f"the refs of {source} are a list, got {type(refs).__name__}. Download the file again.")
    chosen: dict[Any, list[Row]] = {}
    splits = set()
    for number, ref in enumerate(refs):
        try:
            image_id, ref_split = take(ref, "image_id", int, str), take(ref, "split", str)
            if not re.fullmatch("train|val|test[A-C]*", ref_split):
                raise ValueError(f"'split' is train, val or test…, got {brief(ref_split)}.")
        except ValueError as error:
            yield Skipped(source, f"ref number {number}", str(error))
            continue
        splits.add(ref_split)
        if ref_split == split or _is_part_of(ref_split, split):
            chosen.setdefault(image_id, []).append(ref)
    if not chosen:
        raise ValueError(f"{source} has no split '{split}'; its refs are of {sorted(splits)}.")
    return chosen


def _is_part_of(ref_split: str, split: str) -> bool:
    """RefCLEF's refs are of "testA", "testAB", "testBC" and so on: one ref in several of the test splits."""
    return split.startswith("test") and ref_split.startswith("test") and split[4:] in ref_split[4:]


def open_coco_image(draft: Draft, image_id: Any, tables: dict[str, Table], pictures: Path) -> dict[Any, Row]:
    """Opens the picture of a COCO image record and returns the image's annotations by id.

    Raises:
        ValueError: if there is no such image, its record is broken, or the picture is not what the record says.
    """
    image = tables["images"].one(image_id)
    size = take(image, "height", int), take(image, "width", int)
    draft.open(inside(pictures, take(image, "file_name", str)), size)
    annotations: dict[Any, Row] = {}
    for annotation in tables["annotations"].get(image_id):
        own_id = annotation.get("id")
        if isinstance(own_id, int | str) and annotations.setdefault(own_id, annotation) != annotation:
            annotations[own_id] = {"id": own_id}  # which of the two is meant no one knows: it has nothing to give
    return annotations


def check_words(words: str) -> None:
    """Raises `ValueError` unless sentences have such a field."""
    if words not in ("sent", "raw"):
        raise ValueError(f"words={words}: sentences have the fields 'sent' and 'raw'.")


def say_sentences(draft: Draft, target: Row, record: Row, words: str = "sent") -> None:
    """Adds a record's `sentences` to its target; a broken one is skipped alone."""
    for number, sentence in enumerate(take(record, "sentences", list)):
        with draft.attempt(f"target {target['target_id']}, sentence number {number}"):
            draft.say(target, take(sentence, "sent_id", int, str), take(sentence, words, str))


def picture_folder(root: str | Path, images: str | Path | None, usual: Iterable[str]) -> Path:
    """`images`, or the first of the usual folders under `root` that exists.

    Raises:
        ValueError: if there is none.
    """
    hint = "Put the pictures there, or name their folder."
    return first_existing(root, usual, hint) if images is None else require(Path(images), hint)
