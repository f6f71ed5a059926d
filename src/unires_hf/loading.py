# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Opens data sets, models and devices by what a person writes on a command line."""

import importlib
import inspect
import itertools
import json
import logging
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow
import torch
from datasets import Dataset, IterableDataset, concatenate_datasets, load_dataset
from datasets.exceptions import DatasetGenerationError
from huggingface_hub.errors import HFValidationError
from torch.utils.data import ConcatDataset, Subset
from transformers import AutoConfig, AutoModel, AutoProcessor, PreTrainedModel, ProcessorMixin
from transformers.utils import CONFIG_NAME, cached_file
from transformers.utils.hub import extract_commit_hash

from .baselines import CrisConfig, LavtConfig
from .baselines.adapters import load_clipseg, load_florence2, load_grounded_sam2, load_sam3
from .checkpoints import checkpoint_path
from .data.brief import line
from .data.leaks import HeldOut, annotation_files, measured_ids
from .data.readers.sources import SOURCES
from .data.schema import FEATURES, Skipped
from .model.configuration_unires import UniResConfig
from .scenes import PartScenes
from .weights import load_whole

logger = logging.getLogger(__name__)

STREAM_SHARDS = 64
LORA_CONFIG, LORA_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"  # PEFT's names
LORA_BASE = "base"  # the folder, in an adapter's, of the model that it was learned for, where no other holds it
ADAPTERS: dict[str, Callable[..., Any]] = {
    "clipseg": load_clipseg,
    "sam3": load_sam3,
    "florence2": load_florence2,
    "grounded-sam2": load_grounded_sam2,
}


def load_model(
    name: str, device: str | torch.device = "cpu", image_size: int | None = None
) -> tuple[PreTrainedModel, ProcessorMixin]:
    """A model in evaluation mode on a device, and its processor.

    Args:
        name (`str`): a folder or Hub repository of a UniRES, CRIS or LAVT; a folder that `--lora` left, which is
            merged into its model; a checkpoint that ships, such as `default`; or `BASELINE:NAME`, such as
            `clipseg:CIDAS/clipseg-rd64-refined`, `sam3:facebook/sam3`, `grounded-sam2:DETECTOR+SEGMENTER`,
            `florence2:florence-community/Florence-2-large-ft`. `BASELINE:` alone is the published model.
        device (*optional*, defaults to `"cpu"`): as for [`find_device`].
        image_size (`int`, *optional*): side in pixels of the square that a UniRES sees each picture in, by default the
            checkpoint's. Position embeddings are interpolated.

    Raises:
        ValueError: if it is a model of another kind, its files are damaged, weights are missing or not finite, or it
            cannot see pictures at this size.
        OSError: if there is no such model.
    """
    adapter, colon, place = name.partition(":")
    if colon and adapter in ADAPTERS:
        if image_size is not None:
            raise ValueError(f"The image size of {name} is fixed: only that of a UniRES can be set.")
        model, processor = ADAPTERS[adapter](*filter(None, place.split("+")))
        return model.to(find_device(device)), processor
    if is_lora(name):
        model, processor = _merged(name), _whole(name, AutoProcessor.from_pretrained, name)
    else:
        model, processor = _load(name)
    for key, weight in model.state_dict().items():
        if weight.is_floating_point() and not weight.isfinite().all():
            raise ValueError(
                f"The weight {key!r} of {name} is not finite: its training diverged; take an earlier one."
            )
    if not isinstance(processor, ProcessorMixin):
        raise ValueError(
            f"{name} has no whole processor, only a {type(processor).__name__}: save the processor again."
        )
    known, taken = len(processor.tokenizer), model.config.get_text_config().vocab_size
    if known > taken:
        raise ValueError(f"The tokenizer of {name} has {known} tokens, and its model takes {taken}: one is another's.")
    if image_size is not None:
        _see_at(name, model, processor, image_size)
    return model.eval().to(find_device(device)), processor


def _see_at(name: str, model: PreTrainedModel, processor: ProcessorMixin, side: int) -> None:
    if not isinstance(model.config, UniResConfig):
        raise ValueError(f"The image size of {name} is fixed: only that of a UniRES can be set.")
    patch = model.config.vision_config.patch_size
    if side < patch or side % patch:
        raise ValueError(f"The image size is {side}: {name} takes multiples of {patch} pixels, such as {40 * patch}.")
    processor.image_processor.size = {"height": side, "width": side}


def _load(name: str) -> tuple[PreTrainedModel, Any]:
    """A whole checkpoint's model, all of whose weights were there, and whatever it has for a processor."""
    place, config = checkpoint_path(name), load_config(name)
    if not isinstance(config, UniResConfig | CrisConfig | LavtConfig):
        raise ValueError(
            f"{name} is a model of type {config.model_type}, which segments nothing by itself; name a UniRES, CRIS or "
            f"LAVT, or a model of transformers as {', '.join(f'{adapter}:NAME' for adapter in ADAPTERS)}."
        )
    model = _whole(name, load_whole, AutoModel, place, config=config)
    return model, _whole(name, AutoProcessor.from_pretrained, place)


def is_lora(name: str) -> bool:
    """Whether a folder holds a LoRA adapter in PEFT's layout, in place of a whole model."""
    return Path(name, LORA_CONFIG).is_file()


def import_peft(what: str) -> ModuleType:
    """PEFT, which `what` needs.

    Raises:
        ValueError: if it is not installed.
    """
    try:
        return importlib.import_module("peft")
    except ImportError as error:
        raise ValueError(f"{what} needs PEFT, which is not installed: pip install 'unires-hf[lora]'.") from error


def _base_of(lora: str) -> str:
    """What LoRA was learned for: the folder within its own, else what its settings name."""
    within = Path(lora, LORA_BASE)
    if within.is_dir():
        return str(within)
    settings = _whole(lora, json.loads, Path(lora, LORA_CONFIG).read_text(encoding="utf-8"))
    return settings["base_model_name_or_path"]


def _merged(lora: str) -> PreTrainedModel:
    peft = import_peft(f"{lora} holds a LoRA adapter, which")
    model, _ = _load(_base_of(lora))
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # PEFT uses old names of transformers
        return _whole(lora, peft.PeftModel.from_pretrained, model, lora).merge_and_unload()


def load_config(name: str) -> Any:
    """The configuration of a checkpoint by its name, as for [`load_model`].

    Raises:
        ValueError: if its config.json is damaged.
        OSError: if there is no such model.
    """
    return _whole(name, AutoConfig.from_pretrained, _base_of(name) if is_lora(name) else checkpoint_path(name))


def commit_of(name: str) -> str | None:
    """The commit of a checkpoint of the Hub; None for one that ships, a folder, or a baseline."""
    place = checkpoint_path(name)
    if Path(place).is_dir() or ":" in name:
        return None
    return extract_commit_hash(cached_file(place, CONFIG_NAME), None)


def find_device(name: str | torch.device = "auto") -> torch.device:
    """The device of a name such as `cpu`, `cuda:1` or `mps`; `auto` is the accelerator, CUDA or another, if any.

    Raises:
        ValueError: if the name is no device's.
    """
    if name == "auto":
        return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else torch.device("cpu")
    try:
        return torch.device(name)
    except RuntimeError:
        raise ValueError(
            f"{name!r} is no device: give auto, cpu, mps, or cuda with a number such as cuda:0."
        ) from None


def short_names(names: Sequence[str]) -> list[str]:
    """What tables and pictures call the models: the last piece of each name, where that tells them apart.

    Raises:
        ValueError: if a model is named twice.
    """
    twice = {name for name in names if list(names).count(name) > 1}
    if twice:
        raise ValueError(f"The model {twice.pop()} is named twice.")
    short = [name.rstrip("/:").replace(":", "/").rpartition("/")[2] for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _whole(name: str, load: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Loads a part of a checkpoint; what damaged files raise becomes a sentence."""
    try:
        return load(*arguments, **options)
    except (ValueError, OSError):
        raise
    except Exception as error:  # broken safetensors, tokenizers and settings raise errors of nearly any kind
        reason = f"{error}".partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"{name} holds files that are damaged: {reason}. Copy or save the checkpoint again."
        ) from error


def load_rows(specifications: Sequence[str], max_images: int | None = None) -> Dataset:
    """
    One table of the schema, from one or more specifications.

    A specification is a folder of Parquet files or a name on the Hub, such as `my/refcoco-parquet,split=val`; or a
    reader with its arguments, such as `refcoco,root=REFER,split=val+testA`; or freshly drawn scenes, such as
    `partscenes,split=val,length=200,seed=7,objects=1-3,kinds=dog+bus+tree`. `split` defaults to `train`; several are
    joined with `+`. A reader's rows hold paths, not pictures, so that nothing is copied; what it had to leave out is
    counted in one warning.

    Args:
        specifications (`Sequence[str]`): one or more of them.
        max_images (`int`, *optional*): keep the first so many rows of the whole.

    Raises:
        ValueError: if a specification is malformed, names nothing, or has other columns than the schema.
    """
    tables = [_table(rows, max_images) for specification in specifications for rows in _open(specification)]
    rows = concatenate_datasets(tables)
    return rows if max_images is None else rows.select(range(min(max_images, len(rows))))


def load_held_out(names: Sequence[str]) -> HeldOut:
    """
    The pictures that must not be trained on.

    Args:
        names (`Sequence[str]`): data sets as [`load_rows`] opens them, such as `data/refcoco,split=val+testA+testB`;
            or folders of annotations alone, such as `REFER/refcoco`: val and test pictures are known by COCO id.

    Raises:
        ValueError: as [`load_rows`].
    """
    files = {name: annotation_files(name) for name in names}
    rows = [name for name in names if not files[name]]
    held_out = HeldOut.of(load_rows(rows)) if rows else HeldOut([], [])
    held_out.coco_ids.update(*(measured_ids(file) for found in files.values() for file in found))
    return held_out


def load_training_rows(
    specifications: Sequence[str], max_images: int | None = None, streaming: bool = False
) -> list[Dataset | Subset | IterableDataset]:
    """
    What each of the specifications names, for [`training_set`]: tables, and scenes that are drawn when asked for.

    Args:
        specifications (`Sequence[str]`): as for [`load_rows`].
        max_images (`int`, *optional*): keep the first so many rows of each.
        streaming (`bool`, *optional*, defaults to `False`): streams instead; data of the Hub are then read, and
            downloaded, as they pass by.

    Raises:
        ValueError: as [`load_rows`].
    """
    opened = []
    for specification in specifications:
        pieces = _open(specification, streaming)
        if streaming:
            stream = concatenate_datasets([_stream(rows) for rows in pieces])
            opened.append(stream if max_images is None else stream.take(max_images))
        elif isinstance(pieces[0], PartScenes):
            scenes = ConcatDataset(pieces)
            opened.append(Subset(scenes, range(len(scenes) if max_images is None else min(max_images, len(scenes)))))
        else:
            rows = concatenate_datasets(pieces)
            opened.append(rows if max_images is None else rows.select(range(min(max_images, len(rows)))))
    return opened


def _open(specification: str, streaming: bool = False) -> list[Dataset | PartScenes | IterableDataset]:
    name, *pairs = specification.split(",")
    options = dict(pair.partition("=")[::2] for pair in pairs)
    if not name or not all(options.values()):
        raise ValueError(f"{specification!r} is no data set: write NAME,key=value,… without blanks.")
    splits = options.pop("split", "train").split("+")
    if name == "partscenes":
        kinds = {"kinds": options.pop("kinds").split("+")} if "kinds" in options else {}
        wanted = {key: _numbers(specification, value) for key, value in options.items()} | kinds
        _check_options(specification, PartScenes, wanted)
        return [PartScenes(split, **wanted) for split in splits]
    if name in SOURCES:
        _check_options(specification, SOURCES[name], options)
        return [_read(name, split, options) for split in splits]
    try:
        rows = load_dataset(name, split="+".join(splits), streaming=streaming, **options)
    except (FileNotFoundError, ConnectionError, HFValidationError) as error:
        raise ValueError(
            f"{name!r} is no folder, no data set that can be had from the Hub ({error}), and none of the readers "
            f"partscenes, {', '.join(SOURCES)}."
        ) from error
    except DatasetGenerationError as error:  # it says less than what it comes of
        raise ValueError(f"{name} cannot be read: {line(error.__cause__ or error)}.") from error
    except (OSError, pyarrow.ArrowException) as error:
        raise ValueError(f"{name} cannot be read: {line(error)}.") from error
    missing = sorted(set(FEATURES) - set(rows.column_names))
    if missing:
        raise ValueError(f"{name} has no column {missing[0]!r}: convert it with `unires convert` first.")
    return [rows.select_columns(list(FEATURES))]


def _numbers(specification: str, value: str) -> int | tuple[int, ...]:
    """`"7"` is a number, `"1-3"` a pair."""
    try:
        numbers = tuple(int(number) for number in value.split("-"))
    except ValueError:
        raise ValueError(f"{specification!r}: partscenes takes whole numbers, got {value!r}.") from None
    return numbers if len(numbers) > 1 else numbers[0]


def _check_options(specification: str, opener: Any, options: dict[str, Any]) -> None:
    try:
        inspect.signature(opener).bind(split="", **options)
    except TypeError as error:
        name = specification.partition(",")[0]
        raise ValueError(f"{specification!r}: {error}. (A folder of that name is written ./{name}.)") from None


def _table(rows: Dataset | PartScenes, max_images: int | None) -> Dataset:
    """A table of the rows; of scenes, no more are drawn than are wanted."""
    if isinstance(rows, Dataset):
        return rows
    return Dataset.from_list(list(itertools.islice(rows, max_images)), features=FEATURES)


def _stream(rows: Dataset | PartScenes | IterableDataset) -> IterableDataset:
    if isinstance(rows, PartScenes):
        return rows.to_iterable()
    return rows.to_iterable_dataset(min(STREAM_SHARDS, len(rows))) if isinstance(rows, Dataset) else rows


def _read(name: str, split: str, options: dict[str, str]) -> Dataset:
    rows, reasons = [], Counter()
    for item in SOURCES[name](split=split, **options):
        if isinstance(item, Skipped):
            reasons[item.reason] += 1
        else:
            rows.append(item)
    reason, count = reasons.most_common(1)[0] if reasons else ("its files name no picture.", 0)
    if not rows:
        raise ValueError(f"{name}, split {split}, has no picture that can be used: {reason}")
    if reasons:
        logger.warning(
            "%s, split %s: %d items were left out, %d of them since %s", name, split, reasons.total(), count, reason
        )
    return Dataset.from_list(rows, features=FEATURES)
