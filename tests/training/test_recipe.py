# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The recipe for photographs names arguments that exist, readers that exist, and as many weights as sources."""

import re
import shlex
from pathlib import Path

import torch
from transformers import HfArgumentParser

from unires_hf import UniResConfig, UniResModel
from unires_hf.data.readers.sources import SOURCES
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments

RECIPE = Path(__file__).parents[2] / "scripts" / "train_photographs.sh"


def test_both_runs_parse(tmp_path):
    text = RECIPE.read_text().replace("\\\n", " ").replace("${WORDS_MINUTES:-76}", "76")
    shared = re.search(r"^ +python scripts/run_finetuning.py (.*)$", text, re.MULTILINE)[1]
    calls = re.findall(r"^learn (\S+) (.*)$", text, re.MULTILINE)
    converted = re.findall(r"^convert (\S+) (\S+)$", text, re.MULTILINE)
    assert {reader for reader, _ in converted} <= set(SOURCES)
    parser = HfArgumentParser((ModelArguments, DataArguments, UniResTrainingArguments))
    models = []
    for folder, own in calls:
        line = shared.replace('"$folder"', folder).replace("$data", "data") + " " + own
        words = shlex.split(line.replace('"$@"', "").replace("$run", str(tmp_path)))
        model, data, arguments = parser.parse_args_into_dataclasses(words)
        assert data.train_data == [f"data/{folder}" for _, folder in converted]
        assert len(data.train_weights) == len(data.train_data)
        assert arguments.resume_from_checkpoint == "last"
        models.append((model, arguments.output_dir))
    (first, first_folder), (second, _) = models
    assert first.preset == "small" and first_folder == second.model_name_or_path == str(tmp_path)


def test_what_the_second_run_freezes_is_there():
    frozen = re.search(r"--freeze (.*?) \\", RECIPE.read_text())[1].split()
    with torch.device("meta"):
        model = UniResModel(UniResConfig.from_preset("small"))
    assert set(frozen) <= set(dict(model.named_modules()) | dict(model.named_parameters()))
