# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A training run from its arguments to its metrics; what all training scripts share."""

import itertools
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import torch
from datasets import Dataset, IterableDataset
from safetensors.torch import load_file
from transformers import PreTrainedModel, ProcessorMixin, TrainerCallback, set_seed

from unires_hf.data.augmentation import Augmentation
from unires_hf.data.groups import Rows, training_set
from unires_hf.data.left_out import Unsaid, without_categories
from unires_hf.data.opener import Opener
from unires_hf.data.photo_expressions import speak_familiarly
from unires_hf.data.schema import Row
from unires_hf.loading import LORA_BASE, load_held_out, load_rows, load_training_rows

from .arguments import DataArguments, ModelArguments, UniResTrainingArguments
from .build import build_model, set_text_length, stands_as_it_is
from .class_directions import ClassDirections, class_texts
from .lora import add_lora
from .resuming import last_checkpoint
from .run_card import facts_of
from .trainer import UniResTrainer

logger = logging.getLogger(__name__)

TEXT_ROWS = 20_000  # rows of a table whose words a preset's tokenizer is made from
DRAWN_TEXT_ROWS = 300  # the same where pictures come along with the words
DRAWN_TEXTS = 40  # of a row that comes without words


def run(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    arguments: UniResTrainingArguments,
    callbacks: list[TrainerCallback] | None = None,
    compute_loss_func: Callable[..., torch.Tensor] | None = None,
) -> UniResTrainer:
    """Loads the data, builds the model, trains, evaluates, saves and pushes, as far as the arguments ask for it.

    Args:
        model_arguments, data_arguments, arguments: as `parse_arguments` gives them.
        callbacks, compute_loss_func (*optional*): as for `Trainer`.

    Returns:
        `UniResTrainer`: after the run; its model and its log can be read.

    Raises:
        ValueError: if the arguments contradict each other, or the data cannot be learned from.
    """
    _check_streaming(data_arguments, arguments)
    set_seed(arguments.seed)
    train_dataset = eval_rows = None
    sets: list[Rows] | list[IterableDataset] = []
    if data_arguments.train_data:
        sets = load_training_rows(data_arguments.train_data, data_arguments.max_train_images, data_arguments.streaming)
    if data_arguments.leave_out_categories:
        sets = [without_categories(rows, data_arguments.leave_out_categories) for rows in sets]
    if data_arguments.held_out:
        held_out = load_held_out(data_arguments.held_out)
        sets = [held_out.kept(rows) if isinstance(rows, Dataset) else rows for rows in sets]
    if data_arguments.eval_data:
        eval_rows = load_rows(data_arguments.eval_data, data_arguments.max_eval_images)
    else:
        arguments.eval_strategy = "no"

    drawn = _drawn_texts(sets) if data_arguments.draw_expressions else ()
    texts = itertools.chain(sample_texts(sets or [eval_rows]), drawn)
    if arguments.class_direction_weight:
        texts = itertools.chain(texts, class_texts())
    model, processor = build_model(model_arguments, texts)
    if data_arguments.max_text_length is not None:
        set_text_length(model, processor, data_arguments.max_text_length)
    start = arguments.resume_from_checkpoint
    start = last_checkpoint(arguments.output_dir) if start == "last" else start
    if model_arguments.lora is not None:
        _add_lora(model, processor, model_arguments, arguments, resumed=start is not None)
    if sets:
        size = processor.image_processor.size
        count = data_arguments.expressions_per_image
        train_dataset = training_set(
            sets,
            count,
            weights=data_arguments.train_weights,
            part_share=data_arguments.object_part_ratio,
            seed=arguments.seed,
            opener=Opener(
                flip=data_arguments.horizontal_flip,
                strict=data_arguments.strict_data,
                augmentation=Augmentation(max(size["height"], size["width"])) if data_arguments.augment else None,
                speak=_speaker(data_arguments),
            ),
            buffer_size=data_arguments.shuffle_buffer,
            process=arguments.process_index,
            processes=arguments.world_size,
            length=data_arguments.images_per_epoch,
        )
    trainer = UniResTrainer(
        model,
        arguments,
        processor,
        train_dataset=train_dataset,
        eval_rows=eval_rows,
        facts=facts_of(model_arguments, data_arguments),
        callbacks=callbacks,
        compute_loss_func=compute_loss_func,
        class_directions=_class_directions(model_arguments, arguments, processor),
    )
    if train_dataset is not None:
        images = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
        logger.info(
            "A step learns from up to %d expressions, of %d images; the log says how many they are on average.",
            images * data_arguments.expressions_per_image,
            images,
        )
        outcome = trainer.train(start)
        trainer.save_model()
        trainer.save_metrics("train", outcome.metrics)
        trainer.save_state()
        if train_dataset.opener.left_out:
            logger.warning("%d times an image or a mask could not be read.", train_dataset.opener.left_out)
    if eval_rows is not None:
        metrics = trainer.evaluate(thorough=True)
        trainer.log_metrics("eval", metrics)
        trainer.save_metrics("eval", metrics)
        if trainer.is_world_process_zero():
            trainer.results.save(Path(arguments.output_dir, "results.json"))
    trainer.create_model_card()
    if arguments.push_to_hub:
        trainer.push_to_hub()
    return trainer


def _add_lora(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    model_arguments: ModelArguments,
    arguments: UniResTrainingArguments,
    resumed: bool,
) -> None:
    """LoRA for a model, which is kept beside the adapter where it is not a folder or repository as it is."""
    if arguments.push_to_hub:
        raise ValueError(
            "--push_to_hub would send an adapter without its model: leave it out, and send both as one with "
            f"`unires push {arguments.output_dir} REPO`."
        )
    if stands_as_it_is(model_arguments):
        add_lora(model, model_arguments.lora, model_arguments.model_name_or_path)
        return
    base = Path(arguments.output_dir, LORA_BASE)
    if resumed:  # the adapter has been learned for these weights, whatever would be drawn at random today
        model.load_state_dict(load_file(base / "model.safetensors"))
    elif arguments.process_index == 0:
        model.save_pretrained(base)
        processor.save_pretrained(base)
    add_lora(model, model_arguments.lora, str(base))


def _class_directions(
    model_arguments: ModelArguments, arguments: UniResTrainingArguments, processor: ProcessorMixin
) -> ClassDirections | None:
    if not arguments.class_direction_weight:
        return None
    if model_arguments.backbone is None:
        raise ValueError("--class_direction_weight needs --backbone: the classes are those of its classifier.")
    return ClassDirections(model_arguments.backbone, processor.tokenizer, processor.text_length)


def sample_texts(sets: Iterable[Rows | IterableDataset]) -> Iterator[str]:
    """Expressions of the first rows of each set; pictures are not read where that can be helped."""
    for rows in sets:
        if isinstance(rows, Dataset):
            targets = rows.select(range(min(TEXT_ROWS, len(rows)))).select_columns("targets")["targets"]
        elif isinstance(rows, IterableDataset):
            targets = (row["targets"] for row in rows.select_columns("targets").take(DRAWN_TEXT_ROWS))
        else:
            targets = (rows[index]["targets"] for index in range(min(DRAWN_TEXT_ROWS, len(rows))))
        for target in itertools.chain.from_iterable(targets):
            for expression in target["expressions"]:
                yield expression["text"]


def _speaker(data_arguments: DataArguments) -> Callable[..., list[Row]] | None:
    if not data_arguments.draw_expressions:
        return None
    speaker = partial(speak_familiarly, limit=data_arguments.expressions_per_image)
    left_out = data_arguments.leave_out_categories
    return Unsaid(speaker, left_out) if left_out else speaker


def _drawn_texts(sets: Iterable[Rows]) -> Iterator[str]:
    """What may be drawn for rows that come without words, of some rows of each set."""
    opener = Opener(speak=partial(speak_familiarly, limit=DRAWN_TEXTS))
    for rows in sets:
        for index in random.Random(0).sample(range(len(rows)), min(DRAWN_TEXT_ROWS // 3, len(rows))):
            row = rows[index]
            opened = opener(row, random.Random(index)) if opener.draws_words(row) else None
            for target in opened["targets"] if opened is not None else ():
                for expression in target["expressions"]:
                    yield expression["text"]


def _check_streaming(data_arguments: DataArguments, arguments: UniResTrainingArguments) -> None:
    if not data_arguments.streaming:
        return
    if data_arguments.draw_expressions:
        raise ValueError("Words are drawn for tables, not for streams: leave out --streaming or --draw_expressions.")
    if data_arguments.held_out:
        raise ValueError("A stream is not searched for pictures to hold out: leave out --streaming or --held_out.")
    if data_arguments.leave_out_categories:
        raise ValueError(
            "A stream is not searched for categories to leave out: leave out --streaming or --leave_out_categories."
        )
    if arguments.max_steps <= 0:
        raise ValueError("A stream has no end: give --max_steps with --streaming.")
    for name in ("save_strategy", "eval_strategy"):
        if getattr(arguments, name) == "epoch" and not (name == "eval_strategy" and not data_arguments.eval_data):
            raise ValueError(f"A stream has no epochs: give --{name} steps, with the number of steps, or no.")
