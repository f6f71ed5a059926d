# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniResTrainer: a run from arguments to metrics, and what its optimiser does with which weights."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

from unires_hf.loading import load_rows
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments
from unires_hf.training.build import build_model
from unires_hf.training.run import run
from unires_hf.training.trainer import UniResTrainer

TOWER = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96}
SMALL = {
    "text_config": {**TOWER, "vocab_size": 700, "max_position_embeddings": 24, "projection_dim": 48},
    "vision_config": {**TOWER, "image_size": 64, "patch_size": 16, "projection_dim": 48},
    "projection_dim": 48,
    "group_split_layer": 1,
}
DATA = ["partscenes,split=train,length=6"]


@pytest.fixture(scope="module")
def rows():
    return load_rows(DATA)


def model_arguments(**fields) -> ModelArguments:
    return ModelArguments(preset="tiny", config_overrides=json.dumps(SMALL), **fields)


def training_arguments(folder, **fields) -> UniResTrainingArguments:
    defaults = {"num_train_epochs": 1, "learning_rate": 1e-3, "save_strategy": "no", "disable_tqdm": True}
    return UniResTrainingArguments(output_dir=folder, **{**defaults, **fields})


def make_trainer(folder, rows, model_fields=None, **fields) -> UniResTrainer:
    texts = [it["text"] for row in rows for target in row["targets"] for it in target["expressions"]]
    model, processor = build_model(model_arguments(**(model_fields or {})), texts)
    return UniResTrainer(model, training_arguments(folder, **fields), processor, train_rows=rows, eval_rows=rows)


def test_a_run_learns_evaluates_saves_and_loads(tmp_path, rows):
    trainer = run(
        model_arguments(),
        DataArguments(train_data=DATA, eval_data=DATA),
        training_arguments(tmp_path, num_train_epochs=12, eval_strategy="steps", eval_steps=6, logging_steps=1),
    )
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    metrics = json.loads((tmp_path / "eval_results.json").read_text())
    said = sum(len(target["expressions"]) for row in rows for target in row["targets"])
    assert metrics["eval_n_expressions"] == said
    for name in ("miou", "oiou", "pr@0.5", "pr@0.6", "pr@0.7", "pr@0.8", "pr@0.9", "miou_part"):
        assert 0 <= metrics[f"eval_{name}"] <= 100

    segmenter = pipeline("referring-segmentation", model=str(tmp_path))
    results = segmenter(rows[0]["image"], text=["the mug", "all of it"])
    assert [result["mask"].size for result in results] == [(128, 128)] * 2


def test_the_same_seed_gives_the_same_weights(tmp_path):
    for name in ("a", "b"):
        run(model_arguments(), DataArguments(train_data=DATA), training_arguments(tmp_path / name, seed=3))
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("a", "b"))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_decay_spares_norms_biases_embeddings_and_group_tokens(tmp_path, rows):
    trainer = make_trainer(tmp_path, rows)
    decayed = set(trainer.get_decay_parameter_names(trainer.model))
    spared = {name for name, _ in trainer.model.named_parameters()} - decayed
    assert {"low_level_group_tokens", "high_level_group_tokens", "vision_model.embeddings.class_embedding"} <= spared
    assert {"text_model.embeddings.token_embedding.weight", "mask_head.norms.0.weight"} <= spared
    assert all(not name.endswith("bias") for name in decayed)
    assert {"visual_projection.weight", "mask_head.convs.0.weight"} <= decayed


def test_clip_may_learn_at_a_rate_of_its_own(tmp_path, rows):
    trainer = make_trainer(tmp_path, rows, clip_learning_rate=1e-6)
    names = {parameter: name for name, parameter in trainer.model.named_parameters()}
    rates: dict[float, set[str]] = {}
    for group in trainer.create_optimizer().param_groups:
        rates.setdefault(group["lr"], set()).update(names[parameter].split(".")[0] for parameter in group["params"])
    assert rates[1e-6] == {"text_model", "vision_model", "text_projection", "visual_projection"}
    assert rates[1e-3].isdisjoint(rates[1e-6])
    counted = sum(len(group["params"]) for group in trainer.optimizer.param_groups)
    assert counted == len(names)


def test_frozen_modules_stay_as_they_are(tmp_path, rows):
    trainer = make_trainer(tmp_path, rows, {"freeze": ["text_model"]})
    before = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
    trainer.train()
    after = trainer.model.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert "text_model" not in changed and "vision_model" in changed


def test_an_unknown_module_to_freeze_is_named(tmp_path):
    with pytest.raises(ValueError, match="--freeze backbone: the model has no such module"):
        build_model(model_arguments(freeze=["backbone"]), ["a"])


def test_accumulation_divides_the_loss(tmp_path, rows):
    """Four accumulated batches must give the gradient of their mean, not of their sum."""
    lengths = {}
    for steps in (1, 4):
        trainer = make_trainer(
            tmp_path,
            rows,
            gradient_accumulation_steps=steps,
            per_device_train_batch_size=2,
            logging_steps=1,
            max_steps=1,
            max_grad_norm=1e9,
            warmup_epochs=0,
        )
        trainer.train()
        lengths[steps] = next(line["grad_norm"] for line in trainer.state.log_history if "grad_norm" in line)
    assert lengths[4] < 2 * lengths[1]


def test_effective_batch_is_counted_in_expressions(tmp_path, rows):
    trainer = make_trainer(tmp_path, rows, per_device_train_batch_size=2, gradient_accumulation_steps=3)
    said = sum(len(target["expressions"]) for row in rows for target in row["targets"])
    assert trainer.expressions_per_step == pytest.approx(6 * said / len(trainer.train_dataset))
