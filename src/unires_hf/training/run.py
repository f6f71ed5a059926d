# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A training run from its arguments to its metrics; what all training scripts share."""

import logging

from transformers import set_seed

from unires_hf.loading import load_rows

from .arguments import DataArguments, ModelArguments, UniResTrainingArguments
from .build import build_model
from .trainer import UniResTrainer

logger = logging.getLogger(__name__)


def run(
    model_arguments: ModelArguments, data_arguments: DataArguments, arguments: UniResTrainingArguments
) -> UniResTrainer:
    """Loads the data, builds the model, trains, evaluates, saves and pushes, as far as the arguments ask for it.

    Returns:
        `UniResTrainer`: after the run; its model and its log can be read.
    """
    set_seed(arguments.seed)
    train_rows = eval_rows = None
    if data_arguments.train_data:
        train_rows = load_rows(data_arguments.train_data, data_arguments.max_train_images)
    if data_arguments.eval_data:
        eval_rows = load_rows(data_arguments.eval_data, data_arguments.max_eval_images)
    else:
        arguments.eval_strategy = "no"

    said = (eval_rows if train_rows is None else train_rows).select_columns("targets")["targets"]
    texts = [expression["text"] for targets in said for target in targets for expression in target["expressions"]]
    model, processor = build_model(model_arguments, texts)
    trainer = UniResTrainer(
        model,
        arguments,
        processor,
        train_rows=train_rows,
        eval_rows=eval_rows,
        expressions_per_image=data_arguments.expressions_per_image,
        max_text_length=data_arguments.max_text_length,
    )
    if train_rows is not None:
        logger.info("A step learns from %.1f expressions on average.", trainer.expressions_per_step)
        outcome = trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
        trainer.save_model()
        trainer.save_metrics("train", outcome.metrics)
        trainer.save_state()
    if eval_rows is not None:
        metrics = trainer.evaluate()
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)
    if arguments.push_to_hub:
        trainer.push_to_hub(tags=["referring-image-segmentation"])
    return trainer
