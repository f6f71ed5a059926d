# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires evaluate`: the scores of a checkpoint on a data set."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `evaluate`."""
    parser.add_argument("model", help="a folder or Hub name of a UniRES, CRIS or LAVT; default; BASELINE:NAME")
    parser.add_argument(
        "dataset", help="a folder of Parquet, a Hub name, a reader as refcoco,root=DIR, or partscenes,length=N"
    )
    parser.add_argument("--split", default="val", help="several are joined with + (default: val)")
    parser.add_argument("--protocol", default="unires", help="how to score (a wrong name lists them; default: unires)")
    parser.add_argument(
        "--controls",
        nargs="*",
        default=["all_foreground", "parent_object"],
        metavar="NAME",
        help="what else to score; with no name, nothing (default: all_foreground parent_object)",
    )
    parser.add_argument(
        "--mean-place",
        metavar="DATASET",
        help="also score where each thing is on average in this data set, the one that the model was trained on",
    )
    parser.add_argument("--max-images", type=int, metavar="N", help="only the first N images")
    parser.add_argument("--seed", type=int, metavar="N", help="of partscenes: another one draws other scenes")
    parser.add_argument("--max-length", type=int, metavar="N", help="cut words to N tokens (default: as trained)")
    parser.add_argument(
        "--image-size", type=int, metavar="N", help="side of the input in pixels (default: the model's)"
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="N", help="images a pass (default: 8)")
    parser.add_argument(
        "--mask-threshold",
        type=float,
        metavar="P",
        help="a pixel belongs to a mask above it (default: the model's own; protocols of other papers fix theirs)",
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps, … (default: auto, the best there is)")
    parser.add_argument("--out", type=Path, default=Path("results.json"), help="default: results.json")
    parser.add_argument(
        "--behaviors",
        action="store_true",
        help="also measure the whole for a part, left for right, siblings, edges, calibration (3 passes), and draw it",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="make scores the shares of right masks, by these expressions; saved with the model, which is a folder",
    )
    parser.add_argument("--gallery", type=Path, metavar="FILE.png", help="also draw the worst and the best cases")


def evaluate(arguments: argparse.Namespace) -> None:
    """Score a checkpoint on every expression of a data set, and write and print the table.

    On several processes: torchrun --standalone --nproc_per_node 2 -m unires_hf.cli evaluate MODEL DATASET …
    """
    from accelerate import PartialState

    from unires_hf.checkpoints import checkpoint_path
    from unires_hf.evaluation import evaluate_model
    from unires_hf.evaluation.calibration import calibrate
    from unires_hf.loading import find_device, load_model, load_rows
    from unires_hf.report.gallery import draw_gallery
    from unires_hf.report.reliability import draw_reliability

    if arguments.calibrate and not Path(checkpoint_path(arguments.model)).is_dir():
        raise ValueError(f"--calibrate saves what it fits with the model, but {arguments.model} is no folder.")
    device = find_device(arguments.device)
    state = PartialState(cpu=device.type == "cpu")  # joins the other processes, if torchrun started some
    try:
        specification = _specification(arguments)
        rows = load_rows([specification], arguments.max_images)
        model, processor = load_model(arguments.model, image_size=arguments.image_size)
        results = evaluate_model(
            model.to(state.device if state.num_processes > 1 else device),
            processor,
            rows,
            protocol=arguments.protocol,
            batch_size=arguments.batch_size,
            max_images=arguments.max_images,
            max_length=arguments.max_length,
            mask_threshold=arguments.mask_threshold,
            controls=arguments.controls + ["mean_place"] * (arguments.mean_place is not None),
            mean_places=_mean_places(arguments.mean_place),
            keep_masks=arguments.gallery is not None,
            behaviors=arguments.behaviors,
            settings={"model": arguments.model, "dataset": specification, "split": arguments.split},
        )
        if state.is_main_process:
            print(results.markdown())
            written = results.save(arguments.out)
            if arguments.behaviors:
                written.append(draw_reliability(results.records, written[0].with_suffix(".reliability.png")))
            if arguments.calibrate:
                written.append(calibrate(processor, results.records, checkpoint_path(arguments.model)))
                print(f"score temperature {processor.score_temperature:.3g}, bias {processor.score_bias:.3g}")
            if arguments.gallery:
                written.append(draw_gallery(results, rows, arguments.gallery))
            for path in written:
                print(path, file=sys.stderr)
    finally:
        state.destroy_process_group()


def _mean_places(dataset: str | None) -> Any:
    from unires_hf.evaluation import MeanPlaces
    from unires_hf.loading import load_rows

    return None if dataset is None else MeanPlaces(load_rows([dataset]).remove_columns("image"))


def _specification(arguments: argparse.Namespace) -> str:
    specification = f"{arguments.dataset},split={arguments.split}"
    if arguments.seed is None:
        return specification
    if arguments.dataset.partition(",")[0] != "partscenes":
        raise ValueError(f"--seed is of partscenes, which are drawn; {arguments.dataset} is as it is: leave it out.")
    return f"{specification},seed={arguments.seed}"
