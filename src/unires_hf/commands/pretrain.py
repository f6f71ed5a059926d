# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires pretrain`: train on objects and parts."""

import argparse
from functools import partial

from . import finetune

add_arguments = partial(finetune.add_arguments, epochs=50, images=16)
"""The flags of fine-tuning with the defaults of pre-training."""


def pretrain(arguments: argparse.Namespace) -> None:
    """Train on objects and parts; the defaults are the paper's recipe for pre-training.

    This help shows the most common flags; `unires pretrain --help-all` shows all of them.
    """
    from unires_hf.training.recipes import pretrain

    pretrain(["--help"] if arguments.words == ["--help-all"] else arguments.words)
