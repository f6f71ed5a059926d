# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A checkpoint as a folder that runs without torch: two checked graphs, tokenizer, settings and the runtime."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from onnxruntime import InferenceSession
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from tokenizers import Tokenizer
from transformers import BatchFeature

from unires_hf.loading import load_config, load_model
from unires_hf.model.configuration_unires import UniResConfig
from unires_hf.model.modeling_unires import UniResModel
from unires_hf.model.processing_unires import CLIP_TEXT_LENGTH, UniResProcessor
from unires_hf.scenes import PartScenes

from .onnx_graphs import ANSWERED, ASKED, ExportableModel, write_graphs

GRAPHS = ("vision.onnx", "expressions.onnx")
TOLERANCE = 1e-4


class Exported(NamedTuple):
    """
    What [`export_onnx`] wrote, and how far its logits are from PyTorch's, as [`largest_difference`] counts.

    Args:
        folder (`Path`): the folder.
        difference (`float`): of the float32 graphs, `TOLERANCE` at most.
        int8_difference (`float`, *optional*): of the int8 graphs, if they took the place of those.
    """

    folder: Path
    difference: float
    int8_difference: float | None


def export_onnx(name: str, out: str | Path, int8: bool = False) -> Exported:
    """
    Writes a UniRES checkpoint as `vision.onnx` (a picture, once) and `expressions.onnx` (all that is asked of it).

    Beside them lie `tokenizer.json` (which cuts and pads by itself), `settings.json` (sizes, means, thresholds) and
    `segment.py`, a runtime that needs numpy, pillow, onnxruntime and tokenizers. Before the folder appears, both
    graphs are run on drawn scenes, with numbers of pictures, expressions and words that they were not made with, and
    compared with PyTorch.

    Args:
        name (`str`): `default`, a folder, one of a LoRA adapter too, or a repository of the Hub.
        out (`str` or `Path`): the folder to make; it must not exist, or be empty.
        int8 (`bool`, *optional*, defaults to `False`): linear layers and embeddings with 8-bit weights, activations
            quantized as they come, see [`quantize`].

    Raises:
        ValueError: if the model is no UniRES or not whole (see [`load_model`]), there is something in `out`, or the
            logits differ by more than `TOLERANCE`; nothing is then left behind.
    """
    out = Path(out)
    model_type = load_config(name).model_type
    if model_type != UniResConfig.model_type:
        raise ValueError(f"{name} is a model of type {model_type!r}: only {UniResConfig.model_type!r} is exported.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: name a new folder, nothing there will be overwritten.")
    reference, processor = load_model(name)
    model = ExportableModel(reference.float().config).eval()
    model.load_state_dict(reference.state_dict())

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        folder = Path(scratch) / out.name
        folder.mkdir()
        write_graphs(model, _scenes(processor, [2, 3]), folder)
        difference = largest_difference(reference, processor, folder)
        if not difference <= TOLERANCE:
            raise ValueError(
                f"the logits of the graphs of {name} differ from PyTorch's by {difference:.1e}, more than "
                f"{TOLERANCE:.0e}: nothing was written."
            )
        if int8:
            quantize(folder)
        int8_difference = largest_difference(reference, processor, folder) if int8 else None
        _write_tokenizer(processor, folder / "tokenizer.json")
        _write_settings(processor, folder / "settings.json")
        shutil.copyfile(Path(__file__).with_name("onnx_segment.py"), folder / "segment.py")
        folder.rename(out)
    return Exported(out, difference, int8_difference)


@torch.inference_mode()
def largest_difference(model: UniResModel, processor: UniResProcessor, folder: Path) -> float:
    """
    The largest difference of mask and presence logits between a model and the graphs in a folder.

    Differences of logits beyond 1 are divided by them: float32 holds 7 digits, and a trained model's logits go into
    the tens.
    """
    vision, expressions = (InferenceSession(folder / graph) for graph in GRAPHS)
    names = [output.name for output in vision.get_outputs()]
    differences = []
    for counts in ([1], [5], [1, 4, 2]):
        inputs = _scenes(processor, counts)
        embeds = dict(zip(names, vision.run(names, {"pixel_values": inputs["pixel_values"].numpy()}), strict=True))
        answered = expressions.run(ANSWERED, embeds | {name: inputs[name].numpy() for name in ASKED})
        outputs = model(**inputs)
        for name, answer in zip(ANSWERED, answered, strict=True):
            expected = outputs[name].numpy()
            differences.append((np.abs(answer - expected) / np.abs(expected).clip(1)).max())
    return float(np.max(differences))


def _scenes(processor: UniResProcessor, counts: list[int]) -> BatchFeature:
    """Drawn scenes, and so many expressions about each, as the model takes them."""
    rows = [PartScenes("val", length=len(counts))[index] for index in range(len(counts))]
    text = [[said["text"] for target in row["targets"] for said in target["expressions"]] for row in rows]
    asked = [(said * count)[:count] for said, count in zip(text, counts, strict=True)]
    inputs = processor(images=[row["image"] for row in rows], text=asked, return_tensors="pt")
    del inputs["original_sizes"]
    return inputs


def quantize(folder: Path) -> None:
    """
    Puts int8 graphs in the place of the float32 ones.

    Our choices: convolutions stay float32, because they weigh little and are several times slower with quantized
    activations; weights take 7 of the 8 bits, so that no product overflows on processors without VNNI.
    """
    for graph in GRAPHS:
        path = folder / graph
        quant_pre_process(path, path, skip_symbolic_shape=True)
        quantize_dynamic(
            path,
            path,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def _write_tokenizer(processor: UniResProcessor, path: Path) -> None:
    slow = processor.tokenizer
    tokenizer = Tokenizer.from_str(slow.backend_tokenizer.to_str())
    tokenizer.enable_truncation(min(slow.model_max_length, CLIP_TEXT_LENGTH))
    length = processor.text_length if processor.full_length else None
    tokenizer.enable_padding(pad_id=slow.pad_token_id, pad_token=slow.pad_token, length=length)
    tokenizer.save(str(path))


def _write_settings(processor: UniResProcessor, path: Path) -> None:
    images = processor.image_processor
    settings = {
        "size": [images.size["height"], images.size["width"]],
        "resize_mode": images.resize_mode,
        "resample": int(images.resample),
        "rescale_factor": images.rescale_factor,
        "image_mean": list(images.image_mean),
        "image_std": list(images.image_std),
        "mask_threshold": processor.mask_threshold,
        "presence_threshold": processor.presence_threshold,
        "score_temperature": processor.score_temperature,
        "score_bias": processor.score_bias,
    }
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
