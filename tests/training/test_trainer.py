# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniResTrainer: a run from arguments to metrics, and what its optimizer does with which weights."""

import json
import logging

import pytest
import torch
from datasets import Dataset
from PIL import Image
from safetensors.torch import load_file
from transformers import pipeline, set_seed

from unires_hf.data.groups import training_set
from unires_hf.training.build import build_model
from unires_hf.training.run import run, sample_texts
from unires_hf.training.trainer import UniResTrainer


@pytest.fixture
def trainer(arguments, rows):
    def make(expressions_per_image: int = 3, **fields) -> UniResTrainer:
        model_arguments, _, training_arguments = arguments(**fields)
        set_seed(0)
        model, processor = build_model(model_arguments, sample_texts([rows]))
        groups = training_set([rows], expressions_per_image)
        return UniResTrainer(model, training_arguments, processor, train_dataset=groups, eval_rows=rows)

    return make


def losses(trainer: UniResTrainer) -> list[float]:
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def test_a_run_learns_evaluates_saves_and_loads(arguments, squares, rows, tmp_path):
    trainer = run(
        *arguments(
            num_train_epochs=3,
            learning_rate=3e-3,
            eval_data=[squares],
            eval_strategy="steps",
            eval_steps=20,
            example_images=2,
        )
    )
    assert sum(losses(trainer)[-5:]) < 0.6 * sum(losses(trainer)[:5])
    folder = tmp_path / "run"
    metrics = json.loads((folder / "eval_results.json").read_text())
    assert metrics["eval_n_expressions"] == 45
    for name in ("miou", "oiou", "pr@0.5", "pr@0.6", "pr@0.7", "pr@0.8", "pr@0.9", "miou_part"):
        assert 0 <= metrics[f"eval_{name}"] <= 100
    assert metrics["eval_miou"] == json.loads((folder / "results.json").read_text())["miou"]

    examples = sorted(path.name for path in (folder / "examples").iterdir())
    steps = trainer.state.max_steps
    assert examples[:2] == ["step-000020-0.png", "step-000020-1.png"] and examples[-1] == f"step-{steps:06d}-1.png"
    with Image.open(folder / "examples" / examples[-1]) as sheet:
        assert min(sheet.size) > 300 and len(sheet.getcolors(sheet.width * sheet.height)) > 100

    segmenter = pipeline("referring-segmentation", model=str(folder))
    results = segmenter(rows[0]["image"], text=["the mug", "all of it"])
    assert [result["mask"].size for result in results] == [rows[0]["image"].size] * 2


def test_the_same_seed_gives_the_same_weights(arguments, tmp_path):
    for name in ("a", "b"):
        run(*arguments(name, seed=3, num_train_epochs=1))
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("a", "b"))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_each_epoch_is_dealt_anew_also_by_workers_that_live_on(arguments):
    """With a learning rate of zero, the losses of an epoch tell who was grouped with whom."""
    fields = {"learning_rate": 0.0, "num_train_epochs": 2, "weight_decay": 0.0}
    alone = losses(run(*arguments("alone", **fields)))
    helped = losses(run(*arguments("helped", dataloader_num_workers=1, dataloader_persistent_workers=True, **fields)))
    assert helped == pytest.approx(alone)
    half = len(alone) // 2
    assert alone[:half] != pytest.approx(alone[half:])


def test_decay_spares_norms_biases_embeddings_and_group_tokens(trainer):
    trainer = trainer()
    decayed = set(trainer.get_decay_parameter_names(trainer.model))
    spared = {name for name, _ in trainer.model.named_parameters()} - decayed
    assert {"low_level_group_tokens", "high_level_group_tokens", "vision_model.embeddings.class_embedding"} <= spared
    assert {"text_model.embeddings.token_embedding.weight", "mask_head.norms.0.weight"} <= spared
    assert all(not name.endswith("bias") for name in decayed)
    assert {"visual_projection.weight", "mask_head.convs.0.weight"} <= decayed


@pytest.mark.parametrize(
    "model, encoders",
    [
        ({}, {"text_model", "vision_model", "text_projection", "visual_projection"}),
        ({"preset": "clipseg-tiny", "config_overrides": {}}, {"clip"}),
        ({"preset": "lavt-tiny", "config_overrides": {}}, {"text_model", "vision_model"}),
    ],
)
def test_encoders_may_learn_at_a_rate_of_their_own(trainer, model, encoders):
    trainer = trainer(clip_learning_rate=1e-6, **model)
    names = {parameter: name for name, parameter in trainer.model.named_parameters()}
    rates: dict[float, set[str]] = {}
    for group in trainer.create_optimizer().param_groups:
        rates.setdefault(group["lr"], set()).update(names[parameter].split(".")[0] for parameter in group["params"])
    assert rates[1e-6] == encoders and rates[1e-3].isdisjoint(encoders)
    counted = sum(len(group["params"]) for group in trainer.optimizer.param_groups)
    learning = [weight for weight in names if weight.requires_grad]
    assert counted == len(learning)
    assert (len(learning) == len(names)) == (encoders != {"clip"})  # CLIPSeg freezes what no mask depends on


def test_a_backbone_may_learn_at_a_rate_of_its_own_too(trainer):
    trainer = trainer(preset="tiny", clip_learning_rate=1e-6, backbone_learning_rate=1e-5)
    names = {parameter: name for name, parameter in trainer.model.named_parameters()}
    for group in trainer.create_optimizer().param_groups:
        found = {names[weight].split(".")[0] == "backbone" for weight in group["params"]}
        assert found == {group["lr"] == 1e-5}
    assert sum(len(group["params"]) for group in trainer.optimizer.param_groups) == len(names)


def test_frozen_modules_stay_as_they_are(trainer):
    trainer = trainer(freeze=["text_model"], max_steps=2, warmup_epochs=0)
    before = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
    trainer.train()
    after = trainer.model.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert "text_model" not in changed and "vision_model" in changed


def test_a_part_of_a_module_or_a_single_weight_is_frozen_alone(arguments):
    names = ["vision_model.encoder.layers.0", "backbone.stages.1", "mask_head.bias.weight"]
    model, _ = build_model(arguments(preset="tiny", freeze=names)[0], ["a"])
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if name.startswith(tuple(names))}
    assert len(frozen) > len(names)


def test_frozen_batch_norm_takes_no_statistics(trainer):
    fields = {"preset": "cris-tiny", "config_overrides": {}, "image_size": 64}
    trainer = trainer(freeze=["vision_model"], max_steps=2, warmup_steps=0, **fields)
    buffers = {name: buffer.clone() for name, buffer in trainer.model.named_buffers()}
    trainer.train()
    changed = {name for name, buffer in trainer.model.named_buffers() if not torch.equal(buffer, buffers[name])}
    assert changed and not any(name.startswith("vision_model") for name in changed)


def test_an_unknown_module_to_freeze_is_named(arguments):
    with pytest.raises(ValueError, match="--freeze attic: the model has no such module or weight"):
        build_model(arguments(freeze=["attic"])[0], ["a"])


def test_accumulated_batches_are_one_batch(trainer):
    """Of unlike numbers of expressions: their gradient is that of the mean over all of them."""
    lines = {}
    for images, steps in ((8, 1), (2, 4)):
        one = trainer(
            gradient_accumulation_steps=steps,
            per_device_train_batch_size=images,
            max_steps=2,
            max_grad_norm=1e9,
            warmup_epochs=0,
        )
        one.train()
        lines[steps] = [line for line in one.state.log_history if "grad_norm" in line]
    for key in ("expressions_per_step", "loss", "grad_norm"):
        assert [line[key] for line in lines[4]] == pytest.approx([line[key] for line in lines[1]], rel=1e-4)


def test_several_gpus_in_one_process_are_refused(trainer, monkeypatch):
    monkeypatch.setattr("transformers.TrainingArguments.n_gpu", 2)
    with pytest.raises(ValueError, match="2 GPUs.*torchrun --nproc_per_node 2.*CUDA_VISIBLE_DEVICES=0"):
        trainer()


@pytest.mark.parametrize("streaming", [False, True])
def test_what_cannot_be_read_is_left_out_and_counted(streaming, arguments, rows, tmp_path, caplog):
    table = rows.to_list()
    table[1]["image"] = {"bytes": table[1]["image"]["bytes"][:60], "path": None}
    table[2]["targets"][0]["mask"]["counts"] = "no RLE"
    Dataset.from_list(table, rows.features).to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    fields = {"train_data": [f"{tmp_path / 'data'},cache_dir={tmp_path / 'cache'}"], "max_steps": 12}
    if streaming:
        fields |= {"streaming": True, "shuffle_buffer": 4, "save_strategy": "no"}
    with caplog.at_level(logging.WARNING):
        trainer = run(*arguments(**fields))
    assert len(losses(trainer)) == 12
    assert "Image 1 of squares cannot be read" in caplog.text and "Image 2 of squares" in caplog.text
    counted = int(trainer.train_dataset.opener.left_out)
    assert counted > 1 and f"{counted} times an image or a mask could not be read" in caplog.text
    with pytest.raises(ValueError, match="Image [12] of squares cannot be read"):
        run(*arguments("strict", strict_data=True, **fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"streaming": True, "num_train_epochs": 1}, "give --max_steps"),
        ({"streaming": True, "max_steps": 3, "save_strategy": "epoch"}, "give --save_strategy steps"),
        ({"streaming": True, "max_steps": 3, "held_out": ["x"]}, "leave out --streaming or --held_out"),
        (
            {"streaming": True, "max_steps": 3, "leave_out_categories": ["dog"]},
            "leave out --streaming or --leave_out_categories",
        ),
        (
            {"train_data": ["partscenes,length=2,size=64"], "leave_out_categories": ["dog"]},
            "Drawn scenes are not searched for categories",
        ),
        ({"train_weights": [1.0, 2.0]}, "1 data sets need 1 positive weights"),
        ({"object_part_ratio": 1.5}, "between 0 and 1, got 1.5"),
    ],
)
def test_contradictions_are_refused(fields, sentence, arguments):
    with pytest.raises(ValueError, match=sentence):
        run(*arguments(**fields))
