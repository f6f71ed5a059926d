# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From arguments to a model and its processor."""

import tempfile
from collections.abc import Iterable
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoProcessor,
    AutoTokenizer,
    BertConfig,
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    CLIPTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.image_processing_base import ImageProcessingMixin
from transformers.utils import is_torchvision_available

import unires_hf.baselines
from unires_hf import UniResConfig, UniResImageProcessor, UniResImageProcessorPil, UniResModel, UniResProcessor
from unires_hf.baselines import CrisConfig, CrisModel, LavtConfig, LavtModel
from unires_hf.baselines.adapters.clipseg import ReferringCLIPSeg, clipseg_config, clipseg_processor, load_clipseg
from unires_hf.checkpoints import checkpoint_path
from unires_hf.loading import is_lora, load_model
from unires_hf.model.configuration_unires import check_fields
from unires_hf.model.encoders_unires import positions_at
from unires_hf.weights import load_whole

from .arguments import ModelArguments
from .imagenet_weights import IMAGE_MEAN, IMAGE_STD, load_classifier
from .tokenizer import train_clip_tokenizer

THRESHOLDS = {"mask_threshold", "presence_threshold"}  # the processor has them; a config only says with what to begin
TEXT_LENGTH = 17  # tokens of a sentence (paper, A.3)
LAVT_TEXT_LENGTH = 20  # the same, as LAVT was published


def build_model(arguments: ModelArguments, texts: Iterable[str]) -> tuple[PreTrainedModel, UniResProcessor]:
    """
    The model and the processor that the arguments ask for.

    A preset whose name begins with `cris-`, `lavt-` or `clipseg-` is a baseline, prepared as it was published;
    `resize_mode` is then without effect. Those with a `backbone_config` are prepared as UniRES is.

    Args:
        arguments (`ModelArguments`): a checkpoint, a CLIP checkpoint, or a preset.
        texts (`Iterable[str]`): expressions of the training data; a preset's tokenizer is made from them.

    Raises:
        ValueError: if a module to freeze does not exist, the checkpoint is of another kind or lacks weights that no
            change of the config explains, or fields of the config do not fit.
    """
    overrides = dict(arguments.config_overrides)
    if arguments.model_name_or_path is not None:
        name = checkpoint_path(arguments.model_name_or_path)
        model, processor = _load(name, overrides, arguments.allow_new_weights)
        if arguments.image_size is not None:
            model = _with_image_size(model, arguments.image_size)
            _set_image_size(processor.image_processor, model.config, arguments.image_size)
    elif arguments.clip is not None:
        model = UniResModel.from_clip(arguments.clip, image_size=arguments.image_size or 448, **overrides)
        tokenizer = AutoTokenizer.from_pretrained(arguments.clip, model_max_length=TEXT_LENGTH)
        processor = make_processor(model.config, tokenizer, arguments.resize_mode)
    elif arguments.encoders is not None:
        model = UniResModel.from_encoders(*arguments.encoders, image_size=arguments.image_size or 448, **overrides)
        processor = encoders_processor(model, *arguments.encoders, resize_mode=arguments.resize_mode)
    else:
        model, processor = _from_preset(arguments, overrides, texts)
    if arguments.backbone is not None and arguments.model_name_or_path is None:
        load_backbone(model, arguments.backbone)
        processor.image_processor.image_mean, processor.image_processor.image_std = IMAGE_MEAN, IMAGE_STD
    if arguments.attn_implementation is not None:
        model.set_attn_implementation(arguments.attn_implementation)
    parts = dict(model.named_modules()) | dict(model.named_parameters())
    for name in arguments.freeze:
        if name not in parts:
            raise ValueError(
                f"--freeze {name}: the model has no such module or weight; it has {', '.join(_children(model))}."
            )
        parts[name].requires_grad_(False)
    return model, processor


def stands_as_it_is(arguments: ModelArguments) -> bool:
    """Whether the model that [`build_model`] makes can be loaded again from a folder or the Hub by its name."""
    name = arguments.model_name_or_path
    changed = arguments.config_overrides or arguments.image_size is not None or arguments.allow_new_weights
    return name is not None and not changed and checkpoint_path(name) == name and not is_lora(name)


def load_backbone(model: PreTrainedModel, name: str) -> None:
    """Gives the model's backbone the ImageNet weights of a package; see [`load_classifier`].

    Raises:
        ValueError: if the model has no backbone, or one of another size.
    """
    backbone = getattr(model, "backbone", None)
    if backbone is None:
        raise ValueError(f"--backbone {name}: the model has no backbone; set `backbone_config`, or use preset small.")
    weights = load_classifier(name).efficientnet_lite.state_dict()
    own = backbone.state_dict()
    strange = [key for key, weight in own.items() if key not in weights or weights[key].shape != weight.shape]
    if strange:
        raise ValueError(
            f"--backbone {name}: the model's backbone is another one; {len(strange)} of its weights, such as "
            f"{strange[0]}, are not {name}'s. Set `backbone_config` to its coefficients."
        )
    backbone.load_state_dict({key: weights[key] for key in own})
    if isinstance(model, UniResModel):
        # ImageNet's features are some ten times as large as what random layers make: they would drown it.
        with torch.no_grad():
            for weight in model.backbone_features.parameters():
                weight.mul_(0.1)


def _load(name: str, overrides: dict[str, Any], allow_new: bool) -> tuple[PreTrainedModel, UniResProcessor]:
    if is_lora(name):
        with tempfile.TemporaryDirectory() as merged:
            for part in load_model(name):
                part.save_pretrained(merged)
            return _load(merged, overrides, allow_new)
    config = AutoConfig.from_pretrained(name)
    check_fields(type(config), overrides)
    if isinstance(config, CLIPSegConfig):
        return load_clipseg(name, **overrides)
    if not isinstance(config, UniResConfig | CrisConfig | LavtConfig):
        raise ValueError(
            f"{name} is a model of type {config.model_type}, not a UniRES, CRIS, LAVT or CLIPSeg; a CLIP to start "
            "from is named with --clip."
        )
    model, processor = load_whole(AutoModel, name, overrides, allow_new), AutoProcessor.from_pretrained(name)
    for threshold in THRESHOLDS & set(overrides):
        setattr(processor, threshold, overrides[threshold])
    if isinstance(config, UniResConfig):
        model.config.notice = overrides.get("notice")
    return model, processor


def _from_preset(
    arguments: ModelArguments, overrides: dict[str, Any], texts: Iterable[str]
) -> tuple[PreTrainedModel, UniResProcessor]:
    """Random weights, and a tokenizer made from `texts`: for all alike, so that words are cut alike (our choice)."""
    preset = arguments.preset
    family = preset.partition("-")[0]
    make_config = {
        "cris": CrisConfig.from_preset,
        "lavt": LavtConfig.from_preset,
        "clipseg": clipseg_config,
    }.get(family, UniResConfig.from_preset)
    config = make_config(preset, **overrides)
    check_fields(type(config), overrides)
    if arguments.image_size is not None:
        config = _config_with_image_size(config, arguments.image_size)
    tokenizer = fit_tokenizer(config, texts, arguments.tokenizer)
    if family == "clipseg":
        return ReferringCLIPSeg(config), clipseg_processor(tokenizer, config.vision_config.image_size)
    if family in ("cris", "lavt"):
        model = CrisModel(config) if family == "cris" else LavtModel(config)
        if config.backbone_config is None:
            return model, unires_hf.baselines.make_processor(config, tokenizer)
        return model, make_processor(config, tokenizer, arguments.resize_mode)
    return UniResModel(config), make_processor(config, tokenizer, arguments.resize_mode)


def fit_tokenizer(config: PreTrainedConfig, texts: Iterable[str], ready: str | None = None) -> CLIPTokenizer:
    """A tokenizer made from `texts` within the config's vocabulary, or one of a folder or name on the Hub that is
    `ready`; the config takes its size and special tokens."""
    text = config.text_config
    if ready is not None:
        tokenizer = AutoTokenizer.from_pretrained(ready)
    else:
        length = LAVT_TEXT_LENGTH if isinstance(text, BertConfig) else TEXT_LENGTH
        tokenizer = train_clip_tokenizer(texts, text.vocab_size, min(length, text.max_position_embeddings))
    text.vocab_size = len(tokenizer)
    text.bos_token_id, text.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    text.pad_token_id = tokenizer.pad_token_id
    return tokenizer


def make_processor(
    config: PreTrainedConfig, tokenizer: CLIPTokenizer, resize_mode: str = "letterbox"
) -> UniResProcessor:
    """A processor for a model of this config: its input size, and labels at the size of its logits."""
    image_processor_class = UniResImageProcessor if is_torchvision_available() else UniResImageProcessorPil
    image_processor = image_processor_class(resize_mode=resize_mode)
    _set_image_size(image_processor, config, config.vision_config.image_size)
    return UniResProcessor(
        image_processor,
        tokenizer,
        mask_threshold=config.mask_threshold,
        presence_threshold=config.presence_threshold,
    )


def encoders_processor(
    model: UniResModel, vision: str, text: str | None = None, resize_mode: str = "letterbox"
) -> UniResProcessor:
    """
    A processor for a model of [`UniResModel.from_encoders`]: the pixels that its ViT was trained on, the tokenizer of
    its text encoder, and 17 tokens a sentence, or as many as that encoder demands.

    Args:
        model ([`UniResModel`]): what was made of these encoders.
        vision, text (`str`): their checkpoints, which hold an image processor and a tokenizer.
        resize_mode (`str`, *optional*, defaults to `"letterbox"`): or `"squash"`.
    """
    full_length, positions = model.text_model.full_length, model.config.text_config.max_position_embeddings
    length = positions if full_length else min(TEXT_LENGTH, positions)
    tokenizer = AutoTokenizer.from_pretrained(text or vision, model_max_length=length, padding_side="right")
    processor = make_processor(model.config, tokenizer, resize_mode)
    processor.full_length = full_length
    pixels, _ = ImageProcessingMixin.get_image_processor_dict(vision)
    normalized = pixels.get("do_normalize", True) and pixels.get("image_mean") is not None
    mean, std = (pixels["image_mean"], pixels["image_std"]) if normalized else ([0.0] * 3, [1.0] * 3)
    processor.image_processor.image_mean, processor.image_processor.image_std = mean, std
    return processor


def set_text_length(model: PreTrainedModel, processor: UniResProcessor, length: int) -> None:
    """Cuts sentences at so many tokens, here and wherever the processor is loaded again.

    Raises:
        ValueError: if the text encoder has fewer positions, or reads sentences of one length alone.
    """
    if processor.full_length and length != processor.text_length:
        raise ValueError(
            f"--max_text_length is {length}, but this text encoder reads the sentence at the last of exactly "
            f"{processor.text_length} tokens: leave it out."
        )
    positions = model.config.text_config.max_position_embeddings
    if length > positions:
        raise ValueError(f"--max_text_length is {length}, but the text encoder has {positions} positions: give fewer.")
    processor.tokenizer.model_max_length = length


def _config_with_image_size(config: PreTrainedConfig, side: int) -> PreTrainedConfig:
    """The same config for another input; made anew, so that it is checked."""
    fields = config.to_dict()
    fields["vision_config"]["image_size"] = side
    return type(config)(**fields)


def _with_image_size(model: PreTrainedModel, side: int) -> PreTrainedModel:
    """The same weights for another input; where they hold an embedding for each patch, it is interpolated."""
    if isinstance(model, CLIPSegForImageSegmentation):
        return model  # its config says for which input the positions are, whatever it is given
    resized = type(model)(_config_with_image_size(model.config, side)).to(model.dtype)
    weights = model.state_dict()
    if isinstance(model, UniResModel):
        positions = positions_at(model.vision_model, side)
        weights |= {f"vision_model.{name}": weight for name, weight in positions.items()}
    resized.load_state_dict(weights)
    return resized


def _set_image_size(image_processor: UniResImageProcessor, config: PreTrainedConfig, side: int) -> None:
    if isinstance(config, UniResConfig):
        logits = side // config.vision_config.patch_size * 2 ** (len(config.mask_head_channels) - 1)
    else:
        logits = side // 4 if isinstance(config, CrisConfig) else side
    image_processor.size = {"height": side, "width": side}
    image_processor.mask_size = {"height": logits, "width": logits}


def _children(model: PreTrainedModel) -> list[str]:
    return [name for name, _ in model.named_children()]
