# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Trains a tiny UniRES for a few minutes and draws what it then sees, with nothing but this package.

    python scripts/demo.py [--out runs/demo] [--epochs 120]

It learns from the photographs of `../shared/data/mini_refcoco` where that folder is, else from scenes that it draws
itself, and is asked about the same pictures: this shows that the pieces work, not what UniRES can do.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
from transformers import pipeline

from unires_hf.data import masks
from unires_hf.evaluation import overlap
from unires_hf.loading import load_rows
from unires_hf.report.overlay import draw_overlays
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments
from unires_hf.training.run import run

PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "mini_refcoco"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/demo"))
    parser.add_argument("--epochs", type=float, default=120)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    data = ["partscenes,split=train,length=16"]
    if PHOTOGRAPHS.is_dir():
        data = [
            f"refcoco,root={PHOTOGRAPHS},split=val+testA+testB",
            f"refcocog,root={PHOTOGRAPHS},split_by=google,split=val",
        ]
    print(f"learning from {'photographs' if PHOTOGRAPHS.is_dir() else 'drawn scenes'}")
    run(
        ModelArguments(preset="tiny", image_size=224, attn_implementation="eager"),
        DataArguments(train_data=data, eval_data=data, max_text_length=22),
        UniResTrainingArguments(
            output_dir=options.out / "model",
            num_train_epochs=options.epochs,
            warmup_epochs=3,
            learning_rate=1e-3,
            per_device_train_batch_size=4,
            bf16=True,
            eval_strategy="no",
            save_strategy="no",
            logging_steps=20,
            dataloader_num_workers=0,
        ),
    )

    segmenter = pipeline("referring-segmentation", model=str(options.out / "model"))
    for number, row in enumerate(load_rows(data, max_images=4)):
        said = [(target, target["expressions"][0]["text"]) for target in row["targets"] if target["expressions"]][:5]
        results = segmenter(row["image"], text=[text for _, text in said])
        truths = [masks.decode(target["mask"]) for target, _ in said]
        path = options.out / f"picture-{number}.png"
        draw_overlays(row["image"], results, truths, columns=2).save(path)
        pairs = [overlap(np.asarray(it["mask"]) > 0, truth) for it, truth in zip(results, truths, strict=True)]
        iou = np.mean([pair.intersection / max(pair.union, 1) for pair in pairs])
        print(f"{path}: {len(said)} expressions, mIoU {100 * iou:.1f} %")


if __name__ == "__main__":
    main()
