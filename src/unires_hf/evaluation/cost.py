# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a model costs: weights, time an expression, memory; each model in a process of its own."""

import re
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from PIL import Image

from unires_hf.loading import load_model

MANY = 16
"""Expressions about one image, for the second figure."""


def measure_cost(
    name: str, picture: Image.Image, texts: Sequence[str], device: str = "cpu", runs: int = 5
) -> dict[str, float | None]:
    """Measures a model in a fresh process, so that no other model's memory is counted.

    Args:
        name (`str`): as for [`load_model`].
        picture (`PIL.Image.Image`): what is asked about; its preparation is not timed.
        texts (`Sequence[str]`): one or more expressions about it, repeated until they are 16.
        device (`str`, *optional*, defaults to `"cpu"`): where.
        runs (`int`, *optional*, defaults to 5): medians are of so many.

    Returns:
        `dict`: `parameters`; `ms_1` and `ms_16`, milliseconds an expression from prepared inputs to masks at original
        size, with 1 and with 16 expressions about the image; `peak_mib`, weights and what a call with 16 expressions
        takes besides, `None` on a CPU where the system does not tell.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, name, picture, list(texts), device, runs, torch.get_num_threads()).result()


@torch.inference_mode()
def _measure(
    name: str, picture: Image.Image, texts: list[str], device: str, runs: int, threads: int
) -> dict[str, float | None]:
    torch.set_num_threads(threads)
    model, processor = load_model(name, device)
    texts = (texts * MANY)[:MANY]

    def prepare(count: int):
        inputs = processor(images=[picture], text=[texts[:count]], return_tensors="pt")
        sizes = inputs.pop("original_sizes")
        return inputs.to(model.device), sizes

    def answer(inputs, sizes) -> float:
        start = time.perf_counter()
        # The masks are on the CPU, so that nothing is still under way when they are there.
        processor.post_process_referring_segmentation(model(**inputs), target_sizes=sizes)
        return time.perf_counter() - start

    many, one = prepare(MANY), prepare(1)
    with PeakMemory(model) as peak:
        answer(*many)
    answer(*one)
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "ms_1": 1000 * statistics.median(answer(*one) for _ in range(runs)),
        "ms_16": 1000 * statistics.median(answer(*many) for _ in range(runs)) / MANY,
        "peak_mib": peak.mib,
    }


class PeakMemory:
    """`mib` afterwards: the weights, and the most that was in use at once besides them since the block began."""

    def __init__(self, model: torch.nn.Module):
        self.on_gpu = next(model.parameters()).device.type == "cuda"
        self.weights = sum(weight.nbytes for weight in model.parameters()) / 2**20
        self.told = Path("/proc/self/clear_refs").exists()
        self.mib: float | None = None

    def __enter__(self) -> "PeakMemory":
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        elif self.told:
            Path("/proc/self/clear_refs").write_text("5")  # Linux counts the peak from here
            self.before = _resident("VmRSS")
        return self

    def __exit__(self, *_) -> None:
        if self.on_gpu:
            self.mib = torch.cuda.max_memory_allocated() / 2**20
        elif self.told:
            self.mib = self.weights + _resident("VmHWM") - self.before


def _resident(name: str) -> float:
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
