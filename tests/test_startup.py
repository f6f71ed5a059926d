# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Help comes without torch; importing the package registers everything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import unires_hf
from unires_hf.cli import COMMANDS, TRAINING, main

COMMAND = """
import sys
from unires_hf.cli import main
try:
    main()
finally:
    print(sorted({"torch", "transformers", "datasets", "numpy"} & set(sys.modules)), file=sys.stderr)
"""


def started(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """`unires` in a process of its own, from a script of that name, as pip writes one."""
    script = folder / "unires"
    script.write_text(COMMAND)
    return subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True)


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    done = started(tmp_path, *words, "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: unires")
    assert done.stderr.strip() == "[]"


def test_a_command_registers_before_it_works(tmp_path: Path) -> None:
    done = started(
        tmp_path, "scenes", "write", "--split", "val", "--length", "1", "--out", str(tmp_path / "a.parquet")
    )
    assert done.returncode == 0, done.stderr
    assert "transformers" in done.stderr and (tmp_path / "a.parquet").is_file()


def test_public_names_lead_somewhere() -> None:
    for name in unires_hf.__all__:
        assert getattr(unires_hf, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'UniRes'"):
        _ = unires_hf.UniRes


@pytest.mark.parametrize("name", TRAINING)
def test_short_help_names_flags_that_exist(name: str, capsys: pytest.CaptureFixture) -> None:
    helps = []
    for flag in ("--help", "--help-all"):
        with pytest.raises(SystemExit):
            main([name, flag])
        helps.append(set(re.findall(r"^  (--\w+)", capsys.readouterr().out, re.MULTILINE)))
    short, whole = helps
    assert len(short) > 3 and short - {"--help"} <= whole


def test_a_wrong_split_of_scenes_is_one_sentence(capsys: pytest.CaptureFixture) -> None:
    assert main(["scenes", "speed", "--split", "valley"]) == 2
    assert "its splits are" in capsys.readouterr().err
