# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Teaches a model a source that it never saw, in full, with replay and with LoRA: the gain there, the loss elsewhere.

    pip install -e '.[lora]'
    python scripts/finetune_on_new_source.py runs/no-faces --new photos/faces \
        --others photos/ccp photos/cars photos/facades photos/horses photos/coco --out runs/faces-taught

Words are drawn anew for training pictures that come without any; those to be measured on were written down when the
data were converted. Writes `table.md` and `results.json`, with intervals over pictures. What is done is kept.
"""

import argparse
import logging
import shlex
import sys
from pathlib import Path

from unires_hf.experiments.new_source import Lesson, teach_new_source


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a folder, `default` or `drawings`")
    parser.add_argument("--new", required=True, metavar="DATA", help="as training names it, without a split")
    parser.add_argument("--others", nargs="+", required=True, metavar="DATA", help="what the model knows, likewise")
    parser.add_argument("--images", type=int, default=Lesson.images, help="training pictures of a source")
    parser.add_argument("--steps", type=int, default=Lesson.steps)
    parser.add_argument("--batch-size", type=int, default=Lesson.batch_size, help="pictures of a step")
    parser.add_argument("--expressions", type=int, default=Lesson.expressions, help="of a picture in a step, at most")
    parser.add_argument("--rate", type=float, default=Lesson.rate, help="of whole weights")
    parser.add_argument("--lora-rate", type=float, default=Lesson.lora_rate, help="of LoRA's")
    parser.add_argument("--ranks", nargs="+", type=int, default=[8, 16], help="of LoRA")
    parser.add_argument("--image-size", type=int, help="of the model's input (default: its own)")
    parser.add_argument("--seed", type=int, default=Lesson.seed)
    parser.add_argument("--split", default="test", help="what is measured on")
    parser.add_argument("--max-images", type=int, help="of each source, to measure on")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    table = teach_new_source(
        Lesson(**{name: value for name, value in vars(arguments).items() if name in Lesson.__dataclass_fields__}),
        arguments.out,
        shlex.join(["python", "scripts/finetune_on_new_source.py", *sys.argv[1:]]),
        arguments.ranks,
        arguments.split,
        arguments.max_images,
    )
    print(table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
