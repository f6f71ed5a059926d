# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Makes transformers know UniRES and the baselines."""

import logging

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.utils import is_torchvision_available

from .baselines import CrisConfig, LavtConfig
from .baselines import register as register_baselines
from .checkpoints import checkpoint_path, explain_names, no_model_named
from .model.configuration_unires import UniResConfig, UniResDecoderConfig
from .model.image_processing_pil_unires import UniResImageProcessorPil
from .model.image_processing_unires import UniResImageProcessor
from .model.modeling_unires import UniResModel
from .model.pipeline_referring_segmentation import ReferringSegmentationPipeline
from .model.processing_unires import UniResProcessor


class _IgnoredHubKey:
    """
    A config key that says where a Hub repository keeps a copy of these classes. With the package imported the copies
    are not wanted: unread, the keys neither demand `trust_remote_code` nor dangle in a checkpoint saved again.
    """

    def __get__(self, instance, owner=None) -> dict:
        return {}

    def __set__(self, instance, value) -> None:
        pass


def register() -> None:
    """Makes the Auto classes know UniRES and the baselines, and `pipeline` know `"referring-segmentation"`."""
    register_baselines()
    image_processors = {"pil": UniResImageProcessorPil}
    if is_torchvision_available():
        image_processors["torchvision"] = UniResImageProcessor
    AutoConfig.register("unires", UniResConfig, exist_ok=True)
    AutoConfig.register("unires_decoder", UniResDecoderConfig, exist_ok=True)
    AutoModel.register(UniResConfig, UniResModel, exist_ok=True)
    AutoImageProcessor.register(UniResConfig, image_processor_classes=image_processors, exist_ok=True)
    AutoProcessor.register(UniResConfig, UniResProcessor, exist_ok=True)
    if "referring-segmentation" not in PIPELINE_REGISTRY.get_supported_tasks():
        PIPELINE_REGISTRY.register_pipeline(
            "referring-segmentation",
            ReferringSegmentationPipeline,
            pt_model=AutoModel,
            default={"model": (checkpoint_path("default"), "main")},
            type="multimodal",
        )
        logging.getLogger("transformers.pipelines").addFilter(no_model_named)
    explain_names(AutoConfig, AutoModel, AutoProcessor, AutoImageProcessor, UniResModel, UniResProcessor)
    configs = (UniResConfig, CrisConfig, LavtConfig)
    for owner in (*configs, UniResImageProcessor, UniResImageProcessorPil, UniResProcessor):
        owner.auto_map = _IgnoredHubKey()
    for config in configs:
        config.custom_pipelines = _IgnoredHubKey()
