# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the app remembers: the last pictures' encodings and the last answers, each up to a number."""

import secrets
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock

from PIL import Image

from unires_hf.inference.segmenter import Answer, Encoded, Segmenter


@dataclass(frozen=True)
class Remembered:
    """
    An answer, as long as its visitor may move the slider.

    Args:
        said (`Answer`): the model's.
        shown (`PIL.Image.Image`): the picture at the size of the page.
        folder (`Path`): the answer's own, with the masks to be downloaded.
    """

    said: Answer
    shown: Image.Image
    folder: Path


class Memory:
    """
    The last encodings and answers; older ones are forgotten, so that memory does not grow with the visitors.

    Args:
        segmenter (`Segmenter`): what is asked.
        folder (`Path`): where the answers have their folders.
        pictures (`int`, *optional*, defaults to 8): how many encodings are kept. Our choice: of `base` at 448 px, one
            takes a few MB.
        answers (`int`, *optional*, defaults to 64): how many answers are kept. Our choice: with four expressions, one
            takes 2 MB.
    """

    def __init__(self, segmenter: Segmenter, folder: Path, pictures: int = 8, answers: int = 64) -> None:
        self.segmenter, self.folder = segmenter, folder
        self.pictures, self.answers = pictures, answers
        self._seen: OrderedDict[bytes, Encoded] = OrderedDict()
        self._said: OrderedDict[str, Remembered] = OrderedDict()
        self._lock = Lock()

    def ask(self, picture: Image.Image, expressions: Sequence[str]) -> Answer:
        """The segmenter's answer; the picture is encoded only if it was not seen lately."""
        key = sha256(repr(picture.size).encode() + picture.tobytes()).digest()
        with self._lock:  # two who ask about one picture at once wait for one encoding
            if key not in self._seen:
                self._seen[key] = self.segmenter.encode([picture])
                if len(self._seen) > self.pictures:
                    self._seen.popitem(last=False)
            self._seen.move_to_end(key)
            seen = self._seen[key]
        return self.segmenter.ask(seen, [expressions])

    def keep(self, said: Answer, shown: Image.Image) -> str:
        """Remembers an answer; returns the name that it is found by, which nobody can guess."""
        name = secrets.token_urlsafe(16)
        folder = self.folder / "answers" / name
        folder.mkdir(parents=True)
        with self._lock:
            self._said[name] = Remembered(said, shown, folder)
            forgotten = self._said.popitem(last=False)[1] if len(self._said) > self.answers else None
        if forgotten:
            shutil.rmtree(forgotten.folder, ignore_errors=True)
        return name

    def find(self, name: str | None) -> Remembered | None:
        """The answer of a name, if it is remembered."""
        with self._lock:
            if name in self._said:
                self._said.move_to_end(name)
            return self._said.get(name)
