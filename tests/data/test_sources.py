# Copyright 2026 The unires-hf authors. Apache-2.0.
import inspect

import pytest

from unires_hf.data.readers.coco_names import BY_ID, BY_INDEX
from unires_hf.data.readers.sources import SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_takes_a_root_and_a_split(name):
    parameters = inspect.signature(SOURCES[name]).parameters
    assert next(iter(parameters)) == "root" and parameters["split"].default in {"train", "val", "validation", "test"}


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"hub"}))
def test_a_missing_folder_is_one_sentence(name, tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.* (is missing|has neither|has none of)"):
        list(SOURCES[name](tmp_path / "nowhere"))


def test_coco_has_80_names():
    assert len(BY_INDEX) == 80 and (BY_INDEX[0], BY_INDEX[79]) == ("person", "toothbrush")
    assert (BY_ID[1], BY_ID[18], BY_ID[44], BY_ID[90]) == ("person", "dog", "bottle", "toothbrush")
