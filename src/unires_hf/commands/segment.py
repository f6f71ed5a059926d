# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires segment`: masks of what expressions refer to, in one picture or in a folder of them."""

import argparse
import sys
from pathlib import Path
from typing import Any

from . import needs_ray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `segment`."""
    parser.add_argument("image", nargs="?", help="a picture: a path or a URL")
    parser.add_argument("text", nargs="*", metavar="EXPRESSION", help='what to segment, such as "the red truck"')
    parser.add_argument(
        "--model", default="default", help="a folder or Hub repository with a checkpoint (default: the one that ships)"
    )
    parser.add_argument("--out", type=Path, default=Path("segmented"), metavar="DIR", help="default: segmented")
    parser.add_argument(
        "--mask-threshold", type=float, metavar="P", help="a pixel belongs to a mask above it (default: the model's)"
    )
    parser.add_argument(
        "--presence-threshold",
        type=float,
        metavar="P",
        help="a mask is empty below this probability that there is such a thing (default: the model's)",
    )
    parser.add_argument(
        "--tiles",
        choices=("auto", "off"),
        default="off",
        help="auto: look at pictures above twice the model's size in tiles too, for small parts (default: off)",
    )
    parser.add_argument(
        "--image-size",
        type=int,
        metavar="N",
        help="side in pixels that the model sees pictures at; a larger one often finds small parts better, and takes "
        "longer (default: the model's)",
    )
    parser.add_argument("--json", action="store_true", help="also write results.json, with the masks as RLE")
    many = parser.add_argument_group("many pictures, in place of IMAGE and EXPRESSION")
    many.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder of the pictures, or a data set in Parquet, as DIR or DIR,split=val",
    )
    many.add_argument(
        "--expressions",
        type=Path,
        metavar="FILE",
        help='lines of {"file_name": "…", "text": "…" or ["…", …]} (default: what the data set says)',
    )
    many.add_argument(
        "--format",
        choices=("rle", "png", "coco", "yolo", "labelme"),
        default="rle",
        help="of the masks beside masks.jsonl (default: rle, no other)",
    )
    many.add_argument(
        "--overlays", type=int, default=8, metavar="N", help="draw the masks of the first N pictures (default: 8)"
    )
    many.add_argument("--batch-size", type=int, default=8, metavar="N", help="pictures a pass (default: 8)")
    many.add_argument(
        "--num-proc", type=int, metavar="N", help="processes (default: one a GPU, or one that uses all cores)"
    )
    many.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: on the machines of a Ray cluster, --num-proc actors in all; needs the extra `ray` (default: local)",
    )


def segment(arguments: argparse.Namespace) -> None:
    """Segment expressions in a picture, in a folder of pictures, or in a data set.

    One picture: overlay.png, and mask-1.png … in the order of the expressions. Many: masks.jsonl, a line a
    picture, overlays of the first ones, and errors.jsonl with what could not be segmented; interrupted, the same
    command goes on where it was. Every line of FILE may have "mask_threshold" and "presence_threshold" of its own.
    All that is written names the model, the expressions and the thresholds: PNG in its text, JSON as "made_by".
    """
    of_many = arguments.images is not None or arguments.expressions is not None
    if of_many and (arguments.image is not None or arguments.images is None):
        raise ValueError("Many pictures need --images and --expressions, both, and no picture beside them.")
    if not of_many and not arguments.text:
        raise ValueError("Name a picture and one expression or more, or give --images and --expressions.")
    for number, text in enumerate(arguments.text, 1):
        if not text.strip():
            raise ValueError(f"Expression {number} of {len(arguments.text)} is empty: say what to segment.")
        if not text.isprintable() and "\udc80" <= max(text) <= "\udcff":
            raise ValueError(f"Expression {number} is no text in this terminal's encoding: write it in UTF-8.")
    (_segment_many if of_many else _segment_one)(arguments)


def _segment_one(arguments: argparse.Namespace) -> None:
    import json

    from unires_hf.data import masks
    from unires_hf.inference.origin import made_by, png_note
    from unires_hf.inference.segmenter import Segmenter, mask_picture
    from unires_hf.loading import commit_of
    from unires_hf.model.image_input_unires import open_image, upright
    from unires_hf.report.overlay import draw_overlays

    picture = upright(open_image(arguments.image))
    segmenter = Segmenter.from_pretrained(arguments.model, image_size=arguments.image_size)
    asked = {name: getattr(arguments, name) for name in ("mask_threshold", "presence_threshold")}
    results = segmenter.segment(picture, arguments.text, arguments.tiles, **asked)
    revision = commit_of(arguments.model)
    seen = {"tiles": arguments.tiles, "image_size": arguments.image_size}
    origin = made_by(arguments.model, segmenter.processor, **asked, **seen, revision=revision)
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw_overlays(picture, results).save(arguments.out / "overlay.png", pnginfo=png_note(origin, arguments.text))
    for number, result in enumerate(results, 1):
        note = png_note(origin, [result["label"]])
        mask_picture(result).save(arguments.out / f"mask-{number}.png", pnginfo=note)
        found = "nothing" if result["is_empty"] else f"score {result['score']:.2f}, box {result['box']}"
        print(f"{result['label']}: {found}")
    if arguments.json:
        rows = [{**result, "mask": masks.encode(result["mask"].numpy()), "made_by": origin} for result in results]
        (arguments.out / "results.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(arguments.out / "overlay.png")


def _segment_many(arguments: argparse.Namespace) -> None:
    from unires_hf.inference.annotations import write_annotations
    from unires_hf.inference.picture_source import Rows, pictures_at
    from unires_hf.inference.stream import Settings, segment_many
    from unires_hf.loading import load_config
    from unires_hf.report.segmented import draw_segmented

    if arguments.format == "labelme" and isinstance(pictures_at(arguments.images), Rows):
        raise ValueError("labelme opens files, but these pictures are in Parquet: take the format coco.")
    if notice := getattr(load_config(arguments.model), "notice", None):
        print(notice, file=sys.stderr)
    count = segment_many(
        arguments.images,
        arguments.expressions,
        arguments.out,
        Settings(
            arguments.model,
            arguments.mask_threshold,
            arguments.presence_threshold,
            arguments.tiles,
            arguments.image_size,
        ),
        batch_size=arguments.batch_size,
        num_proc=arguments.num_proc,
        engine=_engine(arguments.engine),
    )
    before = f", {count.before:,} were done before" if count.before else ""
    print(f"{count.done:,} of {count.pictures:,} pictures segmented{before}: {arguments.out / 'masks.jsonl'}")
    if arguments.format != "rle":
        print(write_annotations(arguments.out, arguments.format, arguments.images))
    if draw_segmented(arguments.out, arguments.images, arguments.overlays):
        print(arguments.out / "overlays")
    errors = arguments.out / "errors.jsonl"
    if count.failed:
        raise ValueError(
            f"{count.failed:,} of {count.pictures:,} pictures could not be segmented: {errors} says why, and the same "
            "command tries them again."
        )
    if count.bad_lines:
        raise ValueError(f"{count.bad_lines:,} lines of {arguments.expressions} say nothing: {errors} says why.")


def _engine(name: str) -> Any:
    if name == "local":
        return None
    with needs_ray():
        from unires_hf.inference.ray_stream import work_with_ray
    return work_with_ray
