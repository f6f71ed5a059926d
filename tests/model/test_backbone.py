# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A backbone of `AutoBackbone` in UniRES: where its features go, and that any will do."""

import pytest
import torch
from tiny_unires import PYRAMID, tiny_config, tiny_inputs

from unires_hf import UniResModel
from unires_hf.model.modeling_unires import strides_of

LITE = {
    "model_type": "efficientnet_lite",
    "width_coefficient": 0.1,
    "out_features": ["stage2", "stage3", "stage5", "stage7"],
}
RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 16, 24, 32],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
CONVNEXT = {
    "model_type": "convnextv2",
    "hidden_sizes": [8, 16, 24, 32],
    "depths": [1, 1, 1, 1],
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
SWIN = {
    "model_type": "swin",
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "window_size": 4,
    "image_size": 64,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}


def make_model(**fields) -> UniResModel:
    torch.manual_seed(0)
    config = tiny_config(**{"backbone_config": LITE, **fields})
    config.vision_config.patch_size = 16
    config.vision_config.image_size = 64
    return UniResModel(config).eval()


@pytest.mark.parametrize("backbone", [LITE, RESNET, CONVNEXT, SWIN], ids=lambda it: it["model_type"])
def test_any_backbone_joins_patches_and_mask_head(backbone, tmp_path):
    model = make_model(backbone_config=backbone)
    inputs = tiny_inputs(2, 3, size=(64, 96))
    logits = model(**inputs).logits
    assert logits.shape == (3, 16, 24)
    model.save_pretrained(tmp_path)
    again = UniResModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**inputs).logits, logits)
    with torch.no_grad():
        for projections in (model.backbone_features.patch_projections, model.backbone_features.projections):
            before = model(**inputs).logits
            for projection in projections:
                projection.weight.zero_()
            assert not torch.allclose(model(**inputs).logits, before)


@pytest.mark.parametrize("backbone", [PYRAMID["backbone_config"], LITE], ids=lambda it: it["model_type"])
def test_attention_is_chosen_whatever_the_backbone(backbone):
    model = make_model(backbone_config=backbone)
    inputs = tiny_inputs(1, 2, size=(64, 64))
    logits = []
    for name in ("eager", "sdpa"):
        model.set_attn_implementation(name)
        logits.append(model(**inputs).logits)
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-4, atol=1e-4)


def test_features_go_where_the_resolution_is_nearest():
    model = make_model()
    assert model.backbone_features.coarse == [2, 3]  # strides 16 and 32, of patches of 16
    assert model.backbone_features.fine == [1, 0]  # strides 8 and 4, of the steps to 8 and 4


def test_an_image_is_encoded_once_for_all_its_expressions():
    model = make_model(beyond_paper=["similarity", "class_similarity"])
    inputs = tiny_inputs(1, 4, size=(64, 64))
    together = model(**inputs).logits
    vision_embeds = model.get_image_features(inputs["pixel_values"])
    for number in range(4):
        one = model(
            vision_embeds=vision_embeds,
            input_ids=inputs["input_ids"][number : number + 1],
            attention_mask=inputs["attention_mask"][number : number + 1],
        )
        torch.testing.assert_close(one.logits[0], together[number], rtol=1e-4, atol=1e-4)


def test_the_similarity_of_a_class_counts_once_it_is_trusted():
    """A direction that only the left half of the picture has raises the logits there."""
    model = make_model(beyond_paper=["class_similarity"])
    inputs = tiny_inputs(1, size=(64, 64))
    vision_embeds = model.get_image_features(inputs.pop("pixel_values"))
    inputs.pop("image_indices")
    direction = model.class_similarity.directions(model.get_sentences(**inputs))[0]
    seen = torch.zeros_like(vision_embeds.class_features)
    seen[0, :, :, 0] = direction[:, None] * 100
    vision_embeds.class_features = seen
    with torch.no_grad():
        model.class_similarity.projection.weight.zero_()
        before = model(**inputs, vision_embeds=vision_embeds).logits[0]
        model.class_similarity.mask_scale.fill_(1.0)
        rise = model(**inputs, vision_embeds=vision_embeds).logits[0] - before
    assert rise[:, 0].min() > 1 > rise[:, -1].abs().max()


def test_statistics_of_the_backbone_stay_as_they_came():
    model = make_model().train()
    before = model.backbone.stem.norm.running_mean.clone()
    model(**tiny_inputs(2, size=(64, 64)))
    assert torch.equal(model.backbone.stem.norm.running_mean, before)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("backbone", "strides"),
    [
        (PYRAMID["backbone_config"], [2, 4, 8]),
        (LITE, [4, 8, 16, 32]),
        *((config, [4, 8, 16, 32]) for config in (RESNET, CONVNEXT, SWIN)),
    ],
    ids=lambda it: it["model_type"] if isinstance(it, dict) else "",
)
def test_strides_are_found_without_a_trace(backbone, strides, device):
    with torch.device(device):
        model = make_model(backbone_config=backbone)
        model.backbone.train()
        before = torch.get_rng_state(), {name: weight.clone() for name, weight in model.backbone.state_dict().items()}
        assert strides_of(model.backbone) == strides
    assert model.backbone.training and torch.equal(before[0], torch.get_rng_state())
    if device == "cpu":
        torch.testing.assert_close(model.backbone.state_dict(), before[1], rtol=0, atol=0)
