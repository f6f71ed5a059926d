# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniResModel.from_clip on CLIP checkpoints that the test builds."""

import logging

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel

from unires_hf import UniResModel


@pytest.fixture
def clip_folder(tmp_path):
    tower = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 48}
    config = CLIPConfig(
        text_config={**tower, "vocab_size": 99, "bos_token_id": 97, "eos_token_id": 98, "projection_dim": 24},
        vision_config={**tower, "image_size": 32, "patch_size": 8, "projection_dim": 24},
        projection_dim=24,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(tmp_path)
    return tmp_path


STAGE = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48}


def test_towers_are_clips(clip_folder):
    clip = CLIPModel.from_pretrained(clip_folder)
    model = UniResModel.from_clip(clip_folder, image_size=32, stage1_config=STAGE, stage2_config=STAGE)
    ours = model.state_dict()
    theirs = {name: weight for name, weight in clip.state_dict().items() if name != "logit_scale"}
    assert set(theirs) <= set(ours)
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, msg=name)
    assert model.config.group_split_layer == 2

    text = {"input_ids": torch.tensor([[97, 5, 6, 98]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    expected = clip.get_text_features(**text).pooler_output
    torch.testing.assert_close(model.get_text_features(**text).pooler_output, expected)


def test_position_embeddings_are_interpolated(clip_folder):
    clip = CLIPModel.from_pretrained(clip_folder).eval()
    model = UniResModel.from_clip(clip_folder, image_size=64).eval()
    assert model.config.vision_config.image_size == 64
    # CLIP interpolates the same way when it is given a larger picture.
    pixel_values = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        theirs = clip.vision_model.embeddings(pixel_values, interpolate_pos_encoding=True)
        torch.testing.assert_close(model.vision_model.embeddings(pixel_values), theirs)


def test_what_is_new_is_said_once(clip_folder, caplog):
    with caplog.at_level(logging.WARNING):
        UniResModel.from_clip(clip_folder, image_size=32)
    said = [record.message for record in caplog.records if "New, and to be trained" in record.message]
    assert len(said) == 1
    for module in ("low_level_group_tokens", "stage1_decoder", "high_level_filter", "mask_head", "presence_head"):
        assert module in said[0]
    assert "vision_model" not in said[0].split("New, and")[1]


def test_a_revision_reaches_the_hub(clip_folder, monkeypatch):
    asked = {}
    load = CLIPModel.from_pretrained

    def spy(name, **options):
        asked.update(options)
        return load(name, **options)

    monkeypatch.setattr(CLIPModel, "from_pretrained", spy)
    model = UniResModel.from_clip(clip_folder, image_size=32, revision="v2")
    assert asked["revision"] == "v2" and not hasattr(model.config, "revision")


def test_a_field_that_does_not_exist_is_refused_with_the_nearest(clip_folder):
    with pytest.raises(ValueError, match="no field 'mask_treshold'; the nearest is 'mask_threshold'"):
        UniResModel.from_clip(clip_folder, image_size=32, mask_treshold=0.5)


def test_a_checkpoint_with_a_hole_is_refused(clip_folder):
    path = clip_folder / "model.safetensors"
    weights = load_file(path)
    del weights["vision_model.post_layernorm.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match="no whole checkpoint of a CLIPModel: 1 weights are missing .*post_layernorm.weight"
    ):
        UniResModel.from_clip(clip_folder, image_size=32)


def test_saved_and_loaded_again(clip_folder, tmp_path):
    model = UniResModel.from_clip(clip_folder, image_size=32, stage1_config=STAGE, stage2_config=STAGE)
    model.save_pretrained(tmp_path / "unires")
    again = UniResModel.from_pretrained(tmp_path / "unires")
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], weight, msg=name)
