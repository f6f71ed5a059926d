# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Presets, and the combinations that UniResConfig refuses."""

import json

import pytest
import torch
from tiny_unires import NO_GROUPS, tiny_config

from unires_hf import UniResConfig, UniResModel
from unires_hf.model.configuration_unires import PRESETS_FOLDER

PRESETS = sorted(path.stem for path in PRESETS_FOLDER.glob("*.json"))


def test_presets_that_the_readme_names_exist():
    assert PRESETS == ["base", "base-32", "base-wide", "large", "large-336", "small", "tiny"]


def test_base_is_the_default_with_features_of_pixels():
    base, default = UniResConfig.from_preset("base").to_dict(), UniResConfig().to_dict()
    different = {key for key in base if base[key] != default[key]}
    assert different == {"backbone_config"}
    assert base["backbone_config"]["model_type"] == "conv_pyramid"


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build_and_survive_a_round_trip(name, tmp_path):
    config = UniResConfig.from_preset(name)
    config.save_pretrained(tmp_path)
    again = UniResConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    with torch.device("meta"):
        UniResModel(again)


def test_presets_are_plain_json_and_take_overrides():
    assert json.loads((PRESETS_FOLDER / "large.json").read_text())["group_split_layer"] == 12
    assert UniResConfig.from_preset("large", mask_threshold=0.5).mask_threshold == 0.5


def test_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match="no preset 'huge'; the presets are: base, base-32, base-wide, large"):
        UniResConfig.from_preset("huge")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"num_low_level_group_tokens": -2}, "num_low_level_group_tokens"),
        ({"num_high_level_group_tokens": -1}, "num_high_level_group_tokens"),
        ({"group_split_layer": 0}, "group_split_layer"),
        ({"group_split_layer": 2}, "group_split_layer"),
        ({"vision_config": {"image_size": 100, "patch_size": 16}}, "vision_config.image_size"),
        ({"mask_head_channels": []}, "mask_head_channels"),
        ({"mask_head_channels": [8, 0]}, "mask_head_channels"),
        ({"mask_head_channels": [8] * 6}, "mask_head_channels"),
        ({"beyond_paper": ["class_similarity"]}, "needs a backbone"),
        ({"beyond_paper": ["likeness"]}, "'likeness': give some of similarity, class_similarity, decoder_positions"),
        ({"mask_threshold": 1.0}, "mask_threshold"),
        ({"presence_threshold": -0.1}, "presence_threshold"),
        ({"stage1_config": {"num_hidden_layers": 0}}, "num_hidden_layers"),
        ({"stage2_config": {"hidden_size": 30, "num_attention_heads": 4}}, "hidden_size"),
        ({"mask_threshold": "0.35"}, "mask_threshold"),
    ],
)
def test_impossible_combinations_are_refused_by_name(fields, field):
    with pytest.raises(Exception, match=field):
        tiny_config(**fields)


def test_a_config_of_an_older_version_is_refused_with_what_to_write(tmp_path):
    """Taken as it stands, it would silently become the paper's model, and half of its weights would be dropped."""
    tiny_config().save_pretrained(tmp_path)
    old = json.loads((tmp_path / "config.json").read_text())
    del old["beyond_paper"]
    old |= {"use_similarity": True, "use_class_similarity": False, "use_decoder_positions": True}
    (tmp_path / "config.json").write_text(json.dumps(old))
    with pytest.raises(ValueError, match=r'"beyond_paper": \["similarity", "decoder_positions"\]'):
        UniResConfig.from_pretrained(tmp_path)


def test_ablation_switches_remove_what_they_name():
    def names(**fields):
        return {name.split(".")[0] for name, _ in UniResModel(tiny_config(**fields)).named_parameters()}

    groups = {"low_level_group_tokens", "high_level_group_tokens", "low_level_filter", "high_level_filter"}
    assert groups <= names()
    assert names() - names(num_low_level_group_tokens=0) == {"low_level_group_tokens", "low_level_filter"}
    assert names() - names(num_high_level_group_tokens=0) == {"high_level_group_tokens", "high_level_filter"}
    gone = names() - names(**NO_GROUPS)
    assert gone == groups | {"stage2_decoder", "stage2_projection", "group_word_projection"}
