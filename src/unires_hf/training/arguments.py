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
    """Which model to train: exactly one of the first four fields says where it comes from."""

    model_name_or_path: str | None = field(
        default=None,
        metadata={
            "help": "A UniRES, CRIS, LAVT or CLIPSeg checkpoint: a folder, a name on the Hub, `default` or `drawings`."
        },
    )
    clip: str | None = field(
        default=None, metadata={"help": "A CLIP checkpoint, such as openai/clip-vit-base-patch16 (paper, A.3)."}
    )
    encoders: list[str] | None = field(
        default=None,
        metadata={
            "help": "Start from the encoders of this CLIP, MetaCLIP 2, SigLIP, SigLIP 2 or TIPSv2 checkpoint; or give "
            "two checkpoints, one for vision, such as a DINOv3, then one for text."
        },
    )
    preset: str | None = field(
        default=None,
        metadata={"help": "Random weights of this preset, with a tokenizer trained on the training text."},
    )
    tokenizer: str | None = field(
        default=None, metadata={"help": "A tokenizer for --preset, instead of one trained on the training text."}
    )
    image_size: int | None = field(default=None, metadata={"help": "Side of the square input in pixels."})
    resize_mode: str = field(
        default="letterbox", metadata={"help": "letterbox keeps the aspect ratio; squash does not."}
    )
    backbone: str | None = field(
        default=None,
        metadata={
            "help": "ImageNet weights for the backbone of a new model: efficientnet-lite0, -lite1 or -lite2 (extra "
            "`backbones`). A model of --model_name_or_path keeps its own backbone weights; there the name only tells "
            "--class_direction_weight which classifier to use."
        },
    )
    config_overrides: str = field(
        default="{}", metadata={"help": 'Fields of UniResConfig as JSON, such as {"group_split_layer": 4}.'}
    )
    allow_new_weights: bool = field(
        default=False,
        metadata={"help": "Draw weights that the checkpoint lacks at random, instead of stopping with an error."},
    )
    attn_implementation: str | None = field(
        default=None,
        metadata={
            "help": "sdpa (the default), eager, flash_attention_2, … On CPUs eager is a tenth faster at 128 pixels "
            "in bfloat16, equally fast in float32, and slower at 448 pixels."
        },
    )
    freeze: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Names of modules (vision_model), parts of modules (backbone.stages.0) or single weights "
            "(mask_head.bias.weight) to freeze. Default: none."
        },
    )
    lora: int | None = field(
        default=None,
        metadata={
            "help": "Train the encoders with LoRA of this rank, and all other weights but those of --freeze fully; "
            "output_dir gets an adapter in PEFT's layout (extra `lora`)."
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
    """The data to train on and the data to evaluate on."""

    train_data: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Data sets: each is a folder, a Hub name, or SOURCE,root=FOLDER for a reader; append "
            ",split=train+val to choose splits. See unires_hf.loading."
        },
    )
    eval_data: list[str] = field(
        default_factory=list, metadata={"help": "Data sets for evaluation, named in the same way."}
    )
    max_text_length: int | None = field(
        default=None,
        metadata={
            "help": "Longest sentence in tokens with [SOS] and [EOS]; saved with the tokenizer. The paper has 17, and "
            "22 for RefCOCOg (A.3). Default: the checkpoint's; for new models 20 for LAVT and 17 for others."
        },
    )
    expressions_per_image: int = field(
        default=8, metadata={"help": "Largest number of expressions that share one encoding of their image."}
    )
    train_weights: list[float] | None = field(
        default=None,
        metadata={"help": "Relative sampling weights of the --train_data sets. Default: each image once per epoch."},
    )
    images_per_epoch: int | None = field(
        default=None,
        metadata={"help": "With --train_weights: images drawn per epoch. Default: the number of images."},
    )
    object_part_ratio: float | None = field(
        default=None,
        metadata={
            "help": "Share of part expressions among those of an image, 0 to 1. Default: the share in the data."
        },
    )
    streaming: bool = field(
        default=False,
        metadata={"help": "Stream the training data endlessly instead of loading them first; needs --max_steps."},
    )
    shuffle_buffer: int = field(
        default=1000, metadata={"help": "With --streaming: size of each worker's shuffle buffer, in images."}
    )
    horizontal_flip: bool = field(
        default=False,
        metadata={
            "help": "Mirror half of the pictures, and swap left and right in their expressions. Off by default: "
            'the swap ignores meaning and also changes "the one left".'
        },
    )
    augment: bool = field(
        default=False,
        metadata={
            "help": "Vary light, blur and JPEG quality; where expressions are drawn, also crop, and join two pictures."
        },
    )
    draw_expressions: bool = field(
        default=False,
        metadata={"help": "Draw new expressions each time for images of --train_data that have none."},
    )
    leave_out_categories: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Categories that the model must never see, for zero-shot scores: leaves out pictures that show "
            "one, and expressions that name one."
        },
    )
    held_out: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Data sets whose pictures are left out of training, such as "
            "refcoco,root=REFER,split=val+testA+testB. They are compared by COCO id and look; for a folder that "
            "holds only annotations, such as REFER/refcoco, by COCO id. Drawn scenes are never left out."
        },
    )
    strict_data: bool = field(
        default=False, metadata={"help": "Stop at an image or mask that cannot be read. Default: skip it and warn."}
    )
    max_train_images: int | None = field(
        default=None, metadata={"help": "Use only the first N images of each data set."}
    )
    max_eval_images: int | None = field(default=None, metadata={"help": "Evaluate on only the first N images."})

    def __post_init__(self):
        if not (self.train_data or self.eval_data):
            raise ValueError("There is no data: give --train_data, --eval_data or both.")


@dataclass
class UniResTrainingArguments(TrainingArguments):
    """`TrainingArguments` with the paper's fine-tuning recipe (supplementary A.3) as defaults.

    `resume_from_checkpoint` may be "last": the last complete checkpoint in `output_dir`, or a new start without one.
    """

    learning_rate: float = field(default=1e-5, metadata={"help": "Paper, A.3: 1e-5 for all weights."})
    clip_learning_rate: float | None = field(
        default=None,
        metadata={"help": "A different learning rate for both encoders of CLIP or of a baseline. Our option."},
    )
    class_direction_weight: float = field(
        default=0.0,
        metadata={"help": "Weight of a loss that teaches the text encoder the classes of --backbone."},
    )
    backbone_learning_rate: float | None = field(
        default=None, metadata={"help": "A different learning rate for a pretrained backbone. Our option."}
    )
    average_weights: float | None = field(
        default=None,
        metadata={
            "help": "Evaluate and save an exponential moving average of the weights with this decay, such as 0.999."
        },
    )
    channels_last: bool = field(
        default=False,
        metadata={
            "help": "Store convolution weights in channels-last order, which is faster on GPUs; results do not change."
        },
    )
    max_training_minutes: float | None = field(
        default=None,
        metadata={"help": "End after at most this many minutes; the learning rate reaches 0 by then."},
    )
    weight_decay: float = field(default=5e-4, metadata={"help": "Paper, A.3: 5e-4."})
    num_train_epochs: float = field(default=15.0, metadata={"help": "Paper, A.3: 15 (pre-training: 50)."})
    warmup_epochs: float = field(default=1.0, metadata={"help": "Paper, A.3: 1 (pre-training: 5)."})
    lr_scheduler_type: str = field(default="cosine", metadata={"help": "Paper, A.3: cosine decay."})
    per_device_train_batch_size: int = field(
        default=8,
        metadata={"help": "Groups of up to expressions_per_image per step; 8 x 8 is the paper's batch of 64."},
    )
    per_device_eval_batch_size: int = field(default=8, metadata={"help": "Images, each with all of its expressions."})
    warmup_steps: float | None = field(
        default=None,
        metadata={"help": "Replaces warmup_epochs: a number of steps, or below 1 a share of all; 0 is no warm-up."},
    )
    eval_strategy: str = field(default="epoch", metadata={"help": "no, steps or epoch."})
    save_strategy: str = field(default="epoch", metadata={"help": "no, steps, epoch or best."})
    logging_steps: float = field(default=10, metadata={"help": "Log every this many steps."})
    logging_nan_inf_filter: bool = field(
        default=False, metadata={"help": "Not used: a loss that is not finite ends the run."}
    )
    example_images: int = field(
        default=4,
        metadata={"help": "Number of images drawn with their masks in output_dir/examples at each evaluation."},
    )
    dataloader_num_workers: int = field(default=2, metadata={"help": "Processes that prepare batches."})
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "Not needed: every step uses all weights."}
    )
    train_sampling_strategy: str = field(
        default="sequential", metadata={"help": "Must stay sequential: the data set shuffles itself every epoch."}
    )
    remove_unused_columns: bool = field(
        default=False, metadata={"help": "Must stay false: the collator needs whole rows."}
    )

    def __post_init__(self):
        if self.warmup_steps is None:
            self.warmup_steps = min(self.warmup_epochs / self.num_train_epochs, 0.99)
        if not torch.accelerator.is_available():
            self.use_cpu = True  # without it bf16 is refused
            self.dataloader_pin_memory = False
        super().__post_init__()
        if self.max_training_minutes is not None and self.world_size > 1:
            raise ValueError("--max_training_minutes works with one process only: give --max_steps instead.")
        if self.max_training_minutes is not None and self.lr_scheduler_type != "cosine":
            raise ValueError("--max_training_minutes always uses a cosine schedule: leave out --lr_scheduler_type.")


@dataclass
class PreTrainingArguments(UniResTrainingArguments):
    """The paper's pre-training recipe (supplementary A.3): the fine-tuning recipe with these changes."""

    num_train_epochs: float = field(default=50.0, metadata={"help": "Paper, A.3: 50."})
    warmup_epochs: float = field(default=5.0, metadata={"help": "Paper, A.3: 5."})
    per_device_train_batch_size: int = field(
        default=16,
        metadata={"help": "Groups of up to expressions_per_image per step; 16 x 8 is the paper's batch of 128."},
    )


def parse_arguments(
    recipe: type[UniResTrainingArguments] = UniResTrainingArguments, words: Sequence[str] | None = None
) -> tuple[ModelArguments, DataArguments, UniResTrainingArguments]:
    """Parses the arguments of a run with the defaults of a recipe; `words` defaults to the command line."""
    return parse_flags_or_file(ModelArguments, DataArguments, recipe, words=words)


def parse_flags_or_file(*dataclasses: type, words: Sequence[str] | None = None) -> tuple:
    """Parses dataclasses from flags, or from one JSON or YAML file."""
    parser = HfArgumentParser(dataclasses)
    words = list(sys.argv[1:] if words is None else words)
    if len(words) == 1 and Path(words[0]).suffix == ".json":
        return parser.parse_json_file(words[0])
    if len(words) == 1 and Path(words[0]).suffix in (".yaml", ".yml"):
        return parser.parse_yaml_file(words[0])
    return parser.parse_args_into_dataclasses(words)
