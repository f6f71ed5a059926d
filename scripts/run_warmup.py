# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Warms up the two encoders of a preset on the names of what PartScenes shows, where no CLIP is at hand.

    python scripts/run_warmup.py --preset tiny --output_dir runs/warmup --scenes 100000 --max_steps 4000

`scripts/run_pretraining.py --model_name_or_path runs/warmup` goes on from there. Flags, or one JSON or YAML file.
"""

import logging
from dataclasses import dataclass, field

from transformers import Trainer, set_seed

from unires_hf.scenes import PartScenes
from unires_hf.scenes.names import NamedScenes
from unires_hf.training.arguments import ModelArguments, UniResTrainingArguments, parse_flags_or_file
from unires_hf.training.build import build_model
from unires_hf.training.checkpoints import last_checkpoint
from unires_hf.training.run import sample_texts
from unires_hf.training.warm_up import NamedCollator, NamedPatches


@dataclass
class WarmUpArguments(UniResTrainingArguments):
    """`UniResTrainingArguments` with a learning rate for random weights; a batch is of images."""

    learning_rate: float = field(default=1e-3, metadata={"help": "For random weights."})
    per_device_train_batch_size: int = field(default=16, metadata={"help": "Images."})
    save_strategy: str = field(default="steps", metadata={"help": "no, steps, epoch or best."})
    eval_strategy: str = field(default="no", metadata={"help": "Without use."})
    scenes: int = field(default=100_000, metadata={"help": "Scenes of an epoch."})


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    model_arguments, arguments = parse_flags_or_file(ModelArguments, WarmUpArguments)
    set_seed(arguments.seed)
    scenes = PartScenes("train", arguments.scenes, arguments.seed)
    model, processor = build_model(model_arguments, sample_texts([scenes]))
    vision = model.config.vision_config
    trainer = Trainer(
        NamedPatches(model),
        arguments,
        data_collator=NamedCollator(processor),
        train_dataset=NamedScenes(scenes, vision.image_size // vision.patch_size),
    )
    start = arguments.resume_from_checkpoint
    trainer.train(last_checkpoint(arguments.output_dir) if start == "last" else start)
    if trainer.is_world_process_zero():
        model.requires_grad_(True)
        model.save_pretrained(arguments.output_dir)
        processor.save_pretrained(arguments.output_dir)
    trainer.save_state()


if __name__ == "__main__":
    main()
