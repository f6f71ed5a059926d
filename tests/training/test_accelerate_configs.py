# Copyright 2026 The unires-hf authors. Apache-2.0.
"""accelerate understands the launch configurations, and the blocks they name exist."""

from pathlib import Path

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from unires_hf import UniResConfig, UniResModel

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "accelerate_configs"
KINDS = {"ddp": "MULTI_GPU", "fsdp": "FSDP", "deepspeed_zero2": "DEEPSPEED"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_it(path):
    assert load_config_from_file(str(path)).distributed_type == KINDS[path.stem]


def test_fsdp_wraps_blocks_of_the_model():
    config = load_config_from_file(str(FOLDER / "fsdp.yaml")).fsdp_config
    blocks = {type(module).__name__ for module in UniResModel(UniResConfig.from_preset("tiny")).modules()}
    assert set(config["fsdp_transformer_layer_cls_to_wrap"].split(",")) <= blocks
