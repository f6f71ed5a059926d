# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The one file of settings: which stages there are, and with which models."""

import hashlib
import json
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from .case import Case
from .negative_stage import NegativesRecipe, NegativeStage
from .object_stage import ObjectsRecipe, ObjectStage
from .part_stage import PartsRecipe, PartStage
from .part_vocabulary import Vocabulary
from .verification import Agreement, AgreementRecipe, Listener, ListenerRecipe, Similarity, SimilarityRecipe
from .word_stage import WordsRecipe, WordStage

STAGES = ("objects", "parts", "words", "similarity", "agreement", "listener", "negatives")


@dataclass(frozen=True)
class Recipe:
    """What decides the bytes that the engine writes, together with the pictures.

    Args:
        objects, parts, words, similarity, agreement, listener, negatives: a section a stage, run in this order; one
            that is left out is not run, except objects and words, which have defaults.
        vocabulary (`str`, *optional*): another part vocabulary than the one that ships.
        license (`str`, defaults to `"other"`): of the pictures, as the Hub names licenses.
        batch_size (`int`, defaults to 4): pictures that go through a stage together.
        shard_images (`int`, defaults to 64): pictures a shard; an interrupted run repeats at most one a worker.
        threads (`int`, defaults to 1): of a worker on a CPU. It decides the last bits of sums, so it stands here.
    """

    objects: ObjectsRecipe = field(default_factory=ObjectsRecipe)
    parts: PartsRecipe | None = None
    words: WordsRecipe = field(default_factory=WordsRecipe)
    similarity: SimilarityRecipe | None = None
    agreement: AgreementRecipe | None = None
    listener: ListenerRecipe | None = None
    negatives: NegativesRecipe | None = None
    vocabulary: str | None = None
    license: str = "other"
    batch_size: int = 4
    shard_images: int = 64
    threads: int = 1

    def __post_init__(self):
        if self.agreement and not self.parts:
            raise ValueError("agreement asks the model of `parts` again: the recipe has no parts.")
        if self.negatives and not (self.parts and self.listener):
            raise ValueError("negatives need the model of `parts` to be fooled and a `listener` that is not.")
        if self.listener and self.parts and self.listener.model == self.parts.model:
            raise ValueError(f"the listener must be another model than parts.model; both are {self.parts.model}.")
        if min(self.batch_size, self.shard_images, self.threads) < 1:
            raise ValueError("batch_size, shard_images and threads are 1 or more.")

    def as_dict(self) -> dict[str, Any]:
        """The sections and values, without those that are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def key(self) -> str:
        """A hash of everything that decides what is written, the vocabulary's content among it."""
        words = json.dumps(self.as_dict(), sort_keys=True)
        parts = json.dumps(Vocabulary.read(self.vocabulary).categories)
        return hashlib.sha256((words + parts).encode()).hexdigest()[:16]


def read_recipe(path: str | Path) -> Recipe:
    """The recipe of a YAML file.

    Raises:
        ValueError: if it is no YAML, or has a name or a value that no recipe has.
        OSError: if it cannot be read.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    try:
        return _section(Recipe, content or {}, "the recipe")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _section(kind: type, content: Any, name: str) -> Any:
    if not isinstance(content, dict):
        raise ValueError(f"{name} is a mapping of names to values, got {content!r}.")
    types = typing.get_type_hints(kind)
    values = {}
    for key, value in content.items():
        if key not in types:
            raise ValueError(f"{name} has no {key!r}; it has {', '.join(it.name for it in fields(kind))}.")
        values[key] = _value(types[key], value, f"{key}" if kind is Recipe else f"{name}.{key}")
    missing = [it.name for it in fields(kind) if it.name not in values and it.default is it.default_factory]
    if missing:
        raise ValueError(f"{name} lacks {missing[0]!r}.")
    return kind(**values)


def _value(kind: Any, value: Any, name: str) -> Any:
    kinds = typing.get_args(kind) if isinstance(kind, typing.types.UnionType) else (kind,)
    section = next((it for it in kinds if is_dataclass(it)), None)
    if section is not None:
        return _section(section, {} if value is None else value, name)
    if value is None and type(None) in kinds:
        return None
    if typing.get_origin(kinds[0]) is tuple:
        if not isinstance(value, list) or not all(isinstance(it, str) for it in value):
            raise ValueError(f"{name} is a list of names, got {value!r}.")
        return tuple(value)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) not in kinds:
        wanted = " or ".join(it.__name__ for it in kinds if it is not type(None))
        raise ValueError(f"{name} is of type {wanted}, got {value!r}.")
    return value


class Stages:
    """The models of a recipe, loaded, and what they make of cases."""

    def __init__(self, recipe: Recipe):
        vocabulary = Vocabulary.read(recipe.vocabulary)
        self.recipe, self.stages = recipe, {"objects": ObjectStage(recipe.objects, vocabulary)}
        if recipe.parts:
            self.stages["parts"] = PartStage(recipe.parts, vocabulary)
        self.stages["words"] = WordStage(recipe.words, vocabulary)
        if recipe.similarity:
            self.stages["similarity"] = Similarity(recipe.similarity, vocabulary)
        if recipe.agreement:
            self.stages["agreement"] = Agreement(recipe.agreement, self.stages["parts"])
        if recipe.listener:
            self.stages["listener"] = Listener(recipe.listener)
        if recipe.negatives:
            finder, listener = self.stages["parts"].finder, self.stages["listener"]
            self.stages["negatives"] = NegativeStage(recipe.negatives, vocabulary, finder, listener)

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for stage in self.stages.values():
            cases = stage(cases)
        return cases
