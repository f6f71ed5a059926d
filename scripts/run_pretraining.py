# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Pre-trains UniRES on objects and parts; the defaults are the paper's recipe (supplementary A.3).

    python scripts/run_pretraining.py --clip openai/clip-vit-base-patch16 --output_dir runs/pretraining \\
        --train_data my/objects-and-parts partscenes,length=200000 --train_weights 3 1 --object_part_ratio 0.5 \\
        --streaming --max_steps 100000 --save_strategy steps --save_steps 2000

All arguments can stand in one JSON or YAML file instead: `python scripts/run_pretraining.py recipe.yaml`.
"""

from unires_hf.training.recipes import pretrain

if __name__ == "__main__":
    pretrain()
