# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Fine-tunes UniRES on referring segmentation data; the defaults are the paper's recipe (supplementary A.3).

    python scripts/run_finetuning.py --clip openai/clip-vit-base-patch16 --output_dir runs/refcoco \\
        --train_data refcoco,root=REFER,split=train --eval_data refcoco,root=REFER,split=val

All arguments can stand in one JSON or YAML file instead: `python scripts/run_finetuning.py recipe.yaml`.
"""

from unires_hf.training.recipes import finetune

if __name__ == "__main__":
    finetune()
