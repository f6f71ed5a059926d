# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Readers of COCO-format files: COCO, LVIS, Objects365, and any with parts (PACO, VLPart's conversions).

A part is an annotation whose category is named "object:part". Its object is the one that `obj_ann_id` (PACO) or
`parent_id` names, else the one object of its category that holds nine tenths of it. Instances of one part of one
object become one mask, as in RefCOCOm. Attributes are PACO's: `attributes` of the file, `attribute_ids` and
`unknown_*` of an annotation. Expressions are borrowed from REFER rows of the same pictures where such are given, else
composed where that is unambiguous.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from unires_hf.data import masks
from unires_hf.data.part_expressions import Traits, compose, of_one_object, spoken
from unires_hf.data.schema import Row, Skipped

from .borrowing import Lender
from .draft import UNREADABLE, Draft, clipped, drafted, segmentation
from .group_splits import in_split
from .json_index import Table, read_tables
from .records import find, listed, named, record_id, take
from .source_files import Pictures, first_existing, require

HELD = 0.9
"""A part belongs to the object that holds this share of it (our choice: both outlines are drawn by hand)."""
_NO_ADJECTIVES = {"logo", "other", "text"}  # PACO's attributes that are nouns, and "other(color)" and its like
_FILES = (
    "annotations/instances_{split}2017.json",
    "annotations/instances_{split}2014.json",
    "annotations/instances_{split}.json",
    "annotations/{split}.json",
    "{split}.json",
    "instances.json",
)
_FOLDERS = ("{split}2017", "images/{split}2017", "{split}2014", "images/{split}2014", "images/{split}", "{split}")
_FOLDERS += ("images",)
_OBJECTS365_MEANS = {
    "Bakset": "Basket",
    "Ballon": "Balloon",
    "Billards": "Billiards",
    "Buttefly": "Butterfly",
    "Campel": "Camel",
    "Dinning Table": "Dining Table",
    "Extention Cord": "Extension Cord",
    "French": "French Horn",
    "Hamimelon": "Hami melon",
    "Hotair ballon": "Hot-air balloon",
    "Meat ball": "Meatball",
    "Moniter/TV": "Monitor/TV",
    "Mushroon": "Mushroom",
    "Noddles": "Noodles",
    "Table Teniis paddle": "Table Tennis paddle",
    "Tape Measur/ Ruler": "Tape Measure/Ruler",
}
"""Its file misspells these, and has a blank at the end of some names; both would be said."""


def read_coco(
    root: str | Path,
    split: str = "val",
    annotations: str | Path | None = None,
    images: str | Path | None = None,
    refer: Iterable[Row | Skipped] = (),
) -> Iterator[Row | Skipped]:
    """Yields one row an image of a COCO-format file, with its objects and parts.

    Args:
        root (`str` or `Path`): the data set's folder.
        split (`str`, defaults to `"val"`): train, val or test. A sample whose only file is `instances.json` has them
            by group, and "all".
        annotations (`str` or `Path`, *optional*): the JSON file; found under `root` at COCO's usual places.
        images (`str` or `Path`, *optional*): the folder of the pictures; found likewise.
        refer (`Iterable`, *optional*): rows of a REFER reader about the same COCO pictures.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing.
    """
    path = annotation_file(root, split, annotations, _FILES)
    yield from CocoFile(
        source="coco",
        path=path,
        folders=picture_folders(root, split, images, _FOLDERS),
        lender=Lender(refer),
        split=split if annotations is None and path.name == "instances.json" else "all",
    ).rows()


def read_objects365(
    root: str | Path, split: str = "val", annotations: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields the rows of Objects365: boxes only, or masks too with `annotations` such as EVF-SAM's, made by SAM.
    Categories that its file misspells are spelled right.

    Args:
        root (`str` or `Path`): holds `zhiyuan_objv2_{split}.json` and the pictures, at `{split}/patch8/*.jpg`,
            `images/{split}/patch8/*.jpg` or the paths in the file.
        split (`str`, defaults to `"val"`): train or val.
        annotations (`str` or `Path`, *optional*): the JSON file, if it is another.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing.
    """
    names = ("zhiyuan_objv2_{split}.json", "annotations/zhiyuan_objv2_{split}.json")
    yield from CocoFile(
        source="objects365",
        path=annotation_file(root, split, annotations, names),
        folders=picture_folders(root, split, None, ("{split}", "images/{split}", "images")),
        names=_objects365_name,
    ).rows()


def annotation_file(root: str | Path, split: str, given: str | Path | None, usual: Iterable[str]) -> Path:
    """The annotation file that is given, or the first of the usual ones under `root`.

    Raises:
        ValueError: if there is none.
    """
    if given is not None:
        return require(Path(given), "Name the annotation file.")
    return first_existing(root, [name.format(split=split) for name in usual], "Put it there, or name the file.")


def picture_folders(root: str | Path, split: str, given: str | Path | None, usual: Iterable[str]) -> list[Path]:
    """The folders where pictures may lie: the one that is given, or those of the usual ones that exist, and `root`.

    Raises:
        ValueError: if the given folder is missing.
    """
    if given is not None:
        return [require(Path(given), "Name the folder of the pictures.")]
    folders = [Path(root) / name.format(split=split) for name in usual]
    return [folder for folder in folders if folder.is_dir()] + [Path(root)]


def object_and_part(category: Row) -> tuple[str, str | None]:
    """Object and part of a category named "object:part"; the part is None for an object's."""
    name, _, part = take(category, "name", str).partition(":")
    return name, part or None


def _objects365_name(category: Row) -> tuple[str, None]:
    name = take(category, "name", str).strip()
    return _OBJECTS365_MEANS.get(name, name), None


@dataclass
class CocoFile:
    """One COCO-format file and where its pictures lie.

    Args:
        source (`str`): the name that rows carry.
        path (`Path`): the file.
        folders (`list[Path]`): where its pictures may lie.
        lender (`Lender`, *optional*): lends expressions of other data sets.
        names (`Callable`, *optional*): gives object and part of a category record.
        split (`str`, defaults to `"all"`): of a file with the pictures of all splits, the one to read: they are dealt
            by group, which is the "run" of an image record, if it has one, and its twins.
    """

    source: str
    path: Path
    folders: list[Path]
    lender: Lender = field(default_factory=Lender)
    names: Callable[[Row], tuple[str, str | None]] = object_and_part
    split: str = "all"
    pictures: Pictures = field(init=False)
    kinds: dict[int, tuple[str, str | None]] = field(init=False, default_factory=dict)
    attributes: dict[int, str] = field(init=False, default_factory=dict)

    def rows(self) -> Iterator[Row | Skipped]:
        """Yields the rows of all images of the file, and what is lost."""
        keys = {"images": "id", "annotations": "image_id"}
        tables, rest = read_tables(self.path, keys, "Name the annotation file.")
        images, annotations = tables["images"], tables["annotations"]
        self.kinds = named((take(it, "id", int), self.names(it)) for it in take(rest, "categories", list))
        self.attributes = named((take(it, "id", int), take(it, "name", str)) for it in listed(rest, "attributes"))
        self.pictures = Pictures(self.folders, lambda: self._names(images))
        for reason in images.lost + annotations.lost:
            yield Skipped(self.source, self.path.name, reason)
        for record in annotations.without(images):
            where = f"annotation {record.get('id')}"
            yield Skipped(self.source, where, f"there is no image {record['image_id']}.")
        chosen = None if self.split == "all" else self._chosen(images)
        ambiguous, seen = images.ambiguous(), set()
        for image in images:
            if chosen is not None and str(image["id"]) not in chosen:
                continue
            if image["id"] in ambiguous:
                reason = "several images have this id: no one knows whose the annotations are."
                yield Skipped(self.source, f"image {image['id']}", reason)
                continue
            if image["id"] in seen:
                yield Skipped(self.source, f"image {image['id']}", "it is listed once more, with the same record.")
                continue
            seen.add(image["id"])
            yield from drafted(self.source, self.image_id(image), partial(self.fill, image, annotations))

    def image_id(self, image: Row) -> Any:
        """What rows call an image: COCO's number, which is unique among the many sets of its pictures."""
        return image["id"]

    def picture(self, image: Row) -> str:
        """The name of an image's picture.

        Raises:
            ValueError: if its record has none.
        """
        return take(image, "file_name" if "file_name" in image else "coco_url", str)  # LVIS has only the URL

    def open(self, image: Row, draft: Draft) -> None:
        """Takes an image's picture into its draft.

        Raises:
            ValueError: if the record or the picture is broken.
        """
        size = (take(image, "height", int), take(image, "width", int))
        draft.open(self.pictures.locate(self.picture(image)), size)

    def fill(self, image: Row, annotations: Table, draft: Draft) -> None:
        """Fills the draft of one image.

        Raises:
            ValueError: if the image is lost.
        """
        records = annotations.get(image["id"])
        self.open(image, draft)
        traits: dict[str, Traits] = {}
        broken: set[tuple[str, str | None]] = set()
        later: list[tuple[Row, str, str]] = []
        for record in records:
            kinds = set(self.kinds.values())  # a broken annotation may be of any kind while its own is not known
            with draft.attempt(f"annotation {record.get('id')}") as lost:
                category, part = find(self.kinds, record.get("category_id"))
                kinds = {(category, part)}
                if part is None:
                    target = draft.add(
                        record_id(record), category, segmentation(record, draft), box=record.get("bbox")
                    )
                    traits[target["target_id"]] = self._traits(record)
                else:
                    later.append((record, category, part))
            broken |= kinds if lost else set()
        self.lender.lend(draft, Path(self.picture(image)).stem)
        traits |= _add_parts(draft, later, broken)
        unbounded = {category for category, part in broken if part is None}
        more = listed(image, "not_exhaustive_category_ids")  # PACO's are LVIS's, and may be of none of its kinds
        unbounded |= {category for it, (category, _) in self.kinds.items() if it in more}
        compose(draft.targets, draft.width, traits, unbounded)

    def _names(self, images: Table) -> Iterator[str]:
        for image in images:
            with suppress(ValueError):  # it is said when the image is read
                yield self.picture(image)

    def _chosen(self, images: Table) -> set[str]:
        pictures: dict[str, Path | None] = {}
        runs: dict[str, str] = {}
        for image in images:
            name = str(image["id"])
            try:
                pictures[name] = self.pictures.locate(self.picture(image))
            except UNREADABLE:  # it is said when the image is read
                pictures[name] = None
            if "run" in image:
                runs[name] = f"run {image['run']}"
        return set(in_split(self.split, pictures, runs))

    def _traits(self, record: Row) -> Traits:
        attributes = {spoken(find(self.attributes, it)) for it in listed(record, "attribute_ids")}
        unknown = any(value for key, value in record.items() if key.startswith("unknown_"))
        return Traits(
            attributes=frozenset(attributes - _NO_ADJECTIVES),
            attributes_known="attribute_ids" in record and not unknown,
            crowd=bool(record.get("iscrowd")),
        )


def _add_parts(
    draft: Draft, records: list[tuple[Row, str, str]], broken: set[tuple[str, str | None]]
) -> dict[str, Traits]:
    """Adds one target for each part of each object, and returns their traits; `broken` grows by what is broken."""
    instances: list[_Instance] = []
    for record, category, part in records:
        with draft.attempt(f"annotation {record.get('id')}") as lost:
            instances.append(_instance(draft, record, category, part))
        broken |= {(category, part)} if lost else set()
    traits = {}
    for group in _grouped(instances):
        first = group[0]
        with draft.attempt(f"annotations {', '.join(str(it.own_id) for it in group)}"):
            if (first.category, first.part) in broken:
                raise ValueError(f"another '{first.part}' of the image is broken: none is sure to be whole.")
            mask, box = _merged(group)
            named = {"granularity": "part", "part": first.part, "parent": first.parent}
            target = draft.add(first.own_id, first.category, mask, box=box, **named)
            traits[target["target_id"]] = Traits(instances=len(group))
    return traits


class _Instance(NamedTuple):
    """One instance of a part; `parent` is its object's target_id."""

    own_id: int | str
    category: str
    part: str
    mask: masks.RLE | None
    box: list[float]
    parent: str | None


def _instance(draft: Draft, record: Row, category: str, part: str) -> _Instance:
    mask = segmentation(record, draft)
    if mask and not masks.area(mask):
        raise ValueError("the mask has no pixel.")
    box = masks.bbox(mask) if mask else clipped(record.get("bbox"), draft.height, draft.width)
    link = record.get("obj_ann_id", record.get("parent_id"))
    if link is not None:
        parent = draft.scoped(link)
    else:
        owners = draft.holders(mask, category, HELD) if mask else []
        parent = owners[0]["target_id"] if len(owners) == 1 else None
    return _Instance(record_id(record), category, part, mask, box, parent)


def _grouped(instances: list[_Instance]) -> list[list[_Instance]]:
    """Instances of one part of one object; without an object, of those that can only be of one."""
    orphans: dict[str, list[str]] = {}
    for it in instances:
        if it.parent is None:
            orphans.setdefault(it.category, []).append(it.part)
    alone = {category for category, parts in orphans.items() if of_one_object(parts)}
    groups: dict[tuple, list[_Instance]] = {}
    for it in instances:
        apart = it.own_id if it.parent is None and it.category not in alone else None
        groups.setdefault((it.parent, it.category, it.part, apart), []).append(it)
    return list(groups.values())


def _merged(group: list[_Instance]) -> tuple[masks.RLE | None, list[float] | None]:
    """The union of the masks, or only the box around all if one of them has no mask."""
    if all(it.mask for it in group):
        return masks.union([it.mask for it in group]), None
    left, top = (min(it.box[side] for it in group) for side in (0, 1))
    right, bottom = (max(it.box[side] + it.box[side + 2] for it in group) for side in (0, 1))
    return None, [left, top, right - left, bottom - top]
