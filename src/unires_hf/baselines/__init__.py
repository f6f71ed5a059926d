# Copyright 2026 The unires-hf authors. Apache-2.0.
"""CRIS and LAVT as transformers models, and adapters to models of transformers, all with the calls of UniRES.

May import model and data; knows nothing of training or evaluation.
"""

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoProcessor
from transformers.utils import is_torchvision_available

from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.image_processing_unires import UniResImageProcessor

from .configuration_cris import CrisConfig, CrisVisionConfig
from .configuration_lavt import LavtConfig
from .modeling_cris import CrisModel, CrisPreTrainedModel, CrisVisionModel
from .modeling_lavt import LavtModel, LavtPreTrainedModel
from .outputs_baselines import ReferringSegmentationOutput
from .processing_cris import CrisImageProcessor, CrisProcessor
from .processing_lavt import LavtProcessor
from .processor import make_processor


def register() -> None:
    """Makes `AutoConfig`, `AutoModel`, `AutoProcessor` and `AutoImageProcessor` know CRIS and LAVT."""
    of_lavt = {"pil": UniResImageProcessorPil}
    if is_torchvision_available():
        of_lavt["torchvision"] = UniResImageProcessor
    AutoConfig.register("cris_vision", CrisVisionConfig, exist_ok=True)
    for config, model, image_processors, processor in (
        (CrisConfig, CrisModel, {"pil": CrisImageProcessor}, CrisProcessor),
        (LavtConfig, LavtModel, of_lavt, LavtProcessor),
    ):
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModel.register(config, model, exist_ok=True)
        AutoImageProcessor.register(config, image_processor_classes=image_processors, exist_ok=True)
        AutoProcessor.register(config, processor, exist_ok=True)


__all__ = [
    "CrisConfig",
    "CrisImageProcessor",
    "CrisModel",
    "CrisPreTrainedModel",
    "CrisProcessor",
    "CrisVisionConfig",
    "CrisVisionModel",
    "LavtConfig",
    "LavtModel",
    "LavtPreTrainedModel",
    "LavtProcessor",
    "ReferringSegmentationOutput",
    "make_processor",
    "register",
]
