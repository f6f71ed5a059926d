# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniRES for transformers: importing it registers the Auto classes and `pipeline("referring-segmentation")`."""

import importlib
import os
import sys

__version__ = "0.2.0"

_HOMES = {
    "EfficientNetLiteBackbone": "model.modeling_efficientnet_lite",
    "EfficientNetLiteConfig": "model.configuration_efficientnet_lite",
    "EfficientNetLiteForImageClassification": "model.modeling_efficientnet_lite",
    "ReferringSegmentationPipeline": "model.pipeline_referring_segmentation",
    "UniResConfig": "model.configuration_unires",
    "UniResDecoderConfig": "model.configuration_unires",
    "UniResImageProcessor": "model.image_processing_unires",
    "UniResImageProcessorPil": "model.image_processing_pil_unires",
    "UniResModel": "model.modeling_unires",
    "UniResPreTrainedModel": "model.modeling_unires",
    "UniResProcessor": "model.processing_unires",
    "register": "registration",
}
"""The modules of the public names."""

__all__ = list(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


# Registering imports torch and transformers, which takes seconds. The command `unires` shows its help without them,
# and registers as soon as it knows what to do.
if os.path.basename(sys.argv[0]).removesuffix(".exe") != "unires":
    importlib.import_module(".registration", __name__).register()
