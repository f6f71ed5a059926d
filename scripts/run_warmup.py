# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Warms up the two encoders of a preset on the names of what PartScenes shows, where no CLIP is at hand.

    python scripts/run_warmup.py --preset tiny --output_dir runs/warmup --scenes 100000 --max_steps 4000

`scripts/run_pretraining.py --model_name_or_path runs/warmup` goes on from there. Flags, or one JSON or YAML file.
"""

import logging
from dataclasses import dataclass, field

from unires_hf.scenes import PartScenes
from unires_hf.training.arguments import ModelArguments, parse_flags_or_file
from unires_hf.training.warm_up import WarmUpArguments, warm_up


@dataclass
class ScenesArguments:
    """What is looked at."""

    scenes: int = field(default=100_000, metadata={"help": "Scenes of an epoch."})
    kinds: list[str] = field(default_factory=list, metadata={"help": "Classes that are drawn; all by default."})


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model_arguments, arguments, drawn = parse_flags_or_file(ModelArguments, WarmUpArguments, ScenesArguments)
    warm_up(model_arguments, arguments, PartScenes("train", drawn.scenes, arguments.seed, kinds=drawn.kinds))


if __name__ == "__main__":
    main()
