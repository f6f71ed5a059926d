# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The three ways to train: what `unires pretrain | finetune | warmup` and the scripts of these names do."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from unires_hf.scenes import PartScenes

from .arguments import ModelArguments, PreTrainingArguments, parse_arguments, parse_flags_or_file
from .run import run
from .warm_up import WarmUpArguments, warm_up


@dataclass
class ScenesArguments:
    """The scenes of a warm-up."""

    scenes: int = field(default=100_000, metadata={"help": "Scenes per epoch."})
    kinds: list[str] = field(default_factory=list, metadata={"help": "Classes to draw; all by default."})


def pretrain(words: Sequence[str] | None = None) -> None:
    """Pre-trains as `words` say: flags, or one JSON or YAML file; by default those of the program."""
    _log()
    run(*parse_arguments(PreTrainingArguments, words))


def finetune(words: Sequence[str] | None = None) -> None:
    """Fine-tunes as `words` say: flags, or one JSON or YAML file; by default those of the program."""
    _log()
    run(*parse_arguments(words=words))


def warm_up_on_scenes(words: Sequence[str] | None = None) -> None:
    """Warms up two encoders as `words` say: flags, or one JSON or YAML file; by default those of the program."""
    _log()
    model_arguments, arguments, drawn = parse_flags_or_file(
        ModelArguments, WarmUpArguments, ScenesArguments, words=words
    )
    warm_up(model_arguments, arguments, PartScenes("train", drawn.scenes, arguments.seed, kinds=drawn.kinds))


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
