# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A source that a model never saw, taught in four ways at equal steps: what is gained on it, what the others lose."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, concatenate_datasets

from unires_hf.evaluation import Results
from unires_hf.evaluation.paired import PairedScore, paired_scores
from unires_hf.files import read_json, write_json, write_text
from unires_hf.loading import LORA_WEIGHTS, load_model, load_rows
from unires_hf.markdown import table_of
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments
from unires_hf.training.build import build_model
from unires_hf.training.lora import ENCODERS
from unires_hf.training.run import run

from .photographs import measure_run, score_cell

BEFORE = "before"
LESSON = "lesson.json"  # in a run's folder: what it was taught, written when it is done


@dataclass(frozen=True)
class Lesson:
    """
    What every way of teaching gets.

    Args:
        model (`str`): what is taught, as [`load_model`] knows it.
        new (`str`): the source that it never saw, as training names it, without a split.
        others (`Sequence[str]`): the sources that it knows, likewise.
        images (`int`): the first so many training pictures of the new source; for replay, of each other one too.
        steps, batch_size, expressions (`int`): each step is of so many pictures with up to so many expressions about
            each.
        rate, lora_rate (`float`): learning rates of whole weights, and of low ranks, which need a higher one.
        image_size (`int`, *optional*): of the model's input, by default its own. A smaller one is cheaper.
        seed (`int`): of what is drawn at random.
    """

    model: str
    new: str
    others: Sequence[str]
    images: int = 40
    steps: int = 60
    batch_size: int = 4
    expressions: int = 8
    rate: float = 2e-4
    lora_rate: float = 1e-3
    image_size: int | None = None
    seed: int = 0


def ways(lesson: Lesson, ranks: Sequence[int], start: str) -> dict[str, dict[str, Any]]:
    """How the source can be taught to `start`, as fields of the training arguments by the name of the way."""
    full = {"train_data": [lesson.new], "learning_rate": lesson.rate}
    mixed = {
        "train_data": [lesson.new, *lesson.others],
        "train_weights": [len(lesson.others), *[1] * len(lesson.others)],
        "images_per_epoch": lesson.steps * lesson.batch_size,
    }
    rates = {"clip_learning_rate": lesson.lora_rate, "backbone_learning_rate": lesson.lora_rate}
    low = {f"LoRA, rank {rank}": full | rates | {"lora": rank} for rank in ranks}
    rest = [name for name, _ in load_model(start)[0].named_children() if name not in ENCODERS]
    alone = {f"LoRA, rank {ranks[0]}, the rest frozen": low[f"LoRA, rank {ranks[0]}"] | {"freeze": rest}}
    return {"full fine-tuning": full, "full, half of it replay": full | mixed, **low, **alone}


def before(lesson: Lesson, out: Path) -> str:
    """The model that all start from: as it is, or in a folder with its weights for another size of input."""
    if lesson.image_size is None:
        return lesson.model
    folder = out / BEFORE
    if not (folder / "processor_config.json").is_file():
        for part in build_model(ModelArguments(lesson.model, image_size=lesson.image_size), ()):
            part.save_pretrained(folder)
    return str(folder)


def teach(lesson: Lesson, way: Mapping[str, Any], start: str, folder: Path) -> dict[str, Any]:
    """Trains in one way from [`before`], unless that is done; returns what it cost.

    Raises:
        ValueError: if the folder holds another lesson.
    """
    recipe = asdict(lesson) | {"others": list(lesson.others), "way": dict(way)}
    if (folder / LESSON).is_file():
        done = read_json(folder / LESSON)
        if done["recipe"] != recipe:
            raise ValueError(f"{folder} holds a run of another recipe: name another --out, or remove it.")
        return done["cost"]
    if folder.exists():
        shutil.rmtree(folder)  # half a run
    settings = {
        "model_name_or_path": str(start),
        "output_dir": str(folder),
        "draw_expressions": True,
        "max_train_images": lesson.images,
        "expressions_per_image": lesson.expressions,
        "per_device_train_batch_size": lesson.batch_size,
        "max_steps": lesson.steps,
        "warmup_steps": max(1, lesson.steps // 10),
        "weight_decay": 0.01,
        "save_strategy": "no",
        "dataloader_num_workers": 0,
        "seed": lesson.seed,
        **way,
    }
    arguments = [
        kind(**{name: value for name, value in settings.items() if name in {it.name for it in fields(kind)}})
        for kind in (ModelArguments, DataArguments, UniResTrainingArguments)
    ]
    trainer = run(*arguments)
    saved = folder / (LORA_WEIGHTS if "lora" in way else "model.safetensors")
    cost = {
        "learning": sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad),
        "megabytes": saved.stat().st_size / 1e6,
        "seconds": next(line["train_runtime"] for line in trainer.state.log_history if "train_runtime" in line),
    }
    write_json(folder / LESSON, {"recipe": recipe, "cost": cost})
    return cost


def rows_to_measure(lesson: Lesson, split: str, max_images: int | None) -> tuple[Dataset, Dataset]:
    """The first so many pictures of the new source's split, and of each other one's."""
    new, *others = (load_rows([f"{name},split={split}"], max_images) for name in (lesson.new, *lesson.others))
    return new, concatenate_datasets(others)


def score(results: Mapping[str, Results], new: Dataset) -> dict[str, dict[str, PairedScore]]:
    """mIoU over expressions with a referent, and N-acc: score → way → value and difference to the first way.

    "others" is the mean over sources, so that the largest does not decide.
    """
    runs = list(results.values())
    records = runs[0].records
    column = {name: np.array(records[name].to_pylist()) for name in ("source", "granularity", "no_target", "row")}
    absent, is_new = column["no_target"].astype(bool), column["row"] < len(new)
    ious = [one.records["iou"].to_numpy() for one in runs]
    denied = [one.records["predicted_no_target"].to_numpy(zero_copy_only=False) for one in runs]
    others = {name: ~is_new & ~absent & (column["source"] == name) for name in np.unique(column["source"][~is_new])}
    members = {
        "new: objects": (ious, [is_new & ~absent & (column["granularity"] == "object")]),
        "new: parts": (ious, [is_new & ~absent & (column["granularity"] == "part")]),
        "new: N-acc": (denied, [is_new & absent]),
        "others": (ious, list(others.values())),
        "others: N-acc": (denied, [~is_new & absent]),
        **{name: (ious, [member]) for name, member in others.items()},
    }
    return {
        title: dict(zip(results, paired_scores(runs, values, member), strict=True))
        for title, (values, member) in members.items()
        if any(one.any() for one in member)
    }


def teach_new_source(
    lesson: Lesson,
    out: Path,
    command: str,
    ranks: Sequence[int] = (8, 16),
    split: str = "test",
    max_images: int | None = None,
) -> Path:
    """Teaches a source in each of [`ways`], measures, and writes `table.md` and `results.json`; what is done is kept.

    Args:
        lesson ([`Lesson`]): what, and how much.
        out (`Path`): the folder; each way trains into a folder of its own.
        command: what made it, for the table.
        ranks (*optional*): of LoRA.
        split (*optional*, defaults to `"test"`): what is measured on.
        max_images (*optional*): of each source, to measure on.

    Returns:
        `Path`: of the table.
    """
    new, others = rows_to_measure(lesson, split, max_images)
    rows = concatenate_datasets([new, others])
    runs, costs = {BEFORE: before(lesson, out)}, {}
    for name, way in ways(lesson, ranks, runs[BEFORE]).items():
        folder = out / name.replace(",", "").replace(" ", "-")
        costs[name] = teach(lesson, way, runs[BEFORE], folder)
        runs[name] = str(folder)
    results = {
        name: measure_run(folder, rows, None, out / "measured" / Path(folder).name, ())
        for name, folder in runs.items()
    }
    scores = score(results, new)
    write_text(out / "table.md", lesson_table(lesson, scores, costs, rows, command))
    numbers = {title: {name: one._asdict() for name, one in by.items()} for title, by in scores.items()}
    write_json(out / "results.json", {"command": command, "lesson": asdict(lesson), "costs": costs, "scores": numbers})
    return out / "table.md"


def lesson_table(
    lesson: Lesson,
    scores: Mapping[str, Mapping[str, PairedScore]],
    costs: Mapping[str, Mapping[str, Any]],
    rows: Dataset,
    command: str,
) -> str:
    """The scores as Markdown, with what each way costs."""
    lines = [["", "weights that learn", "saved", *scores]]
    for name in (BEFORE, *costs):
        cost = costs.get(name)
        shown = ["–", "–"] if cost is None else [f"{cost['learning'] / 1e6:.1f} M", f"{cost['megabytes']:.1f} MB"]
        lines.append([name, *shown, *(score_cell(by[name], name == BEFORE) for by in scores.values())])
    return (
        f"{table_of(lines)}\n\n"
        "mIoU in percent at original size over the expressions that have a referent; N-acc is the share of those "
        f"without one that are recognized. Each way learned {lesson.steps} steps of {lesson.batch_size} pictures with "
        f"up to {lesson.expressions} expressions, from {lesson.images} pictures of the new source, at a rate of "
        f"{lesson.rate:g}, LoRA {lesson.lora_rate:g}; replay draws every second picture from the first "
        f'{lesson.images} of each other source. "others" is the mean over sources. {len(rows):,} held-out pictures; '
        "in brackets 95 % bootstrap intervals over pictures, of all but the first row for the difference to it.\n\n"
        f"`{command}`\n"
    )
