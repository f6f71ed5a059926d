# Copyright 2026 The unires-hf authors. Apache-2.0.
"""UniRES as two ONNX graphs: one that sees a picture, one that answers expressions about it."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from unires_hf.model.configuration_unires import UniResConfig
from unires_hf.model.modeling_unires import UniResMaskHead, UniResModel, UniResVisionOutput

ASKED = ("input_ids", "attention_mask", "image_indices")
ANSWERED = ("logits", "presence_logits")


class ExportableMaskHead(UniResMaskHead):
    """
    The mask head with its last convolution written as one product and a sum of shifted maps.

    The model convolves all expressions as the groups of one convolution, but ONNX wants the number of groups when the
    graph is made, and the number of expressions is known only when it runs.
    """

    def convolve(self, features: torch.Tensor, text_embeds: torch.Tensor) -> torch.Tensor:
        side, (height, width) = self.kernel_size, features.shape[2:]
        kernel = self.kernel(text_embeds).unflatten(1, (self.num_channels, side**2))
        taps = (kernel.transpose(1, 2) @ features.flatten(2)).unflatten(2, (height, width))
        taps = nn.functional.pad(taps, [side // 2] * 4)
        offsets = [(row, column) for row in range(side) for column in range(side)]
        shifted = [
            taps[:, index, row : row + height, column : column + width] for index, (row, column) in enumerate(offsets)
        ]
        return sum(shifted)


class ExportableModel(UniResModel):
    """[`UniResModel`] with the same weights, in operations whose number of expressions need not be known."""

    def __init__(self, config: UniResConfig):
        super().__init__(config)
        self.mask_head = ExportableMaskHead(config)

    def _image_indices(
        self, image_indices: torch.Tensor | None, num_images: int, input_ids: torch.Tensor
    ) -> torch.Tensor:
        return image_indices  # the runtime itself refuses one out of range


class VisionGraph(nn.Module):
    """From `pixel_values` (images, 3, H, W) to what expressions need of [`UniResVisionOutput`], by name."""

    def __init__(self, model: UniResModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = self.model.get_image_features(pixel_values)
        names = ("image_embeds", "low_level_groups", "high_level_groups", "class_features")
        levels = {f"pixel_embeds_{index}": level for index, level in enumerate(outputs.pixel_embeds or ())}
        return {name: outputs[name] for name in names if name in outputs} | levels


class ExpressionsGraph(nn.Module):
    """From those, `input_ids`, `attention_mask` and `image_indices` to `logits` and `presence_logits`."""

    def __init__(self, model: UniResModel):
        super().__init__()
        self.model = model

    def forward(
        self,
        vision_embeds: dict[str, torch.Tensor],
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        image_indices: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        levels = tuple(embeds for name, embeds in vision_embeds.items() if name.startswith("pixel_embeds"))
        named = {name: embeds for name, embeds in vision_embeds.items() if not name.startswith("pixel_embeds")}
        outputs = self.model(
            vision_embeds=UniResVisionOutput(**named, pixel_embeds=levels),
            input_ids=input_ids,
            attention_mask=attention_mask,
            image_indices=image_indices,
        )
        return outputs.logits, outputs.presence_logits


def write_graphs(model: ExportableModel, inputs: Mapping[str, torch.Tensor], folder: Path) -> None:
    """
    Writes `vision.onnx` and `expressions.onnx`.

    Args:
        model: in evaluation mode, float32, on the CPU.
        inputs: what its `forward` takes, two pictures and expressions or more. Their height and width become those of
            the graphs; numbers of pictures, expressions and words stay free.
        folder: an existing folder.
    """
    images, expressions = torch.export.Dim("images"), torch.export.Dim("expressions")
    length = model.config.text_config.max_position_embeddings
    words = None if model.text_model.full_length else torch.export.Dim("words", max=length)
    pixel_values, *asked = (inputs[name] for name in ("pixel_values", *ASKED))
    vision = VisionGraph(model).eval()
    with torch.no_grad():
        vision_embeds = vision(pixel_values)
    _write(vision, (pixel_values,), ({0: images},), ["pixel_values"], list(vision_embeds), folder / "vision.onnx")
    _write(
        ExpressionsGraph(model).eval(),
        (vision_embeds, *asked),
        (
            dict.fromkeys(vision_embeds, {0: images}),
            {0: expressions, 1: words},
            {0: expressions, 1: words},
            {0: expressions},
        ),
        [*vision_embeds, *ASKED],
        list(ANSWERED),
        folder / "expressions.onnx",
    )


def _write(
    graph: nn.Module, arguments: tuple, dynamic_shapes: tuple, inputs: list[str], outputs: list[str], path: Path
) -> None:
    # The exporter misses torchvision's operators, of which there are none here, and warns of shared names of axes; its
    # optimizer says which layers it leaves as they are.
    for name in ("torch.onnx", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            arguments,
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=dynamic_shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
