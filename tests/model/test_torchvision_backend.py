# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The image processors' tests once more, in a process of their own that has torchvision.

torchvision of the public wheels cannot be imported beside torch's CPU build, whose users therefore go without. It can
once the two operators that it misses are defined, which is enough for its resizing and normalization.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
import transformers_suite
from packaging.version import Version
from transformers.utils import is_torchvision_available

RUN_WITH_TORCHVISION = """
import sys, torch, pytest
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from transformers.utils import is_torchvision_available
assert is_torchvision_available()
sys.exit(pytest.main(sys.argv[1:]))
"""


def torchvision_folder() -> Path:
    """The torchvision that belongs to the installed torch, fetched with pip into `.cache/`; skips if it cannot be."""
    version = f"0.{Version(torch.__version__).minor + 15}"
    folder = transformers_suite.CACHE / f"torchvision-{version}"
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            target = Path(scratch) / "site"
            pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "--retries", "0"]
            install = subprocess.run([*pip, "--target", target, f"torchvision=={version}.*"], capture_output=True)
            if install.returncode:
                pytest.skip(f"could not download torchvision {version}: {install.stderr.decode().strip()[-200:]}")
            target.rename(folder)
    return folder


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is installed: the other tests cover its backend")
def test_both_backends_with_torchvision():
    here = Path(__file__).parent
    files = [here / "test_image_processing_unires.py", here / "test_image_processing_common.py"]
    path = os.pathsep.join([str(torchvision_folder()), *filter(None, sys.path)])
    command = [sys.executable, "-c", RUN_WITH_TORCHVISION, "-q", "-p", "no:cacheprovider", *map(str, files)]
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=here.parents[1], env={**os.environ, "PYTHONPATH": path}
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
