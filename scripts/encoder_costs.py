# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What each family of encoders costs in UniRES: weights, tokens and operations, counted without any computing.

    python scripts/encoder_costs.py [--image-size 448] [--runs 3]

Sizes are those of the smallest published ViT-B, with the preset `base`'s decoders. Operations are multiply-adds of
matrices, convolutions and attention, for a picture and for a further expression. With `--runs`, both are also timed on
the CPU with random weights, the families in turn, as medians.
"""

import argparse
import json
import statistics
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from unires_hf import UniResConfig, UniResModel
from unires_hf.model.configuration_unires import PRESETS_FOLDER

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
CLIP_TEXT = {"model_type": "clip_text_model", "eos_token_id": 49407}
FAMILIES = {
    "CLIP ViT-B/16": ({"model_type": "clip_vision_model", **BASE, "patch_size": 16}, CLIP_TEXT),
    "MetaCLIP 2 ViT-B/16": (
        {"model_type": "metaclip_2_vision_model", **BASE, "patch_size": 16},
        {"model_type": "metaclip_2_text_model", "vocab_size": 901629, "eos_token_id": 2},
    ),
    "SigLIP 2 B/16": (
        {"model_type": "siglip_vision_model", **BASE, "patch_size": 16},
        {"model_type": "siglip_text_model", **BASE, "vocab_size": 256000, "max_position_embeddings": 64},
    ),
    "TIPSv2 B/14": ({"model_type": "tipsv2_vision_model", "patch_size": 14}, {"model_type": "tipsv2_text_model"}),
    "DINOv3 ViT-B/16, CLIP's text": (
        {"model_type": "dinov3_vit", **BASE, "patch_size": 16, "num_register_tokens": 4},
        CLIP_TEXT,
    ),
}


def make_model(family: str, image_size: int, device: str) -> UniResModel:
    """The preset `base` with a family's encoders and random weights."""
    vision, text = FAMILIES[family]
    fields = json.loads((PRESETS_FOLDER / "base.json").read_text())
    fields |= {"vision_config": {**vision, "image_size": image_size}, "text_config": text}
    config = UniResConfig(**fields, projection_dim=512) if "projection_dim" not in fields else UniResConfig(**fields)
    with torch.device(device):
        return UniResModel(config).eval()


def inputs_for(model: UniResModel) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """A picture, and one expression of 17 tokens, or of as many as the text encoder demands."""
    side, text, device = model.config.vision_config.image_size, model.config.text_config, model.device
    length = text.max_position_embeddings if model.text_model.full_length else 17
    ids = torch.ones(1, length, dtype=torch.long, device=device)
    return torch.zeros(1, 3, side, side, device=device), {"input_ids": ids}


@torch.no_grad()
def count(family: str, image_size: int) -> dict[str, float]:
    """Weights in millions, tokens a picture, and giga operations of a picture and of an expression."""
    model = make_model(family, image_size, "meta")
    pixel_values, words = inputs_for(model)
    with FlopCounterMode(display=False) as picture:
        seen = model.get_image_features(pixel_values)
    with FlopCounterMode(display=False) as expression:
        model(vision_embeds=seen, **words)
    learned = {
        part: sum(it.numel() for it in getattr(model, part).parameters()) for part in ("vision_model", "text_model")
    }
    whole = sum(it.numel() for it in model.parameters())
    return {
        "vision": learned["vision_model"] / 1e6,
        "text": learned["text_model"] / 1e6,
        "whole": whole / 1e6,
        "patches": seen.image_embeds.shape[1] * seen.image_embeds.shape[2],
        "picture": picture.get_total_flops() / 2e9,
        "expression": expression.get_total_flops() / 2e9,
    }


@torch.no_grad()
def measure(image_size: int, runs: int) -> dict[str, list[float]]:
    """Milliseconds of a picture and of an expression for each family, which take turns."""
    models = {family: make_model(family, image_size, "cpu") for family in FAMILIES}
    times = {family: ([], []) for family in FAMILIES}
    for _ in range(runs):
        for family, model in models.items():
            pixel_values, words = inputs_for(model)
            begin = time.perf_counter()
            seen = model.get_image_features(pixel_values)
            middle = time.perf_counter()
            model(vision_embeds=seen, **words)
            times[family][0].append(1000 * (middle - begin))
            times[family][1].append(1000 * (time.perf_counter() - middle))
    return {family: [statistics.median(part) for part in parts] for family, parts in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image-size", type=int, default=448)
    parser.add_argument("--runs", type=int, default=0, help="time on the CPU so often (default: count alone)")
    arguments = parser.parse_args()
    timed = measure(arguments.image_size, arguments.runs) if arguments.runs else {}
    heads = ["encoders", "million weights: vision", "text", "whole", "patches", "G operations: picture", "expression"]
    heads += ["ms: picture", "expression"] if timed else []
    print(f"| {' | '.join(heads)} |\n|---{'|---:' * (len(heads) - 1)}|")
    for family in FAMILIES:
        figures = [f"{figure:.1f}" for figure in count(family, arguments.image_size).values()]
        figures[3] = figures[3].removesuffix(".0")
        print(f"| {family} | {' | '.join([*figures, *(f'{one:.0f}' for one in timed.get(family, []))])} |")


if __name__ == "__main__":
    main()
