# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS and LAVT on the flat batch, and their parts against the published formulas."""

import math

import pytest
import torch
from tiny_baselines import cris_config, flat_batch, lavt_config
from torch import nn
from transformers import SwinModel

from unires_hf.baselines import CrisModel, LavtModel
from unires_hf.baselines.modeling_cris import CrisVisionBottleneck, grid_positions, unit_coordinates
from unires_hf.baselines.outputs_baselines import START_LOGIT

MODELS = {"cris": (CrisModel, cris_config), "lavt": (LavtModel, lavt_config)}


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    model_class, config = MODELS[request.param]
    model = model_class(config()).eval()
    for module in model.modules():  # as after training: norms are not all alike, and everything has a say
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
        elif isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    return model


@torch.no_grad()
def logits(model, batch, rows=slice(None), **changes):
    chosen = {name: batch[name][rows] for name in ("input_ids", "attention_mask", "image_indices")}
    return model(pixel_values=batch["pixel_values"], **{**chosen, **changes}).logits


def test_blocks_of_cris_start_as_their_shortcut():
    blocks = [module for module in CrisModel(cris_config()).modules() if isinstance(module, CrisVisionBottleneck)]
    assert len(blocks) == 4
    assert not any(block.normalization.weight.any() for block in blocks)


def test_words_enter_lavt_softly():
    torch.manual_seed(0)
    model, shares = LavtModel(lavt_config()).eval(), []

    def share(gate, inputs, output):
        shares.append(((output * inputs[0]).std() / hidden_states[-1].std()).item())

    hidden_states: list[torch.Tensor] = []
    for fusion, gate in zip(model.fusions, model.gates, strict=False):
        fusion.register_forward_pre_hook(lambda module, inputs: hidden_states.append(inputs[0]))
        gate.register_forward_hook(share)
    logits(model, flat_batch(images=2, expressions=4))
    assert len(shares) == 3 and 0 < min(shares) and max(shares) < 0.1


@pytest.mark.parametrize("name", MODELS)
def test_masks_are_empty_at_the_start(name, tmp_path):
    torch.manual_seed(0)
    model_class, config = MODELS[name]
    model = model_class(config())
    at_first = logits(model.eval(), flat_batch(images=2, expressions=4))
    assert at_first.mean().item() == pytest.approx(START_LOGIT, abs=1) and at_first.max() < 0
    last = model.projector.kernel if name == "cris" else model.decoder.classifier
    nn.init.constant_(last.bias, 0.5)
    model.save_pretrained(tmp_path)
    loaded = model_class.from_pretrained(tmp_path)
    assert ((loaded.projector.kernel if name == "cris" else loaded.decoder.classifier).bias == 0.5).all()


def test_k_expressions_in_one_call_are_k_calls(model):
    batch = flat_batch(images=2, expressions=5)
    together = logits(model, batch)
    alone = [logits(model, batch, slice(row, row + 1))[0] for row in range(5)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-3, atol=1e-4)


def test_expressions_and_images_matter(model):
    batch = flat_batch(images=2, expressions=4)
    together = logits(model, batch)
    assert (together[0] - together[2]).abs().max() > 0.01  # one image, two expressions
    assert (together - logits(model, batch, image_indices=1 - batch["image_indices"])).abs().max() > 0.01


def test_padding_of_the_words_changes_nothing(model):
    batch = flat_batch(images=2, expressions=4)
    padding = torch.full((4, 3), 98)
    wide = logits(
        model,
        batch,
        input_ids=torch.cat([batch["input_ids"], padding], dim=1),
        attention_mask=torch.cat([batch["attention_mask"], torch.zeros_like(padding)], dim=1),
    )
    torch.testing.assert_close(logits(model, batch), wide, rtol=1e-3, atol=1e-4)


def test_vision_embeds_take_the_place_of_pixels(model):
    batch = flat_batch(images=2, expressions=5)
    with torch.no_grad():
        vision_embeds = model.get_image_features(batch["pixel_values"])
    torch.testing.assert_close(
        logits(model, batch), logits(model, batch | {"pixel_values": None}, vision_embeds=vision_embeds)
    )


def test_output_has_the_fields_of_unires(model):
    batch = flat_batch(images=2, expressions=3)
    outputs = model(**batch)
    side = model.config.logit_size if model.config.model_type == "lavt" else 16  # a quarter of 64
    assert outputs.logits.shape == (3, side, side)
    assert outputs.presence_logits is None and outputs.loss is None
    assert outputs.image_indices.tolist() == [0, 1, 0]


def test_image_indices_may_be_left_out_where_they_are_plain(model):
    batch = flat_batch(images=2, expressions=2)
    torch.testing.assert_close(logits(model, batch), logits(model, batch, image_indices=None))
    batch = flat_batch(images=2, expressions=3)
    with pytest.raises(ValueError, match="say with `image_indices`"):
        logits(model, batch, image_indices=None)
    with pytest.raises(ValueError, match="one number for each of the 3"):
        logits(model, batch, image_indices=torch.zeros(2, dtype=torch.int64))
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        logits(model, batch, image_indices=torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="torch.bool: give whole numbers"):
        logits(model, batch, image_indices=torch.tensor([False, True, False]))


def test_inputs_that_lack_something_are_refused(model):
    batch = flat_batch(images=1)
    with pytest.raises(ValueError, match="either `pixel_values` or `vision_embeds`"):
        model(input_ids=batch["input_ids"])
    with pytest.raises(ValueError, match="input_ids"):
        model(pixel_values=batch["pixel_values"])


def test_labels_of_another_size_are_averaged(model):
    batch = flat_batch(images=2, expressions=3)
    side = model(**batch).logits.shape[-1]
    fine = torch.rand(3, 2 * side, 2 * side, generator=torch.Generator().manual_seed(0)).round()
    coarse = nn.functional.avg_pool2d(fine[:, None], 2)[:, 0]
    torch.testing.assert_close(model(**batch, labels=fine).loss, model(**batch, labels=coarse).loss)


def test_loss_of_cris_is_binary_cross_entropy():
    model, batch = CrisModel(cris_config()).eval(), flat_batch(images=2)
    labels = torch.rand(2, 16, 16)
    outputs = model(**batch, labels=labels)
    probabilities = outputs.logits.sigmoid()
    expected = -(labels * probabilities.log() + (1 - labels) * (1 - probabilities).log()).mean()
    torch.testing.assert_close(outputs.loss, expected)


def test_loss_of_lavt_is_cross_entropy_of_two_weighted_classes():
    model, batch = LavtModel(lavt_config()).eval(), flat_batch(images=2)
    labels = torch.rand(2, 64, 64).round()
    outputs = model(**batch, labels=labels)
    two = torch.stack([torch.zeros_like(outputs.logits), outputs.logits], dim=1)
    expected = nn.functional.cross_entropy(two, labels.long(), weight=torch.tensor([0.9, 1.1]))
    torch.testing.assert_close(outputs.loss, expected)


def test_stages_of_lavt_are_those_of_swin_where_no_word_gets_through():
    model = LavtModel(lavt_config()).eval()
    for gate in model.gates:
        nn.init.zeros_(gate.fc2.weight)
    swin = SwinModel(model.config.vision_config, add_pooling_layer=False).eval()
    swin.load_state_dict(model.vision_model.state_dict(), strict=False)
    seen = []
    for fusion in model.fusions:
        fusion.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    batch = flat_batch(images=2)
    with torch.no_grad():
        model(**batch)
        patches, grid = swin.embeddings(batch["pixel_values"])
        expected = swin.encoder(
            patches,
            grid,
            always_partition=True,
            output_hidden_states=True,
            output_hidden_states_before_downsampling=True,
        ).reshaped_hidden_states[1:]
    for found, stage in zip(seen, expected, strict=True):
        torch.testing.assert_close(found, stage.flatten(2).transpose(1, 2), rtol=1e-4, atol=1e-5)


def test_pixel_word_attention_is_the_published_formula():
    torch.manual_seed(0)
    fusion = LavtModel(lavt_config()).eval().fusions[1]
    pixels, words = torch.randn(2, 12, 16), torch.randn(2, 5, 32)
    visible = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    norm = nn.InstanceNorm1d(16)
    query = norm(fusion.q_proj(pixels).mT)  # (2, 16, 12)
    key = fusion.k_proj(words).mT * visible[:, None]
    value = fusion.v_proj(words).mT * visible[:, None]
    scores = query.mT @ key * 16**-0.5 + (1e4 * visible - 1e4)[:, None]
    gathered = norm(fusion.out_proj(scores.softmax(-1) @ value.mT).mT).mT
    vision = nn.functional.gelu(fusion.vision_projection(pixels))
    expected = nn.functional.gelu(fusion.output_projection(vision * gathered))
    found = fusion(pixels, words, visible[:, None, None].bool().expand(-1, -1, 12, -1))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_logits_of_lavt_say_which_of_two_is_larger():
    model, batch = LavtModel(lavt_config()).eval(), flat_batch(images=2)
    kept = []
    model.decoder.register_forward_hook(lambda _, inputs, output: kept.append(output))
    with torch.no_grad():
        found = model(**batch).logits
    two = nn.functional.interpolate(kept[0], size=(64, 64), mode="bilinear", align_corners=True)
    assert torch.equal(found > 0, two.argmax(1) == 1)


def test_positions_of_cris_are_sines_of_columns_then_rows():
    positions = grid_positions(torch.zeros(1, 8, 3, 5)).view(3, 5, 8)
    row, column = 2, 4
    wavelength = 10000 ** (2 / 4)
    expected = [
        math.sin(column),
        math.cos(column),
        math.sin(column / wavelength),
        math.cos(column / wavelength),
        math.sin(row),
        math.cos(row),
        math.sin(row / wavelength),
        math.cos(row / wavelength),
    ]
    torch.testing.assert_close(positions[row, column], torch.tensor(expected))
    coordinates = unit_coordinates(torch.zeros(1, 8, 3, 5))[0]
    assert coordinates[:, 0, 0].tolist() == [-1, -1]
    assert coordinates[:, 2, 4].tolist() == [1, 1] and coordinates[:, 0, 4].tolist() == [1, -1]


@pytest.mark.parametrize("size", [(64, 96), (32, 64)])
def test_inputs_need_not_be_square(model, size):
    batch = flat_batch(images=1) | {"pixel_values": torch.randn(1, 3, *size)}
    scale = 1 if model.config.model_type == "lavt" else 4
    assert logits(model, batch).shape == (1, size[0] // scale, size[1] // scale)


def test_sizes_that_32_does_not_divide_are_refused_by_cris():
    with pytest.raises(ValueError, match="32 must divide both"):
        CrisModel(cris_config()).get_image_features(torch.zeros(1, 3, 48, 64))


@pytest.mark.parametrize(
    ("make", "fields", "message"),
    [
        (cris_config, {"hidden_size": 48}, "give both the same"),
        (cris_config, {"mask_kernel_size": 2}, "odd and positive"),
        (cris_config, {"mask_threshold": 1.0}, "between 0 and 1"),
        (cris_config, {"vision_config": {"image_size": 100}}, "multiple of 32"),
        (cris_config, {"vision_config": {"depths": [1, 1]}}, "four positive numbers"),
        (lavt_config, {"fusion_num_attention_heads": [1, 1]}, "one number for each of the 4"),
        (lavt_config, {"fusion_num_attention_heads": [3, 1, 1, 1]}, "cannot be split"),
        (lavt_config, {"class_weights": [0.9]}, "two positive numbers"),
        (lavt_config, {"vision_config": {"image_size": 32}}, "more than one of them"),
    ],
)
def test_configurations_that_cannot_be_built_are_refused(make, fields, message):
    with pytest.raises(Exception, match=message):
        make(**fields)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_learns_what_the_words_say(name):
    """Two expressions of one picture, of which each means one half."""
    torch.manual_seed(0)
    model_class, config = MODELS[name]
    model = model_class(config()).train()
    batch = flat_batch(images=1, expressions=2)
    side = model.config.logit_size if name == "lavt" else 16
    labels = torch.zeros(2, side, side)
    labels[0, :, : side // 2] = 1
    labels[1, :, side // 2 :] = 1
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(80):
        loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    drawn = model(**batch).logits > 0
    overlap = (drawn & labels.bool()).sum((1, 2)) / (drawn | labels.bool()).sum((1, 2))
    assert overlap.min() > 0.9
