# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Where a stream's pictures are: files of a folder, or rows of a converted data set, which say expressions too."""

import os
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unires_hf.data.brief import line
from unires_hf.model.image_input_unires import open_image, upright

Line = dict[str, Any]
_NEEDED = ("image", "image_id", "targets")
_CURE = "Convert it with `unires convert`."


def pictures_at(images: str | Path) -> "Folder | Rows":
    """The pictures of a folder, or of a folder of Parquet, `DIR` or `DIR,split=val+test`.

    Raises:
        ValueError: if there is no such folder, or its Parquet files are damaged or of another schema.
    """
    name, _, splits = str(images).partition(",split=")
    if Path(images).is_dir() or not splits:
        name, splits = str(images), ""
    if not Path(name).is_dir():
        raise ValueError(f"{name} is no folder: name that of the pictures, or of a converted data set.")
    files = sorted([*Path(name).glob("*.parquet"), *Path(name).glob("data/*.parquet")])
    if splits:
        files = [path for path in files if path.name.partition("-")[0] in splits.split("+")]
    if splits and not files:
        raise ValueError(f"{name} has no Parquet of the split {splits}.")
    return Rows(files, str(images)) if files else Folder(Path(name))


class Folder:
    """Files, named relative to their folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: str) -> Image.Image:
        """The upright picture.

        Raises:
            ValueError: if there is none.
        """
        return upright(open_image(self.path / name))

    def state(self, name: str) -> list[int] | None:
        """Bytes and time of modification of the file, `None` if it is not there."""
        return _state(self.path / name)


class Rows:
    """Rows of Parquet in our schema, named by their `image_id`; a row group is in memory at once.

    Args:
        files (`list[Path]`): the shards.
        shown (`str`): what messages call them.

    Raises:
        ValueError: if a file is damaged or of another schema, or an image_id stands for two rows.
    """

    def __init__(self, files: list[Path], shown: str) -> None:
        self.shown = shown
        self.places: dict[str, tuple[Path, int, int]] = {}
        for path in files:
            try:
                self._index(path)
            except (OSError, pa.ArrowException) as error:
                raise ValueError(f"{path} is damaged: {line(error)}. {_CURE}") from error

    def _index(self, path: Path) -> None:
        if not path.is_file():  # of a pipe one would wait for the end
            raise ValueError(f"{path} is no file. {_CURE}")
        file = pq.ParquetFile(path)
        if missing := [name for name in _NEEDED if name not in file.schema_arrow.names]:
            raise ValueError(f"{path} has no column {missing[0]!r}. {_CURE}")
        for group in range(file.num_row_groups):
            for row, name in enumerate(file.read_row_group(group, ["image_id"])["image_id"].to_pylist()):
                if not name or os.path.isabs(name) or ".." in Path(name).parts:
                    raise ValueError(f"{path} calls a picture {name!r}, which is no name for a file. {_CURE}")
                if name in self.places:
                    raise ValueError(f"{self.shown} has two pictures {name}: choose one split, as DIR,split=val.")
                self.places[name] = (path, group, row)

    def open(self, name: str) -> Image.Image:
        """The upright picture.

        Raises:
            ValueError: if there is none.
        """
        content = self._row(name, "image.bytes")["bytes"]
        if content is None:
            raise ValueError(f"the row of {name} has no picture in it. {_CURE}")
        try:
            return upright(open_image(BytesIO(content)))
        except ValueError as error:
            raise ValueError(f"the picture of {name} cannot be read: {error.__cause__ or error}") from error

    def state(self, name: str) -> list[int] | None:
        """Bytes and time of modification of the shard, `None` if no row is called so."""
        return _state(self.places[name][0]) if name in self.places else None

    def said(self, name: str) -> list[Line]:
        """What the row says, as "label" and "expression_id"."""
        expressions = [
            it for target in self._row(name, "targets.list.element.expressions") for it in target["expressions"]
        ]
        return [{"label": it["text"], "expression_id": it["expression_id"]} for it in expressions]

    def _row(self, name: str, leaves: str) -> Any:
        if name not in self.places:
            raise ValueError(f"{self.shown} has no picture {name}.")
        path, group, row = self.places[name]
        return _column(path, group, leaves)[row].as_py()


@lru_cache(maxsize=4)
def _column(path: Path, group: int, leaves: str) -> pa.ChunkedArray:
    return pq.ParquetFile(path).read_row_group(group, [leaves]).column(0)


def _state(path: Path) -> list[int] | None:
    try:
        return [path.stat().st_size, path.stat().st_mtime_ns]
    except OSError:
        return None
