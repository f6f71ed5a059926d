# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniRES's processor with the settings of each baseline."""

from transformers import PreTrainedTokenizerBase
from transformers.image_utils import PILImageResampling
from transformers.utils import is_torchvision_available
from transformers.utils.constants import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    OPENAI_CLIP_MEAN,
    OPENAI_CLIP_STD,
)

from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.image_processing_unires import UniResImageProcessor
from unires_hf.model.processing_unires import UniResProcessor

from .configuration_cris import CrisConfig
from .configuration_lavt import LavtConfig
from .processing_cris import CrisImageProcessor, CrisProcessor
from .processing_lavt import LavtProcessor

# CRIS keeps the aspect ratio and pads; LAVT does not keep it.
SETTINGS = {
    "cris": {"resize_mode": "letterbox", "image_mean": OPENAI_CLIP_MEAN, "image_std": OPENAI_CLIP_STD},
    "lavt": {
        "resize_mode": "squash",
        "resample": PILImageResampling.BILINEAR,
        "image_mean": IMAGENET_DEFAULT_MEAN,
        "image_std": IMAGENET_DEFAULT_STD,
    },
}


def make_processor(config: CrisConfig | LavtConfig, tokenizer: PreTrainedTokenizerBase) -> UniResProcessor:
    """
    The processor of a CRIS or LAVT model: its input size, its geometry, and labels at the size of its logits.

    Published lengths of a sentence are set on the tokenizer's `model_max_length`: 17 tokens for CRIS (22 for G-Ref),
    20 for LAVT.

    Args:
        config (`CrisConfig` or `LavtConfig`): the model's.
        tokenizer: CLIP's for CRIS, BERT's for LAVT.
    """
    side, logits = config.vision_config.image_size, config.logit_size
    settings = {
        "size": {"height": side, "width": side},
        "mask_size": {"height": logits, "width": logits},
        **SETTINGS[config.model_type],
    }
    thresholds = {"mask_threshold": config.mask_threshold, "presence_threshold": config.presence_threshold}
    if config.model_type == "cris":
        return CrisProcessor(CrisImageProcessor(**settings), tokenizer, **thresholds)
    return LavtProcessor(image_processor_class()(**settings), tokenizer, **thresholds)


def image_processor_class() -> type[UniResImageProcessor | UniResImageProcessorPil]:
    """The quicker one where torchvision is installed."""
    return UniResImageProcessor if is_torchvision_available() else UniResImageProcessorPil


def referring_processor(
    tokenizer: PreTrainedTokenizerBase,
    image_size: int,
    mask_size: int,
    mask_threshold: float = 0.5,
    presence_threshold: float = 0.5,
    **image_settings,
) -> UniResProcessor:
    """A processor for square inputs of `image_size` pixels, and labels of `mask_size` cells, a side."""
    image_processor = image_processor_class()(
        size={"height": image_size, "width": image_size},
        mask_size={"height": mask_size, "width": mask_size},
        **image_settings,
    )
    return UniResProcessor(
        image_processor, tokenizer, mask_threshold=mask_threshold, presence_threshold=presence_threshold
    )
