# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of PACO's queries: one instance told from others by its attributes and parts, and pictures without it.

They are the "queries" of PACO's test file, its benchmark of zero-shot instance detection:

```
{"id": 3, "level": 2, "query_string": "…", "structured_query": ["dog", ["brown", "ear"], …],
 "pos_ann_ids": [boxes it is true of], "neg_ann_ids": […], "neg_im_ids": [pictures that it is true of nothing in]}
```

PACO scores boxes over all pictures (AR@k). Here a query is an expression of each of its pictures (our choice): its
mask covers its positive boxes there, and in a negative picture it has no referent. What is neither is not asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from unires_hf.data import masks
from unires_hf.data.brief import brief
from unires_hf.data.schema import Row, Skipped

from .coco import annotation_file, picture_folders
from .draft import Draft, drafted, drawn
from .json_index import Table, read_tables
from .paco import FILES
from .records import category_names, find, take
from .source_files import Pictures

SOURCE = "paco-queries"
_CURE = "Queries are in paco_lvis_v1_test.json alone."
_KINDS: dict[str, tuple[type, ...]] = {
    "id": (int, str),
    "level": (int,),
    "query_string": (str,),
    "structured_query": (list,),
    "pos_ann_ids": (list,),
    "neg_im_ids": (list,),
}


def read_paco_queries(
    root: str | Path, split: str = "test", images: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields one row an image that a query is about, as an object; the kind of an expression is its level, and whether
    it names a part: "l1obj", "l2part".

    Args:
        root (`str` or `Path`): holds `[annotations/]paco_lvis_v1_test.json` and COCO's `train2017`, `val2017`.
        split (`str`, defaults to `"test"`): the only one with queries.
        images (`str` or `Path`, *optional*): the folder that holds `train2017` and `val2017`.

    Raises:
        ValueError: if the folder, the file, one of its arrays or the queries are missing.
    """
    path = annotation_file(root, split, None, FILES)
    tables, rest = read_tables(path, {"images": "id", "annotations": "image_id"}, _CURE)
    if "queries" not in rest:
        raise ValueError(f"{path} has no queries. {_CURE}")
    names = category_names(rest)
    folders = picture_folders(root, split, images, ("images",))
    pictures = Pictures(folders, lambda: (str(it.get("file_name")) for it in tables["images"]))
    asked = _Asked()
    for number, query in enumerate(take(rest, "queries", list)):
        try:
            asked.add(number, query)
        except ValueError as error:
            yield Skipped(SOURCE, f"query number {number}", str(error))
    for image_id in tables["images"].ids():
        annotations = tables["annotations"].get(image_id)
        true, false = asked.about(image_id, annotations)
        if true or false:
            fill = partial(_fill, image_id, tables["images"], annotations, names, pictures, true, false)
            yield from drafted(SOURCE, image_id, fill)
    for what, queries in (("annotation", asked.by_annotation), ("image", asked.by_image)):
        for own_id, those in queries.items():
            for query in those:
                yield Skipped(SOURCE, f"query {query['id']}", f"there is no {what} {own_id}.")


@dataclass
class _Asked:
    """The queries by what they point to; what was met is taken out."""

    by_annotation: dict[int | str, list[Row]] = field(default_factory=dict)
    by_image: dict[int | str, list[Row]] = field(default_factory=dict)

    def add(self, number: int, query: Any) -> None:
        """Notes a query.

        Raises:
            ValueError: if it is broken.
        """
        own = {"number": number} | {name: take(query, name, *kinds) for name, kinds in _KINDS.items()}
        for own_id in own["pos_ann_ids"] + own["neg_im_ids"]:
            if not isinstance(own_id, int | str) or isinstance(own_id, bool):
                raise ValueError(f"it points to {brief(own_id)}, which is no id.")
        for name, place in (("pos_ann_ids", self.by_annotation), ("neg_im_ids", self.by_image)):
            for own_id in own[name]:
                place.setdefault(own_id, []).append(own)

    def about(self, image_id: int | str, annotations: list[Row]) -> tuple[list[tuple[Row, list[Row]]], list[Row]]:
        """The queries that are true of annotations of an image, with these, and those true of nothing there."""
        true: dict[int, tuple[Row, list[Row]]] = {}
        for annotation in annotations:
            own_id = annotation.get("id")
            known = isinstance(own_id, int | str) and not isinstance(own_id, bool)
            for query in self.by_annotation.pop(own_id, []) if known else []:
                true.setdefault(query["number"], (query, []))[1].append(annotation)
        return list(true.values()), self.by_image.pop(image_id, [])


def _fill(
    image_id: int | str,
    images: Table,
    annotations: list[Row],
    names: dict[int, str],
    pictures: Pictures,
    true: list[tuple[Row, list[Row]]],
    false: list[Row],
    draft: Draft,
) -> None:
    image = images.one(image_id)
    size = take(image, "height", int), take(image, "width", int)
    draft.open(pictures.locate(take(image, "file_name", str)), size)
    for query, meant in true:
        with draft.attempt(f"query {query['id']}"):
            mask = masks.union([drawn(it, draft) for it in meant])
            category = find(names, meant[0].get("category_id"))
            _say(query, draft.add(query["id"], category, mask), draft)
    for query in false:
        with draft.attempt(f"query {query['id']}"):
            nothing = masks.empty(draft.height, draft.width)
            _say(query, draft.add(query["id"], "", nothing, no_target=True), draft)


def _say(query: Row, target: Row, draft: Draft) -> None:
    category, *traits = query["structured_query"] or [None]
    of_whole = all(isinstance(it, list) and it[-1:] == [category] for it in traits)
    draft.say(target, f"{query['id']}:l{query['level']}{'obj' if of_whole else 'part'}", query["query_string"])
