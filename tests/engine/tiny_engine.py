# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models of every class that the engine names, of a few thousand random weights, saved as their makers save them."""

import json
from pathlib import Path

import torch
from tiny_adapters import grounding_dino, sam2, sam3
from tiny_unires import tiny_config
from transformers import (
    BertTokenizer,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    GroundingDinoProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessorPil,
    Owlv2Processor,
    Sam2Model,
    Sam3Model,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipProcessor,
)

from unires_hf import UniResImageProcessorPil, UniResModel, UniResProcessor
from unires_hf.training.tokenizer import train_clip_tokenizer

TOWER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 20}
SPECIAL = {"bos_token_id": 518, "eos_token_id": 519, "pad_token_id": 519}
TEXT = {**TOWER, "vocab_size": 520, **SPECIAL}
SMALL = {"size": {"height": 32, "width": 32}}
CROP = {**SMALL, "crop_size": {"height": 32, "width": 32}}


def clip_words(length: int = 20):
    """A CLIP tokenizer of 520 tokens."""
    return train_clip_tokenizer(
        ["the wheel of the red car", "head of person"], vocab_size=520, model_max_length=length
    )


def save_unires(folder: Path, seed: int = 0) -> str:
    """A UniRES that finds something for most phrases."""
    torch.manual_seed(seed)
    text = {**TOWER, **SPECIAL, "vocab_size": 520, "max_position_embeddings": 20, "projection_dim": 24}
    thresholds = {"mask_threshold": 0.35, "presence_threshold": 0.01}
    config = tiny_config(text_config=text | {"hidden_size": 32, "num_attention_heads": 4}, **thresholds)
    model = UniResModel(config)
    processor = UniResProcessor(UniResImageProcessorPil(**SMALL), clip_words(), **thresholds)
    return _save(folder, model, processor)


def save_sam3(folder: Path) -> str:
    torch.manual_seed(0)
    return _save(folder, Sam3Model(sam3()), clip_words(32))


def save_sam2(folder: Path) -> str:
    torch.manual_seed(0)
    return _save(folder, Sam2Model(sam2()))


def save_grounding_dino(folder: Path, names: list[str]) -> str:
    torch.manual_seed(0)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *names]
    tokenizer = BertTokenizer(vocab={token: index for index, token in enumerate(tokens)}, model_max_length=32)
    image_processor = GroundingDinoImageProcessorPil(size={"shortest_edge": 96, "longest_edge": 128})
    model = GroundingDinoForObjectDetection(grounding_dino())
    return _save(folder, model, GroundingDinoProcessor(image_processor, tokenizer))


def save_owlv2(folder: Path) -> str:
    torch.manual_seed(0)
    config = Owlv2Config(
        text_config={**TEXT, "max_position_embeddings": 16},
        vision_config={**TOWER, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    return _save(
        folder, Owlv2ForObjectDetection(config), Owlv2Processor(Owlv2ImageProcessorPil(**SMALL), clip_words(16))
    )


def save_clip(folder: Path) -> str:
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**TEXT, "max_position_embeddings": 20},
        vision_config={**TOWER, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    return _save(folder, CLIPModel(config), CLIPProcessor(CLIPImageProcessorPil(**CROP), clip_words()))


def save_siglip(folder: Path) -> str:
    torch.manual_seed(0)
    config = SiglipConfig(
        text_config={**TEXT, "max_position_embeddings": 20, "projection_size": 16},
        vision_config={**TOWER, "image_size": 32, "patch_size": 8},
    )
    return _save(folder, SiglipModel(config), SiglipProcessor(SiglipImageProcessorPil(**SMALL), clip_words()))


def save_llava(folder: Path) -> str:
    """A vision-language model with a chat template."""
    torch.manual_seed(0)
    tokenizer = clip_words(64)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **TOWER, "image_size": 32, "patch_size": 8},
        text_config={
            "model_type": "llama",
            **TOWER,
            **SPECIAL,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 256,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    template = (
        "{% for message in messages %}{% for it in message['content'] %}"
        "{% if it['type'] == 'image' %}<image>{% else %}{{ it['text'] }}{% endif %}{% endfor %}{% endfor %}"
    )
    processor = LlavaProcessor(
        CLIPImageProcessorPil(**CROP),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    return _save(folder, LlavaForConditionalGeneration(config), processor)


def write_json(path: Path, content) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _save(folder: Path, model, *others) -> str:
    model.save_pretrained(folder)
    for other in others:
        other.save_pretrained(folder)
    return str(folder)
