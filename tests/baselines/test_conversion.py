# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Checkpoints of others, made here under their names and shapes, become ours with every weight in its place."""

import argparse

import pytest
import torch
from safetensors.torch import save_file
from tiny_baselines import flat_batch, lavt_config
from torch import nn
from transformers import BertModel, SwinConfig, SwinModel

from unires_hf.baselines.conversion import convert_cris, convert_lavt, cris_from_clip, lavt_from_parts

TEXT, JOINT, VOCABULARY, POSITIONS = 32, 24, 99, 20
Shapes = dict[str, tuple[int, ...]]


def affine(name: str, *shape: int) -> Shapes:
    """A weight of this shape and its bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def batch_norm(name: str, channels: int) -> Shapes:
    return affine(name, channels) | {f"{name}.{part}": (channels,) for part in ("running_mean", "running_var")}


def conv_norm(name: str, inputs: int, outputs: int, kernel: int = 1) -> Shapes:
    return {f"{name}.0.weight": (outputs, inputs, kernel, kernel)} | batch_norm(f"{name}.1", outputs)


def clip_shapes() -> Shapes:
    """A CLIP of ResNet stages of 16, 32, 64 and 128 channels, and two text layers."""
    shapes = {}
    for number, (inputs, outputs) in enumerate(((3, 2), (2, 2), (2, 4)), start=1):
        shapes |= {f"visual.conv{number}.weight": (outputs, inputs, 3, 3)} | batch_norm(f"visual.bn{number}", outputs)
    inputs = 4
    for stage, (depth, outputs) in enumerate(((1, 16), (2, 32), (1, 64), (1, 128)), start=1):
        for block in range(depth):
            name, width = f"visual.layer{stage}.{block}", outputs // 4
            for number, (a, b, kernel) in enumerate(((inputs, width, 1), (width, width, 3), (width, outputs, 1)), 1):
                shapes |= {f"{name}.conv{number}.weight": (b, a, kernel, kernel)} | batch_norm(f"{name}.bn{number}", b)
            if block == 0:
                shapes |= conv_norm(f"{name}.downsample", inputs, outputs)
            inputs = outputs
    shapes["visual.attnpool.positional_embedding"] = (5, 128)
    for part in "qkv":
        shapes |= affine(f"visual.attnpool.{part}_proj", 128, 128)
    shapes |= affine("visual.attnpool.c_proj", JOINT, 128)
    shapes |= {"positional_embedding": (POSITIONS, TEXT), "text_projection": (TEXT, JOINT), "logit_scale": ()}
    shapes |= {"token_embedding.weight": (VOCABULARY, TEXT)} | affine("ln_final", TEXT)
    for layer in range(2):
        name = f"transformer.resblocks.{layer}"
        shapes |= {f"{name}.attn.in_proj_weight": (3 * TEXT, TEXT), f"{name}.attn.in_proj_bias": (3 * TEXT,)}
        shapes |= affine(f"{name}.attn.out_proj", TEXT, TEXT)
        shapes |= affine(f"{name}.mlp.c_fc", 4 * TEXT, TEXT) | affine(f"{name}.mlp.c_proj", TEXT, 4 * TEXT)
        shapes |= affine(f"{name}.ln_1", TEXT) | affine(f"{name}.ln_2", TEXT)
    return shapes


def cris_shapes() -> Shapes:
    shapes = {f"backbone.{name}": shape for name, shape in clip_shapes().items()}
    shapes |= conv_norm("backbone.visual.attnpool.connect", 128, JOINT)
    shapes |= {"neck.txt_proj.0.weight": (2 * TEXT, JOINT)} | batch_norm("neck.txt_proj.1", 2 * TEXT)
    shapes |= conv_norm("neck.f1_v_proj", JOINT, 2 * TEXT) | batch_norm("neck.norm_layer.0", 2 * TEXT)
    shapes |= conv_norm("neck.f2_v_proj", 64, TEXT, 3) | conv_norm("neck.f2_cat", 3 * TEXT, TEXT)
    shapes |= conv_norm("neck.f3_v_proj", 32, TEXT // 2, 3) | conv_norm("neck.f3_cat", TEXT // 2 + TEXT, TEXT)
    shapes |= conv_norm("neck.f4_proj5", 2 * TEXT, TEXT, 3) | conv_norm("neck.f4_proj4", TEXT, TEXT, 3)
    shapes |= conv_norm("neck.f4_proj3", TEXT, TEXT, 3) | conv_norm("neck.aggr", 3 * TEXT, TEXT)
    shapes |= conv_norm("neck.coordconv.0.conv1", TEXT + 2, TEXT, 3) | conv_norm("neck.coordconv.1", TEXT, TEXT, 3)
    for layer in range(2):
        name = f"decoder.layers.{layer}"
        for attention in ("self_attn", "multihead_attn"):
            shapes |= {f"{name}.{attention}.in_proj_weight": (3 * TEXT, TEXT)}
            shapes |= {f"{name}.{attention}.in_proj_bias": (3 * TEXT,)}
            shapes |= affine(f"{name}.{attention}.out_proj", TEXT, TEXT)
        for norm in ("self_attn_norm", "cross_attn_norm", "norm1", "norm2", "norm3"):
            shapes |= affine(f"{name}.{norm}", TEXT)
        shapes |= affine(f"{name}.ffn.0", 48, TEXT) | affine(f"{name}.ffn.3", 48) | affine(f"{name}.ffn.4", TEXT, 48)
    shapes |= affine("decoder.norm", TEXT)
    shapes |= conv_norm("proj.vis.1", TEXT, TEXT, 3) | conv_norm("proj.vis.3", TEXT, TEXT // 2, 3)
    shapes |= affine("proj.vis.4", TEXT // 2, TEXT // 2, 1, 1) | affine("proj.txt", TEXT // 2 * 9 + 1, JOINT)
    return shapes


def lavt_shapes() -> Shapes:
    """A Swin of stages of 8, 16, 32 and 64 channels with windows of 2, and its classifier of 16."""
    shapes = affine("backbone.patch_embed.proj", 8, 3, 4, 4) | affine("backbone.patch_embed.norm", 8)
    for stage, (depth, heads) in enumerate(zip((1, 2, 1, 1), (1, 2, 2, 2), strict=True)):
        width, name = 8 * 2**stage, f"backbone.layers.{stage}"
        for block in range(depth):
            part = f"{name}.blocks.{block}"
            shapes |= affine(f"{part}.norm1", width) | affine(f"{part}.norm2", width)
            shapes |= affine(f"{part}.attn.qkv", 3 * width, width) | affine(f"{part}.attn.proj", width, width)
            shapes |= {f"{part}.attn.relative_position_bias_table": (9, heads)}
            shapes |= {f"{part}.attn.relative_position_index": (4, 4)}
            shapes |= affine(f"{part}.mlp.fc1", 4 * width, width) | affine(f"{part}.mlp.fc2", width, 4 * width)
        if stage < 3:
            shapes |= {f"{name}.downsample.reduction.weight": (2 * width, 4 * width)}
            shapes |= affine(f"{name}.downsample.norm", 4 * width)
        for part, inputs in (("f_query", width), ("f_key", TEXT), ("f_value", TEXT), ("W", width)):
            shapes |= affine(f"{name}.fusion.image_lang_att.{part}.0", width, inputs, 1)
        shapes |= affine(f"{name}.fusion.vis_project.0", width, width, 1)
        shapes |= affine(f"{name}.fusion.project_mm.0", width, width, 1)
        shapes |= {f"{name}.res_gate.{layer}.weight": (width, width) for layer in (0, 2)}
        shapes |= affine(f"backbone.norm{stage}", width)
    for level, inputs in ((4, 64 + 32), (3, 16 + 16), (2, 16 + 8)):
        shapes |= {f"classifier.conv1_{level}.weight": (16, inputs, 3, 3)} | batch_norm(f"classifier.bn1_{level}", 16)
        shapes |= {f"classifier.conv2_{level}.weight": (16, 16, 3, 3)} | batch_norm(f"classifier.bn2_{level}", 16)
    return shapes | affine("classifier.conv1_1", 2, 16, 1, 1)


def fill(shapes: Shapes) -> dict[str, torch.Tensor]:
    """Small random weights; variances are positive."""
    generator = torch.Generator().manual_seed(0)
    weights = {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {name: weight.abs() + 1 if "running_var" in name else weight for name, weight in weights.items()}


def tiny_bert() -> BertModel:
    return BertModel(lavt_config().text_config)


def program(weights: dict[str, torch.Tensor]) -> torch.jit.ScriptModule:
    """A program with these weights, the form in which OpenAI publishes CLIP."""
    root = nn.Module()
    for name, weight in weights.items():
        *path, last = name.split(".")
        module = root
        for part in path:
            if part not in dict(module.named_children()):
                module.add_module(part, nn.Module())
            module = getattr(module, part)
        module.register_buffer(last, weight.half())
    root.forward = lambda pixels: pixels + 1
    return torch.jit.trace(root, torch.zeros(1))


def parallel(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"module.{name}": weight for name, weight in weights.items()}


def count(weights: dict[str, torch.Tensor]) -> int:
    return sum(weight.numel() for name, weight in weights.items() if not name.endswith("num_batches_tracked"))


def absent(published: dict[str, torch.Tensor], model: nn.Module, packed: str, left: tuple[str, ...]) -> list[str]:
    """Which published weights are nowhere in the model, under any name and order; three in one are not looked for."""
    ours = {tuple(weight.flatten().sort().values.tolist()) for weight in model.state_dict().values()}
    return [
        name
        for name, weight in published.items()
        if packed not in name
        and not name.startswith(left)
        and tuple(weight.flatten().sort().values.tolist()) not in ours
    ]


@pytest.fixture
def cris_file(tmp_path):
    torch.save({"epoch": 50, "state_dict": parallel(fill(cris_shapes())), "optimizer": {}}, tmp_path / "cris.pth")
    return tmp_path / "cris.pth"


def test_every_weight_of_cris_has_a_place(cris_file):
    published = fill(cris_shapes())
    model = convert_cris(cris_file, image_size=64)
    assert count(model.state_dict()) == count(published) - 1  # less CLIP's temperature
    assert not absent(published, model, packed="in_proj", left=("backbone.logit_scale",))
    inputs = flat_batch(images=2, expressions=3)
    assert model.eval()(**inputs).logits.shape == (3, 16, 16)


def test_attention_of_cris_is_that_of_torch(cris_file):
    published, model = fill(cris_shapes()), convert_cris(cris_file, image_size=64).eval()
    torch_attention = nn.MultiheadAttention(TEXT, 8, batch_first=True)
    name = "decoder.layers.1.multihead_attn."
    torch_attention.load_state_dict({k.removeprefix(name): v for k, v in published.items() if k.startswith(name)})
    cells, words = torch.randn(2, 9, TEXT), torch.randn(2, 5, TEXT)
    expected, _ = torch_attention(cells, words + 1, words)
    found, _ = model.decoder_layers[1].cross_attn(cells, words + 1, words)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_attention_pool_of_cris_is_that_of_torch(cris_file):
    published, model = fill(cris_shapes()), convert_cris(cris_file, image_size=64).eval()
    part = {k.removeprefix("backbone.visual.attnpool."): v for k, v in published.items() if "attnpool" in k}
    features = torch.randn(2, 128, 2, 2)  # the grid of the position embeddings: nothing is interpolated
    cells = (features.flatten(2) + part["positional_embedding"][1:].T).permute(2, 0, 1)
    pooled, _ = nn.functional.multi_head_attention_forward(
        query=cells,
        key=cells,
        value=cells,
        embed_dim_to_check=128,
        num_heads=2,
        q_proj_weight=part["q_proj.weight"],
        k_proj_weight=part["k_proj.weight"],
        v_proj_weight=part["v_proj.weight"],
        in_proj_weight=None,
        in_proj_bias=torch.cat([part[f"{letter}_proj.bias"] for letter in "qkv"]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=part["c_proj.weight"],
        out_proj_bias=part["c_proj.bias"],
        use_separate_proj_weight=True,
        training=False,
    )
    norm = [part[f"connect.1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    connected = nn.functional.batch_norm(nn.functional.conv2d(features, part["connect.0.weight"]), *norm)
    expected = (pooled.permute(1, 2, 0).unflatten(2, (2, 2)) + connected).relu()
    torch.testing.assert_close(model.vision_model.attention_pool(features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["safetensors", "program"])
def test_cris_takes_both_encoders_of_clip(tmp_path, form):
    published = fill(clip_shapes())
    path = tmp_path / f"clip.{form}"
    if form == "program":
        program(published).save(path)
        published = {name: weight.half().float() for name, weight in published.items()}
    else:
        save_file(published, path)
    model = cris_from_clip(path, image_size=64, num_hidden_layers=1)
    assert model.config.vision_config.depths == [1, 2, 1, 1]
    torch.testing.assert_close(
        model.vision_model.stages[1][0].shortcut.weight, published["visual.layer2.0.downsample.0.weight"]
    )
    torch.testing.assert_close(
        model.text_model.encoder.layers[1].self_attn.k_proj.weight,
        published["transformer.resblocks.1.attn.in_proj_weight"][TEXT : 2 * TEXT],
    )
    torch.testing.assert_close(model.text_projection.weight, published["text_projection"].T)
    assert model.config.text_config.hidden_act == "quick_gelu"


def test_clip_without_a_weight_is_refused(tmp_path):
    published = fill(clip_shapes())
    del published["visual.layer3.0.bn2.bias"]
    save_file(published, tmp_path / "clip.safetensors")
    with pytest.raises(ValueError, match="vision_model.stages.2.0.layer2.normalization.bias"):
        cris_from_clip(tmp_path / "clip.safetensors", image_size=64)


def test_foreign_files_are_refused_with_the_reason(tmp_path):
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    for convert in (convert_cris, convert_lavt, cris_from_clip):
        with pytest.raises(ValueError, match="has no weight"):
            convert(tmp_path / "other.safetensors")
        with pytest.raises(ValueError, match="no file"):
            convert(tmp_path / "absent.pth")


@pytest.mark.parametrize("version", ["lavt", "lavt_one"])
def test_every_weight_of_lavt_has_a_place(tmp_path, version):
    published, bert = fill(lavt_shapes()), tiny_bert()
    words = bert.state_dict()  # with the pooler, which nothing reads
    if version == "lavt":
        content = {"model": published, "bert_model": words}
    else:
        content = {"model": published | {f"text_encoder.{name}": weight for name, weight in words.items()}}
    torch.save({**content, "args": argparse.Namespace(lr=5e-5)}, tmp_path / "lavt.pth")

    model = convert_lavt(tmp_path / "lavt.pth", image_size=64).eval()
    config = model.config
    assert (config.vision_config.depths, config.vision_config.num_heads) == ([1, 2, 1, 1], [1, 2, 2, 2])
    assert (config.vision_config.window_size, config.hidden_size) == (2, 16)
    unused = 2 * 64**2 + 5 * 16  # the last gate, and indices of windows
    without_pooler = count(words) - TEXT * (TEXT + 1)
    assert count(model.state_dict()) == count(published) - unused + without_pooler

    names = tuple(
        name for name in published if "relative_position_index" in name or name.startswith("backbone.layers.3.res")
    )
    assert not absent(published, model, packed="qkv", left=names)
    block = model.vision_model.encoder.layers[1].blocks[1]
    packed = published["backbone.layers.1.blocks.1.attn.qkv.weight"]
    torch.testing.assert_close(block.attention.v_proj.weight, packed[32:])
    torch.testing.assert_close(
        model.fusions[3].k_proj.weight, published["backbone.layers.3.fusion.image_lang_att.f_key.0.weight"][..., 0]
    )
    torch.testing.assert_close(model.gates[2].fc2.weight, published["backbone.layers.2.res_gate.2.weight"])
    torch.testing.assert_close(
        model.decoder.first_layers[0].convolution.weight, published["classifier.conv1_4.weight"]
    )
    torch.testing.assert_close(model.decoder.second_layers[2].normalization.bias, published["classifier.bn2_2.bias"])
    torch.testing.assert_close(
        model.text_model.embeddings.word_embeddings.weight, bert.embeddings.word_embeddings.weight
    )
    assert model(**flat_batch(images=2, expressions=3)).logits.shape == (3, 64, 64)


@pytest.mark.parametrize(("mha", "heads"), [("1-2-2-4", [1, 2, 2, 4]), ("", [1, 1, 1, 1])])
def test_heads_of_lavt_are_read_from_the_files_own_arguments(tmp_path, mha, heads):
    """One head and four have the same weights: only the arguments that the file was trained with tell them apart."""
    content = {"model": fill(lavt_shapes()), "bert_model": tiny_bert().state_dict()}
    path = tmp_path / "lavt.pth"
    torch.save({**content, "args": argparse.Namespace(mha=mha)}, path)
    assert list(convert_lavt(path, image_size=64).config.fusion_num_attention_heads) == heads
    asked = convert_lavt(path, image_size=64, fusion_num_attention_heads=[2, 2, 2, 2])
    assert asked.config.fusion_num_attention_heads == [2, 2, 2, 2]


def test_lavt_takes_a_swin_and_a_bert(tmp_path):
    config = SwinConfig(image_size=32, embed_dim=8, depths=[1, 2, 1, 1], num_heads=[1, 2, 2, 2], window_size=2)
    swin, bert = SwinModel(config), tiny_bert()
    swin.save_pretrained(tmp_path / "swin")
    bert.save_pretrained(tmp_path / "bert")
    model = lavt_from_parts(tmp_path / "swin", tmp_path / "bert", image_size=64)
    assert (model.config.vision_config.image_size, model.config.hidden_size) == (64, 32)
    name = "encoder.layers.2.blocks.0.attention.q_proj.weight"
    torch.testing.assert_close(model.vision_model.get_parameter(name), swin.get_parameter(name))
    name = "encoder.layer.1.output.dense.bias"
    torch.testing.assert_close(model.text_model.get_parameter(name), bert.get_parameter(name))


def test_lavt_refuses_a_checkpoint_that_is_no_swin(tmp_path):
    tiny_bert().save_pretrained(tmp_path / "bert")
    with pytest.raises(ValueError, match="is a 'bert', not a 'swin'"):
        lavt_from_parts(tmp_path / "bert", tmp_path / "bert")
