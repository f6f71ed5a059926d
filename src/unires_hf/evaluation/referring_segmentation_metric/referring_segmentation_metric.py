# Copyright 2026 The unires-hf authors. Apache-2.0.
"""An `evaluate` module with every metric of referring segmentation; this folder works alone, as a Space too."""

import datasets
import evaluate
import numpy as np
from pycocotools import mask as coco_mask

from .metrics import compute_metrics
from .protocols import get_protocol

_DESCRIPTION = """\
Referring segmentation scored the way the papers score it: mIoU, oIoU (= cIoU), gIoU, Pr@X, N-acc and T-acc, for
objects and parts, with 95 % intervals over images, under the protocol of UniRES, CRIS, LAVT or gRefCOCO, or of boxes.
"""

_INPUTS = """\
Args, as `evaluate.load(FOLDER)`:
    predictions, references: COCO compressed RLE `{"size": [h, w], "counts": str}` an expression, at original size.
Args, as `evaluate.load(FOLDER, "counts")`:
    intersections, unions: pixel counts, one an expression, at the size that the protocol prescribes.
    no_target: bool an expression, the ground truth is empty (default: none is).
Args of both:
    protocol: "unires" (default), "cris", "lavt", "grefcoco" or "boxes".
    predicted_no_target: bool an expression, the model said that there is no referent (default: its RLE has no pixel).
    granularity: "object" or "part" an expression, for the breakdown.
    image_ids: the image of each expression, for the intervals.
    bootstrap, seed: number of resamples (default 1000, 0 for no intervals) and their seed (default 0).
Returns:
    a flat dict, percentages: miou, oiou, giou, pr@0.5 ..., the same with _object, _part, _low, _high, and counts.
"""

_CITATION = """\
@inproceedings{wang2024unveiling,
  title={Unveiling Parts Beyond Objects: Towards Finer-Granularity Referring Expression Segmentation},
  author={Wang, Wenxuan and Yue, Tongtian and Zhang, Yisi and Guo, Longteng and He, Xingjian and Wang, Xinlong and
          Liu, Jing},
  booktitle={CVPR},
  year={2024}
}
"""

_RLE = {"size": datasets.List(datasets.Value("int32")), "counts": datasets.Value("string")}
_COUNT = datasets.Value("int64")
_FEATURES = {
    "default": {"predictions": _RLE, "references": _RLE},
    "counts": {"intersections": _COUNT, "unions": _COUNT},
}


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _INPUTS)
class ReferringSegmentationMetric(evaluate.Metric):
    """Referring segmentation from RLEs, or from (intersection, union)."""

    def _info(self) -> evaluate.MetricInfo:
        if self.config_name not in _FEATURES:
            raise ValueError(f"There is no configuration {self.config_name!r}; choose one of {', '.join(_FEATURES)}.")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(_FEATURES[self.config_name]),
        )

    def _compute(
        self,
        predictions=None,
        references=None,
        intersections=None,
        unions=None,
        no_target=None,
        predicted_no_target=None,
        protocol: str = "unires",
        **options,
    ) -> dict[str, float | int]:
        if self.config_name == "default":
            counts = np.array([_count(*pair, protocol) for pair in zip(predictions, references, strict=True)])
            intersections, unions = counts[:, 0], counts[:, 1]
            no_target = counts[:, 3] == 0
            if predicted_no_target is None:
                predicted_no_target = counts[:, 2] == 0
        return compute_metrics(
            np.asarray(intersections),
            np.asarray(unions),
            protocol=protocol,
            no_target=no_target,
            predicted_no_target=predicted_no_target,
            **options,
        )


def _count(prediction: dict, reference: dict, protocol: str) -> tuple[int, int, int, int]:
    """Intersection and union where the protocol compares; areas of prediction and reference at original size."""
    if list(prediction["size"]) != list(reference["size"]):
        raise ValueError(
            f"A prediction is {list(prediction['size'])} (h, w) but its reference {list(reference['size'])}; "
            "bring predictions to the original image size."
        )
    pair = [{"size": list(rle["size"]), "counts": rle["counts"].encode()} for rle in (prediction, reference)]
    areas = [int(area) for area in coco_mask.area(pair)]
    preset = get_protocol(protocol)
    if preset.score_size is None and not preset.boxes:
        intersection = int(coco_mask.area(coco_mask.merge(pair, intersect=True)))
        return intersection, sum(areas) - intersection, *areas
    first, second = (preset.resize(coco_mask.decode(rle).view(bool)) for rle in pair)
    return int(np.count_nonzero(first & second)), int(np.count_nonzero(first | second)), *areas
