# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The model runs where its inputs are: no operation makes a tensor elsewhere, and Apple's MPS has each of them."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from unires_hf import UniResConfig, UniResModel

ROOT = Path(__file__).resolve().parents[2]


class Watch(TorchDispatchMode):
    """Keeps the operators that are called, and the places of what they return."""

    def __init__(self):
        super().__init__()
        self.operators, self.devices = set(), set()

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        returned = operator(*args, **(kwargs or {}))
        self.operators.add(str(operator).removeprefix("aten.").removesuffix(".default"))
        self.devices |= {it.device.type for it in tree_leaves(returned) if isinstance(it, torch.Tensor)}
        return returned


def watched(preset: str, learn: bool) -> Watch:
    """A pass over two pictures with three expressions on `torch.device("meta")`, as on an accelerator; for learning
    with the loss and its gradients, else with the pictures encoded first. Attention is eager: transformers' sdpa looks
    whether the words' mask is all true."""
    config = UniResConfig.from_preset(preset)
    side = config.vision_config.image_size
    with torch.device("meta"):
        model = UniResModel._from_config(config, attn_implementation="eager").train(learn)
        pixels = torch.empty(2, 3, side, side)
        words = {
            "input_ids": torch.ones(3, 9, dtype=torch.long),
            "attention_mask": torch.ones(3, 9, dtype=torch.long),
            "image_indices": torch.zeros(3, dtype=torch.long),
        }
        labels = torch.empty(3, side // 4, side // 4)
    with Watch() as watch:
        if learn:
            outputs = model(pixels, **words, labels=labels)
            outputs.loss.backward()
        else:
            with torch.no_grad():
                outputs = model(vision_embeds=model.get_image_features(pixels), **words)
    assert outputs.logits.shape[0] == 3 and outputs.logits.device.type == "meta"
    return watch


@pytest.mark.parametrize("learn", [False, True])
@pytest.mark.parametrize("preset", ["tiny", "small"])
def test_no_operation_leaves_the_device(preset, learn):
    assert watched(preset, learn).devices == {"meta"}


def on_mps(operator: str, table: dict[str, dict]) -> bool:
    """Whether PyTorch's own table of operators has a kernel for MPS, or makes it of others."""
    entry = table[operator]
    entry = table[entry["structured_delegate"]] if "structured_delegate" in entry else entry
    keys = re.split(r"[,\s]+", ",".join(entry.get("dispatch", {"Composite": ""})))
    return any(key == "MPS" or key.startswith("Composite") for key in keys)


def test_mps_has_every_operator():
    torchgen = pytest.importorskip("torchgen", reason="this build of PyTorch comes without its table of operators")
    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    entries = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    table = {entry["func"].partition("(")[0]: entry for entry in entries}
    assert not on_mps("geqrf", table), "one that MPS is known to lack"
    for learn in (False, True):
        operators = watched("small", learn).operators
        assert len(operators) > 30 and [it for it in sorted(operators) if not on_mps(it, table)] == []


def test_the_package_names_no_kind_of_accelerator_without_asking_for_it():
    """CUDA's own functions are called where the device is one, and `.cuda()` nowhere."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert ".cuda()" not in text and "cudnn" not in text, path
        if "torch.cuda" in text:
            assert 'device.type == "cuda"' in text or "torch.cuda.is_available()" in text, path
