# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires segment`: masks of what expressions refer to."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `segment`."""
    parser.add_argument("image", help="a picture: a path or a URL")
    parser.add_argument("text", nargs="+", metavar="EXPRESSION", help='what to segment, such as "the red truck"')
    parser.add_argument("--model", required=True, help="a folder or Hub repository with a UniRES checkpoint")
    parser.add_argument("--out", type=Path, default=Path("segmented"), metavar="DIR", help="default: segmented")
    parser.add_argument("--threshold", type=float, help="a pixel belongs to a mask above it (default: the model's)")
    parser.add_argument("--json", action="store_true", help="also write results.json, with the masks as RLE")


def segment(arguments: argparse.Namespace) -> None:
    """Segment expressions in a picture: overlay.png, and mask-1.png … in the order of the expressions."""
    import json

    import numpy as np
    from transformers import pipeline

    from unires_hf.data import masks
    from unires_hf.model.image_input_unires import open_image, upright
    from unires_hf.report.overlay import draw_overlays

    picture = upright(open_image(arguments.image))
    segmenter = pipeline("referring-segmentation", model=arguments.model)
    options = {} if arguments.threshold is None else {"threshold": arguments.threshold}
    results = segmenter(picture, text=arguments.text, **options)
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_overlays(picture, results).save(arguments.out / "overlay.png")
    for number, result in enumerate(results, 1):
        result["mask"].save(arguments.out / f"mask-{number}.png")
        found = "nothing" if result["is_empty"] else f"score {result['score']:.2f}, box {result['box']}"
        print(f"{result['label']}: {found}")
    if arguments.json:
        rows = [{**result, "mask": masks.encode(np.asarray(result["mask"]) > 0)} for result in results]
        (arguments.out / "results.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(arguments.out / "overlay.png")
