# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models trained at one budget: the same PartScenes, the same expressions seen, the same splits."""

import json
import logging
import multiprocessing
import os
import platform
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import torch
from filelock import FileLock
from transformers import PreTrainedModel, ProcessorMixin, Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState

from unires_hf import UniResConfig
from unires_hf.data.schema import Row
from unires_hf.evaluation import evaluate_model
from unires_hf.files import write_json, write_text
from unires_hf.loading import load_model
from unires_hf.model.modeling_unires import mask_loss
from unires_hf.scenes import SPLITS, trivial_scores
from unires_hf.scenes.dataset import kind_of
from unires_hf.training.arguments import DataArguments, ModelArguments, UniResTrainingArguments
from unires_hf.training.run import run
from unires_hf.training.warm_up import WarmUpArguments, warm_up

from .budget import Budget, ComparedModel

logger = logging.getLogger(__name__)

SAVE_STEPS = 500
MAX_LENGTH = 17  # tokens, as in training
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
TUNING_SCENES = 60
SHARD_SCENES = 500
LOCK = "experiment.lock"  # held by the one of several calls that writes what they share
UNSEEN_SEED = 1  # of scenes that nothing learns from
# What a model has behind it that starts from random weights.
NOTHING = {"warm_up_seconds": 0.0, "seconds": 0.0, "expressions": 0, "runs": [], "learning_rates": []}
EVALUATED = tuple(split for split in SPLITS if split != "train")


class _Clock(TrainerCallback, ExportableState):
    """Seconds spent in steps, data included; they survive an interruption with the checkpoint."""

    def __init__(self):
        self.seconds = 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        self.last = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        now = time.perf_counter()
        self.seconds, self.last = self.seconds + now - self.last, now

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"seconds": self.seconds}}


def one_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | None = None) -> torch.Tensor:
    """What baselines learn from: UniRES's mask loss. Those they were published with find small parts late, so that a
    comparison would be one of losses (our choice)."""
    defaults = UniResConfig()
    return mask_loss(outputs.logits, labels, defaults.bce_loss_weight, defaults.dice_loss_weight)


def store_scenes(budget: Budget, out: Path) -> Path:
    """Draws the training scenes once for all models and seeds, on all cores, or goes on where it was interrupted.

    Reading a scene takes a fifth of drawing it.

    Returns:
        `Path`: a folder that [`load_training_rows`] opens.

    Raises:
        ValueError: if the folder holds scenes of another recipe.
    """
    folder, recipe = out / "scenes", {"scenes": budget.scenes, "kinds": budget.kinds}
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(out / LOCK):
        if not _is_finished(folder / "finished.json", recipe):
            scenes = budget.scenes_of("train", budget.scenes)
            shards = [
                (folder / f"train-{number:05}.parquet", range(budget.scenes)[start : start + SHARD_SCENES])
                for number, start in enumerate(range(0, budget.scenes, SHARD_SCENES))
            ]
            missing = [shard for shard in shards if not shard[0].is_file()]
            if len(missing) < 2:
                for shard in missing:
                    scenes.to_parquet(*shard)
            else:
                with multiprocessing.get_context("spawn").Pool(min(len(missing), os.cpu_count() or 1)) as pool:
                    pool.starmap(scenes.to_parquet, missing, chunksize=1)
            write_json(folder / "finished.json", recipe)
    return folder


def trivial_of(budget: Budget, out: Path) -> dict[str, Any]:
    """What answers without understanding score, by split, and on val by kind of expression; measured once."""
    path, recipe = out / "trivial.json", {"eval_scenes": budget.eval_scenes, "kinds": budget.kinds}
    out.mkdir(parents=True, exist_ok=True)
    with FileLock(out / LOCK):
        measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if any(measured.get(name) != value for name, value in recipe.items()):
            by_split = {split: trivial_scores(budget.scenes_of(split, budget.eval_scenes)) for split in EVALUATED}
            by_kind = trivial_scores(budget.scenes_of("val", budget.eval_scenes), by_kind=True)
            measured = {**recipe, "trivial": by_split, "trivial_by_kind": by_kind}
            write_json(path, measured)
    return {name: measured[name] for name in ("trivial", "trivial_by_kind")}


def tune_threshold(model: PreTrainedModel, processor: ProcessorMixin, rows: Sequence[Row]) -> None:
    """Sets the mask threshold to the one at which objects and parts together have the highest mIoU.

    Measured on rows like those of training that no model has seen. Published thresholds belong to published losses
    and long training: of models still unsure of most pixels they tell apart the thresholds alone (our choice).
    """

    def score(threshold: float) -> float:
        results = evaluate_model(model, processor, rows, mask_threshold=threshold, controls=(), bootstrap=0)
        scores = scores_of(results.records)
        return scores["object"] + scores["part"]

    processor.mask_threshold = max(THRESHOLDS, key=score)


def prepare(compared: ComparedModel, budget: Budget, out: Path) -> float:
    """Warms up the encoders that all seeds of a model start from, as those of published models start from one CLIP;
    or goes on where it was interrupted, or reads what a finished warm-up left.

    Returns:
        `float`: the seconds that it took; 0 if the model has no warm-up.

    Raises:
        ValueError: if the folder holds a warm-up of another recipe.
    """
    if compared.warmed_up is None:
        return 0.0
    folder = out / compared.start
    settings = ("scenes", "bf16", "warm_up_steps", "kinds")
    recipe = {name: getattr(budget, name) for name in settings}
    overrides = compared.model.get("config_overrides", {})
    if overrides:  # a warm-up teaches similarity; a model that has none starts from the encoders alone
        overrides = {**overrides, "beyond_paper": ["similarity"]}
    recipe |= {"preset": compared.warmed_up, "config_overrides": overrides}
    finished = folder / "warm-up.json"
    if not _is_finished(finished, recipe):
        trainer = warm_up(
            ModelArguments(
                preset=compared.warmed_up,
                config_overrides=overrides,
                attn_implementation=_attention(),
            ),
            WarmUpArguments(output_dir=folder, **_schedule(budget, budget.warm_up_steps)),
            budget.scenes_of("train", budget.scenes),
            callbacks=[_Clock()],
        )
        write_json(finished, {**recipe, "seconds": _seconds(trainer), "loss": _last_loss(trainer)})
        _remove_checkpoints(folder)
    return json.loads(finished.read_text(encoding="utf-8"))["seconds"]


def train(compared: ComparedModel, budget: Budget, seed: int, out: Path) -> dict[str, Any]:
    """Trains a model, or goes on where it was interrupted, or reads what a finished run left.

    One that starts from a run of an earlier experiment meets the scenes in another order than there.

    Args:
        compared, budget, seed: what is trained, on what, and the seed of weights and order.
        out (`Path`): of the experiment; the model comes to `out/seed-<seed>/<name>`.

    Returns:
        `dict`: the recipe, `parameters`, the tuned `threshold`, the mean `loss` of the last tenth, and, with the runs
        that it went on from, `warm_up_seconds`, `seconds` of training, `expressions` seen and the steps of each of the
        `runs`, with their `learning_rates`; also in `training.json`.

    Raises:
        ValueError: if the folder holds a run of another recipe, or there is no model to start from.
    """
    folder = compared.folder(out, seed)
    recipe = {**asdict(budget), **asdict(compared), "seed": seed}
    del recipe["eval_scenes"]
    finished = folder / "training.json"
    if _is_finished(finished, recipe):
        return json.loads(finished.read_text(encoding="utf-8"))
    earlier, start = NOTHING, {}
    if compared.start is not None:
        place = Path(os.path.normpath(out / compared.start.format(seed=seed)))
        start["model_name_or_path"] = str(place)
        if (place / "training.json").is_file():
            earlier = json.loads((place / "training.json").read_text(encoding="utf-8"))
        elif not (place / "config.json").is_file():
            raise ValueError(f"There is no finished run in {place}: call the command that trains it first.")
    trainer = run(
        ModelArguments(**compared.model, **start, attn_implementation=_attention()),
        DataArguments(train_data=[str(store_scenes(budget, out))], train_weights=[1.0], max_text_length=MAX_LENGTH),
        UniResTrainingArguments(
            output_dir=folder,
            seed=seed + 1000 * len(earlier["runs"]),
            per_device_train_batch_size=budget.batch_size,
            dataloader_drop_last=True,  # CRIS cannot normalize over a single expression
            learning_rate=compared.learning_rate,
            clip_learning_rate=compared.clip_learning_rate,
            **_schedule(budget, budget.steps),
        ),
        callbacks=[_Clock()],
        compute_loss_func=one_loss if compared.is_baseline else None,
    )
    tune_threshold(
        trainer.model, trainer.processing_class, list(budget.scenes_of("train", TUNING_SCENES, seed=UNSEEN_SEED))
    )
    trainer.save_model()
    seen = [line["expressions_per_step"] for line in trainer.state.log_history if "loss" in line]
    outcome = {
        **recipe,
        "parameters": sum(weight.numel() for weight in trainer.model.parameters()),
        "warm_up_seconds": earlier["warm_up_seconds"] + prepare(compared, budget, out),
        "seconds": earlier["seconds"] + _seconds(trainer),
        "expressions": earlier["expressions"] + round(statistics.mean(seen) * budget.steps),
        "runs": [*earlier["runs"], budget.steps],
        "learning_rates": [*earlier["learning_rates"], compared.rates],
        "loss": _last_loss(trainer),
        "threshold": trainer.processing_class.mask_threshold,
        "device": device_name(),
    }
    write_json(finished, outcome)
    _remove_checkpoints(folder)
    return outcome


def _is_finished(finished: Path, recipe: dict[str, Any]) -> bool:
    """Whether this file tells of a run of the recipe; otherwise its folder is made ready for one."""
    begun = finished.with_name("recipe.json")
    if begun.is_file() and json.loads(begun.read_text(encoding="utf-8")) != recipe:
        raise ValueError(f"{finished.parent} holds a run of another recipe: name another --out, or remove it.")
    if not finished.is_file():
        finished.parent.mkdir(parents=True, exist_ok=True)
        write_json(begun, recipe)
    return finished.is_file()


def device_name() -> str:
    """What computes here, for the table."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads of {platform.processor() or platform.machine()}"


def _attention() -> str | None:
    """At 128 pixels in bfloat16, eager attention trains a tenth faster on CPUs."""
    return None if torch.accelerator.is_available() else "eager"


def _schedule(budget: Budget, steps: int) -> dict[str, Any]:
    """Training arguments that warm-up and training share."""
    return {
        "max_steps": steps,
        "warmup_steps": 0.05,
        "bf16": budget.bf16,
        "dataloader_num_workers": max(1, (os.cpu_count() or 1) // 4),
        "save_strategy": "steps",
        "save_steps": min(SAVE_STEPS, steps),
        "save_total_limit": 1,
        "logging_steps": max(1, steps // 100),
        "resume_from_checkpoint": "last",
        "restore_callback_states_from_checkpoint": True,
    }


def _seconds(trainer: Trainer) -> float:
    (clock,) = (it for it in trainer.callback_handler.callbacks if isinstance(it, _Clock))
    return clock.seconds


def _last_loss(trainer: Trainer) -> float:
    """The mean over the last tenth of the steps."""
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    return statistics.mean(losses[-max(1, len(losses) // 10) :])


def _remove_checkpoints(folder: Path) -> None:
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def measure(compared: ComparedModel, budget: Budget, seed: int, out: Path) -> dict[str, dict[str, Any]]:
    """Scores a trained model on every split, at the threshold that it was tuned to.

    What is finished is read, not measured again: records of every expression lie beside the model, as
    `<split>-<scenes>.parquet`.

    Returns:
        `dict`: by split, see [`scores_of`].
    """
    folder = compared.folder(out, seed)
    scores = {}
    for split in EVALUATED:
        path = folder / f"{split}-{budget.eval_scenes}.parquet"
        if not path.is_file():
            model, processor = load_model(compared.loaded_by(out, seed), "auto")
            results = evaluate_model(
                model,
                processor,
                budget.scenes_of(split, budget.eval_scenes),
                controls=(),
                bootstrap=0,
                settings={"model": compared.name, "dataset": "partscenes", "split": split, "model_seed": seed},
            )
            results.save(path.with_suffix(".json"))
        scores[split] = scores_of(pa.parquet.read_table(path))
    return scores


def scores_of(records: pa.Table) -> dict[str, Any]:
    """What the tables need of an evaluation's records.

    Returns:
        `dict`: mIoU of `object` and `part` expressions that have a referent, as [`trivial_scores`] counts them; the
        same of every kind of expression in `kinds`; `n_acc`, the share of the others that the model recognized, `None`
        where there are none; and numbers of expressions, as `n_object`, `n_part`, `n_nothing` and `n_kinds`.
    """
    groups: dict[str, dict[str, list[float]]] = {"granularity": {"object": [], "part": []}, "kind": {}}
    recognized = []
    for record in records.select(
        ["granularity", "expression_id", "iou", "no_target", "predicted_no_target"]
    ).to_pylist():
        if record["no_target"]:
            recognized.append(record["predicted_no_target"])
        else:
            groups["granularity"][record["granularity"]].append(record["iou"])
            groups["kind"].setdefault(kind_of(record["expression_id"]), []).append(record["iou"])
    means, kinds = ({name: 100 * statistics.mean(ious) for name, ious in by.items() if ious} for by in groups.values())
    counts = {f"n_{name}": len(ious) for name, ious in groups["granularity"].items()}
    return {
        **means,
        **counts,
        "n_acc": 100 * statistics.mean(recognized) if recognized else None,
        "n_nothing": len(recognized),
        "kinds": kinds,
        "n_kinds": {name: len(ious) for name, ious in groups["kind"].items()},
    }


def run_experiment(
    models: Sequence[ComparedModel],
    budget: Budget,
    seeds: Sequence[int],
    out: Path,
    command: str,
    table: Callable[[dict[str, Any]], str],
) -> dict[str, Any]:
    """Trains and measures what is not finished yet, and writes `results.json` and `table.md` after each model.

    Several calls may share the work on one folder, each with a model and a seed of its own, once one without seeds has
    warmed up that model's encoders; a last one with all models and seeds writes the whole table.

    Args:
        models, budget, seeds: who gets what; without seeds the encoders warm up and no more.
        out (`Path`): of the experiment.
        command (`str`): what the table says it was made by.
        table (`Callable`): makes Markdown of what stands in the JSON file.

    Returns:
        `dict`: what stands in the JSON file; without seeds nothing.
    """
    for compared in models:
        prepare(compared, budget, out)
    if not seeds:
        return {}
    runs: dict[str, list[dict[str, Any]]] = {compared.name: [] for compared in models}
    outcome = {
        "command": command,
        "budget": asdict(budget),
        **trivial_of(budget, out),
        "runs": runs,
    }
    for seed in seeds:
        for compared in models:
            logger.info("%s, seed %d", compared.name, seed)
            trained = train(compared, budget, seed, out)
            runs[compared.name].append({**trained, "scores": measure(compared, budget, seed, out)})
            with FileLock(out / LOCK):
                write_json(out / "results.json", outcome)
                write_text(out / "table.md", table(outcome))
    return outcome
