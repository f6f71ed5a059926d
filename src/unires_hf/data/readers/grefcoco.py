# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of gRefCOCO: expressions of one, several or no referent.

```
ROOT/grefcoco/grefs(unc).json (or .p)  ROOT/grefcoco/instances.json  ROOT/images/[mscoco/images/]train2014/*.jpg
```
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unires_hf.data import masks
from unires_hf.data.brief import brief
from unires_hf.data.schema import Row, Skipped

from . import safe_pickle
from .draft import Draft, drafted, segmentation
from .json_index import Table, read_tables
from .records import category_names, find, take
from .refer import COCO_FOLDERS, check_words, open_coco_image, picture_folder, refs_of_split, say_sentences
from .source_files import first_existing, read_json, require_file

_CURE = "Put the files of henghuiding/gRefCOCO there."


def read_grefcoco(
    root: str | Path, split: str = "val", images: str | Path | None = None, words: str = "sent"
) -> Iterator[Row | Skipped]:
    """Yields one row an image; several referents make one mask, an expression of none has a mask without a pixel.

    Args:
        root (`str` or `Path`): the folder that holds `grefcoco`.
        split (`str`, defaults to `"val"`): train, val, testA or testB.
        images (`str` or `Path`, *optional*): the folder of the pictures.
        words (`str`, defaults to `"sent"`): sent, or raw, which the benchmark's own loader reads.

    Raises:
        ValueError: if a folder or file is missing, or no ref is of that split.
    """
    check_words(words)
    folder = Path(root) / "grefcoco"
    path = first_existing(folder, ("grefs(unc).p", "grefs(unc).json"), _CURE)
    refs = safe_pickle.load(require_file(path, _CURE)) if path.suffix == ".p" else read_json(path, _CURE)
    chosen = yield from refs_of_split("grefcoco", refs, split)
    tables, rest = read_tables(folder / "instances.json", {"images": "id", "annotations": "image_id"}, _CURE)
    names = category_names(rest)
    pictures = picture_folder(root, images, COCO_FOLDERS)
    for image_id, image_refs in chosen.items():
        yield from drafted("grefcoco", image_id, partial(_fill, image_refs, tables, names, pictures, words))


def _fill(
    refs: list[Row], tables: dict[str, Table], names: dict[int, str], pictures: Path, words: str, draft: Draft
) -> None:
    annotations = open_coco_image(draft, refs[0]["image_id"], tables, pictures)
    for ref in refs:
        with draft.attempt(f"ref {brief(ref.get('ref_id'))}"):
            own_id = take(ref, "ref_id", int, str)
            if ref.get("no_target") is True or take(ref, "ann_id", list) == [-1]:
                target = draft.add(own_id, "", masks.empty(draft.height, draft.width), no_target=True)
            else:
                meant = [find(annotations, it) for it in ref["ann_id"]]
                target = draft.add(own_id, _categories(meant, names), _union(meant, draft))
            say_sentences(draft, target, ref, words)


def _union(annotations: list[Row], draft: Draft) -> masks.RLE:
    """The union of the annotations that are no crowds, as the benchmark's own loader takes it."""
    single = [it for it in annotations if not it.get("iscrowd")]
    whole = [segmentation(it, draft) for it in single]
    if not whole or None in whole:
        raise ValueError("one of its referents has no mask, or all are crowds.")
    return masks.union(whole)


def _categories(annotations: list[Row], names: dict[int, str]) -> str:
    """The referents' categories, joined where they differ."""
    return ", ".join(sorted({find(names, it.get("category_id")) for it in annotations}))
