# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The custom-code form of a checkpoint: what a Hub repository holds, so that it loads where this package is absent."""

import json
import shutil
import tempfile
from pathlib import Path

from huggingface_hub import HfApi

from . import model as model_package
from .model.configuration_unires import UniResConfig
from .model.modeling_unires import UniResModel
from .model.processing_unires import UniResProcessor

AUTO_MAPS = {
    "config.json": {"AutoConfig": "configuration_unires.UniResConfig", "AutoModel": "modeling_unires.UniResModel"},
    "processor_config.json": {"AutoProcessor": "processing_unires.UniResProcessor"},
}
IMAGE_PROCESSORS = {
    "torchvision": "image_processing_unires.UniResImageProcessor",
    "pil": "image_processing_pil_unires.UniResImageProcessorPil",
}
PIPELINES = {
    "referring-segmentation": {
        "impl": "pipeline_referring_segmentation.ReferringSegmentationPipeline",
        "pt": ["AutoModel"],
        "type": "multimodal",
    }
}
# Where the tokenizer happened to lie when it was loaded concerns nobody else.
PRIVATE_TOKENIZER_KEYS = ("is_local", "local_files_only", "name_or_path")


def export_checkpoint(model_dir: str | Path, out_dir: str | Path, card: str | None = None) -> Path:
    """
    Writes a checkpoint with its custom code: weights, processor, flat Python files, `auto_map`, pipeline and card.

    The folder appears whole or not at all.

    Args:
        model_dir (`str` or `Path`): what `save_pretrained` of model and processor, or a Trainer, left.
        out_dir (`str` or `Path`): the folder to make; it must not exist, or be empty.
        card (`str`, *optional*): the text of `README.md`; by default the one in `model_dir`, else a short one.

    Returns:
        `Path`: `out_dir`.

    Raises:
        ValueError: if `model_dir` lacks a file, or there is something in `out_dir`.
    """
    model_dir, out_dir = Path(model_dir), Path(out_dir)
    for name in ("config.json", "processor_config.json", "tokenizer.json"):
        if not (model_dir / name).is_file():
            raise ValueError(f"{model_dir} has no {name}: give a folder that holds a model and its processor.")
    model_type = _read(model_dir / "config.json").get("model_type")
    if model_type != UniResConfig.model_type:
        raise ValueError(
            f"{model_dir} holds a model of type {model_type!r}: only {UniResConfig.model_type!r} is exported."
        )
    if out_dir.exists() and any(out_dir.iterdir()):
        raise ValueError(f"{out_dir} is not empty: name a new folder, nothing there will be overwritten.")

    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f".{out_dir.name}-") as scratch:
        folder = Path(scratch) / out_dir.name
        # Saving what was loaded drops what a former export or a Trainer has left there.
        UniResModel.from_pretrained(model_dir).save_pretrained(folder)
        UniResProcessor.from_pretrained(model_dir).save_pretrained(folder)
        for path in Path(model_package.__file__).parent.glob("*_unires.py"):
            shutil.copyfile(path, folder / path.name)
        pipeline = Path(model_package.__file__).with_name("pipeline_referring_segmentation.py")
        shutil.copyfile(pipeline, folder / pipeline.name)
        _write_references(folder)
        own_card = model_dir / "README.md"
        if card is None:
            card = own_card.read_text(encoding="utf-8") if own_card.is_file() else _short_card(out_dir.name)
        (folder / "README.md").write_text(card, encoding="utf-8")
        folder.rename(out_dir)
    return out_dir


def push_folder(folder: str | Path, repo: str, private: bool = False) -> str:
    """Sends an exported folder to the model repository `repo` on the Hub, and returns its address."""
    api = HfApi()
    address = api.create_repo(repo, repo_type="model", private=private, exist_ok=True)
    api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Upload UniRES with its custom code")
    return str(address)


def _write_references(folder: Path) -> None:
    for name, auto_map in AUTO_MAPS.items():
        settings = _read(folder / name)
        settings["auto_map"] = auto_map
        if name == "config.json":
            settings["custom_pipelines"] = PIPELINES
        else:
            settings["image_processor"]["auto_map"] = {"AutoImageProcessor": IMAGE_PROCESSORS}
        _write(folder / name, settings)
    tokenizer = _read(folder / "tokenizer_config.json")
    _write(folder / "tokenizer_config.json", {k: v for k, v in tokenizer.items() if k not in PRIVATE_TOKENIZER_KEYS})


def _short_card(name: str) -> str:
    return f"""---
library_name: transformers
license: apache-2.0
tags: [referring-image-segmentation, image-segmentation, unires]
---

# {name}

A UniRES model ("Unveiling Parts Beyond Objects", CVPR 2024): it segments what a phrase refers to, an object or a part.

```python
from transformers import pipeline

segmenter = pipeline("referring-segmentation", model="{name}", trust_remote_code=True)
results = segmenter("picture.jpg", text=["the red truck", "left wheel of the red truck"])
```

With the package installed, `import unires_hf` takes the place of `trust_remote_code=True`.

Training data and results: not stated by whoever exported this checkpoint.
"""


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, settings: dict) -> None:
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
