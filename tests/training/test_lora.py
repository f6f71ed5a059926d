# Copyright 2026 The unires-hf authors. Apache-2.0.
"""LoRA: what learns, what is saved, what is read again, and that merging changes nothing."""

import json
import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file
from tiny_unires import PYRAMID, tiny_config, tiny_inputs
from transformers import AutoModel, pipeline

from unires_hf import UniResModel
from unires_hf.cli import main
from unires_hf.inference.segmenter import Segmenter
from unires_hf.loading import load_config, load_model
from unires_hf.publish.hub_folder import export_checkpoint
from unires_hf.training.lora import add_lora
from unires_hf.training.resuming import last_checkpoint
from unires_hf.training.run import run

peft = pytest.importorskip("peft", reason="PEFT is not installed: pip install 'unires-hf[lora]'")

RUN = {"lora": 3, "max_steps": 4}
EFFICIENTNET = {
    "backbone_config": {
        "model_type": "efficientnet_lite",
        "width_coefficient": 0.2,
        "depth_coefficient": 0.2,
        "out_features": ["stage2", "stage3", "head"],
    },
    "beyond_paper": ["similarity", "class_similarity", "decoder_positions", "token_embeds"],
}
FAMILIES = {"plain": {}, "pyramid": PYRAMID, "efficientnet": EFFICIENTNET}


def close(one, other) -> None:
    torch.testing.assert_close(one.logits, other.logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one.presence_logits, other.presence_logits, rtol=1e-5, atol=1e-5)


def answers(model, **fields):
    with torch.no_grad():
        return model.eval()(**tiny_inputs(images=2, expressions=5, **fields))


def of_squares(model, processor, rows):
    """What a model says of the squares that it learned from."""
    inputs = processor(
        images=[row["image"] for row in rows], text=[["object", "the corner"]] * len(rows), return_tensors="pt"
    )
    inputs = {name: inputs[name] for name in ("pixel_values", "input_ids", "attention_mask", "image_indices")}
    with torch.no_grad():
        return model.eval()(**inputs)


@pytest.fixture
def learned(arguments, tmp_path):
    """A finished run of a few steps from random weights, and its folder."""
    return run(*arguments("run", **RUN)), tmp_path / "run"


@pytest.mark.parametrize("fields", FAMILIES.values(), ids=FAMILIES)
def test_only_low_ranks_and_what_is_no_encoder_learn(fields):
    torch.manual_seed(0)
    model = UniResModel(tiny_config(**fields))
    before = answers(model)
    names = {name for name, _ in model.named_parameters()}
    add_lora(model, 2, "somewhere")
    close(answers(model), before)

    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    encoders = ("vision_model.", "text_model.", *(["backbone."] if fields is EFFICIENTNET else []))
    low = {name for name in learning if name.startswith(encoders)}
    assert low and all(".lora_A.default." in name or ".lora_B.default." in name for name in low)
    for encoder in encoders:
        assert any(name.startswith(encoder) for name in low), encoder
    whole = {name.replace("modules_to_save.default.", "") for name in learning - low}
    assert whole == {name for name in names if not name.startswith(encoders) and "group_tokens" not in name}

    model.train()(**tiny_inputs(), labels=torch.rand(2, 16, 16).round()).loss.backward()
    got = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert got <= learning and not learning - got, "all that learns takes part in every step"


@pytest.mark.parametrize("fields", FAMILIES.values(), ids=FAMILIES)
def test_saved_in_pefts_layout_and_merged_to_the_same(fields, tmp_path):
    torch.manual_seed(0)
    model = UniResModel(tiny_config(**fields))
    model.save_pretrained(tmp_path / "base")
    add_lora(model, 2, str(tmp_path / "base"))
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)
    model.save_pretrained(tmp_path / "adapter")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    expected = answers(model)
    close(answers(AutoModel.from_pretrained(tmp_path / "adapter")), expected)  # transformers knows the layout
    base = UniResModel.from_pretrained(tmp_path / "base")
    wrapped = peft.PeftModel.from_pretrained(base, tmp_path / "adapter")
    close(answers(wrapped), expected)
    merged = wrapped.merge_and_unload()
    assert type(merged) is UniResModel
    assert set(merged.state_dict()) == set(UniResModel.from_pretrained(tmp_path / "base").state_dict())
    close(answers(merged), expected)


def test_a_run_leaves_an_adapter_that_everything_opens(learned, rows, tmp_path):
    trainer, folder = learned
    rows = rows.select(range(3))
    base = load_file(folder / "base" / "model.safetensors")
    own = trainer.model.state_dict()
    for name in ("text_model.encoder.layers.0.mlp.fc1", "vision_model.encoder.layers.1.self_attn.q_proj"):
        torch.testing.assert_close(own[f"{name}.base_layer.weight"], base[f"{name}.weight"], rtol=0, atol=0)
        assert own[f"{name}.lora_B.default.weight"].any()
    assert not torch.equal(own["mask_head.kernel.modules_to_save.default.weight"], base["mask_head.kernel.weight"])

    expected = of_squares(trainer.model, trainer.processing_class, rows)
    model, processor = load_model(str(folder))
    assert type(model) is UniResModel and load_config(str(folder)).model_type == "unires"
    close(of_squares(model, processor, rows), expected)
    before = of_squares(*load_model(str(folder / "base")), rows)
    assert (before.logits - expected.logits).abs().max() > 1e-2

    masks = pipeline("referring-segmentation", model=str(folder))(rows[0]["image"], text="object", mask_threshold=0.1)
    segmenter = Segmenter.from_pretrained(str(folder), "cpu")
    said = segmenter.ask(segmenter.encode([rows[0]["image"]]), [["object"]])
    assert masks[0]["score"] == pytest.approx(segmenter.masks(said, mask_threshold=0.1)[0][0]["score"], abs=1e-5)

    sent = export_checkpoint(folder, tmp_path / "sent")
    assert not (sent / "adapter_config.json").exists()
    close(of_squares(*load_model(str(sent)), rows), expected)


def test_every_command_takes_an_adapter(learned, squares, rows, tmp_path, capsys):
    folder, picture = str(learned[1]), str(tmp_path / "square.png")
    rows[0]["image"].save(picture)
    shown = json.dumps({"file_name": "square.png", "text": ["object", "the corner"]})
    (tmp_path / "said.jsonl").write_text(shown)
    out = {name: str(tmp_path / name) for name in ("one", "many")}
    for words in (
        ["segment", picture, "object", "--model", folder, "--out", out["one"]],
        ["segment", "--images", str(tmp_path), "--expressions", str(tmp_path / "said.jsonl"), "--num-proc", "1"]
        + ["--model", folder, "--out", out["many"]],
        ["evaluate", folder, squares, "--split", "train", "--device", "cpu", "--calibrate"]
        + ["--controls", "--out", str(tmp_path / "scores.json")],
        ["push", folder, "me/squares", "--dry-run"],
    ):
        assert main(words) == 0, (words[0], capsys.readouterr().err)
    sent = capsys.readouterr().out
    assert "  model.safetensors" in sent and "adapter_model" not in sent
    assert (tmp_path / "one" / "mask-1.png").is_file() and (tmp_path / "scores.json").is_file()
    assert len(json.loads((tmp_path / "many" / "masks.jsonl").read_text())["results"]) == 2
    assert load_model(folder)[1].score_temperature != 1.0  # evaluate --calibrate saved it with the adapter
    assert main(["app", "--model", folder, "--write-space", str(tmp_path / "space")]) == 2
    assert "send it with `unires push`, then name its repository" in capsys.readouterr().err


def test_the_page_and_the_graphs_take_an_adapter(learned, tmp_path, monkeypatch):
    gradio = pytest.importorskip("gradio", reason="gradio is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = str(learned[1])
    opened = []
    monkeypatch.setattr(gradio.Blocks, "launch", lambda page, **options: opened.append(page) or (None, "here", None))
    assert main(["app", "--model", folder]) == 0 and len(opened) == 1
    assert main(["export", folder, "--out", str(tmp_path / "graphs")]) == 0
    assert onnxruntime.InferenceSession(tmp_path / "graphs" / "vision.onnx").get_inputs()[0].name == "pixel_values"


def test_an_adapter_that_was_moved_takes_its_model_along(learned, rows, tmp_path):
    trainer, folder = learned
    folder.rename(tmp_path / "elsewhere")
    expected = of_squares(trainer.model, trainer.processing_class, rows.select([0]))
    close(of_squares(*load_model(str(tmp_path / "elsewhere")), rows.select([0])), expected)


def test_a_folder_that_stands_is_named_and_not_copied(learned, arguments, tmp_path):
    """From a checkpoint as it is; and on from an adapter, which is merged first."""
    _, folder = learned
    start = {"preset": None, "config_overrides": "{}"}
    run(*arguments("second", **RUN, **start, model_name_or_path=str(folder / "base")))
    settings = json.loads((tmp_path / "second" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(folder / "base")
    assert not (tmp_path / "second" / "base").exists()
    run(*arguments("third", **RUN, **start, model_name_or_path=str(folder)))
    weights = load_file(tmp_path / "third" / "base" / "model.safetensors")
    expected = load_model(str(folder))[0].state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in weights.items())


def test_a_resumed_run_ends_as_one_without_interruption(arguments, tmp_path):
    fields = {"lora": 3, "save_strategy": "steps", "save_steps": 2, "average_weights": 0.9}
    run(*arguments("whole", max_steps=6, **fields))
    expected = load_file(tmp_path / "whole" / "adapter_model.safetensors")
    shutil.rmtree(tmp_path / "whole" / "checkpoint-6")  # as if it had been killed before
    (tmp_path / "whole" / "adapter_model.safetensors").unlink()
    assert last_checkpoint(tmp_path / "whole").endswith("checkpoint-4")
    run(*arguments("whole", max_steps=6, resume_from_checkpoint="last", **fields))
    resumed = load_file(tmp_path / "whole" / "adapter_model.safetensors")
    for name, weight in expected.items():
        torch.testing.assert_close(resumed[name], weight, rtol=1e-5, atol=1e-6, msg=name)


def test_another_rank_does_not_go_on(arguments):
    fields = {"save_strategy": "steps", "save_steps": 2}
    run(*arguments("run", **RUN, **fields))
    with pytest.raises(ValueError, match="The checkpoint is of another model"):
        run(*arguments("run", **{**RUN, "lora": 5}, **fields, resume_from_checkpoint="last"))


def test_half_an_adapter_is_passed_over(arguments, tmp_path):
    run(*arguments("run", **RUN, save_strategy="steps", save_steps=2))
    weights = tmp_path / "run" / "checkpoint-4" / "adapter_model.safetensors"
    assert last_checkpoint(tmp_path / "run") == str(weights.parent)
    weights.write_bytes(weights.read_bytes()[:-2])
    assert last_checkpoint(tmp_path / "run").endswith("checkpoint-2")
    with pytest.raises(ValueError, match="damaged"):
        (tmp_path / "run" / "adapter_model.safetensors").write_bytes(b"nothing")
        load_model(str(tmp_path / "run"))


def test_frozen_modules_stay(arguments, tmp_path):
    trainer = run(*arguments("run", **RUN, freeze=["text_model", "mask_head"], gradient_checkpointing=True))
    names = load_file(tmp_path / "run" / "adapter_model.safetensors")
    assert not any("text_model" in name or "mask_head" in name for name in names)
    assert all(not weight.requires_grad for weight in trainer.model.mask_head.parameters())


def test_what_cannot_be_adapted_is_refused(arguments):
    for fields, sentence in (
        ({"lora": 0}, "--lora is 0: the rank"),
        ({"preset": "cris-tiny", "config_overrides": "{}"}, "--lora is for UniRES.*CrisModel"),
        ({"freeze": ["vision_model", "text_model"]}, "--lora finds no linear layer"),
        ({"push_to_hub": True}, "an adapter without its model.*unires push"),
    ):
        with pytest.raises(ValueError, match=sentence):
            run(*arguments("run", **{**RUN, **fields}))


def test_without_peft_a_sentence_says_what_is_missing(learned, monkeypatch):
    _, folder = learned
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ValueError, match="holds a LoRA adapter, which needs PEFT.*unires-hf\\[lora\\]"):
        load_model(str(folder))
    with pytest.raises(ValueError, match="--lora needs PEFT"):
        add_lora(UniResModel(tiny_config()), 2, "somewhere")
