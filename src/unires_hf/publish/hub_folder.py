# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The custom-code form of a checkpoint: what a Hub repository holds, so that it loads where this package is absent."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from transformers import PreTrainedModel, ProcessorMixin
from transformers.dynamic_module_utils import get_relative_import_files

from unires_hf.baselines import CrisConfig, CrisImageProcessor, CrisProcessor, LavtConfig
from unires_hf.loading import LORA_CONFIG, is_lora, load_config, load_model
from unires_hf.model.configuration_unires import UniResConfig
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.image_processing_unires import UniResImageProcessor
from unires_hf.model.pipeline_referring_segmentation import ReferringSegmentationPipeline
from unires_hf.model.processing_unires import UniResProcessor

from .cards import short_card

MODEL_TYPES = (UniResConfig.model_type, CrisConfig.model_type, LavtConfig.model_type)
PROCESSING = (UniResProcessor, UniResImageProcessor, UniResImageProcessorPil, ReferringSegmentationPipeline)
# Where the tokenizer happened to lie when it was loaded concerns nobody else.
PRIVATE_TOKENIZER_KEYS = ("is_local", "local_files_only", "name_or_path")


def export_checkpoint(
    model_dir: str | Path, out_dir: str | Path, card: str | None = None, name: str | None = None
) -> Path:
    """
    Writes a checkpoint with its custom code: weights, processor, flat Python files, `auto_map`, pipeline and card.

    The folder appears whole or not at all.

    Args:
        model_dir (`str` or `Path`): what `save_pretrained` of model and processor, or a Trainer, left: a UniRES, CRIS
            or LAVT. A LoRA adapter is merged into its model.
        out_dir (`str` or `Path`): the folder to make; it must not exist, or be empty.
        card (`str`, *optional*): the text of `README.md`; by default the one in `model_dir`, else a short one.
        name (`str`, *optional*, defaults to the name of `out_dir`): what the card's example loads, such as
            `me/unires-refcoco`.

    Returns:
        `Path`: `out_dir`.

    Raises:
        ValueError: if `model_dir` lacks a file or weights, holds another model, or weights that are not finite, or
            there is something in `out_dir`.
    """
    model_dir, out_dir = Path(model_dir), Path(out_dir)
    _check(model_dir)
    if out_dir.exists() and any(out_dir.iterdir()):
        raise ValueError(f"{out_dir} is not empty: name a new folder, nothing there will be overwritten.")

    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f".{out_dir.name}-") as scratch:
        folder = Path(scratch) / out_dir.name
        # Saving what was loaded drops what a former export or a Trainer has left there.
        model, processor = load_model(str(model_dir))
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        _copy_code(model, processor, folder)
        _write_references(model, processor, folder)
        (folder / "README.md").write_text(card or _card(model_dir, name or out_dir.name), encoding="utf-8")
        folder.rename(out_dir)
    return out_dir


def _check(model_dir: Path) -> None:
    adapted = is_lora(str(model_dir))
    for file in (LORA_CONFIG if adapted else "config.json", "processor_config.json", "tokenizer.json"):
        if not (model_dir / file).is_file():
            raise ValueError(f"{model_dir} has no {file}: give a folder that holds a model and its processor.")
    model_type = None if adapted else _read(model_dir / "config.json").get("model_type")
    if not adapted and model_type not in MODEL_TYPES:
        raise ValueError(
            f"{model_dir} holds a model of type {model_type!r}: only {', '.join(MODEL_TYPES)} are exported."
        )
    load_config(str(model_dir))  # says what is wrong with it before anything is written


def _copy_code(model: PreTrainedModel, processor: ProcessorMixin, folder: Path) -> None:
    """The modules of the classes, and what these import of their own folder; all lie in one folder then."""
    for owner in (type(model), type(processor), *PROCESSING):
        module = sys.modules[owner.__module__].__file__
        for path in (module, *get_relative_import_files(module)):
            shutil.copy(path, folder)
    for path in folder.glob("processing_*.py"):  # those of CRIS and LAVT build on UniRES's
        code = path.read_text(encoding="utf-8")
        path.write_text(code.replace("from unires_hf.model.", "from ."), encoding="utf-8")


def _write_references(model: PreTrainedModel, processor: ProcessorMixin, folder: Path) -> None:
    config = _read(folder / "config.json")
    config["auto_map"] = {"AutoConfig": _reference(type(model.config)), "AutoModel": _reference(type(model))}
    config["custom_pipelines"] = {
        "referring-segmentation": {
            "impl": _reference(ReferringSegmentationPipeline),
            "pt": ["AutoModel"],
            "type": "multimodal",
        }
    }
    _write(folder / "config.json", config)
    settings = _read(folder / "processor_config.json")
    settings["auto_map"] = {"AutoProcessor": _reference(type(processor))}
    backends = {"torchvision": UniResImageProcessor, "pil": UniResImageProcessorPil}
    if isinstance(processor, CrisProcessor):
        backends = {"pil": CrisImageProcessor}
    settings["image_processor"]["auto_map"] = {
        "AutoImageProcessor": {backend: _reference(owner) for backend, owner in backends.items()}
    }
    _write(folder / "processor_config.json", settings)
    tokenizer = _read(folder / "tokenizer_config.json")
    _write(folder / "tokenizer_config.json", {k: v for k, v in tokenizer.items() if k not in PRIVATE_TOKENIZER_KEYS})


def _reference(owner: type) -> str:
    return f"{owner.__module__.rpartition('.')[2]}.{owner.__name__}"


def _card(model_dir: Path, name: str) -> str:
    """The checkpoint's own card, in which a run calls the model by its folder's name, or a short one."""
    own = model_dir / "README.md"
    if not own.is_file():
        return short_card(name)
    return own.read_text(encoding="utf-8").replace(f'model="{model_dir.resolve().name}"', f'model="{name}"')


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, settings: dict) -> None:
    path.write_text(json.dumps(settings, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
