# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Fine-tunes UniRES on referring segmentation data; the defaults are the paper's recipe (supplementary A.3).

    python scripts/run_finetuning.py --clip openai/clip-vit-base-patch16 --output_dir runs/refcoco \\
        --train_data refcoco,root=REFER,split=train --eval_data refcoco,root=REFER,split=val

All arguments can stand in one JSON or YAML file instead: `python scripts/run_finetuning.py recipe.yaml`.
"""

import logging

from unires_hf.training.arguments import parse_arguments
from unires_hf.training.run import run


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run(*parse_arguments())


if __name__ == "__main__":
    main()
