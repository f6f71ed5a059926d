# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Speed and memory of UniRES beside its own CLIP encoders and beside CLIPSeg, at one input resolution.

    python scripts/benchmark.py [--preset base] [--runs 5] [--threads 2] [--expressions 1 4 16 64] \\
        [--before FOLDER] [--out FILE.json]

Weights are random, of the published sizes: speed does not depend on them. All subjects run in one process, in turn,
so that a slow moment of the machine hits them alike; each figure is the median of the runs, and each ratio the median
of the ratios run by run. CLIPSeg takes as many pictures as it has texts, so it encodes the picture for each of them.
`--before` names the `src` of an older checkout (`git worktree add FOLDER COMMIT`), whose model of the same preset is
measured beside.

    python scripts/benchmark.py --exports [--model drawings] [--data DATA ...] [--threads 2] [--out FILE.json]

A checkpoint in PyTorch at each precision, and as ONNX in float32 and int8: size, time and mIoU on labeled images, the
forms in turn on each image. Times are of the whole way from a picture and its expressions to masks.
"""

import argparse
import importlib
import json
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from datasets import concatenate_datasets
from transformers import CLIPModel, CLIPSegConfig, CLIPSegForImageSegmentation, PreTrainedConfig, PreTrainedModel

from unires_hf import UniResConfig, UniResModel

WORDS = 17  # tokens of a sentence (paper, supplementary A.3)


class Subjects:
    """The models, and what is timed of them; a picture, and as many expressions as asked."""

    def __init__(self, config: UniResConfig, device: str, dtype: torch.dtype):
        self.config, self.device, self.dtype = config, device, dtype
        self.side = config.vision_config.image_size
        self.pixel_values = torch.randn(1, 3, self.side, self.side, device=device, dtype=dtype)

    def make(self, model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
        with torch.device(self.device):  # random weights take a GPU no time
            return model_class(config).eval().to(self.dtype)

    def words(self, expressions: int) -> dict[str, torch.Tensor]:
        text = self.config.text_config
        input_ids = torch.randint(0, text.vocab_size - 2, (expressions, WORDS), device=self.device)
        input_ids[:, -1] = text.eos_token_id
        return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}

    def unires(self) -> Callable[[int], None]:
        """A new picture and all its expressions in one call."""
        model = self.make(UniResModel, self.config)

        def run(expressions: int) -> None:
            model(pixel_values=self.pixel_values, **self.words(expressions))

        run.model = model
        return run

    def before(self, source: str, preset: str) -> Callable[[int], None]:
        """The same of an older checkout's preset."""
        with older_package(source) as package:
            config = package.UniResConfig.from_preset(preset)
            model = self.make(package.UniResModel, config)

        def run(expressions: int) -> None:
            model(pixel_values=self.pixel_values, **self.words(expressions))

        return run

    def clip(self) -> Callable[[int], None]:
        """The bare encoders: the picture, and the expressions."""
        text, vision = self.config.text_config.to_dict(), self.config.vision_config.to_dict()
        config = CLIPModel.config_class(text_config=text, vision_config=vision)
        model = self.make(CLIPModel, config)

        def run(expressions: int) -> None:
            model.get_image_features(pixel_values=self.pixel_values)
            model.get_text_features(**self.words(expressions))

        return run

    def clipseg(self) -> Callable[[int], None]:
        """CLIPSeg (rd64), the picture once for each expression, as its processor prepares it."""
        vision = {"image_size": self.side, "patch_size": 16}
        model = self.make(CLIPSegForImageSegmentation, CLIPSegConfig(vision_config=vision))

        def run(expressions: int) -> None:
            words = self.words(expressions)
            model(pixel_values=self.pixel_values.expand(expressions, -1, -1, -1), **words)

        return run


@contextmanager
def older_package(source: str) -> Iterator[ModuleType]:
    """The package as it stands in another folder, in place of ours for as long."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "unires_hf"}
    sys.path.insert(0, source)
    try:
        yield importlib.import_module("unires_hf")
    finally:
        sys.path.remove(source)
        for name in list(sys.modules):
            if name.partition(".")[0] == "unires_hf":
                del sys.modules[name]
        sys.modules.update(ours)


def interleaved(tasks: dict[str, Callable[[], None]], runs: int, device: str) -> dict[str, list[float]]:
    """Seconds of each task in each run, after one run to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(runs + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if device == "cuda":
                torch.cuda.synchronize()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def peaks(name: str, subjects: Subjects, arguments: argparse.Namespace) -> Iterator[float]:
    """MiB at the peak of one subject, for each number of expressions: of a GPU, or of a process that runs it once."""
    if subjects.device == "cuda":
        run = getattr(subjects, name)()
        for expressions in arguments.expressions:
            torch.cuda.reset_peak_memory_stats()
            run(expressions)
            yield torch.cuda.max_memory_allocated() / 2**20
        return
    command = [sys.executable, __file__, "--preset", arguments.preset, "--dtype", arguments.dtype]
    command += ["--threads", str(arguments.threads), "--peak-of", name, "--expressions"]
    for expressions in arguments.expressions:
        done = subprocess.run([*command, str(expressions)], capture_output=True, text=True, check=True)
        yield float(done.stdout.splitlines()[-1])


def peak_resident() -> float:
    """MiB of this process at its peak; `getrusage` would count the parent's, which Linux hands down."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def exports(arguments: argparse.Namespace, device: str) -> None:
    """The job of `--exports`."""
    from unires_hf.loading import load_rows
    from unires_hf.publish.onnx_measure import markdown, measure_exports

    rows = concatenate_datasets([load_rows([data], arguments.max_images) for data in arguments.data])
    measured = measure_exports(arguments.model, rows, arguments.threads, device)
    print(f"{arguments.model}, {len(rows)} images, {machine(arguments, device)}\n")
    print(markdown(measured))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps([it._asdict() for it in measured], indent=2), encoding="utf-8")


def machine(arguments: argparse.Namespace, device: str) -> str:
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return f"{name}, {arguments.threads} threads"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="base")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--expressions", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--before", help="the `src` of an older checkout, to be measured beside")
    parser.add_argument("--out", help="a JSON file for the figures")
    parser.add_argument("--exports", action="store_true", help="measure the exported forms of a checkpoint instead")
    parser.add_argument("--model", default="drawings", help="with --exports: a folder or Hub repository")
    parser.add_argument(
        "--data",
        nargs="+",
        default=["partscenes,split=val,length=100"],
        help="with --exports: labeled images to score",
    )
    parser.add_argument("--max-images", type=int, help="with --exports: only the first N of each data set")
    parser.add_argument("--peak-of", choices=["unires", "clip", "clipseg"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if arguments.exports:
        exports(arguments, device)
    else:
        beside_peers(arguments, device)


def timed(subjects: Subjects, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each task in each run."""
    unires, clip, clipseg = subjects.unires(), subjects.clip(), subjects.clipseg()
    model = unires.model
    vision_embeds = model.get_image_features(subjects.pixel_values)
    tasks = {
        "vision": lambda: model.get_image_features(subjects.pixel_values),
        "clip 1": lambda: clip(1),
        "asked 1": lambda: model(vision_embeds=vision_embeds, **subjects.words(1)),
        "asked 17": lambda: model(vision_embeds=vision_embeds, **subjects.words(17)),
    }
    before = subjects.before(arguments.before, arguments.preset) if arguments.before else None
    for k in arguments.expressions:
        tasks[f"unires {k}"] = lambda k=k: unires(k)
        if before:
            tasks[f"before {k}"] = lambda k=k: before(k)
        tasks[f"clipseg {k}"] = lambda k=k: clipseg(k)
    return interleaved(tasks, arguments.runs, subjects.device)


@torch.inference_mode()
def beside_peers(arguments: argparse.Namespace, device: str) -> None:
    """The job without `--exports`."""
    subjects = Subjects(UniResConfig.from_preset(arguments.preset), device, getattr(torch, arguments.dtype))

    if arguments.peak_of:
        getattr(subjects, arguments.peak_of)()(arguments.expressions[0])
        print(peak_resident())
        return

    seconds = timed(subjects, arguments)
    median = {name: statistics.median(values) for name, values in seconds.items()}

    further = [(many - one) / 16 for many, one in zip(seconds["asked 17"], seconds["asked 1"], strict=True)]
    figures = {
        "machine": machine(arguments, device),
        "preset": arguments.preset,
        "dtype": arguments.dtype,
        "runs": arguments.runs,
        "further_expression_over_vision": ratio(further, seconds["vision"]),
        "seconds": median,
    }
    if 1 in arguments.expressions:
        figures["overhead_over_clip_1"] = ratio(seconds["unires 1"], seconds["clip 1"])
    for k in arguments.expressions:
        figures[f"masks_per_second_{k}"] = k / median[f"unires {k}"]
        figures[f"clipseg_masks_per_second_{k}"] = k / median[f"clipseg {k}"]
        if arguments.before:
            figures[f"faster_than_before_{k}"] = ratio(seconds[f"before {k}"], seconds[f"unires {k}"])
        figures[f"faster_than_clipseg_{k}"] = ratio(seconds[f"clipseg {k}"], seconds[f"unires {k}"])
    for prefix, name in (("", "unires"), ("clipseg_", "clipseg")):
        for k, peak in zip(arguments.expressions, peaks(name, subjects, arguments), strict=True):
            figures[f"{prefix}peak_mib_{k}"] = peak

    print(f"{arguments.preset} at {subjects.side} px, {arguments.dtype}, {figures['machine']}, {arguments.runs} runs")
    if 1 in arguments.expressions:
        print(f"one expression over the bare CLIP encoders: {figures['overhead_over_clip_1']:.2f}x")
    print(f"a further expression over the image's encoding: {100 * figures['further_expression_over_vision']:.1f} %")
    for k in arguments.expressions if arguments.before else ():
        print(f"{k} expressions: {figures[f'faster_than_before_{k}']:.2f} times as fast as before")
    print("\n| expressions | faster than CLIPSeg | masks/s | CLIPSeg masks/s | peak MiB | CLIPSeg peak MiB |")
    print("|---:|---:|---:|---:|---:|---:|")
    for k in arguments.expressions:
        print(
            f"| {k} | {figures[f'faster_than_clipseg_{k}']:.2f}x | {figures[f'masks_per_second_{k}']:.2f} | "
            f"{figures[f'clipseg_masks_per_second_{k}']:.2f} | {figures[f'peak_mib_{k}']:.0f} | "
            f"{figures[f'clipseg_peak_mib_{k}']:.0f} |"
        )
    if arguments.out:
        with open(arguments.out, "w") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
