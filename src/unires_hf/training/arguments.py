# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Arguments of the training scripts, as flags, JSON or YAML; the defaults are the paper's two recipes."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import HfArgumentParser, TrainingArguments


@dataclass
class ModelArguments:
    """Where the model comes from: exactly one of the first four."""

    model_name_or_path: str | None = field(
        default=None, metadata={"help": "A UniRES, CRIS, LAVT or CLIPSeg: a folder, a name on the Hub, or default."}
    )
    clip: str | None = field(
        default=None, metadata={"help": "A CLIP checkpoint, such as openai/clip-vit-base-patch16 (paper, A.3)."}
    )
    encoders: list[str] | None = field(
        default=None,
        metadata={
            "help": "A checkpoint of CLIP, MetaCLIP 2, SigLIP, SigLIP 2 or TIPSv2, whose encoders to start from; or "
            "two, the first for vision, such as a DINOv3, and the second for text."
        },
    )
    preset: str | None = field(
        default=None, metadata={"help": "Random weights of this preset, and a tokenizer made from the training text."}
    )
    tokenizer: str | None = field(
        default=None, metadata={"help": "A tokenizer for --preset, instead of one made from the training text."}
    )
    image_size: int | None = field(default=None, metadata={"help": "Side of the square input, in pixels."})
    resize_mode: str = field(
        default="letterbox", metadata={"help": "letterbox keeps the aspect ratio; squash does not."}
    )
    backbone: str | None = field(
        default=None,
        metadata={
            "help": "ImageNet weights for a new model's backbone: efficientnet-lite0, -lite1 or -lite2, each in a "
            "package of its own (extra `backbones`). A model of --model_name_or_path keeps the weights it has; the "
            "name then says whose classes --class_direction_weight teaches."
        },
    )
    config_overrides: str = field(
        default="{}", metadata={"help": 'Fields of UniResConfig as JSON, such as {"group_split_layer": 4}.'}
    )
    allow_new_weights: bool = field(
        default=False,
        metadata={"help": "Draw weights that the checkpoint lacks at random, in place of an error."},
    )
    attn_implementation: str | None = field(
        default=None,
        metadata={
            "help": "sdpa (the default), eager, flash_attention_2, … On CPUs eager trains a tenth faster at 128 "
            "pixels in bfloat16, as fast in float32, and more slowly at 448 pixels."
        },
    )
    freeze: list[str] = field(
        default_factory=list,
        metadata={
            "help": "What does not learn, by name: modules (vision_model), parts of them (backbone.stages.0), single "
            "weights (mask_head.bias.weight). Default: all learn."
        },
    )
    lora: int | None = field(
        default=None,
        metadata={
            "help": "The encoders learn through LoRA of this rank, the rest fully but for --freeze; output_dir gets "
            "an adapter in PEFT's layout (extra `lora`)."
        },
    )

    def __post_init__(self):
        given = [
            name for name in ("model_name_or_path", "clip", "encoders", "preset") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                "Give exactly one of --model_name_or_path, --clip, --encoders and --preset; got "
                f"{' and '.join(given) or 'none'}."
            )
        if isinstance(self.config_overrides, str):
            self.config_overrides = json.loads(self.config_overrides)


@dataclass
class DataArguments:
    """What is learned from, and what is measured on."""

    train_data: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Data sets, each a folder or Hub name, or SOURCE,root=FOLDER for a reader; ,split=train+val "
            "chooses. See unires_hf.loading."
        },
    )
    eval_data: list[str] = field(default_factory=list, metadata={"help": "The same, for evaluation."})
    max_text_length: int | None = field(
        default=None,
        metadata={
            "help": "Tokens of a sentence with [SOS] and [EOS], saved with the tokenizer: 17, and 22 for RefCOCOg in "
            "the paper (A.3). Default: those of the checkpoint; 20 for LAVT and 17 for others that start anew."
        },
    )
    expressions_per_image: int = field(
        default=8, metadata={"help": "Expressions that share one encoding of their image, at most."}
    )
    train_weights: list[float] | None = field(
        default=None,
        metadata={"help": "How often to draw from each of --train_data, in any unit. Default: each image once."},
    )
    images_per_epoch: int | None = field(
        default=None,
        metadata={"help": "Images drawn in an epoch, with --train_weights. Default: as many as there are."},
    )
    object_part_ratio: float | None = field(
        default=None,
        metadata={"help": "Share of part expressions among those of an image, 0 to 1. Default: as the data are."},
    )
    streaming: bool = field(
        default=False,
        metadata={"help": "Read the training data as they pass by, without an end; needs --max_steps."},
    )
    shuffle_buffer: int = field(
        default=1000, metadata={"help": "Images of a stream among which a worker draws the next one."}
    )
    horizontal_flip: bool = field(
        default=False,
        metadata={
            "help": "Mirror every second picture, with left and right exchanged in its words. Off, since words are "
            'not understood: "the one left" is mirrored as well.'
        },
    )
    augment: bool = field(
        default=False,
        metadata={
            "help": "Other light, blur, JPEG; where words are drawn for a row, also crops, and scenes of two pictures."
        },
    )
    draw_expressions: bool = field(
        default=False,
        metadata={"help": "Draw words anew, each time, for images of --train_data that come without any."},
    )
    leave_out_categories: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Categories that the model shall never see, for zero-shot scores: pictures that show one, and "
            "words that name one, are left out."
        },
    )
    held_out: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Data sets whose pictures are not learned from, by COCO id and by look, such as "
            "refcoco,root=REFER,split=val+testA+testB; or folders of annotations alone, such as REFER/refcoco, by "
            "COCO id. Drawn scenes are never held out."
        },
    )
    strict_data: bool = field(
        default=False, metadata={"help": "Stop at an image or mask that cannot be read; default: leave it out, warn."}
    )
    max_train_images: int | None = field(
        default=None, metadata={"help": "Use the first so many images of each data set."}
    )
    max_eval_images: int | None = field(default=None, metadata={"help": "Evaluate on the first so many images."})

    def __post_init__(self):
        if not (self.train_data or self.eval_data):
            raise ValueError("Give --train_data, --eval_data or both: there is nothing to do without data.")


@dataclass
class UniResTrainingArguments(TrainingArguments):
    """`TrainingArguments` with the paper's fine-tuning recipe (supplementary A.3) as defaults.

    `resume_from_checkpoint` may be "last": the last whole checkpoint in `output_dir`, or a new start if there is none.
    """

    learning_rate: float = field(default=1e-5, metadata={"help": "Paper, A.3: 1e-5 for everything."})
    clip_learning_rate: float | None = field(
        default=None,
        metadata={"help": "Learning rate of CLIP's two encoders, or a baseline's, if it shall differ. Our option."},
    )
    class_direction_weight: float = field(
        default=0.0,
        metadata={"help": "Weight of naming ImageNet's classes by text alone, in every step; needs --backbone."},
    )
    backbone_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of a pretrained backbone, if it shall differ. Our option."}
    )
    average_weights: float | None = field(
        default=None,
        metadata={"help": "Evaluate and save an exponential mean of the weights with this decay, such as 0.999."},
    )
    channels_last: bool = field(
        default=False, metadata={"help": "Order of the convolutions' weights that suits GPUs; the figures stay."}
    )
    max_training_minutes: float | None = field(
        default=None,
        metadata={"help": "End after so many minutes at the latest; the learning rate is then 0."},
    )
    weight_decay: float = field(default=5e-4, metadata={"help": "Paper, A.3: 5e-4."})
    num_train_epochs: float = field(default=15.0, metadata={"help": "Paper, A.3: 15 (pre-training: 50)."})
    warmup_epochs: float = field(default=1.0, metadata={"help": "Paper, A.3: 1 (pre-training: 5)."})
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "Paper, A.3: cosine decay."})
    per_device_train_batch_size: int = field(
        default=8, metadata={"help": "Groups of up to expressions_per_image; 8 x 8 is the paper's batch of 64."}
    )
    per_device_eval_batch_size: int = field(default=8, metadata={"help": "Images, with all that is said about them."})
    warmup_steps: float | None = field(
        default=None, metadata={"help": "Steps, or under 1 their share, in place of warmup_epochs; 0: no warm-up."}
    )
    eval_strategy: str = field(default="epoch", metadata={"help": "no, steps or epoch."})
    save_strategy: str = field(default="epoch", metadata={"help": "no, steps, epoch or best."})
    logging_steps: float = field(default=10, metadata={"help": "Steps between two lines of the log."})
    logging_nan_inf_filter: bool = field(
        default=False, metadata={"help": "Without use: a loss that is not finite ends the run."}
    )
    example_images: int = field(
        default=4, metadata={"help": "Images drawn with their masks to output_dir/examples at each evaluation."}
    )
    dataloader_num_workers: int = field(default=2, metadata={"help": "Processes that prepare batches."})
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "All weights take part in every step."}
    )
    train_sampling_strategy: str = field(
        default="sequential", metadata={"help": "Must stay sequential: the data set shuffles itself in each epoch."}
    )
    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Must stay false: the collator makes the model's inputs from whole rows."}
    )

    def __post_init__(self):
        if self.warmup_steps is None:
            self.warmup_steps = min(self.warmup_epochs / self.num_train_epochs, 0.99)
        if not torch.accelerator.is_available():
            self.use_cpu = True  # without it bf16 is refused
            self.dataloader_pin_memory = False
        super().__post_init__()
        if self.max_training_minutes is not None and self.world_size > 1:
            raise ValueError("--max_training_minutes is for one process: clocks of several differ. Give --max_steps.")
        if self.max_training_minutes is not None and self.lr_scheduler_type != "cosine":
            raise ValueError("--max_training_minutes comes with a cosine: leave out --lr_scheduler_type.")


@dataclass
class PreTrainingArguments(UniResTrainingArguments):
    """The paper's pre-training recipe (supplementary A.3): fine-tuning's, but for these."""

    num_train_epochs: float = field(default=50.0, metadata={"help": "Paper, A.3: 50."})
    warmup_epochs: float = field(default=5.0, metadata={"help": "Paper, A.3: 5."})
    per_device_train_batch_size: int = field(
        default=16, metadata={"help": "Groups of up to expressions_per_image; 16 x 8 is the paper's batch of 128."}
    )


def parse_arguments(
    recipe: type[UniResTrainingArguments] = UniResTrainingArguments, words: Sequence[str] | None = None
) -> tuple[ModelArguments, DataArguments, UniResTrainingArguments]:
    """The arguments of a run, with the defaults of a recipe; by default from those of the program."""
    return parse_flags_or_file(ModelArguments, DataArguments, recipe, words=words)


def parse_flags_or_file(*dataclasses: type, words: Sequence[str] | None = None) -> tuple:
    """The dataclasses of a run's arguments, from flags or from one JSON or YAML file that holds them."""
    parser = HfArgumentParser(dataclasses)
    words = list(sys.argv[1:] if words is None else words)
    if len(words) == 1 and Path(words[0]).suffix == ".json":
        return parser.parse_json_file(words[0])
    if len(words) == 1 and Path(words[0]).suffix in (".yaml", ".yml"):
        return parser.parse_yaml_file(words[0])
    return parser.parse_args_into_dataclasses(words)
