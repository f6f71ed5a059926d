# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The files of `model/` can be copied into one folder of a Hub repository."""

import ast
from pathlib import Path

import pytest

import unires_hf.model

FILES = sorted(path for path in Path(unires_hf.model.__file__).parent.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_imports_of_ours_are_from_the_same_folder(path):
    names = {file.stem for file in FILES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            # the form that `trust_remote_code` follows
            assert node.level == 1 and node.module in names, ast.unparse(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            assert "unires_hf" not in ast.unparse(node)
