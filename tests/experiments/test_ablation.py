# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Every variant differs from the full model in what its name says, and they start from the same encoders."""

import json

import pytest
import torch
from transformers import AutoModel, set_seed

import unires_hf.experiments.equal_budget as equal_budget
from unires_hf.checkpoints import checkpoint_path
from unires_hf.experiments.ablation import (
    COLD,
    ENCODERS,
    VARIANTS,
    WARM,
    ablation_models,
    ablation_table,
    save_encoders,
)
from unires_hf.experiments.budget import Budget, ComparedModel
from unires_hf.experiments.equal_budget import run_experiment

BUDGET = Budget(steps=2, scenes=8, eval_scenes=2, learning_rate=1e-3, bf16=False, batch_size=2)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation") / ENCODERS
    save_encoders(checkpoint_path("drawings"), folder)
    return folder


def load(folder, overrides, seed=0):
    set_seed(seed)
    return AutoModel.from_pretrained(folder, **overrides)


def test_variants(encoders):
    models = {name: load(encoders, overrides) for name, overrides in VARIANTS.items()}
    counts = {
        name: (model.config.num_low_level_group_tokens, model.config.num_high_level_group_tokens)
        for name, model in models.items()
    }
    assert counts == {
        "full": (24, 12),
        "no-low-level-groups": (0, 12),
        "no-high-level-groups": (24, 0),
        "half-as-many-groups": (12, 6),
        "twice-as-many-groups": (48, 24),
        "one-stage": (0, 0),
        "one-stage-of-two-layers": (0, 0),
    }
    layers = {name: len(model.stage1_decoder.layers) for name, model in models.items()}
    assert layers.pop("one-stage-of-two-layers") == 2 and set(layers.values()) == {1}
    shallow, deep = (models[name].config.stage1_config.to_dict() for name in ("one-stage", "one-stage-of-two-layers"))
    assert {key for key in deep if deep[key] != shallow[key]} == {"num_hidden_layers"}


def test_all_start_from_the_encoders_and_from_nothing_else(encoders):
    trained = AutoModel.from_pretrained(checkpoint_path("drawings")).state_dict()
    one, other = (load(encoders, {}, seed).state_dict() for seed in (0, 1))
    same = {name for name in one if torch.equal(one[name], trained[name].float())}
    learned_nowhere = {name for name in one if torch.equal(one[name], other[name])} - same
    for name in ("vision_model.embeddings.patch_embedding.weight", "text_projection.weight", "similarity.logit_scale"):
        assert name in same
    for name in ("stage1_decoder", "stage2_decoder", "low_level_filter", "mask_head.kernel", "low_level_group_tokens"):
        fresh = [key for key in one if key.startswith(name) and one[key].ndim > 1]
        assert fresh and not same.intersection(fresh) and not learned_nowhere.intersection(fresh)
    variant = load(encoders, VARIANTS["no-low-level-groups"]).state_dict()
    assert all(torch.equal(variant[name], one[name]) for name in same if name.startswith(("vision", "text")))


def test_models_of_the_experiment():
    models = ablation_models("tiny", None, BUDGET)
    assert {it.name: it.model["config_overrides"] for it in models} == VARIANTS
    assert {it.start for it in models} == {ENCODERS}
    *_, warm, cold = ablation_models("tiny", "runs/warmup", BUDGET)
    assert warm == ComparedModel(WARM, BUDGET.learning_rate, {"model_name_or_path": "runs/warmup"})
    assert cold == ComparedModel(COLD, BUDGET.learning_rate, {"preset": "tiny"})


def test_the_ablation(encoders, monkeypatch):
    monkeypatch.setattr(equal_budget, "EVALUATED", ("val",))
    models = [it for it in ablation_models("tiny", None, BUDGET) if it.name in ("full", "one-stage")]
    outcome = run_experiment(models, BUDGET, [0], encoders.parent, "the command", ablation_table)
    written = (encoders.parent / "table.md").read_text()
    assert written == ablation_table(json.loads((encoders.parent / "results.json").read_text()))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in written.splitlines()]
    assert lines[0] == ["variant", "weights", "val: objects", "val: parts"]
    assert [line[0] for line in lines[2:4]] == ["full", "one stage"]
    full = outcome["runs"]["full"][0]
    assert lines[2][1:] == [
        f"{full['parameters'] / 1e6:.2f} M",
        *(f"{full['scores']['val'][kind]:.1f}" for kind in ("object", "part")),
    ]
    assert lines[4][0] == "*all objects*" and lines[8][:3] == ["*whole parent*", "–", "–"]
    config = AutoModel.from_pretrained(encoders.parent / "seed-0" / "one-stage").config
    assert not config.has_groups
