# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS and LAVT from what others have published: their pretrained parts, and their own checkpoint files."""

import argparse
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, BertModel, SwinModel
from transformers.utils import logging

from unires_hf.weights import load_whole

from .configuration_cris import CrisConfig
from .configuration_lavt import LavtConfig
from .modeling_cris import CrisModel
from .modeling_lavt import LavtModel

logger = logging.get_logger(__name__)

StateDict = dict[str, torch.Tensor]
Renames = tuple[tuple[str, str], ...]

# From the names in the published files to ours; whole names, tried in order. OpenAI's CLIP has the names of
# `backbone.`, which CRIS took over. Names, shapes and outputs were checked against the original code with random
# weights; no published file was at hand. A name that differs there is reported, and nothing is converted.
CRIS_RENAMES: Renames = (
    (r"backbone\.visual\.conv1\.(.+)", r"vision_model.stem.0.convolution.\1"),
    (r"backbone\.visual\.conv2\.(.+)", r"vision_model.stem.1.convolution.\1"),
    (r"backbone\.visual\.conv3\.(.+)", r"vision_model.stem.2.convolution.\1"),
    (r"backbone\.visual\.bn1\.(.+)", r"vision_model.stem.0.normalization.\1"),
    (r"backbone\.visual\.bn2\.(.+)", r"vision_model.stem.1.normalization.\1"),
    (r"backbone\.visual\.bn3\.(.+)", r"vision_model.stem.2.normalization.\1"),
    (r"backbone\.visual\.layer(\d+)\.(\d+)\.conv([12])\.(.+)", r"vision_model.stages.\1.\2.layer\3.convolution.\4"),
    (r"backbone\.visual\.layer(\d+)\.(\d+)\.bn([12])\.(.+)", r"vision_model.stages.\1.\2.layer\3.normalization.\4"),
    (r"backbone\.visual\.layer(\d+)\.(\d+)\.conv3\.(.+)", r"vision_model.stages.\1.\2.convolution.\3"),
    (r"backbone\.visual\.layer(\d+)\.(\d+)\.bn3\.(.+)", r"vision_model.stages.\1.\2.normalization.\3"),
    (r"backbone\.visual\.layer(\d+)\.(\d+)\.downsample\.0\.(.+)", r"vision_model.stages.\1.\2.shortcut.\3"),
    (
        r"backbone\.visual\.layer(\d+)\.(\d+)\.downsample\.1\.(.+)",
        r"vision_model.stages.\1.\2.shortcut_normalization.\3",
    ),
    (r"backbone\.visual\.attnpool\.positional_embedding", r"vision_model.attention_pool.position_embedding"),
    (r"backbone\.visual\.attnpool\.connect\.0\.(.+)", r"vision_model.attention_pool.connect_convolution.\1"),
    (r"backbone\.visual\.attnpool\.connect\.1\.(.+)", r"vision_model.attention_pool.connect_normalization.\1"),
    (r"backbone\.visual\.attnpool\.c_proj\.(.+)", r"vision_model.attention_pool.attention.out_proj.\1"),
    (r"backbone\.visual\.attnpool\.([qkv]_proj\..+)", r"vision_model.attention_pool.attention.\1"),
    (r"backbone\.token_embedding\.weight", r"text_model.embeddings.token_embedding.weight"),
    (r"backbone\.positional_embedding", r"text_model.embeddings.position_embedding.weight"),
    (r"backbone\.transformer\.resblocks\.(\d+)\.attn\.(.+)", r"text_model.encoder.layers.\1.self_attn.\2"),
    (r"backbone\.transformer\.resblocks\.(\d+)\.ln_([12])\.(.+)", r"text_model.encoder.layers.\1.layer_norm\2.\3"),
    (r"backbone\.transformer\.resblocks\.(\d+)\.mlp\.c_fc\.(.+)", r"text_model.encoder.layers.\1.mlp.fc1.\2"),
    (r"backbone\.transformer\.resblocks\.(\d+)\.mlp\.c_proj\.(.+)", r"text_model.encoder.layers.\1.mlp.fc2.\2"),
    (r"backbone\.ln_final\.(.+)", r"text_model.final_layer_norm.\1"),
    (r"backbone\.text_projection", r"text_projection.weight"),
    (r"neck\.txt_proj\.0\.(.+)", r"neck.text_projection.\1"),
    (r"neck\.txt_proj\.1\.(.+)", r"neck.text_normalization.\1"),
    (r"neck\.norm_layer\.0\.(.+)", r"neck.top_normalization.\1"),
    (r"neck\.f1_v_proj\.(.+)", r"neck.top_projection.\1"),
    (r"neck\.f2_v_proj\.(.+)", r"neck.middle_projection.\1"),
    (r"neck\.f2_cat\.(.+)", r"neck.middle_fusion.\1"),
    (r"neck\.f3_v_proj\.(.+)", r"neck.low_projection.\1"),
    (r"neck\.f3_cat\.(.+)", r"neck.low_fusion.\1"),
    (r"neck\.f4_proj5\.(.+)", r"neck.top_output.\1"),
    (r"neck\.f4_proj4\.(.+)", r"neck.middle_output.\1"),
    (r"neck\.f4_proj3\.(.+)", r"neck.low_output.\1"),
    (r"neck\.aggr\.(.+)", r"neck.aggregation.\1"),
    (r"neck\.coordconv\.0\.conv1\.(.+)", r"neck.coordinate_convolution.\1"),
    (r"neck\.coordconv\.1\.(.+)", r"neck.output_convolution.\1"),
    (r"decoder\.norm\.(.+)", r"decoder_layer_norm.\1"),
    (r"decoder\.layers\.(\d+)\.multihead_attn\.(.+)", r"decoder_layers.\1.cross_attn.\2"),
    (r"decoder\.layers\.(\d+)\.self_attn\.(.+)", r"decoder_layers.\1.self_attn.\2"),
    (r"decoder\.layers\.(\d+)\.(self|cross)_attn_norm\.(.+)", r"decoder_layers.\1.\2_attn_layer_norm.\3"),
    (r"decoder\.layers\.(\d+)\.norm([123])\.(.+)", r"decoder_layers.\1.layer_norm\2.\3"),
    (r"decoder\.layers\.(\d+)\.ffn\.0\.(.+)", r"decoder_layers.\1.fc1.\2"),
    (r"decoder\.layers\.(\d+)\.ffn\.3\.(.+)", r"decoder_layers.\1.intermediate_layer_norm.\2"),
    (r"decoder\.layers\.(\d+)\.ffn\.4\.(.+)", r"decoder_layers.\1.fc2.\2"),
    (r"proj\.vis\.1\.(.+)", r"projector.layer1.\1"),
    (r"proj\.vis\.3\.(.+)", r"projector.layer2.\1"),
    (r"proj\.vis\.4\.(.+)", r"projector.convolution.\1"),
    (r"proj\.txt\.(.+)", r"projector.kernel.\1"),
)
LAVT_RENAMES: Renames = (
    (r"backbone\.patch_embed\.proj\.(.+)", r"vision_model.embeddings.patch_embeddings.projection.\1"),
    (r"backbone\.patch_embed\.norm\.(.+)", r"vision_model.embeddings.norm.\1"),
    (
        r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_bias_table",
        r"vision_model.encoder.layers.\1.blocks.\2.attention.relative_position_bias.relative_position_bias_table",
    ),
    (
        r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.attn\.proj\.(.+)",
        r"vision_model.encoder.layers.\1.blocks.\2.attention.o_proj.\3",
    ),
    (
        r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.attn\.qkv\.(.+)",
        r"vision_model.encoder.layers.\1.blocks.\2.attention.in_proj_\3",
    ),
    (
        r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.norm1\.(.+)",
        r"vision_model.encoder.layers.\1.blocks.\2.layernorm_before.\3",
    ),
    (
        r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.norm2\.(.+)",
        r"vision_model.encoder.layers.\1.blocks.\2.layernorm_after.\3",
    ),
    (r"backbone\.layers\.(\d+)\.blocks\.(\d+)\.mlp\.(.+)", r"vision_model.encoder.layers.\1.blocks.\2.mlp.\3"),
    (r"backbone\.layers\.(\d+)\.downsample\.(.+)", r"vision_model.encoder.layers.\1.downsample.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.vis_project\.0\.(.+)", r"fusions.\1.vision_projection.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.image_lang_att\.f_query\.0\.(.+)", r"fusions.\1.q_proj.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.image_lang_att\.f_key\.0\.(.+)", r"fusions.\1.k_proj.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.image_lang_att\.f_value\.0\.(.+)", r"fusions.\1.v_proj.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.image_lang_att\.W\.0\.(.+)", r"fusions.\1.out_proj.\2"),
    (r"backbone\.layers\.(\d+)\.fusion\.project_mm\.0\.(.+)", r"fusions.\1.output_projection.\2"),
    (r"backbone\.layers\.(\d+)\.res_gate\.0\.(.+)", r"gates.\1.fc1.\2"),
    (r"backbone\.layers\.(\d+)\.res_gate\.2\.(.+)", r"gates.\1.fc2.\2"),
    (r"backbone\.norm(\d+)\.(.+)", r"layer_norms.\1.\2"),
    (r"classifier\.conv1_1\.(.+)", r"decoder.classifier.\1"),
    (r"classifier\.conv1_(\d)\.(.+)", r"decoder.first_layers.\1.convolution.\2"),
    (r"classifier\.bn1_(\d)\.(.+)", r"decoder.first_layers.\1.normalization.\2"),
    (r"classifier\.conv2_(\d)\.(.+)", r"decoder.second_layers.\1.convolution.\2"),
    (r"classifier\.bn2_(\d)\.(.+)", r"decoder.second_layers.\1.normalization.\2"),
    (r"text_encoder\.(.+)", r"text_model.\1"),
)
# What a published file holds and no mask depends on.
CRIS_UNUSED = r"backbone\.(logit_scale|input_resolution|context_length|vocab_size)"
LAVT_UNUSED = r".*\.relative_position_index|text_encoder\.(pooler\..+|embeddings\.position_ids)"


def cris_from_clip(checkpoint: str | Path, image_size: int = 416, **config_fields) -> CrisModel:
    """
    A CRIS whose encoders are those of a CLIP ResNet, and whose other weights are new.

    Args:
        checkpoint: OpenAI's file (`RN50.pt`, `RN101.pt`), or any file of a state dict with its names, such as
            `open_clip_model.safetensors` of the Hub's `timm/resnet50_clip.openai`.
        image_size (`int`, *optional*, defaults to 416): side of the input in pixels, a multiple of 32.
        config_fields: fields of [`CrisConfig`].

    Raises:
        ValueError: if a weight of CLIP's encoders is missing, or one is there that a CLIP ResNet does not have.
    """
    published = {f"backbone.{name}": weight for name, weight in _read(checkpoint)[0].items()}
    _require(published, "backbone.visual.attnpool.c_proj.weight", checkpoint, "of a CLIP ResNet")
    config_fields.setdefault("hidden_size", len(published["backbone.ln_final.weight"]))
    config = _cris_config(published, image_size, **config_fields)
    model = CrisModel(config)
    new = ("neck.", "decoder_layer", "projector.", "vision_model.attention_pool.connect_")
    _load(model, _rename_cris(published), checkpoint, new)
    return model


def convert_cris(checkpoint: str | Path, image_size: int = 416, **config_fields) -> CrisModel:
    """
    A CRIS from a file of the authors' (`best_model.pth`), with sizes read off its weights.

    Args:
        checkpoint: the file; its `state_dict` may carry the `module.` of parallel training.
        image_size (`int`, *optional*, defaults to 416): side of the input in pixels.
        config_fields: fields of [`CrisConfig`] that the weights do not tell, such as `num_attention_heads`.

    Raises:
        ValueError: if a weight is missing, or one is there that CRIS does not have.
    """
    published, _ = _read(checkpoint)
    _require(published, "decoder.layers.0.ffn.0.weight", checkpoint, "of CRIS")
    layers = _count(published, r"decoder\.layers\.(\d+)\.")
    intermediate_size, hidden_size = published["decoder.layers.0.ffn.0.weight"].shape
    config_fields = {
        "hidden_size": hidden_size,
        "intermediate_size": intermediate_size,
        "num_hidden_layers": layers,
        **config_fields,
    }
    model = CrisModel(_cris_config(published, image_size, **config_fields))
    _load(model, _rename_cris(published), checkpoint)
    return model


def lavt_from_parts(swin: str, bert: str, image_size: int = 480, **config_fields) -> LavtModel:
    """
    A LAVT whose encoders are a pretrained Swin transformer and BERT, and whose other weights are new.

    Args:
        swin: `microsoft/swin-base-patch4-window12-384-in22k` or another Swin of the Hub, or a folder.
        bert: `google-bert/bert-base-uncased` or another BERT of the Hub, or a folder.
        image_size (`int`, *optional*, defaults to 480): side of the input in pixels.
        config_fields: fields of [`LavtConfig`]; `hidden_size` defaults to half of the last stage's channels.

    Raises:
        ValueError: if a checkpoint is of another type, or lacks a weight of its encoder.
    """
    for name, expected in ((swin, "swin"), (bert, "bert")):
        found = AutoConfig.from_pretrained(name).model_type
        if found != expected:
            raise ValueError(f"{name} is a {found!r}, not a {expected!r}: give a checkpoint of that type.")
    vision_model = load_whole(SwinModel, swin, add_pooling_layer=False, dtype=torch.float32)
    text_model = load_whole(BertModel, bert, add_pooling_layer=False, dtype=torch.float32)
    config_fields.setdefault("hidden_size", vision_model.num_features // 2)
    config = LavtConfig(
        vision_config={**vision_model.config.to_dict(), "image_size": image_size},
        text_config=text_model.config.to_dict(),
        **config_fields,
    )
    model = LavtModel(config)
    state_dict = {f"vision_model.{name}": weight for name, weight in vision_model.state_dict().items()}
    state_dict |= {f"text_model.{name}": weight for name, weight in text_model.state_dict().items()}
    state_dict = {name: weight for name, weight in state_dict.items() if ".layernorm." not in name}
    _load(model, state_dict, f"{swin} and {bert}", ("fusions.", "gates.", "layer_norms.", "decoder."))
    return model


def convert_lavt(checkpoint: str | Path, image_size: int = 480, **config_fields) -> LavtModel:
    """
    A LAVT from a file of the authors' (`lavt` or `lavt_one`), with sizes read off its weights.

    The gate of the last stage, whose output nothing reads, and BERT's pooler are left behind.

    Args:
        checkpoint: the file.
        image_size (`int`, *optional*, defaults to 480): side of the input in pixels.
        config_fields: fields of [`LavtConfig`] in place of what the file tells. The heads of the pixel-word attention
            are read from the arguments that it was trained with, where it has them, as the authors' files do.

    Raises:
        ValueError: if a weight is missing, or one is there that LAVT does not have.
    """
    published, settings = _read(checkpoint)
    _require(published, "classifier.conv1_4.weight", checkpoint, "of LAVT")
    _require(published, "text_encoder.embeddings.word_embeddings.weight", checkpoint, "of LAVT and its BERT")
    heads = getattr(settings, "mha", "")  # such as "4-4-4-4"; of one head each where it is empty
    if heads:
        config_fields.setdefault("fusion_num_attention_heads", [int(count) for count in heads.split("-")])
    config = _lavt_config(published, image_size, **config_fields)
    last = len(config.vision_config.depths) - 1
    state_dict = {}
    for name, weight in _rename(published, LAVT_RENAMES, LAVT_UNUSED).items():
        if name.startswith(f"gates.{last}."):
            continue
        if name.startswith("decoder.") and "_layers." in name:
            # Published: numbered by the map that they produce, 4 for the coarsest.
            name = re.sub(r"_layers\.(\d)", lambda level: f"_layers.{last + 1 - int(level[1])}", name)
        if name.startswith("fusions."):
            weight = weight.flatten(1) if weight.ndim > 1 else weight  # a convolution over words or pixels
        state_dict[name] = weight
    model = LavtModel(config)
    _load(model, _split_projections(state_dict), checkpoint)
    return model


def _read(path: str | Path) -> tuple[StateDict, argparse.Namespace | None]:
    """The weights of a file, as float32, without the prefixes that training has left; and its arguments."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    if path.suffix == ".safetensors":
        content = load_file(path)
    elif zipfile.is_zipfile(path) and any(
        name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()
    ):
        content = torch.jit.load(path, map_location="cpu").state_dict()  # OpenAI publishes programs
    else:
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    weights = content.get("state_dict", content.get("model", content))
    weights = {name.removeprefix("module."): weight for name, weight in weights.items()}
    for name, weight in content.get("bert_model", {}).items():
        weights[f"text_encoder.{name.removeprefix('module.')}"] = weight
    weights = {
        name: weight.float() if weight.is_floating_point() else weight
        for name, weight in weights.items()
        if isinstance(weight, torch.Tensor)
    }
    return weights, content.get("args")


def _require(weights: Mapping[str, torch.Tensor], name: str, source: str | Path, what: str):
    if name not in weights:
        raise ValueError(f"{source} has no weight {name.removeprefix('backbone.')!r}: give a checkpoint {what}.")


def _count(weights: Mapping[str, torch.Tensor], pattern: str) -> int:
    """How many numbers the group of the pattern takes in the names of the weights."""
    return len({match[1] for match in (re.match(pattern, name) for name in weights) if match})


def _cris_config(published: StateDict, image_size: int, **fields) -> CrisConfig:
    vocab_size, text_hidden_size = published["backbone.token_embedding.weight"].shape
    embedding_size = published["backbone.visual.conv3.weight"].shape[0]
    projection_dim = published["backbone.visual.attnpool.c_proj.weight"].shape[0]
    positions = published["backbone.visual.attnpool.positional_embedding"].shape[0]
    return CrisConfig(
        text_config={
            "vocab_size": vocab_size,
            "hidden_size": text_hidden_size,
            "intermediate_size": published["backbone.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            "num_hidden_layers": _count(published, r"backbone\.transformer\.resblocks\.(\d+)\."),
            "num_attention_heads": max(1, text_hidden_size // 64),
            "max_position_embeddings": published["backbone.positional_embedding"].shape[0],
            "projection_dim": projection_dim,
            "bos_token_id": vocab_size - 2,
            "eos_token_id": vocab_size - 1,
            "pad_token_id": vocab_size - 1,
        },
        vision_config={
            "embedding_size": embedding_size,
            "depths": [_count(published, rf"backbone\.visual\.layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4)],
            "num_attention_heads": max(1, embedding_size // 2),  # 64 channels a head
            "projection_dim": projection_dim,
            "position_grid_size": round((positions - 1) ** 0.5),
            "image_size": image_size,
        },
        **fields,
    )


def _rename_cris(published: StateDict) -> StateDict:
    state_dict = _rename(published, CRIS_RENAMES, CRIS_UNUSED)
    renamed = {}
    for name, weight in state_dict.items():
        # Stages count from 1 there; convolution and norm are the 0 and the 1 of a sequence.
        name = re.sub(r"^(vision_model\.stages)\.(\d)", lambda stage: f"{stage[1]}.{int(stage[2]) - 1}", name)
        if name.startswith(("neck.", "projector.layer")):
            name = re.sub(r"\.0\.(\w+)$", r".convolution.\1", name)
            name = re.sub(r"\.1\.(\w+)$", r".normalization.\1", name)
        renamed[name] = weight.T if name == "text_projection.weight" else weight
    return _split_projections(renamed)


def _lavt_config(published: StateDict, image_size: int, **fields) -> LavtConfig:
    stages = _count(published, r"backbone\.layers\.(\d+)\.")
    tables = [
        published[f"backbone.layers.{stage}.blocks.0.attn.relative_position_bias_table"] for stage in range(stages)
    ]
    embed_dim, _, patch_size, _ = published["backbone.patch_embed.proj.weight"].shape
    vocab_size, text_hidden_size = published["text_encoder.embeddings.word_embeddings.weight"].shape
    return LavtConfig(
        **{
            "text_config": {
                "vocab_size": vocab_size,
                "hidden_size": text_hidden_size,
                "intermediate_size": published["text_encoder.encoder.layer.0.intermediate.dense.weight"].shape[0],
                "num_hidden_layers": _count(published, r"text_encoder\.encoder\.layer\.(\d+)\."),
                "num_attention_heads": max(1, text_hidden_size // 64),
                "max_position_embeddings": published["text_encoder.embeddings.position_embeddings.weight"].shape[0],
            },
            "vision_config": {
                "image_size": image_size,
                "patch_size": patch_size,
                "embed_dim": embed_dim,
                "depths": [
                    _count(published, rf"backbone\.layers\.{stage}\.blocks\.(\d+)\.") for stage in range(stages)
                ],
                "num_heads": [table.shape[1] for table in tables],
                "window_size": (round(len(tables[0]) ** 0.5) + 1) // 2,
                "drop_path_rate": 0.3,
            },
            "hidden_size": published["classifier.conv1_4.weight"].shape[0],
            **fields,
        }
    )


def _rename(published: StateDict, renames: Renames, unused: str) -> StateDict:
    """The weights under our names; those that no rule knows keep theirs, for `_load` to complain of."""
    state_dict = {}
    for name, weight in published.items():
        if re.fullmatch(unused, name):
            continue
        rule = next((rule for rule in renames if re.fullmatch(rule[0], name)), (re.escape(name), name))
        state_dict[re.sub(rule[0], rule[1], name)] = weight
    return state_dict


def _split_projections(state_dict: StateDict) -> StateDict:
    """Queries, keys and values as three weights where there is one."""
    split = {}
    for name, weight in state_dict.items():
        owner, packed, kind = name.partition("in_proj_")
        if packed:
            split |= {f"{owner}{part}_proj.{kind}": third for part, third in zip("qkv", weight.chunk(3), strict=True)}
        else:
            split[name] = weight
    return split


def _load(model: torch.nn.Module, state_dict: StateDict, source: str | Path, new: tuple[str, ...] = ()):
    """Loads everything, or raises `ValueError`; only weights whose names start with one of `new` may be missing."""
    report = model.load_state_dict(state_dict, strict=False)
    # Counters of batch norm are newer than some files, and nothing depends on them.
    missing = [name for name in report.missing_keys if not name.startswith(new)]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    lost = sorted(missing + report.unexpected_keys)
    if lost:
        raise ValueError(
            f"{source} does not fit: {len(missing)} weights are missing and {len(report.unexpected_keys)} unknown, "
            f"{lost[0]!r} among them."
        )
    logger.warning(f"All {len(state_dict)} weights were loaded from {source}. New: {', '.join(new) or 'none'}.")
