# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What UniResModel promises: one vision pass for many expressions, any size, any attention, any precision."""

import pytest
import torch
from tiny_unires import NO_GROUPS, PYRAMID, tiny_config, tiny_inputs
from transformers import CLIPVisionModel

from unires_hf import UniResModel
from unires_hf.model.encoders_unires import positions_at


@pytest.fixture
def model() -> UniResModel:
    torch.manual_seed(0)
    return UniResModel(tiny_config()).eval()


def rows(inputs: dict, indices) -> dict:
    """The same images with some of the expressions."""
    chosen = {name: inputs[name][indices] for name in ("input_ids", "attention_mask", "image_indices")}
    return {**inputs, **chosen}


@torch.no_grad()
def test_k_expressions_in_one_call_equal_k_calls(model):
    inputs = tiny_inputs(images=2, expressions=8)
    together = model(**inputs)
    for index in range(8):
        length = int(inputs["attention_mask"][index].sum())
        single = rows(inputs, slice(index, index + 1))
        single["input_ids"] = single["input_ids"][:, :length]
        single["attention_mask"] = single["attention_mask"][:, :length]
        alone = model(**single)
        torch.testing.assert_close(alone.logits[0], together.logits[index], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.presence_logits[0], together.presence_logits[index], atol=1e-5, rtol=0)


@torch.no_grad()
def test_batch_composition_changes_nothing(model):
    inputs = tiny_inputs(images=3, expressions=7)
    order = torch.tensor([6, 2, 4, 0, 5, 1, 3])
    torch.testing.assert_close(model(**rows(inputs, order)).logits, model(**inputs).logits[order], atol=1e-5, rtol=0)


@torch.no_grad()
def test_each_expression_sees_its_own_image(model):
    inputs = tiny_inputs(images=2, expressions=4)
    before = model(**inputs).logits
    inputs["pixel_values"] = inputs["pixel_values"].clone()
    inputs["pixel_values"][1] += 1
    changed = (model(**inputs).logits - before).abs().amax(dim=(1, 2)) > 1e-4
    assert changed.tolist() == [False, True, False, True]


@torch.no_grad()
def test_vision_embeds_take_the_place_of_pixel_values(model):
    inputs = tiny_inputs(images=2, expressions=5)
    expected = model(**inputs)
    pixel_values = inputs.pop("pixel_values")
    for vision_embeds in (model.get_image_features(pixel_values), expected.vision_embeds):
        torch.testing.assert_close(model(**inputs, vision_embeds=vision_embeds).logits, expected.logits)


@torch.no_grad()
def test_image_is_encoded_once_however_many_expressions_follow(model):
    passes = []
    model.vision_model.register_forward_hook(lambda *_: passes.append(1))
    model(**tiny_inputs(images=1, expressions=9))
    assert len(passes) == 1


@torch.no_grad()
@pytest.mark.parametrize(("images", "expressions"), [(1, 4), (3, 3)])
def test_image_indices_may_be_left_out(model, images, expressions):
    inputs = tiny_inputs(images, expressions)
    expected = model(**inputs).logits
    del inputs["image_indices"]
    torch.testing.assert_close(model(**inputs).logits, expected)


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 64), (32, 56), (16, 8)])
def test_any_size_that_the_patch_size_divides(model, size):
    outputs = model(**tiny_inputs(images=1, expressions=2, size=size))
    assert outputs.logits.shape == (2, size[0] // 2, size[1] // 2)
    assert outputs.logits.isfinite().all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pixel_values": torch.zeros(2, 3, 30, 32)}, "the patch size 8 must divide both"),
        ({"image_indices": torch.tensor([0, 1, 2, 0])}, "must lie between 0 and 1"),
        ({"image_indices": torch.tensor([0, -1, 1, 0])}, "must lie between 0 and 1"),
        ({"image_indices": torch.tensor([0.0, 1, 0, 1])}, "torch.float32: give whole numbers"),
        ({"image_indices": torch.tensor([False, True] * 2)}, "torch.bool: give whole numbers"),
        ({"image_indices": torch.tensor([0, 1, 0, 1], dtype=torch.uint8)}, "torch.uint8: give whole numbers"),
        ({"image_indices": torch.tensor([0, 1])}, "one number for each of the 4 expressions"),
        ({"image_indices": None}, "2 images and 4 expressions: say with `image_indices`"),
        ({"pixel_values": None}, "either `pixel_values` or `vision_embeds`"),
        ({"input_ids": None}, "Give `input_ids`"),
    ],
)
def test_bad_input_gets_one_sentence(model, change, sentence):
    with pytest.raises((ValueError, RuntimeError), match=sentence):
        model(**{**tiny_inputs(images=2, expressions=4), **change})


@torch.no_grad()
def test_attention_implementations_agree(model):
    inputs = tiny_inputs(images=2, expressions=6)
    expected = model(**inputs).logits
    assert model.config.stage2_config._attn_implementation == "sdpa"
    model.set_attn_implementation("eager")
    assert model.config.stage2_config._attn_implementation == "eager"
    torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_words_are_masked_under_flash_attention_too(model):
    attention = model.stage1_decoder.layers[0].cross_attn
    queries, words = torch.randn(2, 16, 32), torch.randn(2, 5, 32)
    keep = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    expected = [attention(queries[row : row + 1], words[row : row + 1, : keep[row].sum()])[0] for row in (0, 1)]
    attention.config._attn_implementation_internal = "flash_attention_2"
    torch.testing.assert_close(attention(queries, words, keep), torch.stack(expected))


WITH_ALL = {
    **PYRAMID,
    "beyond_paper": ["similarity", "class_similarity", "decoder_positions", "token_embeds"],
}


@torch.no_grad()
@pytest.mark.parametrize("fields", [{}, WITH_ALL], ids=["paper", "with all of tiny"])
def test_bfloat16_stays_near_float32(fields):
    torch.manual_seed(0)
    model = UniResModel(tiny_config(**fields)).eval()
    inputs = tiny_inputs(images=2, expressions=6)
    expected = model(**inputs).logits.sigmoid()
    probabilities = model.to(torch.bfloat16)(**inputs).logits.float().sigmoid()
    torch.testing.assert_close(probabilities, expected, atol=2e-2, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("fields", [{}, WITH_ALL], ids=["paper", "with all of tiny"])
def test_compiles_to_one_graph(fields):
    model = UniResModel(tiny_config(**fields)).eval()
    inputs = tiny_inputs(images=2, expressions=4)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(**inputs).logits, model(**inputs).logits, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("fields", [{}, WITH_ALL], ids=["paper", "with all of tiny"])
def test_exports(fields):
    model = UniResModel(tiny_config(**fields)).eval()
    inputs = tiny_inputs(images=2, expressions=4)
    program = torch.export.export(model, (), kwargs=inputs)
    torch.testing.assert_close(program.module()(**inputs).logits, model(**inputs).logits, atol=1e-5, rtol=0)


ABLATIONS = {
    "full": {},
    "no low-level groups": {"num_low_level_group_tokens": 0},
    "no high-level groups": {"num_high_level_group_tokens": 0},
    "one stage": NO_GROUPS,
    "backbone": PYRAMID,
    "backbone deeper than the head": {**PYRAMID, "mask_head_channels": [16, 8]},
    "similarity": {"beyond_paper": ["similarity"]},
    "class similarity": {**PYRAMID, "beyond_paper": ["class_similarity"]},
    "positions": {"beyond_paper": ["decoder_positions"]},
    "token embeddings": {"beyond_paper": ["token_embeds"]},
    "stage widths differ": {"stage2_config": {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}},
}


@pytest.mark.parametrize("fields", ABLATIONS.values(), ids=ABLATIONS.keys())
@pytest.mark.parametrize("checkpointing", [False, True], ids=["", "checkpointed"])
def test_every_parameter_learns(fields, checkpointing):
    model = UniResModel(tiny_config(**fields)).train()
    if checkpointing:
        model.activation_checkpointing_enable()
    inputs = tiny_inputs(images=2, expressions=4)
    model(**inputs, labels=torch.rand(4, 32, 32).round()).loss.backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []


def test_similarity_is_the_cosine_in_the_joint_space():
    model = UniResModel(tiny_config(beyond_paper=["similarity"], **PYRAMID)).eval()
    inputs = tiny_inputs(images=2, expressions=3)
    with torch.no_grad():
        patches = model.get_image_features(inputs["pixel_values"]).image_embeds
        sentences = model.get_text_features(inputs["input_ids"], inputs["attention_mask"]).pooler_output
        every = model.similarity(patches, sentences)
    assert every.shape == (2, 3, 4, 4)
    scale, bias = model.similarity.logit_scale.exp(), model.similarity.logit_bias
    for image in range(2):
        for expression in range(3):
            cosines = torch.cosine_similarity(patches[image], sentences[expression], dim=-1)
            torch.testing.assert_close(every[image, expression], scale * cosines + bias)


def test_the_vision_encoder_starts_as_clips():
    """transformers passes over modules that hold no weights themselves, if they are not of its own."""
    model = UniResModel(tiny_config())
    for ours, clips in zip(
        model.vision_model.encoder.layers, CLIPVisionModel(model.config.vision_config).encoder.layers, strict=True
    ):
        for name in ("self_attn.q_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2"):
            std = ours.get_submodule(name).weight.std()
            torch.testing.assert_close(std, clips.get_submodule(name).weight.std(), atol=0, rtol=0.1)


def test_places_start_as_strong_as_what_patches_show():
    model = UniResModel(tiny_config(beyond_paper=["decoder_positions"]))
    shown = model.image_projection(torch.randn(4096, model.config.projection_dim))
    for positions in (model.positions, model.stage2_positions):
        torch.testing.assert_close(positions(16, 16).square().mean(), shown.square().mean(), atol=0, rtol=0.3)


def test_labels_of_another_size_are_averaged(model):
    inputs = tiny_inputs(images=1, expressions=2)
    labels = (torch.rand(2, 32, 32) > 0.5).float()
    at_logit_size = torch.nn.functional.avg_pool2d(labels, 2)
    torch.testing.assert_close(model(**inputs, labels=labels).loss, model(**inputs, labels=at_logit_size).loss)


def test_loss_falls_to_nothing_for_the_right_masks(model):
    labels = torch.zeros(2, 16, 16)
    labels[:, 4:9, 3:12] = 1
    sure = (labels * 2 - 1) * 30
    presence = torch.full((2,), 30.0)
    assert model._loss(sure, presence, labels) < 1e-3
    assert model._loss(-sure, presence, labels) > 1


def test_golden_numbers():
    """The numbers of a seeded model: they change only when the model does, and then on purpose."""
    torch.manual_seed(1234)
    model = UniResModel(tiny_config()).eval()
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    with torch.no_grad():
        outputs = model(**tiny_inputs(images=2, expressions=3, seed=7), labels=torch.ones(3, 16, 16))
    summary = [
        outputs.logits.mean(),
        outputs.logits.std(),
        outputs.logits[1, 5, 9],
        *outputs.presence_logits,
        outputs.loss,
    ]
    torch.testing.assert_close(torch.stack(summary), torch.tensor(GOLDEN), atol=1e-4, rtol=1e-4)


GOLDEN = [-0.19256, 0.18209, -0.45665, -0.26493, -0.16485, -0.19739, 4.90477]


def test_position_embeddings_keep_their_own_grid_and_their_class_token(model):
    name = "embeddings.position_embedding.weight"
    weight = model.vision_model.get_parameter(name)
    torch.testing.assert_close(positions_at(model.vision_model, 32)[name], weight)
    with torch.no_grad():
        weight[1:] = torch.linspace(0, 1, 4).repeat(4)[:, None]
    larger = positions_at(model.vision_model, 64)[name]
    assert larger.shape == (1 + 64, 32)
    torch.testing.assert_close(larger[0], weight[0])
    row = larger[1:9, 0]
    assert (row.diff() > -1e-2).all() and row[-1] > 0.9 and row[0] < 0.1


def test_meta_device():
    with torch.device("meta"):
        model = UniResModel(tiny_config())
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
