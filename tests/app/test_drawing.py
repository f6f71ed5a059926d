# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What the page shows and gives away."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from PIL import Image

from unires_hf.app.drawing import color, lay_over, legend, write_archive


def test_the_archive_holds_the_masks(tmp_path: Path) -> None:
    masks = torch.rand(2, 30, 50, generator=torch.Generator().manual_seed(0)) > 0.5
    results = [
        {"label": label, "mask": mask} for label, mask in zip(["the dark side", "its edge"], masks, strict=True)
    ]
    for _ in range(2):  # the slider was moved
        path = write_archive(iter(results), tmp_path, {"model": "tiny", "mask_threshold": 0.4})
    assert list(tmp_path.iterdir()) == [path]
    with ZipFile(path) as archive:
        assert archive.namelist() == ["01-the-dark-side.png", "02-its-edge.png"]
        for name, result in zip(archive.namelist(), results, strict=True):
            with Image.open(archive.open(name)) as png:
                assert np.array_equal(np.asarray(png) > 0, result["mask"])
                assert png.text == {"Expression": result["label"], "Model": "tiny", "Mask threshold": "0.4"}


def test_parts_lie_above_objects() -> None:
    whole, part = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    whole[2:18, 2:18], part[5:12, 5:12] = True, True
    gray = Image.new("RGB", (20, 20), (128, 128, 128))
    shown = np.asarray(lay_over(gray, [{"mask": part}, {"mask": whole}]), int)
    for place, number in (((8, 8), 0), ((15, 15), 1)):
        assert np.abs(shown[place] - (128 + np.array(color(number))) / 2).max() <= 1
    assert len({color(number) for number in range(18)}) == 18


def test_the_legend_escapes_what_was_written() -> None:
    shown = legend([{"label": "<b>", "score": 0.5, "is_empty": False}, {"label": "x", "score": 0, "is_empty": True}])
    assert "&lt;b&gt;" in shown and "<b>" not in shown and "0.50" in shown and "nothing found" in shown
