# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The export: what it writes, what its check catches, what it refuses."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_unires import NO_GROUPS, PYRAMID, tiny_config, tiny_inputs

from unires_hf import EfficientNetLiteConfig, UniResModel, cli
from unires_hf.model.modeling_efficientnet_lite import EfficientNetLiteConv

ABLATIONS = {
    "full": {},
    "no low-level groups": {"num_low_level_group_tokens": 0},
    "one stage": NO_GROUPS,
    "backbone": {**PYRAMID, "beyond_paper": ["class_similarity"]},
}


@pytest.mark.parametrize("fields", ABLATIONS.values(), ids=ABLATIONS.keys())
def test_the_model_that_is_exported_is_the_model(fields) -> None:
    from unires_hf.publish.onnx_graphs import ExportableModel

    torch.manual_seed(0)
    model = UniResModel(tiny_config(**fields)).eval()
    exportable = ExportableModel(model.config).eval()
    exportable.load_state_dict(model.state_dict())
    inputs = tiny_inputs(images=2, expressions=5)
    with torch.no_grad():
        torch.testing.assert_close(exportable(**inputs).logits, model(**inputs).logits, atol=1e-6, rtol=1e-5)


def test_files_and_free_axes(exported: Path, checkpoint: Path) -> None:
    from onnxruntime import InferenceSession

    names = ["expressions.onnx", "segment.py", "settings.json", "tokenizer.json", "vision.onnx"]
    assert [path.name for path in sorted(exported.iterdir())] == names
    settings = json.loads((exported / "settings.json").read_text())
    assert settings["size"] == [32, 32] and settings["mask_threshold"] == 0.5
    vision, expressions = (InferenceSession(exported / f"{graph}.onnx") for graph in ("vision", "expressions"))
    assert {output.shape[0] for output in vision.get_outputs()} == {"images"}
    shapes = {node.name: node.shape for node in (*expressions.get_inputs(), *expressions.get_outputs())}
    assert shapes["input_ids"] == shapes["attention_mask"] == ["expressions", "words"]
    assert shapes["image_indices"] == shapes["presence_logits"] == ["expressions"]
    assert shapes["logits"] == ["expressions", 16, 16]


def test_other_numbers_of_everything_agree_with_torch(exported: Path, checkpoint: Path) -> None:
    from unires_hf import UniResProcessor
    from unires_hf.publish.onnx_folder import TOLERANCE, largest_difference

    processor = UniResProcessor.from_pretrained(checkpoint)
    difference = largest_difference(UniResModel.from_pretrained(checkpoint).eval(), processor, exported)
    assert 0 < difference <= TOLERANCE


def test_a_wide_convolution_of_the_backbone_is_exported(tmp_path: Path) -> None:
    """As wide as in `default`: the exporter once lost its kernel."""
    from onnxruntime import InferenceSession

    torch.manual_seed(0)
    layer = EfficientNetLiteConv(EfficientNetLiteConfig(), 1056, 1056, kernel_size=5, stride=2, groups=1056).eval()
    pixels = torch.randn(1, 1056, 8, 8)
    torch.onnx.export(layer, (pixels,), tmp_path / "it.onnx", input_names=["pixels"], dynamo=True, verbose=False)
    (answer,) = InferenceSession(tmp_path / "it.onnx").run(None, {"pixels": pixels.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(answer), layer(pixels), atol=1e-5, rtol=0)


def test_the_command_says_what_it_checked(command) -> None:
    assert command.said.startswith("checked against PyTorch: logits differ by")
    assert all(str(path) in command.said for path in command.folder.iterdir())
    assert [path.name for path in command.folder.parent.iterdir()] == ["onnx"], "no draft is left beside it"


@pytest.mark.slow
def test_a_model_of_one_stage_in_int8(save_checkpoint, tmp_path: Path) -> None:
    """Its second graph takes neither groups nor pixels."""
    from unires_hf.publish.onnx_folder import TOLERANCE, export_onnx
    from unires_hf.publish.onnx_segment import Segmenter

    name = save_checkpoint(tmp_path / "model", **NO_GROUPS)
    exported = export_onnx(str(name), tmp_path / "out", int8=True)
    assert exported.difference <= TOLERANCE < exported.int8_difference
    (result,) = Segmenter(exported.folder).segment(Image.new("RGB", (20, 10)), ["the red truck"])
    assert result["mask"].size == (20, 10)


def test_the_check_catches_other_weights(
    exported: Path, save_checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unires_hf.publish.onnx_folder import export_onnx

    def write_others(model, inputs, folder: Path) -> None:
        for graph in ("vision.onnx", "expressions.onnx"):
            shutil.copyfile(exported / graph, folder / graph)

    monkeypatch.setattr("unires_hf.publish.onnx_folder.write_graphs", write_others)
    name = save_checkpoint(tmp_path / "model", seed=1)
    with pytest.raises(ValueError, match="differ from PyTorch's by"):
        export_onnx(str(name), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_int8_is_smaller_and_near(exported: Path, checkpoint: Path, tmp_path: Path) -> None:
    from unires_hf import UniResProcessor
    from unires_hf.publish.onnx_folder import GRAPHS, largest_difference, quantize

    shutil.copytree(exported, tmp_path / "int8")
    quantize(tmp_path / "int8")
    sizes = [sum((folder / graph).stat().st_size for graph in GRAPHS) for folder in (exported, tmp_path / "int8")]
    assert sizes[1] < 0.8 * sizes[0]  # in so small a model the graph itself weighs as much as its weights
    processor = UniResProcessor.from_pretrained(checkpoint)
    model = UniResModel.from_pretrained(checkpoint).eval()
    assert 1e-4 < largest_difference(model, processor, tmp_path / "int8") < 0.5


def test_refusals(checkpoint: Path, tmp_path: Path) -> None:
    from unires_hf.baselines import CrisConfig
    from unires_hf.publish.onnx_folder import export_onnx

    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty"):
        export_onnx(str(checkpoint), tmp_path / "full")
    CrisConfig().save_pretrained(tmp_path / "cris")
    with pytest.raises(ValueError, match="only 'unires' is exported"):
        export_onnx(str(tmp_path / "cris"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_whole_is_refused(checkpoint: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(checkpoint, tmp_path / "model")
    weights = load_file(tmp_path / "model/model.safetensors")
    for damage, complaint in ((float("nan"), "'mask_head.kernel.bias' of"), (None, "lacks 1 of the model's weights")):
        damaged = weights | {"mask_head.kernel.bias": weights["mask_head.kernel.bias"] * (damage or 1)}
        if damage is None:
            del damaged["mask_head.kernel.bias"]
        save_file(damaged, tmp_path / "model/model.safetensors", {"format": "pt"})
        assert cli.main(["export", str(tmp_path / "model"), "--out", str(tmp_path / "out")]) == 2
        assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
