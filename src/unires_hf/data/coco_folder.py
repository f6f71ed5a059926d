# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Rows of any reader to COCO's format, which other tools read: pictures, and one annotation file a split."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unires_hf.files import only_writer, whole, write_json

from . import masks
from .schema import Row, RowError, Skipped, validate_row
from .shards import skipped_line


def write_coco(rows: Iterable[Row | Skipped], out: str | Path, split: str) -> dict[str, int]:
    """Writes `annotations/instances_{split}.json`, the pictures in `{split}/`, and `skipped_{split}.jsonl`.

    A part is an annotation of the category "object:part", as PACO has it, and `obj_ann_id` names its object's. Masks
    are compressed RLE, from which no pixel is lost; a target with only a box has no segmentation. What is said of a
    target is in `expressions`, and what is said of nothing is in the image's `no_target_expressions`, which COCO does
    not know and its tools pass over.

    Args:
        rows (`Iterable`): what a reader yields.
        out (`str` or `Path`): the folder to make, or to add a split to.
        split (`str`): the split's name.

    Returns:
        `dict`: the numbers of `images`, `annotations` and `skipped`.

    Raises:
        ValueError: if the folder has the split already, another process writes there, or there is not one row.
    """
    out = Path(out)
    target = out / "annotations" / f"instances_{split}.json"
    if target.exists():
        raise ValueError(f"{target} is there already. Delete it, or choose another folder.")
    writer, lost = _Writer(out / split), []
    with only_writer(out):
        for item in rows:
            try:
                if isinstance(item, Skipped):
                    lost.append(item)
                else:
                    validate_row(item)
                    writer.add(item)
            except (RowError, OSError) as error:
                lost.append(Skipped(item["source"], f"image {item['image_id']}", str(error)))
        if not writer.images:
            raise ValueError(f"The split {split} has no row; the first loss: {lost[0] if lost else 'none'}")
        with whole(out / f"skipped_{split}.jsonl") as part:
            part.write_text("".join(skipped_line(it, split) for it in lost), encoding="utf-8")
        target.parent.mkdir(exist_ok=True)
        kinds = [{"id": number, "name": name} for name, number in writer.categories.items()]
        write_json(target, {"images": writer.images, "annotations": writer.annotations, "categories": kinds})
    return {"images": len(writer.images), "annotations": len(writer.annotations), "skipped": len(lost)}


class _Writer:
    """What becomes the annotation file; ids are counted from 1."""

    def __init__(self, pictures: Path):
        self.pictures = pictures
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.categories: dict[str, int] = {}
        self._names: set[str] = set()

    def add(self, row: Row) -> None:
        number = len(self.images) + 1
        name = self._copy(row["image"], number)
        present = [it for it in row["targets"] if it["mask"] is None or masks.area(it["mask"])]
        nothing = [it["text"] for target in row["targets"] if target not in present for it in target["expressions"]]
        image = {"id": number, "file_name": name, "width": row["width"], "height": row["height"]}
        self.images.append(image | ({"no_target_expressions": nothing} if nothing else {}))
        first = len(self.annotations) + 1
        ids = {target["target_id"]: first + place for place, target in enumerate(present)}
        for target in present:
            self.annotations.append(self._annotation(target, number, ids))

    def _annotation(self, target: Row, image: int, ids: dict[str, int]) -> dict[str, Any]:
        kind = target["category"] or "object"
        if target["granularity"] == "part":
            kind = f"{kind}:{target['part'] or 'part'}"
        mask, (_, _, width, height) = target["mask"], target["bbox"]
        return {
            "id": ids[target["target_id"]],
            "image_id": image,
            "category_id": self.categories.setdefault(kind, len(self.categories) + 1),
            "bbox": target["bbox"],
            "area": width * height if mask is None else masks.area(mask),
            "iscrowd": 0,
            **({} if mask is None else {"segmentation": mask}),
            **({} if target["parent_id"] is None else {"obj_ann_id": ids[target["parent_id"]]}),
            "expressions": [it["text"] for it in target["expressions"]],
        }

    def _copy(self, image: Row, number: int) -> str:
        """Writes the picture's own bytes under its name, before which its number stands where that is taken."""
        content = image["bytes"] or Path(image["path"]).read_bytes()
        name = Path(image["path"] or f"{number}.jpg").name
        name = f"{number}-{name}" if name in self._names else name
        self._names.add(name)
        self.pictures.mkdir(parents=True, exist_ok=True)
        with whole(self.pictures / name) as part:
            part.write_bytes(content)
        return name
