# Copyright 2026 The unires-hf authors. Apache-2.0.
"""PartScenes as a data set: rows in the schema of `unires_hf.data`, drawn when asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from datasets import IterableDataset
from PIL import Image

from unires_hf.data import masks
from unires_hf.data.schema import FEATURES, Row
from unires_hf.data.shards import write_rows

from .expressions import NO_TARGET, Expression, compose
from .objects import KINDS
from .phrases import CATEGORY, PartPhrase, Phrase
from .render import View, render
from .scene import sample_scene
from .splits import SPLITS, Split

_SHARDS = 64
_FEWEST = 3


class PartScenes:
    """A split of PartScenes, a sequence of rows. Row `i` depends on the arguments and `i` alone.

    Args:
        split (`str`, *optional*, defaults to `"train"`): one of `SPLITS`.
        length (`int`, *optional*, defaults to 1000): number of scenes; a longer one begins with the shorter one's.
        seed (`int`, *optional*, defaults to 0): another seed draws other scenes.
        size (`int`, *optional*, defaults to 128): side of the square picture in pixels.
        objects (`tuple[int, int]`, *optional*): the fewest and the most objects of a scene, 1 to 10, instead of the
            split's own; for a curriculum.
        kinds (`Sequence[str]`, *optional*): the classes that are drawn, instead of all of `KINDS`: a smaller world, in
            which models learn sooner what expressions mean.

    Raises:
        ValueError: if there is no such split, the length is negative, the size is below 64, where parts vanish, the
            number of objects is out of range, or there are too few or unknown classes.
    """

    def __init__(
        self,
        split: str = "train",
        length: int = 1000,
        seed: int = 0,
        size: int = 128,
        objects: tuple[int, int] | None = None,
        kinds: Sequence[str] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"PartScenes has no split {split!r}; its splits are {', '.join(SPLITS)}.")
        if length < 0:
            raise ValueError(f"the length of PartScenes is a number of scenes, got {length}.")
        if size < 64:
            raise ValueError(f"PartScenes needs pictures of at least 64 pixels, or parts vanish; got {size}.")
        if objects and not 1 <= objects[0] <= objects[1] <= 10:
            raise ValueError(f"PartScenes draws 1 to 10 objects, the fewest first; got {tuple(objects)}.")
        strange = [name for name in kinds or () if name not in KINDS]
        if strange:
            raise ValueError(f"PartScenes has no class {strange[0]!r}; its classes are {', '.join(KINDS)}.")
        self.split, self.length, self.seed, self.size = split, length, seed, size
        self.objects = objects or SPLITS[split].objects
        self.kinds = tuple(dict.fromkeys(kinds or SPLITS[split].kinds))  # one named twice is one
        if len(self._rules.drawn_kinds) < 2:
            raise ValueError(
                f"PartScenes {split} needs at least two classes that it may show, of "
                f"{', '.join(SPLITS[split].drawn_kinds)}; of {', '.join(self.kinds)} it may show "
                f"{', '.join(self._rules.drawn_kinds) or 'none'}."
            )

    @property
    def _rules(self) -> Split:
        return replace(SPLITS[self.split], objects=self.objects, kinds=self.kinds)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Row:
        return to_row(*self.draw(index), image_id=f"{self.split}-{self.seed}-{index}")

    def __iter__(self) -> Iterator[Row]:
        return (self[index] for index in range(self.length))

    def draw(self, index: int) -> tuple[View, list[Expression]]:
        """Scene `index` and what is said about it, with the truth that the row leaves out.

        Raises:
            IndexError: if there is no such scene.
        """
        split, rng = self._start(index)
        expressions: list[Expression] = []
        while len(expressions) < _FEWEST:  # a scene about which there is little to say is drawn anew
            view = render(sample_scene(rng, split, self.size), rng)
            expressions = compose(view, split, rng)
        return view, expressions

    def look(self, index: int) -> View:
        """Scene `index` with nothing said about it, which takes half the time; mostly the one that `draw` gives."""
        split, rng = self._start(index)
        return render(sample_scene(rng, split, self.size), rng)

    def _start(self, index: int) -> tuple[Split, Random]:
        if not 0 <= index < self.length:
            raise IndexError(f"scene {index} is not among the {self.length} of PartScenes {self.split}.")
        rng = Random(f"PartScenes/{self.split}/{self.seed}/{index}")
        return self._rules, rng

    def to_iterable(self) -> IterableDataset:
        """The same rows, drawn on the fly, in shards that the workers of a data loader share among them."""
        bounds = sorted({self.length * i // _SHARDS for i in range(_SHARDS + 1)})
        spans = [range(start, stop) for start, stop in zip(bounds, bounds[1:], strict=False)]
        return IterableDataset.from_generator(
            _draw_spans, features=FEATURES, gen_kwargs={"scenes": self, "spans": spans or [range(0)]}
        )

    def to_parquet(self, path: str | Path, span: range | None = None) -> Path:
        """Writes the rows, or those of a `span`, to one Parquet file, and returns its path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, _draw_spans(self, [range(self.length) if span is None else span]))
        return path


def _draw_spans(scenes: PartScenes, spans: list[range]) -> Iterator[Row]:
    for span in spans:
        for index in span:
            row = scenes[index]
            yield row | {"image": {"bytes": encoded(row["image"]), "path": None}}


def encoded(picture: Image.Image) -> bytes:
    """A picture as PNG, at a compression that does not take longer than drawing, as that of `datasets` would."""
    png = BytesIO()
    picture.save(png, "PNG", compress_level=1)
    return png.getvalue()


def to_row(view: View, expressions: list[Expression], image_id: str) -> Row:
    """A scene as a row: expressions with the same mask share a target, and a part's object is a target as well."""
    targets = _Targets(view, image_id)
    for number, expression in enumerate(expressions):
        target = targets.of(expression)
        expression_id = f"{target['target_id']}:{number}:{expression.kind}"
        target["expressions"].append({"expression_id": expression_id, "text": expression.text})
    size = view.scene.size
    return {
        "image": Image.fromarray(view.pixels),
        "image_id": image_id,
        "source": "partscenes",
        "width": size,
        "height": size,
        "targets": list(targets.values()),
    }


class _Targets(dict):
    """The targets of a row, by what they mean."""

    def __init__(self, view: View, image_id: str) -> None:
        super().__init__()
        self.view, self.image_id = view, image_id

    def of(self, expression: Expression) -> Row:
        """The target of an expression, made if it is the first about it."""
        phrase = expression.phrase
        noun = _noun(phrase)
        if expression.kind == NO_TARGET:
            part = phrase.part if isinstance(phrase, PartPhrase) else None
            return self._get(("nothing", phrase), CATEGORY.get(noun, noun), part)
        if expression.pieces:
            return self._part(expression.pieces)
        return self._object(expression.things, noun)

    def _object(self, things: tuple[int, ...], noun: str = "") -> Row:
        kinds = {self.view.scene.things[thing].kind.name for thing in things}
        return self._get(("object", *things), kinds.pop() if len(kinds) == 1 else noun, things=things)

    def _part(self, pieces: tuple[int, ...]) -> Row:
        first = self.view.pieces[pieces[0]]
        parent = self._object((first.thing,))
        return self._get(("part", *pieces), parent["category"], first.part, parent["target_id"], pieces=pieces)

    def _get(self, key: tuple, category: str, part: str | None = None, parent_id: str | None = None, **meant) -> Row:
        if key not in self:
            mask = self.view.mask(**meant)
            self[key] = {
                "target_id": f"{self.image_id}-{len(self)}",
                "granularity": "part" if part else "object",
                "category": category,
                "part": part,
                "parent_id": parent_id,
                "bbox": _box(mask),
                "mask": masks.encode(mask),
                "expressions": [],
            }
        return self[key]


def _noun(phrase: Phrase | PartPhrase) -> str:
    if isinstance(phrase, Phrase):
        return phrase.noun
    return phrase.owner.noun if phrase.owner else "thing"


def _box(mask: np.ndarray) -> list[float]:
    """x, y, w, h, from the pixels, which is much quicker than from the RLE."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return [0.0] * 4
    left, top = columns[0], rows[0]
    return [float(left), float(top), float(columns[-1] - left + 1), float(rows[-1] - top + 1)]


def kind_of(expression_id: str) -> str:
    """The kind of an expression, which PartScenes writes into its id: `"train-0-7-2:5:location"` → `"location"`."""
    return expression_id.rsplit(":", 1)[-1]
