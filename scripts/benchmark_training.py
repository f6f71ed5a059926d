# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Speed and memory of training and of evaluation: UniRES with K expressions an image, and CLIPSeg.

    python scripts/benchmark_training.py [--preset base] [--image-size 224] [--expressions 16] [--runs 5] [--bf16] \\
        [--before FOLDER] [--out FILE.json]

Every training step learns from the same number of expressions, about `expressions / K` images; CLIPSeg takes as many
pictures as it has texts. CLIPSeg's encoders have the preset's sizes. It is measured with encoders that learn, as
UniRES's do, and, beside a UniRES with frozen encoders, as transformers trains it: the decoder alone. Weights are
random: speed does not depend on them. All subjects run in one process, in turn, so that a slow moment of the machine
hits them alike; each figure is the median of the runs, each ratio the median of the ratios run by run. Pictures of the
data and evaluation parts are scenes of 480 x 480 pixels, stored as Parquet.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import torch
from benchmark import WORDS, interleaved, machine, older_package, ratio
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from unires_hf import UniResConfig, UniResModel, UniResProcessor
from unires_hf.data.collator import ReferringCollator
from unires_hf.data.groups import ExpressionGroups, narrow, sayings_of
from unires_hf.evaluation import evaluate_model, overlap
from unires_hf.scenes import PartScenes
from unires_hf.training.build import fit_tokenizer, make_processor

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHARED = (1, 4, 8, 16)  # expressions an image
PRECISIONS = {"fp32": (False, False), "fp32, checkpointing": (False, True), "bf16": (True, False)} | {
    "bf16, checkpointing": (True, True)
}


def config_of(preset: str, image_size: int | None) -> UniResConfig:
    config = UniResConfig.from_preset(preset)
    config.vision_config.image_size = image_size or config.vision_config.image_size
    return config


def make(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    with torch.device(DEVICE):  # random weights take a GPU no time
        model = model_class(config)
    if DEVICE == "cpu":
        model.set_attn_implementation("eager")  # the faster one to train with
    return model


def unires(config: UniResConfig, checkpointing: bool = False) -> UniResModel:
    model = make(UniResModel, deepcopy(config))
    if checkpointing:
        model.gradient_checkpointing_enable()
    return model


def clipseg(config: UniResConfig) -> CLIPSegForImageSegmentation:
    """CLIPSeg's decoder (rd64) on encoders of the same sizes."""
    depth = config.vision_config.num_hidden_layers
    clipseg_config = CLIPSegConfig(
        text_config=config.text_config.to_dict(),
        vision_config=config.vision_config.to_dict(),
        projection_dim=config.projection_dim,
        extract_layers=[depth // 4, depth // 2, 3 * depth // 4],
    )
    return make(CLIPSegForImageSegmentation, clipseg_config)


class WholeCLIPSeg(torch.nn.Module):
    """CLIPSeg with encoders that learn; in transformers, as with its authors, only the decoder does."""

    def __init__(self, model: CLIPSegForImageSegmentation):
        super().__init__()
        self.model = model

    def forward(self, pixel_values, input_ids, attention_mask, labels) -> SimpleNamespace:
        clip = self.model.clip
        hidden_states = clip.vision_model(pixel_values, output_hidden_states=True).hidden_states
        activations = [hidden_states[layer + 1] for layer in self.model.extract_layers]
        sentences = clip.get_text_features(input_ids, attention_mask).pooler_output
        logits = self.model.decoder(activations, sentences).logits
        return SimpleNamespace(loss=torch.nn.functional.binary_cross_entropy_with_logits(logits, labels))


def batch(config: UniResConfig, images: int, expressions: int, label_side: int) -> dict[str, torch.Tensor]:
    side, text = config.vision_config.image_size, config.text_config
    input_ids = torch.randint(0, text.vocab_size - 2, (expressions, WORDS), device=DEVICE)
    input_ids[:, -1] = text.eos_token_id
    return {
        "pixel_values": torch.randn(images, 3, side, side, device=DEVICE),
        "input_ids": input_ids,
        "attention_mask": torch.ones_like(input_ids),
        "labels": (torch.rand(expressions, label_side, label_side, device=DEVICE) > 0.9).float(),
    }


def learner(model: torch.nn.Module, bf16: bool) -> Callable[[dict[str, torch.Tensor]], None]:
    """One optimizer step."""
    model.train()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=True)

    def step(inputs: dict[str, torch.Tensor]) -> None:
        with torch.autocast(DEVICE, torch.bfloat16, enabled=bf16):
            loss = model(**inputs).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def before(source: str, preset: str, side: int) -> UniResModel:
    """The model of a preset as an older checkout has it, whose `src` is named."""
    with older_package(source) as package:
        config = package.UniResConfig.from_preset(preset)
        config.vision_config.image_size = side
        return make(package.UniResModel, config)


def training_tasks(config: UniResConfig, arguments: argparse.Namespace) -> dict[str, Callable[[], None]]:
    expressions, bf16 = arguments.expressions, arguments.bf16
    side = config.vision_config.image_size
    logits = side // config.vision_config.patch_size * 2 ** (len(config.mask_head_channels) - 1)
    step = learner(unires(config), bf16)
    tasks = {}
    for k in SHARED:
        images = max(1, expressions // k)
        inputs = batch(config, images, images * k, logits)
        inputs["image_indices"] = torch.arange(images, device=DEVICE).repeat_interleave(k)
        tasks[f"unires {k}"] = lambda inputs=inputs: step(inputs)
    frozen = unires(config)
    frozen.text_model.requires_grad_(False)
    frozen.vision_model.requires_grad_(False)
    decoders = learner(frozen, bf16)
    images = max(1, expressions // 8)
    eights = batch(config, images, images * 8, logits)
    eights["image_indices"] = torch.arange(images, device=DEVICE).repeat_interleave(8)
    tasks["unires 8, encoders frozen"] = lambda: decoders(eights)
    if arguments.before:
        older = learner(before(arguments.before, arguments.preset, side), bf16)
        tasks["before 8"] = lambda: older(eights)
    pairs = batch(config, expressions, expressions, side)
    whole, decoder = learner(WholeCLIPSeg(clipseg(config)), bf16), learner(clipseg(config), bf16)
    tasks["clipseg"] = lambda: whole(pairs)
    tasks["clipseg, encoders frozen"] = lambda: decoder(pairs)
    return tasks


def peak_of(config: UniResConfig, expressions: int, precision: str) -> float:
    """MiB that two training steps with 8 expressions an image take beyond the idle process and its weights."""
    bf16, checkpointing = PRECISIONS[precision]
    step = learner(unires(config, checkpointing), bf16)
    images = max(1, expressions // 8)
    inputs = batch(config, images, images * 8, config.vision_config.image_size // 4)
    inputs["image_indices"] = torch.arange(images, device=DEVICE).repeat_interleave(8)
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() / 2**20
    else:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before = _resident("VmRSS")
    for _ in range(2):
        step(inputs)
    return (torch.cuda.max_memory_allocated() / 2**20 if DEVICE == "cuda" else _resident("VmHWM")) - before


def peaks(config: UniResConfig, arguments: argparse.Namespace) -> dict[str, float]:
    """[`peak_of`] each precision: on a GPU here, else in a process of its own."""
    if DEVICE == "cuda":
        return {name: peak_of(config, arguments.expressions, name) for name in PRECISIONS}
    side, threads = config.vision_config.image_size, arguments.threads
    command = [sys.executable, __file__, "--preset", arguments.preset, "--image-size", str(side)]
    command += ["--expressions", str(arguments.expressions), "--threads", str(threads), "--peak-of"]
    done = {name: subprocess.run([*command, name], capture_output=True, text=True, check=True) for name in PRECISIONS}
    return {name: float(process.stdout.split()[-1]) for name, process in done.items()}


def _resident(name: str) -> float:
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def stored_scenes(folder: Path, count: int) -> Dataset:
    return Dataset.from_parquet(
        str(PartScenes("train", count, size=480).to_parquet(folder / "scenes.parquet")), cache_dir=str(folder)
    )


def prepared(config: UniResConfig, rows: Dataset) -> tuple[UniResModel, UniResProcessor]:
    config = deepcopy(config)
    said = rows.select_columns("targets")["targets"]
    texts = [it["text"] for targets in said for target in targets for it in target["expressions"]]
    tokenizer = fit_tokenizer(config, texts)
    return UniResModel(config).to(DEVICE), make_processor(config, tokenizer)


def data_figures(config: UniResConfig, rows: Dataset, expressions: int, bf16: bool) -> dict[str, float]:
    """What a worker prepares, and how much of the time of training steps passes waiting for one."""
    model, processor = prepared(config, rows)
    if DEVICE == "cpu":
        model.set_attn_implementation("eager")
    step = learner(model, bf16)
    groups = ExpressionGroups(rows, 8)
    images = max(1, expressions // 8)
    collate = ReferringCollator(processor)
    start, count = time.perf_counter(), 0
    for index in range(0, len(groups) - images, images):
        count += len(collate([groups[place] for place in range(index, index + images)])["input_ids"])
    alone = count / (time.perf_counter() - start)

    waited = total = 0.0
    loader = iter(DataLoader(groups, images, collate_fn=collate, num_workers=1, drop_last=True))
    step(next(loader).to(DEVICE))  # the worker starts, and the model warms up
    start = last = time.perf_counter()
    for inputs in loader:
        waited += time.perf_counter() - last
        step(inputs.to(DEVICE))
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        last = time.perf_counter()
    total = last - start
    return {"expressions_per_second_of_a_worker": alone, "waiting_for_one_worker": waited / total}


def evaluation_figures(config: UniResConfig, rows: Dataset, runs: int) -> dict[str, float]:
    """All expressions of an image at once, and one at a time with the picture encoded for each, same model."""
    model, processor = prepared(config, rows)
    rows = [rows[index] for index in range(4)]
    single = [narrow(row, [saying]) for row in rows for saying in sayings_of(row["targets"])]
    plain = {"controls": (), "bootstrap": 0}
    seconds = interleaved(
        {
            "at once": lambda: evaluate_model(model, processor, rows, batch_size=2, **plain),
            "one by one": lambda: evaluate_model(model, processor, single, batch_size=1, **plain),
        },
        runs,
        DEVICE,
    )
    return {
        "evaluated_per_second": len(single) / statistics.median(seconds["at once"]),
        "evaluated_per_second_one_by_one": len(single) / statistics.median(seconds["one by one"]),
        "evaluation_faster_than_one_by_one": ratio(seconds["one by one"], seconds["at once"]),
        "milliseconds_to_post_process_and_score": 1000 * _scoring(model, processor, runs),
    }


@torch.inference_mode()
def _scoring(model: UniResModel, processor: UniResProcessor, runs: int) -> float:
    """Seconds to make a mask of 640 x 480 of a logit map, and to score it."""
    outputs = model(**batch(model.config, 1, 16, 8))
    blobs = torch.nn.functional.interpolate(torch.randn(16, 1, 6, 6), outputs.logits.shape[-2:], mode="bicubic")
    outputs.logits, outputs.presence_logits = 3 * blobs[:, 0], torch.full((16,), 9.0)
    truth = torch.zeros(480, 640, dtype=torch.bool)
    truth[100:300, 200:500] = True

    def score() -> None:
        (results,) = processor.post_process_referring_segmentation(outputs, [(480, 640)])
        for result in results:
            overlap(result["mask"].numpy(), truth.numpy())

    return statistics.median(interleaved({"score": score}, max(runs, 5), "cpu")["score"]) / len(blobs)


def report(figures: dict) -> Iterator[str]:
    yield f"{figures['preset']} at {figures['side']} px, {figures['precision']}, {figures['machine']}"
    yield f"{figures['expressions']} expressions a step, {figures['runs']} runs\n"
    for k in SHARED[1:]:
        yield f"training, {k} expressions an image over 1: {figures[f'faster_than_1_{k}']:.2f}x"
    if "faster_than_before" in figures:
        yield f"training, 8 expressions an image over the older checkout: {figures['faster_than_before']:.2f}x"
    yield f"training, 8 expressions an image over CLIPSeg: {figures['faster_than_clipseg']:.2f}x"
    frozen = figures["faster_than_clipseg_frozen"]
    yield f"training, 8 expressions an image over CLIPSeg, the encoders of both frozen: {frozen:.2f}x"
    yield f"evaluation, all at once over one by one: {figures['evaluation_faster_than_one_by_one']:.2f}x"
    yield f"waiting for data with one worker: {100 * figures['waiting_for_one_worker']:.1f} % of the time"
    prepares = figures["expressions_per_second_of_a_worker"]
    yield f"a worker prepares {prepares:.0f} expressions/s (480 x 480 pixels, 8 expressions an image)"
    score = figures["milliseconds_to_post_process_and_score"]
    yield f"post-processing and scoring at 640 x 480: {score:.2f} ms an expression"
    evaluated = figures["evaluated_per_second"], figures["evaluated_per_second_one_by_one"]
    yield "evaluation: {:.1f} expressions/s at once, {:.1f} one by one\n".format(*evaluated)
    yield "| training | expressions/s |\n|---|---:|"
    for name, value in figures["expressions_per_second"].items():
        yield f"| {name} | {value:.1f} |"
    yield "\n| a step with 8 expressions an image | peak MiB over the weights |\n|---|---:|"
    for name, value in figures["peak_mib"].items():
        yield f"| {name} | {value:.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--image-size", type=int, help="side of the square input, instead of the preset's")
    parser.add_argument("--expressions", type=int, default=16, help="of a training step")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="autocast in the timed steps")
    parser.add_argument("--scenes", type=int, default=24, help="images of the data and evaluation parts")
    parser.add_argument("--before", help="the `src` of an older checkout, to be measured beside")
    parser.add_argument("--out", help="a JSON file for the figures")
    parser.add_argument("--peak-of", choices=PRECISIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.set_verbosity_error()
    torch.manual_seed(0)
    config, expressions = config_of(arguments.preset, arguments.image_size), arguments.expressions
    if arguments.peak_of:
        print(peak_of(config, expressions, arguments.peak_of))
        return

    seconds = interleaved(training_tasks(config, arguments), arguments.runs, DEVICE)
    counts = {name: expressions for name in seconds} | {f"unires {k}": max(k, expressions // k * k) for k in SHARED}
    counts |= {name: counts["unires 8"] for name in ("unires 8, encoders frozen", "before 8")}
    each = {name: [value / counts[name] for value in values] for name, values in seconds.items()}
    figures = {
        "preset": arguments.preset,
        "side": config.vision_config.image_size,
        "precision": "bf16" if arguments.bf16 else "fp32",
        "machine": machine(arguments, DEVICE),
        "expressions": expressions,
        "runs": arguments.runs,
        "expressions_per_second": {name: 1 / statistics.median(values) for name, values in each.items()},
    }
    figures |= {f"faster_than_1_{k}": ratio(each["unires 1"], each[f"unires {k}"]) for k in SHARED[1:]}
    if arguments.before:
        figures["faster_than_before"] = ratio(each["before 8"], each["unires 8"])
    figures["faster_than_clipseg"] = ratio(each["clipseg"], each["unires 8"])
    figures["faster_than_clipseg_frozen"] = ratio(each["clipseg, encoders frozen"], each["unires 8, encoders frozen"])
    with tempfile.TemporaryDirectory() as folder:
        rows = stored_scenes(Path(folder), arguments.scenes)
        figures |= data_figures(config, rows, expressions, arguments.bf16)
        figures |= evaluation_figures(config, rows, min(arguments.runs, 3))
    figures["peak_mib"] = peaks(config, arguments)
    print("\n".join(report(figures)))
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
