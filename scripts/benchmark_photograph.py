# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Where the time of a photograph goes: from a JPEG file to masks at its own size, as RLE, beside CLIPSeg.

    python scripts/benchmark_photograph.py [--model default] [--expressions 1 16] [--runs 9] [--libraries] \\
        [--out FILE.json]

With one thread, milliseconds are of its own processor time, so that other work on the machine hardly counts; with more
they are of the clock.
CLIPSeg (ViT-B/16 at its published 352 px, random weights) encodes the picture for each expression. Both in turn;
medians of the runs, and the median of the ratios run by run. CLIPSeg with many expressions runs twice.
`--libraries` puts each step but the network's beside the fastest call that we found in any library, which must be
installed for it: `pip install --no-deps simplejpeg opencv-python-headless hotcoco`.
"""

import argparse
import io
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

from unires_hf.data import masks
from unires_hf.inference.segmenter import Segmenter
from unires_hf.photographs import __file__ as photographs

SIZE, SIDE = (640, 480), 352
TEXT = ("the person in the orange suit", "the left hand", "the flag", "the hair")
MODULES = ("backbone", "vision_model", "text_model", "stage1_decoder", "stage2_decoder", "mask_head")
spent: dict[str, float] = defaultdict(float)


@contextmanager
def timed(name: str) -> Iterator[None]:
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    yield
    spent[name] += 1000 * (clock() - start)


def watch(model: torch.nn.Module) -> None:
    """Adds up the time of each of `MODULES` that the model has."""
    for name in MODULES:
        module = getattr(model, name)
        if module is not None:

            def forward(*args, name=name, forward=module.forward, **kwargs):
                with timed(f"network: {name}"):
                    return forward(*args, **kwargs)

            module.forward = forward


def opened(content: bytes) -> Image.Image:
    with timed("decode"):
        image = Image.open(io.BytesIO(content))
        image.load()
    return image


def ours(name: str, content: bytes) -> Callable[[int], None]:
    segmenter = Segmenter.from_pretrained(name, "cpu")
    model, processor = segmenter.model, segmenter.processor
    watch(model)

    def run(expressions: int) -> None:
        text = [TEXT[number % len(TEXT)] for number in range(expressions)]
        image = opened(content)
        with timed("resize and normalize"):
            inputs = processor(images=image, return_tensors="pt")
        with timed("tokenize"):
            words = processor(text=[text], return_tensors="pt")
        with timed("network"):
            outputs = model(pixel_values=inputs["pixel_values"], **words)
        with timed("enlarge and threshold"):
            (results,) = processor.post_process_referring_segmentation(outputs, inputs["original_sizes"])
        with timed("RLE"):
            for result in results:
                masks.encode(result["mask"].numpy())

    return run


def clipseg(content: bytes) -> Callable[[int], None]:
    config = CLIPSegConfig(vision_config={"image_size": SIDE, "patch_size": 16})
    model = CLIPSegForImageSegmentation(config).eval()

    def run(expressions: int) -> None:
        image = opened(content)
        with timed("resize and normalize"):
            pixels = torch.from_numpy(np.array(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)))
            pixels = ((pixels.permute(2, 0, 1)[None] / 255 - 0.45) / 0.27).expand(expressions, -1, -1, -1)
        words = torch.randint(0, 49406, (expressions, 8))
        words[:, -1] = config.text_config.eos_token_id
        with timed("network"):
            logits = model(pixel_values=pixels, input_ids=words, attention_mask=torch.ones_like(words)).logits
        with timed("enlarge and threshold"):
            logits = logits.view(expressions, 1, SIDE, SIDE)
            found = torch.nn.functional.interpolate(logits, SIZE[::-1], mode="bilinear")[:, 0] > 0
        with timed("RLE"):
            for mask in found:
                masks.encode(mask.numpy())

    return run


def beside_libraries(name: str, content: bytes, runs: int) -> list[tuple[str, str, float, float]]:
    """Each step of one mask, the fastest library call for it, and the milliseconds of both."""
    import cv2
    import hotcoco.mask
    import simplejpeg

    cv2.setNumThreads(1)
    segmenter = Segmenter.from_pretrained(name, "cpu")
    model, processor = segmenter.model, segmenter.processor
    image = opened(content)
    pixels, side = np.asarray(image), model.config.vision_config.image_size
    inputs = processor(images=image, text=[TEXT[0]], return_tensors="pt")
    sizes = inputs.pop("original_sizes")
    outputs = model(**inputs)
    logits = outputs.logits[0].numpy()
    ((result,),) = processor.post_process_referring_segmentation(outputs, sizes)
    mask = result["mask"].numpy()
    calls = {
        ("decode", "simplejpeg"): (lambda: opened(content), lambda: simplejpeg.decode_jpeg(content)),
        ("resize and normalize", "OpenCV, without antialiasing"): (
            lambda: processor(images=image, return_tensors="pt"),
            lambda: cv2.dnn.blobFromImage(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), 1 / 255),
        ),
        ("enlarge and threshold", "OpenCV, without score and box"): (
            lambda: processor.post_process_referring_segmentation(outputs, sizes),
            lambda: cv2.resize(logits, SIZE, interpolation=cv2.INTER_LINEAR) > 0,
        ),
        ("RLE", "hotcoco"): (
            lambda: masks.encode(mask),
            lambda: hotcoco.mask.encode(np.asfortranarray(mask.view(np.uint8))),
        ),
    }
    found = []
    for (step, library), sides in calls.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(10 * runs):
            for call, taken in zip(sides, times, strict=True):
                start = time.thread_time()
                call()
                taken.append(1000 * (time.thread_time() - start))
        found.append((step, library, *map(statistics.median, times)))
    return found


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default", help="a folder or Hub repository")
    parser.add_argument("--expressions", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--libraries", action="store_true", help="beside the fastest library call for each step")
    parser.add_argument("--out", help="a JSON file for the figures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    file = io.BytesIO()
    Image.open(Path(photographs).with_name("astronaut.jpg")).convert("RGB").resize(SIZE).save(file, "JPEG", quality=90)
    subjects = {arguments.model: ours(arguments.model, file.getvalue()), "CLIPSeg": clipseg(file.getvalue())}
    columns: dict[str, dict[str, float]] = {}
    for expressions in arguments.expressions:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
        for number in range(arguments.runs + 1):  # the first one warms up
            for name, run in subjects.items():
                if name == "CLIPSeg" and expressions > 1 and number > 2:
                    continue
                spent.clear()
                run(expressions)
                whole = sum(value for step, value in spent.items() if ":" not in step)
                runs[name].append({**spent, "total": whole})
        for name, measured in runs.items():
            steps = measured[0]
            columns[f"{name}, {expressions}"] = {
                step: statistics.median(values[step] for values in measured[1:]) for step in steps
            }
        both = zip(*(measured[1:] for measured in runs.values()), strict=False)
        part = statistics.median(one["total"] / other["total"] for one, other in both)
        print(f"{expressions} expressions: {part:.3f} of CLIPSeg's time, {1 / part:.1f} times as fast")
    steps = list(dict.fromkeys(step for column in columns.values() for step in column))
    print(f"\n| ms | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for step in sorted(steps, key=lambda step: step == "total"):
        cells = (f"{column[step]:.1f}" if step in column else "" for column in columns.values())
        print(f"| {step} | {' | '.join(cells)} |")
    if arguments.libraries:
        print("\n| step of one mask | ms | fastest library call | ms | ratio |\n|---|---:|---|---:|---:|")
        for step, library, own, best in beside_libraries(arguments.model, file.getvalue(), arguments.runs):
            print(f"| {step} | {own:.2f} | {library} | {best:.2f} | {own / best:.1f} |")
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(columns, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
