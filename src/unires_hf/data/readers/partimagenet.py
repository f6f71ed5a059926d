# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Reader of PartImageNet: COCO format, 40 kinds of parts of 11 super-categories, no masks of whole objects."""

from collections.abc import Iterator
from pathlib import Path

from unires_hf.data.schema import Row, Skipped

from .coco import CocoFile, annotation_file, picture_folders
from .records import take

_FILES = ("annotations/{split}/{split}.json", "annotations/{split}.json", "{split}.json")
_FOLDERS = ("images/{split}", "{split}", "images")


def read_partimagenet(
    root: str | Path, split: str = "val", images: str | Path | None = None
) -> Iterator[Row | Skipped]:
    """Yields one row an image with its parts.

    Args:
        root (`str` or `Path`): holds the JSON and the pictures, flat or in folders of their synsets, the first nine
            characters of their names.
        split (`str`, defaults to `"val"`): train, val or test.
        images (`str` or `Path`, *optional*): the folder of the pictures.

    Raises:
        ValueError: if the folder, the file or one of its arrays is missing.
    """
    yield from PartImageNetFile(
        source="partimagenet",
        path=annotation_file(root, split, None, _FILES),
        folders=picture_folders(root, split, images, _FOLDERS),
        names=_object_and_part,
    ).rows()


class PartImageNetFile(CocoFile):
    """A COCO file that leaves the folders of its pictures unsaid."""

    def picture(self, image: Row) -> str:
        """The folder is the synset, with which the name begins."""
        name = take(image, "file_name", str)
        return f"{name[:9]}/{name}"


def _object_and_part(category: Row) -> tuple[str, str | None]:
    """ "Car Side Mirror" of the super-category "Car" is the part "Side Mirror"."""
    name, whole = take(category, "name", str), take(category, "supercategory", str)
    return whole, name.removeprefix(f"{whole} ")
