# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The warm-up teaches encoders, of baselines too, what patches are called, and nothing else; it resumes."""

import json

import pytest
import torch
from transformers import AutoConfig, TrainerCallback

from unires_hf.loading import load_model
from unires_hf.scenes import PartScenes
from unires_hf.scenes.names import NAMES, NamedScenes
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.training.run import sample_texts
from unires_hf.training.warm_up import NamedCollator, NamedPatches, WarmUpArguments, warm_up

SCENES = PartScenes("train", 6, kinds=["dog", "bus"])
TEXT = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 96}
VISION = {**TEXT, "image_size": 128, "patch_size": 16}
SMALL = {
    "tiny": {
        "text_config": {**TEXT, "projection_dim": 48},
        "vision_config": {**VISION, "projection_dim": 48},
        "projection_dim": 48,
        "group_split_layer": 1,
    },
    "clipseg-tiny": {"text_config": TEXT, "vision_config": {**VISION, "num_hidden_layers": 8}},
    "cris-tiny": {},
    "lavt-tiny": {},
}
"""Fields that make the larger encoders a tenth as large; they learn at three times the rate."""
ENCODERS = ("vision_model.", "text_model.", "clip.", "text_projection.", "visual_projection.", "similarity.logit")
ENCODERS += ("backbone.", "backbone_features.patch_projections.", "low_level_group", "high_level_group")


class Steps(TrainerCallback):
    def __init__(self):
        self.taken = []

    def on_step_end(self, args, state, control, **kwargs):
        self.taken.append(state.global_step)


def small(preset: str) -> ModelArguments:
    return ModelArguments(preset=preset, config_overrides=json.dumps(SMALL[preset]))


@pytest.mark.parametrize("preset", SMALL)
def test_only_encoders_learn_and_the_loss_falls(preset):
    torch.manual_seed(0)
    model, processor = build_model(small(preset), sample_texts([SCENES]))
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    patches = NamedPatches(model)
    named = NamedScenes(SCENES, patches.grid)
    batch = NamedCollator(processor)([named[index] for index in range(4)])
    rate = 3e-3 if SMALL[preset] else 1e-3
    optimizer = torch.optim.AdamW([weight for weight in patches.parameters() if weight.requires_grad], lr=rate)
    losses = []
    for _ in range(12):
        outputs = patches(**batch)
        outputs["loss"].backward()
        losses.append(outputs["loss"].item())
        learning = [name for name, weight in patches.named_parameters() if weight.requires_grad]
        assert not [name for name in learning if patches.get_parameter(name).grad is None], "all that may learn does"
        optimizer.step()
        optimizer.zero_grad()
    assert outputs["logits"].shape == batch["shares"].shape == (4, len(batch["input_ids"]), 64)
    assert len(NAMES) < len(batch["input_ids"]) <= len(NAMES) + 16, "up to four pairs a scene"
    assert losses[-1] < losses[0] - 0.5
    changed = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert changed and {name for name in changed if not name.startswith(ENCODERS)} == set()
    for encoder in ("vision_model", "text_model"):
        assert any(encoder in name for name in changed)


def test_a_name_that_no_patch_shows_is_learned_to_be_absent():
    torch.manual_seed(0)
    model, processor = build_model(small("clipseg-tiny"), sample_texts([SCENES]))
    patches = NamedPatches(model)
    named = NamedScenes(SCENES, patches.grid)
    batch = NamedCollator(processor)([named[0]])
    present = batch["shares"][0].any(1)
    optimizer = torch.optim.AdamW([weight for weight in patches.parameters() if weight.requires_grad], lr=3e-3)
    for _ in range(24):
        outputs = patches(**batch)
        outputs["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    highest = outputs["logits"][0].amax(1)
    assert highest[present].median() > highest[~present].median() + 1


def test_a_unires_without_similarity_is_refused():
    model, _ = build_model(ModelArguments(preset="tiny", config_overrides='{"beyond_paper": []}'), ["the dog"])
    with pytest.raises(ValueError, match="add it to `beyond_paper`"):
        NamedPatches(model)


@pytest.mark.parametrize("preset", ["tiny", "lavt-tiny"])
def test_what_it_writes_is_a_checkpoint_and_it_goes_on_from_its_own(preset, tmp_path):
    def call(steps):
        arguments = WarmUpArguments(
            output_dir=tmp_path / "out",
            max_steps=steps,
            per_device_train_batch_size=2,
            save_steps=1,
            dataloader_num_workers=0,
            report_to=[],
            resume_from_checkpoint="last",
        )
        steps_taken = Steps()
        return warm_up(small(preset), arguments, SCENES, [steps_taken]), steps_taken.taken

    assert call(1)[1] == [1]
    on, taken = call(2)
    assert taken == [2], "the first step was not taken again"
    model, processor = load_model(str(tmp_path / "out"))
    assert model.config.model_type == AutoConfig.from_pretrained(tmp_path / "out").model_type
    assert processor(text=["the dog"], return_tensors="pt")["input_ids"].shape[0] == 1
    trained = on.model.model.state_dict()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, trained[name])
