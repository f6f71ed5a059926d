# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Which parts the objects of a category have: a file to be read and reviewed, and its checker."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unires_hf.data.part_expressions import singular, spoken

SHIPPED = Path(__file__).with_name("part_vocabulary.json")


@dataclass(frozen=True)
class Vocabulary:
    """Categories and the parts of their objects.

    Args:
        categories (`Mapping`): category → part → the source of the name. A category without parts is empty.
        sources (`Mapping`): what the sources are.
        pairs (`frozenset[str]`): parts of which things have two, one on each side.
        plurals (`frozenset[str]`): parts whose name is a plural, or ends like one: "lens".
        aliases (`Mapping`): other names of categories.
    """

    categories: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, str] = field(default_factory=dict)
    pairs: frozenset[str] = frozenset()
    plurals: frozenset[str] = frozenset()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        names = {key: category for category in self.categories for key in _keys(category)}
        names |= {spoken(alias): category for alias, category in self.aliases.items()}
        object.__setattr__(self, "_names", names)

    @classmethod
    def read(cls, path: str | Path | None = None) -> "Vocabulary":
        """The vocabulary of a file, by default the one that ships.

        Raises:
            ValueError: if the file is no vocabulary.
            OSError: if it cannot be read.
        """
        path = SHIPPED if path is None else Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
            fields = {name: content[name] for name in ("categories", "sources", "aliases")}
            return cls(**fields, pairs=frozenset(content["pairs"]), plurals=frozenset(content["plurals"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no part vocabulary: {error}.") from error

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary of category → names of parts."""
        return cls({category: dict.fromkeys(names, "given") for category, names in parts.items()})

    def parts(self, category: str) -> list[str] | None:
        """The names of the parts of a category, however it is spelled; None if it is not known."""
        known = next((self._names[key] for key in _keys(category) if key in self._names), None)
        return None if known is None else list(self.categories[known])

    def paired(self, part: str) -> bool:
        """Whether things have two of the part."""
        return part in self.pairs

    def problems(self) -> Iterator[str]:
        """What a reviewer would object to, one sentence each: names that are no speech or stand there twice, plurals,
        sources that nobody named, aliases of unknown categories."""
        for category, parts in self.categories.items():
            for part, source in parts.items():
                if part != " ".join(part.lower().split()):
                    yield f"{category}: {part!r} is not written in small letters with single blanks."
                if source not in self.sources:
                    yield f"{category}: {part!r} is from the source {source!r}, which is not among the sources."
                if singular(part) != part and part not in self.plurals:
                    yield f"{category}: {part!r} is a plural: write {singular(part)!r}, or list it in `plurals`."
                if part in (category.lower(), spoken(category)) and "/" not in category:
                    yield f"{category}: {part!r} is the object itself."
            heads = Counter(singular(part) for part in parts)
            yield from (f"{category}: {name!r} stands there twice." for name, count in heads.items() if count > 1)
        for alias, category in self.aliases.items():
            if category not in self.categories:
                yield f"the alias {alias!r} is of {category!r}, which is no category."
        known = {part for parts in self.categories.values() for part in parts}
        for name in sorted((self.pairs | self.plurals) - known):
            yield f"{name!r} is listed among pairs or plurals, but no category has it."

    def size(self) -> tuple[int, int, int]:
        """Numbers of categories, of categories with parts, and of pairs of a category and a part."""
        with_parts = [parts for parts in self.categories.values() if parts]
        return len(self.categories), len(with_parts), sum(map(len, with_parts))


def _keys(category: str) -> list[str]:
    """The ways a category may be spelled: "Cabinet/shelf" is a cabinet and a shelf."""
    whole = category.lower().strip()
    pieces = [spoken(piece) for piece in category.split("/")]
    return list(dict.fromkeys(key for it in (whole, *pieces) for key in (it, singular(it)) if key))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object of which no name is lost because it stands there twice."""
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"the name {twice[0]!r} stands there twice in one object")
    return dict(pairs)


if __name__ == "__main__":
    found = list(Vocabulary.read(*sys.argv[1:2]).problems())
    print(
        "\n".join(found)
        or "{} categories, {} of them with parts, {} pairs: nothing to object to".format(
            *Vocabulary.read(*sys.argv[1:2]).size()
        )
    )
    sys.exit(bool(found))
