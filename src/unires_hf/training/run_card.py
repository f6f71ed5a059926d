# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The model card of a training run, filled from what was done and measured."""

from collections.abc import Mapping
from pathlib import Path

from transformers import PreTrainedModel, ProcessorMixin, TrainerState

from unires_hf.evaluation import Results, markdown_table
from unires_hf.publish.cards import INTRODUCTION, header, table, use_and_limits

from .arguments import DataArguments, ModelArguments, UniResTrainingArguments


def model_card(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    arguments: UniResTrainingArguments,
    state: TrainerState,
    results: Results | None,
    facts: Mapping[str, str],
) -> str:
    """
    The card as Markdown, with the Hub's metadata.

    Args:
        model, processor, arguments, state: of the trainer, after the run.
        results (`Results`, *optional*): of its last evaluation; without them the card says that none was made.
        facts: further lines of the section "Training"; see [`facts_of`].
    """
    name = arguments.hub_model_id or Path(arguments.output_dir).name
    recipe = dict(facts) | _recipe(model, processor, arguments, state)
    scores = "Not measured." if results is None else markdown_table(results.summary)
    return "\n\n".join(
        [
            header(name),
            f"# {name}",
            f"{INTRODUCTION}\nTrained with unires-hf.",
            use_and_limits(name),
            f"## Training\n\n| | |\n|---|---|\n{table(recipe)}",
            f"## Results\n\n{scores}",
        ]
    )


def facts_of(model_arguments: ModelArguments, data_arguments: DataArguments) -> dict[str, str]:
    """Where model and data came from, without the folders of the machine at hand."""
    started = {
        "initial weights": model_arguments.model_name_or_path and _public(model_arguments.model_name_or_path),
        "initial encoders": " and ".join(
            map(_public, model_arguments.encoders or filter(None, [model_arguments.clip]))
        ),
        "random weights of the preset": model_arguments.preset,
    }
    weights = data_arguments.train_weights or [None] * len(data_arguments.train_data)
    learned = [
        _public(one) if weight is None else f"{_public(one)} (weight {weight:g})"
        for one, weight in zip(data_arguments.train_data, weights, strict=True)
    ]
    return {key: value for key, value in started.items() if value} | {
        "training data": "; ".join(learned) or "none",
        "evaluation data": "; ".join(map(_public, data_arguments.eval_data)) or "none",
        "expressions an image": f"up to {data_arguments.expressions_per_image}",
        "share of part expressions": _or(data_arguments.object_part_ratio, "as in the data"),
        "words": f"cut at {data_arguments.max_text_length} tokens"
        + (", drawn anew each time for images without any" if data_arguments.draw_expressions else ""),
        "augmentation": "light, blur, JPEG, crops, scenes of two pictures" if data_arguments.augment else "none",
        "horizontal flip": "yes" if data_arguments.horizontal_flip else "no",
        "frozen": ", ".join(model_arguments.freeze) or "nothing",
    }


def _recipe(
    model: PreTrainedModel, processor: ProcessorMixin, arguments: UniResTrainingArguments, state: TrainerState
) -> dict[str, str]:
    learned = [line["expressions_per_step"] for line in state.log_history if "expressions_per_step" in line]
    precision = "bf16" if arguments.bf16 else "fp16" if arguments.fp16 else "fp32"
    return {
        "input": "{height} x {width} pixels".format(**dict(processor.image_processor.size)),
        "words": f"cut at {processor.text_length} tokens",
        "mask threshold": f"{processor.mask_threshold:g}",
        "presence threshold": f"{processor.presence_threshold:g}",
        "parameters": f"{sum(weight.numel() for weight in model.parameters()) / 1e6:.1f} M",
        "optimizer steps": f"{state.global_step:,}",
        "epochs": f"{state.epoch or 0:.3g}",
        "expressions a step": f"{sum(learned) / len(learned):.1f} on average" if learned else "not logged",
        "optimizer": f"{_name(arguments.optim)}, weight decay {arguments.weight_decay:g}",
        "learning rate": f"{arguments.learning_rate:g}, {_name(arguments.lr_scheduler_type)} decay, CLIP's encoders "
        f"{_or(arguments.clip_learning_rate, 'the same')}",
        "learning rate of the backbone": _or(arguments.backbone_learning_rate, "the same"),
        "mean of the weights": _or(arguments.average_weights, "none; those of the last step"),
        "most minutes": _or(arguments.max_training_minutes, "as many as it takes"),
        "warm-up": f"{arguments.warmup_steps:.3g} ({'share of all steps' if arguments.warmup_steps < 1 else 'steps'})",
        "precision": precision,
        "seed": str(arguments.seed),
    }


def _public(specification: str) -> str:
    """`refcoco,root=/home/me/REFER,split=val` -> `refcoco,split=val`; a folder -> its name."""
    name, *options = specification.split(",")
    shown = [option for option in options if "/" not in option and "\\" not in option]
    return ",".join([Path(name).name if Path(name).is_dir() else name, *shown])


def _or(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g}"


def _name(choice: str) -> str:
    return getattr(choice, "value", choice)
