# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Do the engine's labels teach? How much of the gap between half of the human labels and all of them do they close?

    python scripts/student_test.py --data photographs/ccp photographs/cars --out runs/student -- \\
        --preset small --backbone efficientnet-lite2 --image_size 224 --max_steps 600 --learning_rate 1e-3 \\
        --save_strategy steps --save_steps 50 --save_total_limit 1

Everything after `--` goes to all five trainings alike, as to `run_finetuning.py`. Data sets are folders that
`unires convert` made, with the splits train and test. Started again, it goes on from the last checkpoint.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from unires_hf.experiments.student import student_test
from unires_hf.training.recipes import finetune


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, type=Path, help="folders of Parquet")
    parser.add_argument("--out", required=True, type=Path, help="the folder to make")
    parser.add_argument("--photographs", type=int, help="the first so many of each data set's training photographs")
    parser.add_argument("training", nargs=argparse.REMAINDER, help="after --: flags of run_finetuning.py")
    arguments = parser.parse_args()
    flags = [it for it in arguments.training if it != "--"]

    def train(out: Path, data: Sequence[Path], seed: int) -> None:
        if not (out / "trainer_state.json").exists():  # written after the weights
            words = ["--train_data", *map(str, data), "--output_dir", str(out), "--seed", str(seed)]
            finetune([*words, "--draw_expressions", "true", "--resume_from_checkpoint", "last", *flags])

    command = shlex.join(["python", "scripts/student_test.py", *sys.argv[1:]])
    written = student_test(arguments.data, arguments.out, train, command, arguments.photographs)
    print(written[0].read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
