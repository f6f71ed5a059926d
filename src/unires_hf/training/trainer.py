# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' Trainer for the flat batch: groups for training, whole images at original size for evaluation."""

from datasets import Dataset
from transformers import PreTrainedModel, ProcessorMixin, Trainer, TrainerCallback

from unires_hf.data.collator import ReferringCollator
from unires_hf.data.groups import ExpressionGroups
from unires_hf.evaluation import evaluate_model

from .arguments import UniResTrainingArguments

CLIP_MODULES = ("text_model.", "vision_model.", "text_projection.", "visual_projection.")
NEVER_DECAYED = ("group_tokens", "class_embedding", "token_embedding", "position_embedding")
LOGGED_METRICS = ("miou", "oiou", "giou", "pr@", "n_acc", "t_acc", "n_expressions")


class UniResTrainer(Trainer):
    """
    Trains on groups of expressions that share an image; evaluates every expression at original size.

    Args:
        model, args, processor, callbacks: as for `Trainer`.
        train_rows (`datasets.Dataset`, *optional*): rows of the schema.
        eval_rows (`datasets.Dataset`, *optional*): rows of the schema.
        expressions_per_image (`int`, *optional*, defaults to 8): the largest group.
        max_text_length (`int`, *optional*, defaults to 17): tokens of a sentence (paper, A.3).
    """

    def __init__(
        self,
        model: PreTrainedModel,
        args: UniResTrainingArguments,
        processor: ProcessorMixin,
        train_rows: Dataset | None = None,
        eval_rows: Dataset | None = None,
        expressions_per_image: int = 8,
        max_text_length: int = 17,
        callbacks: list[TrainerCallback] | None = None,
    ):
        groups = None if train_rows is None else ExpressionGroups(train_rows, expressions_per_image, args.seed)
        super().__init__(
            model=model,
            args=args,
            data_collator=ReferringCollator(processor, max_text_length),
            train_dataset=groups,
            eval_dataset=eval_rows,
            processing_class=processor,
            callbacks=callbacks,
        )

    @property
    def expressions_per_step(self) -> float:
        """The mean number of expressions of an optimiser step, over all processes and accumulation steps."""
        groups = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        return groups * self.train_dataset.num_expressions / len(self.train_dataset)

    def get_decay_parameter_names(self, model) -> list[str]:
        """Matrices and kernels decay; norms, biases, embeddings and group tokens do not (our choice, as is usual)."""
        return [
            name
            for name, weight in model.named_parameters()
            if weight.ndim > 1 and not any(word in name for word in NEVER_DECAYED)
        ]

    def create_optimizer(self, model=None):
        """Two rates if `clip_learning_rate` is given: one for CLIP's encoders, one for what is new."""
        optimizer = super().create_optimizer(model)
        rate = self.args.clip_learning_rate
        if rate is not None and len(optimizer.param_groups) == 2:
            names = dict(map(reversed, (self.model if model is None else model).named_parameters()))
            for group in list(optimizer.param_groups):
                of_clip = [weight for weight in group["params"] if names[weight].startswith(CLIP_MODULES)]
                rest = [weight for weight in group["params"] if not names[weight].startswith(CLIP_MODULES)]
                group["params"] = rest
                optimizer.add_param_group({**group, "params": of_clip, "lr": rate})
        return optimizer

    def evaluate(
        self,
        eval_dataset: Dataset | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """mIoU, oIoU and Pr@0.5-0.9 of every expression, in percent, at original size (paper, supplementary A.3)."""
        results = evaluate_model(
            self.model,
            self.processing_class,
            self.eval_dataset if eval_dataset is None else eval_dataset,
            batch_size=self.args.per_device_eval_batch_size,
            max_length=self.data_collator.max_length,
            controls=(),
            bootstrap=0,
        )
        metrics = {
            f"{metric_key_prefix}_{name}": value
            for name, value in results.summary.items()
            if name.startswith(LOGGED_METRICS)
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
