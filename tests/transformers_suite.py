# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' own common tests, taken from the sdist that matches the installed version.

The wheel leaves them out. The sdist is fetched with pip when tests first ask for it and kept in `.cache/`, unpacked as
the package `transformers_tests` (their own name, `tests`, would be taken for ours).
"""

import importlib
import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import transformers
from PIL import Image, ImageDraw

CACHE = Path(__file__).resolve().parents[1] / ".cache"

# What the common tests import and the sdist leaves out; `{}` is the folder of the suite.
STUBS = {
    "transformers_tests/__init__.py": "",
    "transformers_tests/exporters/__init__.py": "",
    "transformers_tests/exporters/test_export.py": "class ExportTesterMixin:\n    pass\n",
    "transformers_tests/generation/__init__.py": "",
    "transformers_tests/generation/test_utils.py": "class GenerationTesterMixin:\n    pass\n",
    "transformers_tests/utils/__init__.py": "",
    "transformers_tests/utils/test_configuration_utils.py": "config_common_kwargs = {}\n",
    # The tests read pictures from the Hub; here every picture is the one that we draw.
    "utils/fetch_hub_objects_for_ci.py": (
        "from pathlib import Path\n\n\n"
        "def url_to_local_path(url):\n"
        '    return str(Path(__file__).parents[1] / "picture.png")\n'
    ),
}


class Unavailable(Exception):
    """The common tests cannot be had here; the message says why."""


def import_or_skip(module: str) -> ModuleType:
    """A module of the common tests, such as `test_modeling_common`.

    If it cannot be had, the calling test module is skipped, and fails where `UNIRES_CI` is set.
    """
    try:
        return load(module)
    except Unavailable as reason:
        if "UNIRES_CI" in os.environ:
            raise
        pytest.skip(str(reason), allow_module_level=True)


def load(module: str) -> ModuleType:
    """A module of the common tests.

    Raises:
        Unavailable: the sdist can be neither found in `.cache/` nor downloaded.
    """
    folder, reason = _suite()
    if folder is None:
        raise Unavailable(reason)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module(f"transformers_tests.{module}")


@cache
def _suite() -> tuple[Path | None, str]:
    folder = CACHE / f"transformers-{transformers.__version__}"
    if folder.is_dir():
        return folder, ""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        requirement = f"transformers=={transformers.__version__}"
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--retries", "0"]
        command = [*pip, "--no-binary", "transformers", "--dest", scratch, requirement]
        download = subprocess.run(command, capture_output=True, text=True)
        if download.returncode:
            last_line = (download.stderr.strip() or "pip failed").splitlines()[-1]
            return None, f"transformers' common tests: could not download the sdist of {requirement}: {last_line}"
        built = Path(scratch) / "suite"
        _unpack(next(Path(scratch).glob("*.tar.gz")), built)
        with suppress(OSError):  # another process may have been quicker
            built.rename(folder)
    return folder, ""


def _unpack(sdist: Path, folder: Path) -> None:
    for name, text in STUBS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(sdist) as archive:
        for member in archive:
            path = Path(member.name)
            if path.parts[1:-1] == ("tests",) and path.suffix == ".py":
                (folder / "transformers_tests" / path.name).write_bytes(archive.extractfile(member).read())
    _draw_picture().save(folder / "picture.png")


def _draw_picture() -> Image.Image:
    """A smooth 640x480 scene: resizing backends are compared on photographs, not on noise."""
    picture = Image.merge(
        "RGB", [Image.linear_gradient("L").rotate(angle).resize((640, 480)) for angle in (0, 90, 180)]
    )
    draw = ImageDraw.Draw(picture)
    draw.ellipse((80, 120, 300, 400), fill=(200, 60, 40))
    draw.rectangle((380, 60, 560, 330), fill=(30, 90, 180))
    return picture
