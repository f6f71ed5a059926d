# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What README and docs say can be done: commands parse, those marked `<!-- run -->` run, links lead somewhere."""

import argparse
import ast
import inspect
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from torch.distributed.run import parse_args as parse_torchrun
from torchrun import TORCHRUN, printed_by
from transformers import HfArgumentParser

from unires_hf import UniResConfig
from unires_hf.checkpoints import checkpoint_path
from unires_hf.cli import main
from unires_hf.data.readers.sources import SOURCES
from unires_hf.evaluation.evaluator import CONTROLS
from unires_hf.evaluation.referring_segmentation_metric.protocols import PROTOCOLS
from unires_hf.scenes import PartScenes

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"(?:^<!-- (run|run: slow) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDS_DEFAULT = re.compile(r'default|unires (demo|segment)|pipeline\("referring-segmentation"')
WRITTEN_BY_EXPORT = {"runs/onnx/segment.py": ROOT / "src/unires_hf/publish/onnx_segment.py"}


def blocks(language: str, runs: bool = False) -> list:
    """(page, text) of every fenced block of a language; only those that are run, if asked."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            mark, its_language, code = match.groups()
            if its_language == language and (mark or not runs):
                line = text.count("\n", 0, match.start(3))
                slow = [pytest.mark.slow] if runs and mark == "run: slow" else []
                found.append(pytest.param(page, code, id=f"{page.relative_to(ROOT)}:{line}", marks=slow))
    return found


def commands(code: str) -> list[list[str]]:
    lines = (shlex.split(line, comments=True) for line in code.replace("\\\n", " ").splitlines())
    return [words for words in lines if words]


class Parsed(BaseException):
    """Ends a program at the point where it has understood its arguments."""

    def __init__(self, arguments):
        self.arguments = arguments


def ending(parse):
    def parse_and_end(*args, **kwargs):
        raise Parsed(parse(*args, **kwargs))

    return parse_and_end


@pytest.fixture
def stop_when_parsed(monkeypatch):
    for parser, names in (
        (argparse.ArgumentParser, ["parse_args"]),
        (HfArgumentParser, ["parse_args_into_dataclasses", "parse_yaml_file"]),
    ):
        for name in names:
            monkeypatch.setattr(parser, name, ending(getattr(parser, name)))


def launched(words: list[str]) -> list[str]:
    """The command under a launcher, after the launcher's own parser has read its part."""
    if words[0] == "torchrun":
        arguments = parse_torchrun(words[1:])
    else:
        return words
    module = ["-m"] if arguments.module else []
    return ["python", *module, arguments.training_script, *arguments.training_script_args]


def start(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs `unires …` or `python …` in this process."""
    program, *rest = words
    if program == "python" and rest[:2] == ["-m", "unires_hf.cli"]:
        program, rest = "unires", rest[2:]
    if program == "unires":
        return main(rest)
    assert program == "python", f"{program}: no command that this page may promise"
    monkeypatch.setattr(sys, "argv", rest[1:] if rest[0] == "-m" else rest)
    if rest[0] == "-m":
        runpy.run_module(rest[1], run_name="__main__")
    else:
        monkeypatch.syspath_prepend(ROOT / "scripts")  # `python FILE` has the file's folder there
        path = Path(rest[0]) if Path(rest[0]).is_file() else WRITTEN_BY_EXPORT.get(rest[0], ROOT / rest[0])
        runpy.run_path(str(path), run_name="__main__")
    return 0


def check_install(words: list[str]) -> None:
    extras = re.search(r"extras = \{(.*?)\n\}", (ROOT / "setup.py").read_text(), re.DOTALL).group(1)
    for word in words:
        if word.startswith(".["):
            assert f'"{word[2:-1]}":' in extras, word
    assert "-c" not in words or (ROOT / words[words.index("-c") + 1]).is_file()


def check_data(specification: str) -> None:
    """As far as it names a reader: that it exists, and takes these arguments."""
    name, *pairs = specification.split(",")
    options = dict(pair.split("=") for pair in pairs)
    split = options.pop("split", "train")
    if name == "partscenes":
        inspect.signature(PartScenes).bind(split, **options)
        for one in split.split("+"):
            PartScenes(one, length=1)
    elif name in SOURCES:
        inspect.signature(SOURCES[name]).bind(split=split, **options)
    else:
        assert set(options) <= {"cache_dir"}, specification


def check_meaning(arguments) -> None:
    """What the parsers leave to the run, but can be known before."""
    fields = {}
    for group in arguments if isinstance(arguments, tuple) else (arguments,):
        fields |= vars(group)
    for specification in [*fields.get("train_data", []), *fields.get("eval_data", [])]:
        check_data(specification)
    if "dataset" in fields:
        check_data(f"{fields['dataset']},split={fields['split']}")
    if "source" in fields:
        readers = inspect.signature(SOURCES[fields["source"]]).parameters
        assert {pair.partition("=")[0] for pair in fields["set"]} <= set(readers)
    assert fields.get("protocol", "unires") in PROTOCOLS
    assert set(fields.get("controls") or ()) <= set(CONTROLS)
    if fields.get("preset"):
        assert list((ROOT / "src").rglob(f"presets/{fields['preset']}.json")), fields["preset"]


@pytest.mark.parametrize(("page", "code"), blocks("bash"))
def test_commands_parse(page, code, stop_when_parsed, monkeypatch, tmp_path, capsys):
    for _, language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "yaml":
            (tmp_path / "recipe.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    for words in commands(code):
        if words[0] == "pip":
            check_install(words)
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        else:
            try:
                start(launched(words), monkeypatch)
            except Parsed as parsed:
                check_meaning(parsed.arguments)
            except SystemExit:
                pytest.fail(f"{shlex.join(words)}: {capsys.readouterr().err}")
            else:
                pytest.fail(f"{shlex.join(words)} read no arguments")


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A folder to run in that looks like the checkout, and keeps what is written to itself."""
    for name in ("examples", "scripts", "src"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def skip_without_default(code: str) -> None:
    if NEEDS_DEFAULT.search(code) and not Path(checkpoint_path("default"), "config.json").is_file():
        pytest.skip("the checkpoint that ships is not in this checkout")


@pytest.mark.parametrize(("page", "code"), blocks("bash", runs=True))
def test_commands_run(page, code, checkout, monkeypatch, capsys):
    skip_without_default(code)
    before = set(checkout.rglob("*"))
    for words in commands(code):
        if words[0] != "pip":
            try:
                failed = start(launched(words), monkeypatch)
            except SystemExit as end:
                failed = end.code
            said = capsys.readouterr().err
            if failed and "pip install" in said:
                pytest.skip(said.strip().splitlines()[-1])
            assert not failed, said
    assert set(checkout.rglob("*")) > before, "the commands wrote nothing"


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_compiles(page, code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("unires_hf"):
            module = __import__(node.module, fromlist=["_"])
            assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)


@pytest.mark.parametrize(("page", "code"), blocks("python", runs=True))
def test_python_runs(page, code, checkout):
    skip_without_default(code)
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(("http://", "https://")):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link
    for path in re.findall(r"`((?:src|scripts|docs|tests|examples|model_cards)/[^`\s]+)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_every_open_choice_is_explained():
    told = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/model.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {name for cell in told for name in re.findall(r"`(\w+)`", cell)}
    stated = {"text_config", "vision_config", "projection_dim", "initializer_range"}  # CLIP's
    assert set(inspect.get_annotations(UniResConfig)) - stated <= told


def test_git_ignores_what_the_readme_writes():
    written = re.findall(r"--out (\S+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(written) > 3
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no checkout")
    for path in (*written, "demo/demo.png", "segmented/overlay.png"):
        path = path if Path(path).suffix else f"{path}/"
        ignored = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT)
        assert ignored.returncode == 0, path


def test_presets_have_the_size_of_their_cards():
    lines = re.findall(
        r"^\| `([\w-]+)` \| .* \| (\d+) \| ([\d.]+) \|$",
        (ROOT / "docs/model.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    presets = {path.stem for path in (ROOT / "src/unires_hf/model/presets").glob("*.json")}
    assert {name for name, _, _ in lines} == presets
    for name, side, millions in lines:
        card = (ROOT / "model_cards" / f"{name}.md").read_text(encoding="utf-8")
        assert f"| parameters | {millions} M |" in card and f"| input | {side} x {side} pixels" in card, name


def run_chain(folder: Path, processes: int) -> dict:
    """README's pre-training, fine-tuning and evaluation in `folder`, on other data; the results."""
    (code,) = (code for _, code in (it.values for it in blocks("bash")) if "runs/chain/pretrained" in code)
    for words in commands(code):
        words = [word.replace("val+testA+testB", "train").replace("mini-refcocom", "mini-refcoco") for word in words]
        program = ["-m", "unires_hf.cli"] if words[0] == "unires" else []
        more = ["--device", "cpu"] if program else ["--disable_tqdm", "true", "--use_cpu", "true"]
        launcher = [sys.executable]
        if processes > 1:
            launcher = [*TORCHRUN, str(processes)]
            more += [] if program else ["--per_device_train_batch_size", str(8 // processes)]
        command = [*launcher, *program, *words[1:], *more]
        printed_by(command, timeout=900, cwd=folder, env={"HF_DATASETS_CACHE": str(folder / "cache")})
    return json.loads((folder / "runs/chain/results.json").read_text())


@pytest.mark.slow
def test_the_chain_gives_the_same_metrics_on_two_processes(tmp_path):
    made = tmp_path / "train-00000-of-00001.parquet"
    PartScenes("train", length=10, seed=3).to_parquet(made)
    results = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        (folder / "data" / "mini-refcoco").mkdir(parents=True)
        shutil.copy(made, folder / "data" / "mini-refcoco")
        (folder / "scripts").symlink_to(ROOT / "scripts")
        results.append(run_chain(folder, processes))
    one, two = results
    assert one["n_expressions"] > 50 and one["model"] == "runs/chain/finetuned"
    assert one.keys() == two.keys()
    assert one.pop("weights_sha256") and two.pop("weights_sha256")  # two trainings, which round differently
    (by_source, same) = (it.pop("by_source") for it in (one, two))
    assert by_source.keys() == same.keys()
    assert all(same[name] == pytest.approx(scores, abs=0.1) for name, scores in by_source.items())
    for key, value in one.items():
        # A model that has hardly learned has many pixels at the threshold, which rounding moves.
        tolerance = 0.5 if key.endswith(("_low", "_high")) else 0.1
        assert two[key] == (pytest.approx(value, abs=tolerance) if isinstance(value, float) else value), key
