# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a family's checkpoint, with its tokenizer and image processor, to a UniRES that trains and is published."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from tiny_encoders import FAMILIES, original
from tiny_unires import tiny_processor
from transformers import AutoProcessor

from unires_hf.publish.hub_folder import export_checkpoint
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model, set_text_length
from unires_hf.training.run import run

LETTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789", "▁"]
POSITIONS = 40
STAGE = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 40}
SMALL = {"stage1_config": STAGE, "stage2_config": STAGE, "num_low_level_group_tokens": 4, "group_split_layer": 2}
CLIP = [0.48145466, 0.4578275, 0.40821073]
PIXELS = {
    "clip": {"image_mean": CLIP, "image_std": [0.27, 0.26, 0.28]},
    "metaclip_2": {"image_mean": CLIP, "image_std": [0.27, 0.26, 0.28]},
    "siglip": {"image_mean": [0.5] * 3, "image_std": [0.5] * 3},
    "tipsv2": {"do_normalize": False},
    "dinov3": {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
}


def make_tokenizer(family: str) -> transformers.PreTrainedTokenizerBase:
    """The family's own class of tokenizer, which takes words apart into letters."""
    if family == "metaclip_2":
        special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
        return transformers.XLMRobertaTokenizer([*special, *((letter, -1.0) for letter in LETTERS), ("<mask>", 0.0)])
    special = {
        "siglip": ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"],
        "tipsv2": ["<pad>", "<unk>"],
    }
    if family in special:
        vocabulary = {token: index for index, token in enumerate([*special[family], *LETTERS])}
        tokenizer_class = getattr(transformers, "Siglip2Tokenizer" if family == "siglip" else "Tipsv2Tokenizer")
        return tokenizer_class(vocab=vocabulary, merges=[])
    return tiny_processor().tokenizer


def checkpoints(family: str, folder: Path) -> list[str]:
    """What a user would name: one checkpoint, or DINOv3's and a CLIP's."""
    names = [family, *(["clip"] if family == "dinov3" else [])]
    for name in names:
        words = {"max_position_embeddings": POSITIONS}
        if name != "dinov3":
            tokenizer = make_tokenizer(name)
            tokenizer.save_pretrained(folder / name)
            ids = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
            words |= ids | {"vocab_size": len(tokenizer)}
        original(name, words, {"image_size": 32, "patch_size": 16}).save_pretrained(folder / name)
        (folder / name / "preprocessor_config.json").write_text(json.dumps(PIXELS[name]))
    return [str(folder / name) for name in names]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_processor_prepares_what_the_encoders_were_trained_on(family, tmp_path):
    arguments = ModelArguments(
        encoders=checkpoints(family, tmp_path), image_size=64, config_overrides=json.dumps(SMALL)
    )
    model, processor = build_model(arguments, [])
    assert processor.image_processor.size == {"height": 64, "width": 64}
    pixels = PIXELS[family]
    assert list(processor.image_processor.image_mean) == pixels.get("image_mean", [0, 0, 0])
    assert list(processor.image_processor.image_std) == pixels.get("image_std", [1, 1, 1])

    processor.save_pretrained(tmp_path / "processor")
    again = AutoProcessor.from_pretrained(tmp_path / "processor")
    batch = again(text=["the dog", "a"], return_tensors="pt")
    length, shown = batch["input_ids"].shape[1], batch["attention_mask"].sum(1).tolist()
    assert shown[0] > shown[1] > 0, "the words have a mask, whatever the text encoder makes of it"
    assert batch["attention_mask"][1, 0] == 1, "padding is on the right"
    long = again(text=["a very long sentence about the dog on the left of the mat"], return_tensors="pt")
    if family == "siglip":
        assert length == long["input_ids"].shape[1] == POSITIONS
        with pytest.raises(ValueError, match=f"--max_text_length is 17.*exactly {POSITIONS} tokens"):
            set_text_length(model, processor, 17)
        with pytest.raises(ValueError, match=f"`max_length` is 17.*exactly {POSITIONS} tokens"):
            again(text=["a"], max_length=17)
    else:
        assert length == max(shown) < long["input_ids"].shape[1] == 17
        set_text_length(model, again, 22)
        assert again(text=["the dog " * 9], return_tensors="pt")["input_ids"].shape[1] == 22


WITHOUT_PACKAGE = """
import sys
sys.modules["unires_hf"] = None  # import unires_hf fails, as where it is not installed
import torch
from transformers import AutoModel, AutoProcessor

folder, out, text = sys.argv[1], sys.argv[2], sys.argv[3:]
processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True)
inputs = processor(text=text, return_tensors="pt")
inputs["pixel_values"] = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
with torch.no_grad():
    torch.save(AutoModel.from_pretrained(folder, trust_remote_code=True)(**inputs).logits, out)
"""


@pytest.mark.parametrize(
    "family", ["siglip", *(pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES if name != "siglip")]
)
def test_it_trains_resumes_and_loads_with_its_own_code(family, arguments, squares, tmp_path):
    names = checkpoints(family, tmp_path)
    fields = {"preset": None, "config_overrides": json.dumps(SMALL), "image_size": 64, "encoders": names}
    fields |= {"save_strategy": "steps", "save_steps": 1, "eval_data": [squares], "eval_strategy": "no"}
    first = run(*arguments("run", **fields, max_steps=1))
    assert first.results.summary["n_expressions"] == 45
    trainer = run(*arguments("run", **fields, max_steps=2, resume_from_checkpoint="last"))
    assert trainer.state.global_step == 2

    exported = export_checkpoint(tmp_path / "run", tmp_path / "exported")
    text = ["the square", "its corner"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules")}
    command = [sys.executable, "-c", WITHOUT_PACKAGE, str(exported), str(tmp_path / "logits.pt"), *text]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    inputs = trainer.processing_class(text=text, return_tensors="pt")
    inputs["pixel_values"] = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
    with torch.no_grad():
        expected = trainer.model.eval()(**inputs).logits
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt"), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_exported_to_onnx(family, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    from unires_hf.publish.onnx_folder import TOLERANCE, export_onnx

    arguments = ModelArguments(
        encoders=checkpoints(family, tmp_path), image_size=64, config_overrides=json.dumps(SMALL)
    )
    for part in build_model(arguments, []):
        part.save_pretrained(tmp_path / "model")
    assert export_onnx(str(tmp_path / "model"), tmp_path / "onnx").difference <= TOLERANCE
