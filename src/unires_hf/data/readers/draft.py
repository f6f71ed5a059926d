# Copyright 2026 The unires-hf authors. Apache-2.0.
"""How readers put a row together: a draft keeps what is good and records what is not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pycocotools import mask as coco_mask

from unires_hf.data import masks
from unires_hf.data.brief import brief
from unires_hf.data.pictures import named, picture_size
from unires_hf.data.schema import Row, Skipped, expression_problem, is_text, parent_problems, target_problem

UNREADABLE = (ValueError, ArithmeticError, OSError, RecursionError)
"""What comes of content that nobody foresaw: a number beyond floats, a name beyond the file system's, deep nesting."""
SAME_BOX = 0.5
"""A box of an IoU above this with the mask's own is of the same thing (our choice)."""


class Draft:
    """One image's row in the making.

    A reader fills it and never stops at damage: what is `UNREADABLE` inside `attempt`, or breaks the schema when
    the draft is finished, becomes a `Skipped` record, and the rest of the image stays.

    Args:
        source (`str`): the reader's name, kept in the row.
        image_id (`str`): unique over the data set.
    """

    def __init__(self, source: str, image_id: str):
        self.source = source
        self.image_id = image_id
        self.image: Row | None = None
        self.height = self.width = 0
        self.targets: list[Row] = []
        self.skipped: list[Skipped] = []

    @contextmanager
    def attempt(self, where: str) -> Iterator[list[Skipped]]:
        """Turns what is `UNREADABLE` in its block into a `Skipped` record, which is then in the list that it gives."""
        lost: list[Skipped] = []
        try:
            yield lost
        except UNREADABLE as error:
            self.skip(where, str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}.")
            lost.append(self.skipped[-1])

    def skip(self, where: str, reason: str) -> None:
        """Records a loss at `where` in this image."""
        self.skipped.append(Skipped(self.source, where, reason))

    def open(self, picture: Path | bytes, size: tuple[int, int] | None = None) -> None:
        """Takes the picture; its pixels are not read.

        Args:
            picture (`Path` or `bytes`): its file, or the file's content.
            size (`tuple`, *optional*): the (height, width) that the annotations were drawn on.

        Raises:
            ValueError: if the picture is missing, unreadable, or of another size.
        """
        if not isinstance(picture, bytes) and not is_text(str(picture)):
            raise ValueError(f"the picture's name {brief(str(picture))} is no text.")
        height, width = picture_size(picture)
        if size is not None and size != (height, width):
            raise ValueError(f"{named(picture)} is {(height, width)} (h, w), its annotations are for {size}.")
        self.height, self.width = height, width
        inside = isinstance(picture, bytes)
        self.image = {"path": None if inside else str(picture), "bytes": picture if inside else None}

    def add(
        self,
        own_id: Any,
        category: str,
        mask: masks.RLE | None,
        *,
        box: Any = None,
        granularity: str = "object",
        part: str | None = None,
        parent: str | None = None,
        no_target: bool = False,
    ) -> Row:
        """Adds a target, without expressions, and returns it.

        Args:
            own_id: the source's id of the target; `target_id` puts the image's in front of it.
            category (`str`): the object's category, also for a part.
            mask (`dict`, *optional*): the RLE; None for a target with only a box.
            box (*optional*): x, y, w, h in pixels, cut at the border. Where there is a mask, its own box stands in for
                one that is broken or another's; one public tool writes [0, 0, 0, 0] for every object.
            granularity (`str`, defaults to `"object"`): "object" or "part".
            part (`str`, *optional*): the part's name, where it is known.
            parent (`str`, *optional*): the target_id of the part's object.
            no_target (`bool`, *optional*, defaults to `False`): whether a mask without a pixel is what is meant.

        Raises:
            ValueError: if there is only a box and it is broken, or the mask has no pixel and none was meant.
        """
        if mask is not None and not no_target and masks.area(mask) == 0:
            raise ValueError("the mask has no pixel.")
        if box is None and mask is None:
            raise ValueError("it has neither a mask nor a box.")
        target = {
            "target_id": self.scoped(own_id),
            "granularity": granularity,
            "category": category,
            "part": part,
            "parent_id": parent,
            "bbox": clipped(box, self.height, self.width) if mask is None else self._box(mask, box),
            "mask": mask,
            "expressions": [],
        }
        self.targets.append(target)
        return target

    def _box(self, mask: masks.RLE, given: Any) -> list[float]:
        """The box that is given with a mask, which may be finer than a pixel, or the mask's own."""
        own = masks.bbox(mask)
        try:
            box = clipped(given, self.height, self.width)
        except ValueError:
            return own
        return box if float(coco_mask.iou([own], [box], [0])[0, 0]) > SAME_BOX else own

    def say(self, target: Row, own_id: Any, text: Any) -> None:
        """Adds an expression to a target of this draft."""
        text = " ".join(text.split()) if isinstance(text, str) else text
        target["expressions"].append({"expression_id": self.scoped(own_id), "text": text})

    def holders(self, mask: masks.RLE, category: str, share: float) -> list[Row]:
        """The objects of a category that hold at least this share of the pixels of a part's mask."""
        needed = share * masks.area(mask)
        return [
            it
            for it in self.targets
            if it["granularity"] == "object"
            and it["category"] == category
            and it["mask"] is not None
            and masks.intersection_union(mask, it["mask"])[0] >= needed
        ]

    def scoped(self, own_id: Any) -> str:
        """An id that is unique over the data set if `own_id` is unique in its image."""
        return f"{self.image_id}/{own_id}"

    def finish(self) -> Iterator[Row | Skipped]:
        """Yields the row, if anything of it is left, then what was lost."""
        targets = self._sound_targets()
        if self.image is not None and targets:
            yield {
                "image": self.image,
                "image_id": self.image_id,
                "source": self.source,
                "width": self.width,
                "height": self.height,
                "targets": targets,
            }
        elif not self.skipped:
            self.skip(f"image {self.image_id}", "nothing is annotated in it.")
        yield from self.skipped

    def _sound_targets(self) -> list[Row]:
        kept: list[Row] = []
        seen: set[str] = set()
        said: set[str] = set()
        for target in self.targets:
            problem = target_problem(target, self.height, self.width, seen)
            if problem:
                self.skip(f"target {target['target_id']}", problem)
                continue
            target["expressions"] = [it for it in target["expressions"] if self._sound(it, said)]
            kept.append(target)
        for target, problem in parent_problems(kept):
            self.skip(f"target {target['target_id']}", f"{problem} The part is kept without it.")
            target["parent_id"] = None
        return kept

    def _sound(self, expression: Row, said: set[str]) -> bool:
        problem = expression_problem(expression, said)
        if problem:
            self.skip(f"expression {expression['expression_id']}", problem)
        return problem is None


def drafted(source: str, image_id: Any, fill: Callable[[Draft], None]) -> Iterator[Row | Skipped]:
    """Yields the row of one image and what was lost on the way; a ValueError of `fill` itself loses the image."""
    draft = Draft(source, str(image_id))
    with draft.attempt(f"image {image_id}"):
        fill(draft)
    yield from draft.finish()


def segmentation(annotation: Row, draft: Draft) -> masks.RLE | None:
    """The mask of a COCO annotation, or None where it has only a box (Objects365; an empty list in RefCOCO).

    Raises:
        ValueError: if the segmentation is broken.
    """
    given = annotation.get("segmentation")
    return None if given is None or given == [] else masks.from_coco(given, draft.height, draft.width)


def drawn(annotation: Row, draft: Draft) -> masks.RLE:
    """The mask of a COCO annotation of a source that has one for each.

    Raises:
        ValueError: if there is none, or it is broken.
    """
    mask = segmentation(annotation, draft)
    if mask is None or masks.area(mask) == 0:
        raise ValueError("it has no mask.")
    return mask


def clipped(box: Any, height: int, width: int) -> list[float]:
    """The box x, y, w, h cut at the image's border, where some annotators overshoot (Objects365).

    Raises:
        ValueError: if it is no box, or none of it lies in the image.
    """
    try:
        x, y, w, h = (float(side) for side in box)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a box is x, y, w, h in pixels, got {brief(box)}.") from error
    if masks.are_shares([x, y, w, h], height, width):
        raise ValueError(f"the box {brief(box)} is in shares of the side: write pixels.")
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + w, float(width)), min(y + h, float(height))
    if not (right > left and bottom > top):
        raise ValueError(f"the box {brief(box)} (x, y, w, h) has no area in the image of {height} x {width} (h, w).")
    return [left, top, right - left, bottom - top]
