# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Expressions that one data set has about the objects that another has the parts of, such as RefCOCO's for PACO's."""

import re
from collections.abc import Iterable

from unires_hf.data import masks
from unires_hf.data.schema import Row, Skipped

from .draft import Draft

SAME = 0.8
"""Two masks of an IoU above this are of one object (our choice: COCO's and LVIS's outlines differ by less)."""


class Lender:
    """Holds the expressions of rows and lends them to the same objects of other rows.

    Args:
        rows (`Iterable`, *optional*): what a reader of COCO pictures yields; the REFER family fits in memory.
    """

    def __init__(self, rows: Iterable[Row | Skipped] = ()):
        self._lent: dict[str, list[Row]] = {}
        for row in rows:
            if not isinstance(row, Skipped):
                own = [it for it in row["targets"] if it["mask"] is not None and it["expressions"]]
                self._lent.setdefault(_number(row["image_id"]), []).extend(own)

    def lend(self, draft: Draft, picture: str) -> None:
        """Gives each object of the draft the expressions of the object that has its mask.

        Args:
            draft (`Draft`): of the same picture.
            picture (`str`): its name, which ends in the COCO image's number.
        """
        for lent in self._lent.get(_number(picture), []):
            same = [it for it in draft.targets if _is_same(it, lent)]
            for target in same[:1]:
                for expression in lent["expressions"]:
                    own_id = f"{target['target_id']}/{expression['expression_id']}"
                    target["expressions"].append({"expression_id": own_id, "text": expression["text"]})


def _is_same(target: Row, lent: Row) -> bool:
    if target["mask"] is None or list(target["mask"]["size"]) != list(lent["mask"]["size"]):
        return False
    intersection, union = masks.intersection_union(target["mask"], lent["mask"])
    return intersection > SAME * union


def _number(name: str) -> str:
    """COCO's number of a picture: its file is COCO_train2014_000000000154.jpg in one release, 000000000154.jpg in
    another."""
    digits = re.search(r"(\d+)$", name)
    return digits.group().lstrip("0") if digits else name
