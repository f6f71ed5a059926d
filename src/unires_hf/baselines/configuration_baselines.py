# Copyright 2026 The unires-hf authors. All rights reserved.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Presets of the baselines: sizes to be trained, by name."""

import json
from pathlib import Path
from typing import Any

PRESETS_FOLDER = Path(__file__).with_name("presets")


def read_preset(family: str, name: str) -> dict[str, Any]:
    """The fields in `presets/{name}.json`.

    Raises:
        ValueError: if the family has no preset of that name; the sentence lists those that exist.
    """
    path = PRESETS_FOLDER / f"{name}.json"
    if not name.startswith(f"{family}-") or not path.is_file():
        names = ", ".join(sorted(preset.stem for preset in PRESETS_FOLDER.glob(f"{family}-*.json")))
        raise ValueError(f"There is no preset {name!r} of {family.upper()}; the presets are: {names}.")
    return json.loads(path.read_text())


class PresetMixin:
    """A configuration that may be read from `presets/`, where the names of its own begin with its `model_type`."""

    @classmethod
    def from_preset(cls, name: str, **overrides) -> "PresetMixin":
        """The configuration of a preset, with fields replaced by `overrides`; see [`read_preset`]."""
        return cls(**{**read_preset(cls.model_type, name), **overrides})
