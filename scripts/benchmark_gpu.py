# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The tables of a GPU in about a minute: UniRES beside CLIPSeg and its own bare encoders, and a training step.

    python scripts/benchmark_gpu.py [--seconds 75] [--presets base large small] [--out FILE.jsonl]

Weights are random, of the published sizes: speed does not depend on them. Each row is printed as soon as it is
measured, the ones that matter most first, and the script ends `--seconds` after its start, whatever is going on: a
cut-off loses no row that was there. A row that fails says why and leaves the others alone. Inference is in bfloat16,
training under bfloat16 autocast, both with PyTorch's own attention; figures are medians of interleaved runs. CLIPSeg
(ViT-B/16, as published) encodes a picture for each expression. Without a GPU the same rows are of the CPU.
"""

import time

START = time.monotonic()  # the imports count too

import argparse  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import statistics  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
from benchmark import Subjects, interleaved, machine, ratio  # noqa: E402
from benchmark_training import DEVICE, batch, config_of, learner, unires  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402
from transformers.utils import logging  # noqa: E402

EXPRESSIONS = (1, 16, 64)
AN_IMAGE = 8  # expressions an image in training
IMAGES = (8, 16, 32)  # of a training step
RUNS = 7
PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
"""Of dense bfloat16, a second, by their vendor's data sheets (SXM)."""

Row = dict[str, str | float]


def peak_mib(run: Callable[[], None]) -> float:
    """MiB that a run takes beyond what lay there before it; 0 on a CPU, where it is not counted."""
    if DEVICE == "cpu":
        return 0.0
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


@torch.inference_mode()
def asked(preset: str, image_size: int | None) -> Iterator[Row]:
    """An image and its expressions in one call, beside the bare encoders and CLIPSeg; what one more costs."""
    subjects = Subjects(config_of(preset, image_size), DEVICE, torch.bfloat16)
    ours, bare, clipseg = subjects.unires(), subjects.clip(), subjects.clipseg()
    for k in EXPRESSIONS:
        tasks = {"ours": partial(ours, k), "bare": partial(bare, k), "clipseg": partial(clipseg, k)}
        seconds = interleaved(tasks, RUNS, DEVICE)
        median = {name: statistics.median(values) for name, values in seconds.items()}
        yield {
            "row": f"{preset} at {subjects.side} px, {k} expressions",
            **{f"{name} masks/s": k / value for name, value in median.items()},
            "over the bare encoders": ratio(seconds["ours"], seconds["bare"]),
            "faster than CLIPSeg": ratio(seconds["clipseg"], seconds["ours"]),
            "MiB over the weights": peak_mib(tasks["ours"]),
            "CLIPSeg's": peak_mib(tasks["clipseg"]),
        }
    model = ours.model
    seen = model.get_image_features(subjects.pixel_values)
    questions = {
        "image": lambda: model.get_image_features(subjects.pixel_values),
        "1": lambda: model(vision_embeds=seen, **subjects.words(1)),
        "65": lambda: model(vision_embeds=seen, **subjects.words(65)),
    }
    seconds = interleaved(questions, RUNS, DEVICE)
    further = [(many - one) / 64 for many, one in zip(seconds["65"], seconds["1"], strict=True)]
    yield {
        "row": f"{preset} at {subjects.side} px, a further expression",
        "image ms": 1000 * statistics.median(seconds["image"]),
        "further ms": 1000 * statistics.median(further),
        "% of the image": 100 * ratio(further, seconds["image"]),
    }


def trained(preset: str, image_size: int | None) -> Iterator[Row]:
    """A training step, at growing numbers of images until memory ends."""
    config = config_of(preset, image_size)
    logits = config.vision_config.image_size // config.vision_config.patch_size
    logits *= 2 ** (len(config.mask_head_channels) - 1)

    def inputs_of(images: int) -> dict[str, torch.Tensor]:
        inputs = batch(config, images, images * AN_IMAGE, logits)
        return inputs | {"image_indices": torch.arange(images, device=DEVICE).repeat_interleave(AN_IMAGE)}

    counted = unires(config).train()
    counted.set_attn_implementation("eager")  # whose products the counter sees
    with FlopCounterMode(display=False) as counter:
        counted(**inputs_of(1)).loss.backward()
    del counted
    step = learner(unires(config), bf16=True)
    peak = next((flops for name, flops in PEAK_FLOPS.items() if name in machine_name()), None)
    for images in IMAGES:
        inputs = inputs_of(images)
        (seconds,) = interleaved({"step": partial(step, inputs)}, RUNS, DEVICE).values()
        second = statistics.median(seconds)
        flops = images * counter.get_total_flops()
        yield {
            "row": f"training, {preset} at {config.vision_config.image_size} px, {images} images",
            "ms": 1000 * second,
            "images/s": images / second,
            "expressions/s": images * AN_IMAGE / second,
            "TFLOP/s": flops / second / 1e12,
            **({"% of the peak": 100 * flops / second / peak} if peak else {}),
            "MiB over the weights": peak_mib(partial(step, inputs)),
        }


@torch.inference_mode()
def graphed(preset: str, image_size: int | None) -> Iterator[Row]:
    """The expression side as one CUDA graph, beside the same without."""
    if DEVICE == "cpu":
        return
    subjects = Subjects(config_of(preset, image_size), DEVICE, torch.bfloat16)
    model = subjects.unires().model
    seen = model.get_image_features(subjects.pixel_values)
    for k in EXPRESSIONS:
        words = subjects.words(k)
        ask = partial(model, vision_embeds=seen, **words)
        side = torch.cuda.Stream()  # a capture wants warm kernels
        with torch.cuda.stream(side):
            ask()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            ask()
        seconds = interleaved({"plain": ask, "graph": graph.replay}, RUNS, DEVICE)
        yield compared(f"{preset}, {k} expressions of a known image, CUDA graph", seconds, "graph")


@torch.inference_mode()
def compiled(preset: str, image_size: int | None) -> Iterator[Row]:
    """The image's encoding by `torch.compile`, beside the same without."""
    subjects = Subjects(config_of(preset, image_size), DEVICE, torch.bfloat16)
    model = subjects.unires().model
    start = time.monotonic()
    encode = torch.compile(model.get_image_features)
    encode(subjects.pixel_values)
    waited = time.monotonic() - start
    tasks = {
        name: partial(run, subjects.pixel_values)
        for name, run in (("plain", model.get_image_features), ("compile", encode))
    }
    row = compared(f"{preset}, the image, torch.compile", interleaved(tasks, RUNS, DEVICE), "compile")
    yield row | {"s to compile": waited}


def compared(name: str, seconds: dict[str, list[float]], other: str) -> Row:
    median = {f"{task} ms": 1000 * statistics.median(values) for task, values in seconds.items()}
    return {"row": name, **median, "faster": ratio(seconds["plain"], seconds[other])}


def machine_name() -> str:
    return machine(argparse.Namespace(threads=torch.get_num_threads()), DEVICE)


def shown(name: str, value: str | float) -> str:
    return value if isinstance(value, str) else f"{name} {value:.4g}"


def measured(parts: list[partial]) -> Iterator[Row]:
    """The rows of all parts."""
    for part in parts:
        try:
            yield from part()
        except Exception as error:  # of drivers and compilers too: the other rows matter more
            said = (str(error).splitlines() or ["no words"])[0]
            yield {"row": f"{part.func.__name__} {part.args[0]}", "failed": f"{type(error).__name__}: {said}"}
        gc.collect()
        if DEVICE == "cuda":
            torch.cuda.empty_cache()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=75, help="after which the script ends")
    parser.add_argument("--presets", nargs="+", default=["large", "base", "small"])
    parser.add_argument("--image-size", type=int, help="side of the square input, instead of the preset's")
    parser.add_argument("--out", help="a file that gets one line of JSON a row, as soon as it is there")
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    torch.manual_seed(0)
    print(f"{machine_name()}, torch {torch.__version__}, {time.monotonic() - START:.0f} s to start\n", flush=True)
    size = arguments.image_size
    jobs = (asked, trained, graphed, compiled)
    parts = [partial(job, preset, size) for job in jobs for preset in arguments.presets]
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))  # also amid a compilation
    signal.setitimer(signal.ITIMER_REAL, max(1, arguments.seconds + START - time.monotonic()))
    for row in measured(parts):
        row["at s"] = time.monotonic() - START
        print(" | ".join(shown(*field) for field in row.items()), flush=True)
        if arguments.out:
            with Path(arguments.out).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
