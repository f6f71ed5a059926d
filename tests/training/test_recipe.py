# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The recipe for photographs names arguments that exist, readers that exist, and as many weights as sources."""

import re
import shlex
from pathlib import Path

from transformers import HfArgumentParser

from unires_hf.data.readers.sources import SOURCES
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments

RECIPE = Path(__file__).parents[2] / "scripts" / "train_photographs.sh"


def test_the_command_parses(tmp_path):
    text = RECIPE.read_text().replace("\\\n", " ")
    command = re.search(r"^python scripts/run_finetuning.py (.*)$", text, re.MULTILINE)[1]
    words = shlex.split(command.replace('"$@"', "").replace("$run", str(tmp_path)).replace("$data", "data"))
    parser = HfArgumentParser((ModelArguments, DataArguments, UniResTrainingArguments))
    _, data, arguments = parser.parse_args_into_dataclasses(words)
    converted = re.findall(r"^convert (\S+) (\S+)$", text, re.MULTILINE)
    assert {reader for reader, _ in converted} <= set(SOURCES)
    assert data.train_data == [f"data/{folder}" for _, folder in converted]
    assert len(data.train_weights) == len(data.train_data)
    assert arguments.resume_from_checkpoint == "last"
