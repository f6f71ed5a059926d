# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires export`: a checkpoint that runs without torch."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `export`."""
    parser.add_argument(
        "model",
        nargs="?",
        default="default",
        help="a folder or Hub repository with a UniRES checkpoint (default: ours)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to make")
    parser.add_argument("--int8", action="store_true", help="8-bit weights: about a quarter of the size")


def export(arguments: argparse.Namespace) -> None:
    """Write a checkpoint as two ONNX graphs with a runtime that needs neither torch nor transformers."""
    try:
        from unires_hf.publish.onnx_folder import TOLERANCE, export_onnx
    except ImportError as error:
        raise ValueError(f"{error}: install the extra, pip install 'unires-hf[export]'.") from error

    exported = export_onnx(arguments.model, arguments.out, arguments.int8)
    print(f"checked against PyTorch: logits differ by {exported.difference:.1e} at most (allowed: {TOLERANCE:.0e})")
    if exported.int8_difference is not None:
        print(f"int8: logits differ by {exported.int8_difference:.2g} at most")
    for path in sorted(exported.folder.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    print(f'python {exported.folder / "segment.py"} IMAGE "the red truck" …')
