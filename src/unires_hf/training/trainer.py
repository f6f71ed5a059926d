# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' Trainer for the flat batch: groups for training, whole images at original size for evaluation."""

import contextlib
import math
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, ProcessorMixin, Trainer, TrainerCallback
from transformers.integrations import TensorBoardCallback

from unires_hf.data.collator import ReferringCollator
from unires_hf.data.groups import ExpressionGroups, SampledExpressions, StreamedExpressions
from unires_hf.evaluation import Results, evaluate_model

from .arguments import UniResTrainingArguments
from .averaging import WeightAverage
from .class_directions import ClassDirections, class_direction_loss
from .example_masks import draw_examples
from .lora import has_lora, load_lora
from .resuming import last_checkpoint
from .run_card import model_card
from .time_limit import StopInTime, TimedCosine

# Those of baselines have the same names, but for CLIPSeg, which keeps both in one module.
CLIP_MODULES = ("text_model.", "vision_model.", "text_projection.", "visual_projection.", "clip.")
BACKBONE_MODULES = ("backbone.",)
NEVER_DECAYED = ("group_tokens", "class_embedding", "token_embedding", "position_embedding")
LOGGED_METRICS = ("miou", "oiou", "giou", "pr@", "n_acc", "t_acc", "n_expressions")


class UniResTrainer(Trainer):
    """
    Trains on groups of expressions that share an image; evaluates every expression at original size.

    The loss of a step is the mean over its expressions, on any number of processes and accumulation steps; batch norm,
    which CRIS and LAVT have, takes its statistics over all GPUs, as both were trained. A loss that is not finite, and
    a checkpoint that cannot be written, end the run; the last good checkpoint stays.

    Args:
        model, args, processor, callbacks: as for `Trainer`.
        train_dataset (*optional*): what [`training_set`] makes.
        eval_rows (`datasets.Dataset`, *optional*): rows of the schema.
        facts (`Mapping[str, str]`, *optional*): what else the model card says of the run, such as its data.
        compute_loss_func (`Callable`, *optional*): as for `Trainer`; returns the mean over the expressions of a batch.
        class_directions ([`ClassDirections`], *optional*): names that each step teaches as well, with the weight
            `class_direction_weight`.

    Raises:
        ValueError: if one process has several GPUs.
    """

    loss_is_scaled_for_ga = False  # what compute_loss returns is to be divided by the accumulation steps

    def __init__(
        self,
        model: PreTrainedModel,
        args: UniResTrainingArguments,
        processor: ProcessorMixin,
        train_dataset: ExpressionGroups | SampledExpressions | StreamedExpressions | None = None,
        eval_rows: Dataset | None = None,
        facts: Mapping[str, str] | None = None,
        callbacks: list[TrainerCallback] | None = None,
        compute_loss_func: Callable[..., torch.Tensor] | None = None,
        class_directions: ClassDirections | None = None,
    ):
        if args.n_gpu > 1:
            raise ValueError(
                f"One process has {args.n_gpu} GPUs, among which images and expressions would be split apart: start "
                f"with `torchrun --nproc_per_node {args.n_gpu}`, or show it one GPU with CUDA_VISIBLE_DEVICES=0."
            )
        if args.channels_last:
            model = model.to(memory_format=torch.channels_last)
        super().__init__(
            model=batch_norm_over_gpus(model, args),
            args=args,
            data_collator=ReferringCollator(processor),
            train_dataset=train_dataset,
            eval_dataset=eval_rows,
            processing_class=processor,
            callbacks=callbacks,
            compute_loss_func=compute_loss_func,
        )
        self.class_directions = class_directions
        self.average = None
        if args.average_weights is not None:
            self.average = WeightAverage(self.model, args.average_weights)
            self.add_callback(self.average)
        if args.max_training_minutes is not None:
            self.add_callback(StopInTime)
        self.facts = dict(facts or {})
        self.results: Results | None = None
        self._expressions = self._counted_steps = 0
        # Batch norm would go on taking statistics, and dropout dropping, in modules that do not learn.
        self._frozen = [module for module in self.model.modules() if _is_frozen(module)]

    def get_train_dataloader(self) -> DataLoader:
        """A stream deals itself out to processes and workers, which accelerate would do a second time."""
        if not isinstance(self.train_dataset, StreamedExpressions):
            return super().get_train_dataloader()
        return DataLoader(
            self.train_dataset,
            batch_size=self._train_batch_size,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator, num_batches: int, device: torch.device
    ) -> tuple[list, torch.Tensor]:
        """The batches of an optimizer step, and its number of expressions over all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        own = torch.tensor([sum(len(batch["input_ids"]) for batch in batches)], device=device)
        count = self.accelerator.gather(own).sum()
        self._expressions = self._expressions + count
        self._counted_steps += 1
        return batches, count

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Mapping[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """This batch's share of the mean over all expressions of the step."""
        for module in self._frozen:  # `Trainer` has just set the whole model to training
            module.eval()
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        if num_items_in_batch is not None:
            # What follows takes plain means, over accumulation steps and over processes.
            batches = self.accelerator.num_processes * self.current_gradient_accumulation_steps
            loss = loss * (len(inputs["input_ids"]) * batches / num_items_in_batch)
        if self.class_directions is not None and model.training:
            batches = self.current_gradient_accumulation_steps if num_items_in_batch is not None else 1
            rng = random.Random(f"{self.args.seed} {self.state.global_step} {self.args.process_index}")
            names = self._prepare_inputs(self.class_directions.sample(rng))
            with self.compute_loss_context_manager():
                naming = class_direction_loss(self.accelerator.unwrap_model(model), names)
            loss = loss + self.args.class_direction_weight * naming / batches
        return (loss, outputs) if return_outputs else loss

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: Mapping[str, Any],
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """One forward and backward pass.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        loss = super().training_step(model, inputs, num_items_in_batch)
        self._require_finite("loss", loss)
        return loss

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        self._refuse([*load_result.missing_keys, *load_result.unexpected_keys])

    def _refuse(self, strange: list[str]) -> None:
        # A warning would be overlooked, and what has no weights in the checkpoint would begin anew.
        if strange:
            raise ValueError(
                f"The checkpoint is of another model: {len(strange)} weights, such as {strange[0]}, are not in both. "
                "Resume with the settings that it was trained with, or name another --output_dir."
            )

    def _get_grad_norm(self, model, grad_norm=None):
        # The last moment at which the weights are still good. fp16's loss scaler skips such steps by itself.
        grad_norm = super()._get_grad_norm(model, grad_norm)
        if grad_norm is not None and not self.args.fp16:
            self._require_finite("norm of the gradient", grad_norm)
        return grad_norm

    def _require_finite(self, what: str, value: torch.Tensor | float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"The {what} is {float(value)} in step {self.state.global_step + 1}, which was not taken. The last "
                f"good checkpoint is {last_checkpoint(self.args.output_dir) or 'none'}: go on from it with a lower "
                "--learning_rate, or with --bf16 in place of --fp16."
            )

    def _save_checkpoint(self, model, trial) -> None:
        try:
            super()._save_checkpoint(model, trial)
        except Exception as error:
            # Half a checkpoint would be the one to resume from, and its space is needed.
            folder = Path(self._get_output_dir(trial), f"checkpoint-{self.state.global_step}")
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)
            raise OSError(
                f"{folder} could not be written and was removed ({error}). The last good checkpoint is "
                f"{last_checkpoint(folder.parent) or 'none'}: make space, then go on with "
                "--resume_from_checkpoint last."
            ) from error

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Saves the model; within a checkpoint, the mean of its weights beside it."""
        super().save_model(output_dir, _internal_call)
        if _internal_call and self.average is not None and self.args.should_save:
            self.average.save(output_dir)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: torch.nn.Module | None = None) -> None:
        if has_lora(self.model):  # `Trainer` knows adapters of PEFT's own wrapper alone
            self._refuse(load_lora(self.model, resume_from_checkpoint))
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average is not None:
            self.average.load(resume_from_checkpoint)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """A cosine that the clock can shorten, if the run has a time limit; else what the arguments name."""
        minutes = self.args.max_training_minutes
        if minutes is not None and self.lr_scheduler is None:
            warmup = self.args.get_warmup_steps(num_training_steps)
            self.lr_scheduler = TimedCosine(optimizer or self.optimizer, num_training_steps, warmup, minutes * 60)
        return super().create_scheduler(num_training_steps, optimizer)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds the number of expressions that a step learned from, on average since the last line."""
        if "loss" in logs and self._counted_steps:
            logs["expressions_per_step"] = float(self._expressions) / self._counted_steps
            self._expressions = self._counted_steps = 0
        super().log(logs, start_time)

    def get_decay_parameter_names(self, model) -> list[str]:
        """Matrices and kernels decay; norms, biases, embeddings and group tokens do not (our choice, as is usual)."""
        return [
            name
            for name, weight in model.named_parameters()
            if weight.ndim > 1 and not any(word in name for word in NEVER_DECAYED)
        ]

    def create_optimizer(self, model=None):
        """A rate of their own for CLIP's encoders and for a pretrained backbone, if the arguments name one."""
        optimizer = super().create_optimizer(model)
        names = dict(map(reversed, (self.model if model is None else model).named_parameters()))
        for prefixes, rate in (
            (BACKBONE_MODULES, self.args.backbone_learning_rate),
            (CLIP_MODULES, self.args.clip_learning_rate),
        ):
            for group in list(optimizer.param_groups) if rate is not None else ():
                chosen = [weight for weight in group["params"] if names[weight].startswith(prefixes)]
                if chosen:
                    group["params"] = [weight for weight in group["params"] if not names[weight].startswith(prefixes)]
                    optimizer.add_param_group({**group, "params": chosen, "lr": rate})
        return optimizer

    def evaluate(
        self,
        eval_dataset: Dataset | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
        thorough: bool = False,
    ) -> dict[str, float]:
        """
        mIoU, oIoU and Pr@0.5-0.9 of every expression, in percent, at original size (paper, supplementary A.3).

        Args:
            eval_dataset, ignore_keys, metric_key_prefix: as for `Trainer.evaluate`.
            thorough (`bool`, *optional*, defaults to `False`): with controls and intervals in `self.results`, for the
                model card.
        """
        rows = self.eval_dataset if eval_dataset is None else eval_dataset
        thoroughly = {} if thorough else {"controls": (), "bootstrap": 0}
        with contextlib.nullcontext() if self.average is None else self.average.applied():
            self.results = evaluate_model(
                self.model,
                self.processing_class,
                rows,
                batch_size=self.args.per_device_eval_batch_size,
                **thoroughly,
            )
            self._write_examples(rows)
        metrics = {
            f"{metric_key_prefix}_{name}": value
            for name, value in self.results.summary.items()
            if name.startswith(LOGGED_METRICS) and not name.endswith(("_low", "_high"))
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _write_examples(self, rows: Dataset) -> None:
        """The first images with their masks, as files and to TensorBoard if that is on."""
        if not self.is_world_process_zero():
            return
        step, folder = self.state.global_step, Path(self.args.output_dir, "examples")
        boards = [it for it in self.callback_handler.callbacks if isinstance(it, TensorBoardCallback)]
        rows = rows.select(range(min(self.args.example_images, len(rows))))
        sheets = draw_examples(self.model, self.processing_class, rows)
        for number, sheet in enumerate(sheets):
            folder.mkdir(parents=True, exist_ok=True)
            sheet.save(folder / f"step-{step:06d}-{number}.png")
            for board in boards:
                if board.tb_writer is not None:
                    board.tb_writer.add_image(f"examples/{number}", np.asarray(sheet), step, dataformats="HWC")

    def create_model_card(self, *args, **kwargs) -> None:
        """Writes `README.md`, filled from this run; arguments of `Trainer.create_model_card` are without use."""
        if self.is_world_process_zero():
            card = model_card(self.model, self.processing_class, self.args, self.state, self.results, self.facts)
            Path(self.args.output_dir, "README.md").write_text(card, encoding="utf-8")


def _is_frozen(module: torch.nn.Module) -> bool:
    weights = list(module.parameters())
    return bool(weights) and not any(weight.requires_grad for weight in weights)


def batch_norm_over_gpus(model: PreTrainedModel, arguments: UniResTrainingArguments) -> PreTrainedModel:
    """The model, its batch norm over the GPUs of all processes; there is none of that kind for CPUs."""
    if arguments.world_size > 1 and arguments.device.type == "cuda":
        return torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model
