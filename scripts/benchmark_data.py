# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Size, speed and memory of one row an image, the layout of `unires convert`, beside one row an expression.

    python scripts/benchmark_data.py [--images 60] [--pairs 32] [--runs 3] [--memory 200 2000] [--out FILE.json]

The pictures are made here: JPEGs of 640 x 480 pixels and about 125 kB, as MS COCO's, with the masks and expressions of
MRES-32M's 32 pairs an image. Both layouts hold the same pictures, masks (RLE) and words, and are written and read in
turn. Time is the CPU's, of all threads together, so that what else a machine does matters little; rates are thus a
core's, and waiting for a disk is left out. Each figure is the median of the runs, each ratio the median of the ratios
run by run. One row an expression is stored as `datasets` stores it, pictures neither compressed nor shared. Parquet
can share them, as long as the pairs of an image lie side by side: that size is given too, but those pairs are not
shuffled, and their picture is decoded for each. Reading is `datasets` streaming, the picture decoded, every mask
decoded and averaged to the working resolution. Memory is the peak of a process of its own that converts N images;
`--memory 2000 20000` needs 6 GB of disk.
"""

import argparse
import io
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, Image, Value, load_dataset

from unires_hf.data import masks
from unires_hf.data.readers.interchange import read_interchange
from unires_hf.data.shards import fill_shard, write_rows

HEIGHT, WIDTH = 480, 640
WORKING = 112  # UniRES' mask at stride 4 of an input of 448
MRES_IMAGES, MRES_PAIRS = 1_000_000, 32_200_000
PAIR_FEATURES = Features(
    {"image": Image(), "text": Value("string"), "mask": {"size": [Value("int32")], "counts": Value("string")}}
)
CORES = 16  # of the machine that the estimates are for


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=32, help="expressions an image")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs=2, default=[200, 2000], metavar="N", help="images to convert")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = make_source(Path(folder) / "source", arguments.images, arguments.pairs)
        figures = compare_layouts(source, Path(folder), arguments.pairs, arguments.runs)
        figures |= compare_decoders(source, arguments.runs)
        figures |= compare_memory(Path(folder), arguments.memory, arguments.pairs)
    figures |= for_mres(figures, arguments.pairs)
    for name, value in figures.items():
        print(f"{name:72} {value:,.3g}" if abs(value) < 100 else f"{name:72} {value:,.0f}")
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=1) + "\n")


def make_source(root: Path, images: int, pairs: int, pictures: int = 60) -> Path:
    """A JSONL source; beyond `pictures` images, pictures are hard links to earlier ones."""
    root.mkdir(parents=True)
    noise = np.random.default_rng(0)
    for number in range(min(images, pictures)):
        coarse = PIL.Image.fromarray(noise.integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC), np.float32)
        grain = noise.normal(0, 14, (HEIGHT, WIDTH, 1))
        PIL.Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(root / f"{number}.jpg", quality=86)
    dice = random.Random(0)
    with open(root / "train.jsonl", "w") as lines:
        for number in range(images):
            if number >= pictures:
                os.link(root / f"{number % pictures}.jpg", root / f"{number}.jpg")
            targets = [make_target(dice, index, pairs) for index in range(pairs)]
            lines.write(json.dumps({"file_name": f"{number}.jpg", "targets": targets}) + "\n")
    return root


def make_target(dice: random.Random, index: int, pairs: int) -> dict[str, Any]:
    """A wobbly outline of 40 points: an object, or for the second half of the targets a smaller part of one."""
    part = index >= pairs // 2
    radius = dice.uniform(8, 40) if part else dice.uniform(30, 140)
    x, y = dice.uniform(0.25, 0.75) * WIDTH, dice.uniform(0.3, 0.7) * HEIGHT
    outline: list[float] = []
    for step in range(40):
        angle, length = 2 * math.pi * step / 40, radius * dice.uniform(0.8, 1.1)
        outline += [
            min(max(x + length * math.cos(angle), 0), WIDTH),
            min(max(y + length * math.sin(angle), 0), HEIGHT),
        ]
    owner = f"black truck number {index % (pairs // 2 or 1)}"
    target = {"target_id": f"t{index}", "category": "truck", "mask": masks.from_polygons([outline], HEIGHT, WIDTH)}
    if part:
        return target | {"granularity": "part", "part": "body", "expressions": [f"body of {owner} on road"]}
    return target | {"expressions": [f"{owner} on the road"]}


def compare_layouts(source: Path, folder: Path, pairs: int, runs: int) -> dict[str, float]:
    """Bytes a pair, and pairs/s written and read, of both layouts."""
    rows = list(read_interchange(source))
    plan = folder / "plan.parquet"
    shards = {"image": folder / "image-00000.parquet", "expression": folder / "expression-00000.parquet"}
    few = max(1, len(rows) // 10)  # images that are read of the slow layout
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        clock(times, "annotations", lambda: list(read_interchange(source)))
        clock(times, "write image", lambda: (write_rows(plan, rows), fill_shard(plan, shards["image"])))
        clock(times, "write expression", lambda: write_pairs(shards["expression"], rows, shared=False))
        clock(times, "read image", lambda: read(shards["image"], pairs_of_image, len(rows)))
        clock(times, "read expression", lambda: read(shards["expression"], pair_of_row, few * pairs))
    total = len(rows) * pairs
    sizes = {layout: path.stat().st_size / total for layout, path in shards.items()}
    write_pairs(folder / "shared.parquet", rows, shared=True)
    shared = (folder / "shared.parquet").stat().st_size / total
    speeds = {
        name: [{"read expression": few * pairs}.get(name, total) / it for it in taken] for name, taken in times.items()
    }
    return {
        "times smaller with one row an image (aim: 10)": sizes["expression"] / sizes["image"],
        "times more pairs/s read (aim: 5)": ratio(speeds["read image"], speeds["read expression"]),
        "times more pairs/s written": ratio(speeds["write image"], speeds["write expression"]),
        **{f"bytes a pair, one row an {layout}": size for layout, size in sizes.items()},
        **{
            f"pairs/s {name.replace(' ', ', one row an ')}": statistics.median(it)
            for name, it in speeds.items()
            if " " in name
        },
        "bytes a pair, one row an expression, pictures shared by neighbors": shared,
        "rows/s read, one row an image": statistics.median(speeds["read image"]) / pairs,
        "rows/s read, one row an expression": statistics.median(speeds["read expression"]),
        "rows/s written, one row an image": statistics.median(speeds["write image"]) / pairs,
        "rows/s written, one row an expression": statistics.median(speeds["write expression"]),
        "rows/s of annotations read and checked (the pass before writing)": statistics.median(speeds["annotations"])
        / pairs,
    }


def write_pairs(path: Path, rows: list[dict[str, Any]], shared: bool) -> None:
    """The other layout: each pair has its picture, which is looked at once, as in ours."""
    options = {"compression": "zstd"} if shared else {"compression": {"image.bytes": "none"}, "use_dictionary": False}
    with pq.ParquetWriter(path, PAIR_FEATURES.arrow_schema, **options) as writer:
        for row in rows:
            picture = Path(row["image"]["path"]).read_bytes()
            PIL.Image.open(io.BytesIO(picture)).load()
            image = {"bytes": picture, "path": None}
            records = [
                {"image": image, "text": expression["text"], "mask": target["mask"]}
                for target in row["targets"]
                for expression in target["expressions"]
            ]
            writer.write_table(pa.Table.from_pylist(records, schema=PAIR_FEATURES.arrow_schema))


def read(shard: Path, use: Callable[[dict[str, Any]], Iterator[Any]], count: int) -> None:
    """Streams `count` rows and makes of each what a batch needs."""
    rows = load_dataset("parquet", data_files=str(shard), split="train", streaming=True)
    for row in rows.take(count):
        row["image"].convert("RGB")
        for mask, text in use(row):
            assert mask.size == (WORKING, WORKING) and text


def pairs_of_image(row: dict[str, Any]) -> Iterator[tuple[PIL.Image.Image, str]]:
    for target in row["targets"]:
        mask = working(masks.decode(target["mask"]))
        for expression in target["expressions"]:
            yield mask, expression["text"]


def pair_of_row(row: dict[str, Any]) -> Iterator[tuple[PIL.Image.Image, str]]:
    yield working(masks.decode(row["mask"])), row["text"]


def working(mask: np.ndarray) -> PIL.Image.Image:
    """The mask's share of each cell at the working resolution."""
    return PIL.Image.fromarray(mask).convert("L").resize((WORKING, WORKING), PIL.Image.Resampling.BOX)


def compare_decoders(source: Path, runs: int) -> dict[str, float]:
    """Masks a second at the working resolution, from RLE and from PNG, and bytes of each."""
    rles = [target["mask"] for row in read_interchange(source) for target in row["targets"]][:400]
    pngs = []
    for rle in rles:
        stream = io.BytesIO()
        PIL.Image.fromarray(masks.decode(rle).astype(np.uint8) * 255).save(stream, "PNG")
        pngs.append(stream.getvalue())
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        clock(times, "RLE", lambda: [working(masks.decode(rle)) for rle in rles])
        clock(times, "PNG", lambda: [working(np.asarray(PIL.Image.open(io.BytesIO(png))) > 0) for png in pngs])
    speeds = {name: [len(rles) / it for it in taken] for name, taken in times.items()}
    return {
        "times more masks/s decoded from RLE than from PNG": ratio(speeds["RLE"], speeds["PNG"]),
        **{f"masks/s to {WORKING} x {WORKING}, from {name}": statistics.median(it) for name, it in speeds.items()},
        "bytes a mask, RLE": statistics.mean(len(rle["counts"]) for rle in rles),
        "bytes a mask, PNG": statistics.mean(map(len, pngs)),
    }


CONVERT = """
import sys
from unires_hf.cli import main
if main(["convert", "interchange", "--split", "train", *sys.argv[1:]]):
    sys.exit(1)
# getrusage would also count the process that this one was forked from
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


def compare_memory(folder: Path, sizes: list[int], pairs: int) -> dict[str, float]:
    """Peak memory of converting few and many images, each in a process of its own; and of one image, to compare."""
    peaks, seconds = {}, {}
    for images in (1, *sizes):
        source = make_source(folder / f"source-{images}", images, pairs)
        options = ["--root", str(source), "--out", str(folder / f"converted-{images}")]
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", CONVERT, *options], capture_output=True, text=True, check=True)
        peaks[images], seconds[images] = int(done.stderr.split()[-1]) / 1024, time.perf_counter() - start
    few, many = sizes
    return {
        f"times the memory for {many:,} images as for {few:,} (aim: at most 1.1)": peaks[many] / peaks[few],
        **{f"MiB at the peak, {images:,} images": peak for images, peak in peaks.items()},
        f"images/s from files to shards, {many:,} images, one thread": (many - 1) / (seconds[many] - seconds[1]),
    }


def for_mres(figures: dict[str, float], pairs: int) -> dict[str, float]:
    """What the figures mean for the size of MRES-32M."""
    annotations = MRES_IMAGES / figures["rows/s of annotations read and checked (the pass before writing)"] / 3600
    writing = MRES_IMAGES / figures["rows/s written, one row an image"] / 3600
    return {
        "TB for MRES-32M, one row an image": figures["bytes a pair, one row an image"] * MRES_PAIRS / 1e12,
        "TB for MRES-32M, one row an expression": figures["bytes a pair, one row an expression"] * MRES_PAIRS / 1e12,
        "TB for MRES-32M, one row an expression, pictures shared by neighbors": figures[
            "bytes a pair, one row an expression, pictures shared by neighbors"
        ]
        * MRES_PAIRS
        / 1e12,
        "hours to read MRES-32M's annotations, one core": annotations,
        "hours to write it, one core": writing,
        f"hours in all on one machine of {CORES} cores": annotations + writing / CORES,
        f"hours in all on 8 machines of {CORES} cores": annotations + writing / CORES / 8,
        "hours to read it once for training, one core, one row an image": MRES_PAIRS
        / figures["pairs/s read, one row an image"]
        / 3600,
        "hours to read it once for training, one core, one row an expression": MRES_PAIRS
        / figures["pairs/s read, one row an expression"]
        / 3600,
    }


def clock(times: dict[str, list[float]], name: str, work: Callable[[], Any]) -> None:
    start = time.process_time()
    work()
    times.setdefault(name, []).append(time.process_time() - start)


def ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
