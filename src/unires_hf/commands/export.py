# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires export`: exports a checkpoint to ONNX, to run without torch."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `export`."""
    parser.add_argument(
        "model",
        nargs="?",
        default="default",
        help="a UniRES checkpoint: a folder or a Hub repository (default: the one that ships)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the output folder")
    parser.add_argument("--int8", action="store_true", help="store 8-bit weights, about half the size")


def export(arguments: argparse.Namespace) -> None:
    """Export a checkpoint as two ONNX graphs, with a script that runs them without torch and transformers."""
    try:
        from unires_hf.publish.onnx_folder import TOLERANCE, export_onnx
    except ImportError as error:
        raise ValueError(f"{error}: install the extra with pip install 'unires-hf[export]'.") from error

    exported = export_onnx(arguments.model, arguments.out, arguments.int8)
    print(f"checked against PyTorch: logits differ by at most {exported.difference:.1e} (allowed: {TOLERANCE:.0e})")
    if exported.int8_difference is not None:
        print(f"int8: logits differ by at most {exported.int8_difference:.2g}")
    for path in sorted(exported.folder.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    print(f'python {exported.folder / "segment.py"} IMAGE "the red truck" …')
