# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Each family of encoders carries UniRES: features are the original's, and group tokens travel beside them."""

import pytest
import torch
from tiny_encoders import FAMILIES, WORDS, family_config, family_inputs, original, saved
from tiny_unires import NO_GROUPS, PYRAMID, tiny_config

from unires_hf import UniResModel
from unires_hf.model.encoders_unires import positions_at

WITH_TEXT = [family for family in FAMILIES if family != "dinov3"]
OWN, OTHER, WIDE = (32, 32), (64, 64), (48, 24)


@pytest.fixture(params=FAMILIES)
def family(request) -> str:
    return request.param


def make_model(family: str, **fields) -> UniResModel:
    torch.manual_seed(0)
    return UniResModel(family_config(family, **fields)).eval()


def features(family: str, pixel_values: torch.Tensor) -> torch.Tensor:
    """What the original model of a family makes of pixels, after its last norm."""
    whole = original(family)
    if family == "dinov3":
        return whole(pixel_values).last_hidden_state
    if family == "tipsv2":
        return whole.vision_model(pixel_values).last_hidden_state
    tokens = whole.vision_model(pixel_values, interpolate_pos_encoding=True).last_hidden_state
    return tokens if family == "siglip" else whole.vision_model.post_layernorm(tokens)


@torch.no_grad()
@pytest.mark.parametrize("size", [OWN, OTHER, WIDE], ids=str)
def test_features_are_the_originals(family, size, tmp_path):
    model = UniResModel.from_encoders(*saved(family, tmp_path), image_size=32, group_split_layer=2, **NO_GROUPS).eval()
    pixel_values = torch.randn(2, 3, *size)
    ours = model.get_image_features(pixel_values).last_hidden_state
    torch.testing.assert_close(ours, features(family, pixel_values), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_positions_of_another_size_are_those_that_the_family_interpolates(family, tmp_path):
    model = UniResModel.from_encoders(*saved(family, tmp_path), image_size=64, **NO_GROUPS).eval()
    assert model.config.vision_config.image_size == 64
    pixel_values = torch.randn(1, 3, *OTHER)
    ours = model.get_image_features(pixel_values).last_hidden_state
    torch.testing.assert_close(ours, features(family, pixel_values), atol=1e-5, rtol=1e-5)
    assert (positions_at(model.vision_model, 32) == {}) == (family == "dinov3")


@torch.no_grad()
@pytest.mark.parametrize("family", WITH_TEXT)
def test_words_and_sentences_are_the_originals(family, tmp_path):
    model = UniResModel.from_encoders(*saved(family, tmp_path), image_size=32).eval()
    inputs = family_inputs(1, 3)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    ours = model.get_text_features(ids, mask)
    theirs = original(family).get_text_features(ids, **({} if family == "siglip" else {"attention_mask": mask}))
    torch.testing.assert_close(ours.last_hidden_state, theirs.last_hidden_state, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours.pooler_output, theirs.pooler_output, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("family", ["clip", "metaclip_2", "tipsv2"])
def test_the_joint_space_is_the_originals(family, tmp_path):
    model = UniResModel.from_encoders(*saved(family, tmp_path), image_size=32, **NO_GROUPS).eval()
    pixel_values = torch.randn(2, 3, *OWN)
    theirs = original(family).get_image_features(pixel_values).pooler_output
    torch.testing.assert_close(model.get_image_features(pixel_values).pooler_output, theirs, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_patches_see_the_groups_and_keep_their_places(family):
    model = make_model(family)
    pixel_values = torch.randn(1, 3, *WIDE)
    before = model.get_image_features(pixel_values)
    assert before.image_embeds.shape[:3] == (1, 6, 3)
    assert before.low_level_groups.shape == (1, 5, 32) and before.high_level_groups.shape == (1, 3, 32)
    mirrored = model.get_image_features(pixel_values.flip(3)).image_embeds
    assert not torch.allclose(mirrored.flip(2), before.image_embeds, atol=1e-3), "tokens know where they are"
    for tokens in (model.low_level_group_tokens, model.high_level_group_tokens):
        kept = tokens.clone()
        tokens.add_(3 * torch.randn_like(tokens))
        after = model.get_image_features(pixel_values)
        assert not torch.allclose(after.image_embeds, before.image_embeds, atol=1e-4)
        tokens.copy_(kept)


@torch.no_grad()
def test_groups_that_say_nothing_change_nothing(family):
    """Keys that no query attends to leave every patch where it was: order and positions are those without groups."""
    with_groups = make_model(family, num_high_level_group_tokens=0)
    without = make_model(family, **NO_GROUPS)
    without.load_state_dict(with_groups.state_dict(), strict=False)
    seen = {}

    def only_image_tokens(module, args, kwargs):
        tokens = args[0].shape[1]
        image = torch.ones(tokens, dtype=torch.bool)
        image[slice(0, 5) if family == "dinov3" else slice(tokens - 5, tokens)] = False
        seen["blocks"] = seen.get("blocks", 0) + 1
        mask = torch.where(image, 0.0, torch.finfo(torch.float32).min)[None, None, None, :]
        return args, {**kwargs, "attention_mask": mask.expand(1, 1, tokens, tokens)}

    for block in with_groups.vision_model.blocks()[:1]:
        block.register_forward_pre_hook(only_image_tokens, with_kwargs=True)
    pixel_values = torch.randn(1, 3, *WIDE)
    ours = with_groups.get_image_features(pixel_values).image_embeds
    assert seen == {"blocks": 1}
    torch.testing.assert_close(ours, without.get_image_features(pixel_values).image_embeds, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_k_expressions_in_one_call_equal_k_calls(family):
    model = make_model(family)
    inputs = family_inputs(2, 5)
    together = model(**inputs)
    for row in range(5):
        one = {name: inputs[name][row : row + 1] for name in ("input_ids", "attention_mask", "image_indices")}
        alone = model(pixel_values=inputs["pixel_values"], **one)
        torch.testing.assert_close(alone.logits[0], together.logits[row], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_attention_and_precision(family):
    model = make_model(family)
    inputs = family_inputs(2, 3)
    expected = model(**inputs).logits
    model.set_attn_implementation("eager")
    assert model.config.vision_config._attn_implementation == "eager"
    outputs = model(**inputs, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(outputs.logits, expected, atol=1e-5, rtol=1e-4)
    prefix = model.vision_model.num_prefix_tokens
    lengths = [weights.shape[-1] for weights in outputs.vision_embeds.attentions]
    assert lengths == [prefix + 16 + 5] + [prefix + 16 + 3] * 3
    assert len(outputs.vision_embeds.hidden_states) == 5
    halved = model.to(torch.bfloat16)(**inputs).logits.float()
    torch.testing.assert_close(halved.sigmoid(), expected.sigmoid(), atol=3e-2, rtol=0)


def test_every_parameter_learns_and_frozen_ones_do_not(family):
    model = make_model(family, **PYRAMID).train()
    model.activation_checkpointing_enable()
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    assert frozen == (["vision_model.embeddings.mask_token"] if family in ("tipsv2", "dinov3") else [])
    model.text_model.requires_grad_(False)
    model(**family_inputs(2, 3), labels=torch.rand(3, 32, 32).round()).loss.backward()
    for name, weight in model.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@torch.no_grad()
@pytest.mark.parametrize(
    "family",
    ["siglip", "dinov3", *(pytest.param(name, marks=pytest.mark.slow) for name in ("metaclip_2", "tipsv2"))],
)
def test_compiles_and_exports(family):
    model = make_model(family)
    inputs = family_inputs(2, 3)
    expected = model(**inputs).logits
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    program = torch.export.export(model, (), kwargs=inputs)
    torch.testing.assert_close(program.module()(**inputs).logits, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_saved_and_loaded_again(family, tmp_path):
    model = make_model(family)
    model.save_pretrained(tmp_path)
    inputs = family_inputs(2, 3)
    again = UniResModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(**inputs).logits, model(**inputs).logits)


def test_a_model_starts_as_its_encoders_do(family):
    """transformers passes over modules that hold no weights themselves, if they are not of its own."""
    ours = make_model(family).vision_model.blocks()[0].state_dict()
    model_class = type(original(family))
    config = family_config(family)
    fields = {} if family == "dinov3" else {"text_config": config.text_config.to_dict()}
    if family == "dinov3":
        theirs = model_class(config.vision_config).model.layer[0]
    else:
        theirs = model_class(model_class.config_class(vision_config=config.vision_config.to_dict(), **fields))
        theirs = (theirs.vision_model.encoder.layer if family == "tipsv2" else theirs.vision_model.encoder.layers)[0]
    for name, weight in theirs.state_dict().items():
        if weight.ndim == 2:
            torch.testing.assert_close(ours[name].std(), weight.std(), atol=0, rtol=0.2, msg=name)


def test_mistakes_get_one_sentence(tmp_path):
    dinov3 = saved("dinov3", tmp_path)[0]
    with pytest.raises(ValueError, match="has no text encoder: name a second model"):
        UniResModel.from_encoders(dinov3)
    inputs = family_inputs(1, 2)
    with pytest.raises(ValueError, match=f"at the last of exactly {WORDS['max_position_embeddings']}"):
        make_model("siglip")(inputs["pixel_values"], inputs["input_ids"][:, :5])
    with pytest.raises(ValueError, match="'vit' has no adapter in encoders_unires.py, which has clip_vision_model"):
        UniResModel(tiny_config(vision_config={"model_type": "vit", "num_hidden_layers": 2}))
