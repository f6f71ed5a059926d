# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires demo`: the checkpoint for drawings on a picture that is drawn on the spot."""

import argparse
from pathlib import Path

EXPRESSIONS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `demo`."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    parser.add_argument(
        "--seed", type=int, default=18, metavar="N", help="another one draws another scene (default: 18, a good one)"
    )
    parser.add_argument("--model", default="drawings", help="a folder or Hub repository (default: drawings)")


def demo(arguments: argparse.Namespace) -> None:
    """Draw a scene, segment what is said about it, and compare with the truth: demo.png."""
    import numpy as np
    from transformers import pipeline

    from unires_hf.checkpoints import checkpoint_path
    from unires_hf.data import masks
    from unires_hf.evaluation import overlap
    from unires_hf.report.overlay import draw_overlays
    from unires_hf.scenes import PartScenes

    row = PartScenes("val", length=1, seed=arguments.seed)[0]
    # "the two lamps" and "all the lamps" are one mask: it is asked for once.
    once = {target["mask"]["counts"]: target for target in row["targets"] if target["expressions"]}
    said = [(target, target["expressions"][0]["text"]) for target in once.values()]
    objects = [pair for pair in said if pair[0]["granularity"] == "object"][: EXPRESSIONS // 2]
    parts = [pair for pair in said if pair[0]["granularity"] == "part"][: EXPRESSIONS - len(objects)]
    segmenter = pipeline("referring-segmentation", model=checkpoint_path(arguments.model))
    results = segmenter(row["image"], text=[text for _, text in objects + parts])
    truths = [masks.decode(target["mask"]) for target, _ in objects + parts]

    scores = []
    for result, truth in zip(results, truths, strict=True):
        counts = overlap(np.asarray(result["mask"]) > 0, truth)
        scores.append(counts.intersection / counts.union if counts.union else 1.0)
        print(f"{100 * scores[-1]:5.1f}  {result['label']}")
    print(f"{100 * np.mean(scores):5.1f}  mean IoU, in percent, of {len(scores)} expressions")
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_overlays(row["image"], results, truths).save(arguments.out / "demo.png")
    print(arguments.out / "demo.png")
