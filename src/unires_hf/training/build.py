# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From arguments to a model and its processor."""

from collections.abc import Iterable

from transformers import AutoTokenizer, CLIPTokenizer
from transformers.utils import is_torchvision_available

from unires_hf import UniResConfig, UniResImageProcessor, UniResImageProcessorPil, UniResModel, UniResProcessor

from .arguments import ModelArguments
from .tokenizer import train_clip_tokenizer


def build_model(arguments: ModelArguments, texts: Iterable[str]) -> tuple[UniResModel, UniResProcessor]:
    """
    The model and the processor that the arguments ask for.

    Args:
        arguments (`ModelArguments`): a checkpoint, a CLIP checkpoint, or a preset.
        texts (`Iterable[str]`): expressions of the training data; a preset's tokenizer is made from them.

    Raises:
        ValueError: if a module to freeze does not exist, or fields of the config do not fit.
    """
    overrides = dict(arguments.config_overrides)
    if arguments.model_name_or_path is not None:
        model = UniResModel.from_pretrained(arguments.model_name_or_path, **overrides)
        processor = UniResProcessor.from_pretrained(arguments.model_name_or_path)
        if arguments.image_size is not None:
            _set_image_size(processor.image_processor, model.config, arguments.image_size)
    elif arguments.clip is not None:
        model = UniResModel.from_clip(arguments.clip, image_size=arguments.image_size or 448, **overrides)
        processor = make_processor(model.config, AutoTokenizer.from_pretrained(arguments.clip), arguments.resize_mode)
    else:
        config = UniResConfig.from_preset(arguments.preset, **overrides)
        if arguments.image_size is not None:
            config.vision_config.image_size = arguments.image_size
        tokenizer = fit_tokenizer(config, texts)
        model = UniResModel(config)
        processor = make_processor(config, tokenizer, arguments.resize_mode)
    if arguments.attn_implementation is not None:
        model.set_attn_implementation(arguments.attn_implementation)
    for name in arguments.freeze:
        if name not in dict(model.named_children()):
            raise ValueError(f"--freeze {name}: the model has no such module; it has {', '.join(_children(model))}.")
        model.get_submodule(name).requires_grad_(False)
    return model, processor


def fit_tokenizer(config: UniResConfig, texts: Iterable[str]) -> CLIPTokenizer:
    """A tokenizer made from `texts` within the config's vocabulary; the config takes its size and special tokens."""
    text = config.text_config
    tokenizer = train_clip_tokenizer(texts, text.vocab_size, text.max_position_embeddings)
    text.vocab_size = len(tokenizer)
    text.bos_token_id, text.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    text.pad_token_id = tokenizer.pad_token_id
    return tokenizer


def make_processor(config: UniResConfig, tokenizer: CLIPTokenizer, resize_mode: str = "letterbox") -> UniResProcessor:
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


def _set_image_size(image_processor: UniResImageProcessor, config: UniResConfig, side: int) -> None:
    logits = side // config.vision_config.patch_size * 2 ** (len(config.mask_head_channels) - 1)
    image_processor.size = {"height": side, "width": side}
    image_processor.mask_size = {"height": logits, "width": logits}


def _children(model: UniResModel) -> list[str]:
    return [name for name, _ in model.named_children()]
