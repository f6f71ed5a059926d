# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The comparison of forms, with forms of known score and known speed."""

import numpy as np
import pytest
from PIL import Image

from unires_hf.data import masks
from unires_hf.scenes import PartScenes


def test_scores_and_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    from unires_hf.publish import onnx_measure as measure

    scenes = list(PartScenes("val", length=3))
    truths = {
        (row["image"].tobytes(), expression["text"]): masks.decode(target["mask"])
        for row in scenes
        for target in row["targets"]
        for expression in target["expressions"]
    }
    clock = [0.0]
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])

    def form(name: str, size: int, seconds: float, answer) -> measure.Form:
        def segment(image, texts):
            clock[0] += seconds
            drawn = [np.ascontiguousarray(answer(truths[image.tobytes(), text])) for text in texts]
            return [{"mask": Image.fromarray(mask.view(np.uint8) * 255), "is_empty": not mask.any()} for mask in drawn]

        return measure.Form(name, size, segment)

    perfect = form("perfect", 8_000_000, 0.3, lambda truth: truth)
    nothing = form("nothing", 2_000_000, 0.1, lambda truth: np.zeros_like(truth, order="C"))
    first, second = measure.compare([perfect, nothing], scenes)
    assert not all(truth.any() for truth in truths.values())  # expressions without a referent have no IoU
    assert first.miou == pytest.approx(100) and first.miou_lost == 0 and first.faster == 1
    assert second.miou_lost == pytest.approx(first.miou - second.miou) and second.miou == 0
    assert second.faster == pytest.approx(3) and second.smaller == 4 and second.megabytes == 2
    assert second.milliseconds == pytest.approx(100)
    table = measure.markdown([first, second]).splitlines()
    assert table[3].startswith("| nothing | 3.00x | 4.00x |")


def test_one_picture_with_a_referent_is_too_few() -> None:
    from unires_hf.publish.onnx_measure import measure_exports

    scene, other = PartScenes("val", length=2)
    silent = {**other, "targets": []}
    denied = {**other, "targets": [it for it in other["targets"] if not masks.area(it["mask"])]}
    with pytest.raises(ValueError, match="1 have an expression with a referent: give 2 or more"):
        measure_exports("drawings", [scene, silent, denied], 1)
