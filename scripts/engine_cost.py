# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a million pictures cost in the engine: models of the published sizes with random weights, timed piece by piece.

    python scripts/engine_cost.py [--out FILE.json] [--pictures 1000000] [--expressions 32] [--objects 6] [--parts 7]

Seconds are those of one core (process time, float32), so that other programs do not count. Operations are counted
(PyTorch's FLOP counter). For GPUs there is arithmetic, no measurement, unless one is here: operations by
`--peak` times `--share`, both assumptions that are printed with the table.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    CLIPConfig,
    CLIPModel,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Sam2Config,
    Sam2Model,
    Sam3Config,
    Sam3Model,
    SwinConfig,
)

from unires_hf import UniResConfig, UniResModel

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--pictures", type=int, default=1_000_000)
parser.add_argument("--expressions", type=int, default=32, help="a picture")
parser.add_argument("--objects", type=int, default=6, help="a picture")
parser.add_argument("--parts", type=int, default=7, help="names asked of an object: the vocabulary has 7.1")
parser.add_argument("--kept", type=int, default=4, help="parts of an object that the verifiers see")
parser.add_argument("--peak", type=float, default=990.0, help="TFLOP/s of a GPU: H100, bfloat16, data sheet")
parser.add_argument("--share", type=float, default=0.3, help="of the peak that is reached: an assumption")
parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
parser.add_argument("--out", type=Path)
arguments = parser.parse_args()
torch.set_num_threads(1)
LARGE = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 144,
    "embed_dim_per_stage": [144, 288, 576, 1152],
    "blocks_per_stage": [2, 6, 36, 4],
    "num_attention_heads_per_stage": [2, 4, 8, 16],
    "window_size_per_stage": [8, 4, 16, 8],
    "global_attention_blocks": [23, 33, 43],
}


def words(count: int, length: int = 16, first: int = 1) -> dict[str, torch.Tensor]:
    return {"input_ids": torch.full((count, length), first), "attention_mask": torch.ones(count, length).long()}


@torch.inference_mode()
def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Core seconds and teraflops of a call."""
    with FlopCounterMode(display=False) as counter:
        started = time.process_time()
        run()
        seconds = time.process_time() - started
    return seconds, counter.get_total_flops() / 1e12


def sam2() -> dict[str, tuple[float, float]]:
    config = Sam2Config(vision_config={"backbone_config": LARGE, "backbone_channel_list": [1152, 576, 288, 144]})
    model = Sam2Model(config).eval()
    with torch.inference_mode():
        maps = model.get_image_embeddings(torch.rand(1, 3, 1024, 1024))
    boxes = torch.rand(1, arguments.objects, 4).sort().values * 1000
    return {
        "encode": timed(lambda: model.get_image_embeddings(torch.rand(1, 3, 1024, 1024))),
        "boxes": timed(lambda: model(image_embeddings=list(maps), input_boxes=boxes, multimask_output=False)),
    }


def sam3() -> dict[str, tuple[float, float]]:
    model = Sam3Model(Sam3Config()).eval()
    pixels = torch.rand(1, 3, 1008, 1008)
    with torch.inference_mode():
        seen = model.get_vision_features(pixels)
    return {
        "encode": timed(lambda: model.get_vision_features(pixels)),
        "phrase": timed(lambda: model(vision_embeds=seen, **words(1, 32))),
    }


def grounding_dino() -> dict[str, tuple[float, float]]:
    swin = SwinConfig(
        image_size=384,
        embed_dim=128,
        depths=[2, 2, 18, 2],
        num_heads=[4, 8, 16, 32],
        window_size=12,
        out_features=["stage2", "stage3", "stage4"],
    )
    model = GroundingDinoForObjectDetection(GroundingDinoConfig(backbone_config=swin)).eval()
    return {"40 names": timed(lambda: model(pixel_values=torch.rand(1, 3, 800, 1066), **words(1, 160, 1012)))}


def clip() -> dict[str, tuple[float, float]]:
    vision = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 336,
        "patch_size": 14,
    }
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config={"hidden_size": 768})).eval()
    return {"region": timed(lambda: model.get_image_features(pixel_values=torch.rand(1, 3, 336, 336)))}


def unires() -> dict[str, tuple[float, float]]:
    model = UniResModel(UniResConfig()).eval()
    side = model.config.vision_config.image_size
    with torch.inference_mode():
        seen = model.get_image_features(torch.rand(1, 3, side, side))
    said = words(arguments.expressions)
    said["input_ids"][:, -1] = model.config.text_config.eos_token_id
    pictures = torch.zeros(arguments.expressions, dtype=torch.long)
    return {
        "encode": timed(lambda: model.get_image_features(torch.rand(1, 3, side, side))),
        "expressions": timed(lambda: model(vision_embeds=seen, image_indices=pictures, **said)),
    }


pieces = {}
for make in (sam2, sam3, grounding_dino, clip, unires):
    pieces[make.__name__] = make()
    print(
        make.__name__,
        {name: f"{s:.2f} s, {t:.3f} TFLOP" for name, (s, t) in pieces[make.__name__].items()},
        flush=True,
    )

objects, parts = arguments.objects, arguments.parts
stages = {
    "objects: SAM 2.1 large, boxes given": [(1, "sam2", "encode"), (1, "sam2", "boxes")],
    "parts: SAM 3 on each object's crop": [(objects, "sam3", "encode"), (objects * parts, "sam3", "phrase")],
    "similarity: CLIP L/14 at 336": [(objects * arguments.kept, "clip", "region")],
    "agreement: SAM 3, mirrored and rescaled": [
        (2 * objects, "sam3", "encode"),
        (2 * objects * arguments.kept, "sam3", "phrase"),
    ],
    "listener: UniRES base": [(1, "unires", "encode"), (1, "unires", "expressions")],
}
stages["(instead of given boxes: Grounding DINO base, 40 names)"] = [(1, "grounding_dino", "40 names")]
cost = {
    stage: [sum(times * pieces[model][piece][it] for times, model, piece in work) for it in (0, 1)]
    for stage, work in stages.items()
}
whole = [sum(cost[stage][it] for stage in cost if not stage.startswith("(")) for it in (0, 1)]
print(f"\nA picture with {objects} objects, {parts} names asked of each, {arguments.expressions} expressions:\n")
print("| stage | core seconds | TFLOP | GPU seconds (arithmetic) |\n|---|---:|---:|---:|")
speed = arguments.peak * arguments.share
for stage, (seconds, operations) in {**cost, "all": whole}.items():
    print(f"| {stage} | {seconds:.1f} | {operations:.2f} | {operations / speed:.3f} |")
print(f"\n{arguments.pictures:,} pictures, at {arguments.peak:g} TFLOP/s x {arguments.share:g}:\n")
print("| GPUs | days | GPU hours |\n|---:|---:|---:|")
hours = arguments.pictures * whole[1] / speed / 3600
for gpus in arguments.gpus:
    print(f"| {gpus} | {hours / 24 / gpus:,.1f} | {hours:,.0f} |")
print(f"\nOn CPUs: {arguments.pictures * whole[0] / 3600 / 24 / 365:,.1f} years of one core.")
if arguments.out:
    arguments.out.write_text(json.dumps({"settings": vars(arguments) | {"out": None}, "pieces": pieces}, indent=1))
