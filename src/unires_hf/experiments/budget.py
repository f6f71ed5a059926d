# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Who takes part in an experiment, and what all of them get."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unires_hf.scenes import PartScenes

BASELINES = ("cris-", "lavt-", "clipseg-")  # what the names of their presets begin with
PAPER = "paper-"  # before a preset's name: the model as the paper has it, without what was added here
ADDITIONS_OFF = {"backbone_config": None, "beyond_paper": []}
WARM_UP = "warm-up"  # the folder, in the experiment's, of warmed up models


@dataclass(frozen=True)
class Budget:
    """What every model gets.

    Args:
        steps (`int`): of the optimizer; each is `batch_size` scenes with up to 8 expressions about each.
        scenes (`int`): different training scenes, drawn once for all.
        eval_scenes (`int`): of each split that is measured.
        learning_rate (`float`): AdamW's, with a linear warm-up over 5 % of the steps and cosine decay; a model may
            have a rate of its own.
        bf16 (`bool`): trains under bfloat16 autocast; on CPUs without matrix units a step is then longer, not shorter.
        warm_up_steps (`int`, *optional*, defaults to 0): of 16 scenes, in which the encoders of each model learn what
            things are called before its seeds part, in place of the pre-training that published ones start from; 0:
            every seed starts from random weights of its own.
        kinds (`str`, *optional*): the classes that scenes are drawn from, joined with `+`; all by default.
        batch_size (`int`, *optional*, defaults to 8): scenes of a step.
    """

    steps: int
    scenes: int
    eval_scenes: int
    learning_rate: float
    bf16: bool
    warm_up_steps: int = 0
    kinds: str = ""
    batch_size: int = 8

    def scenes_of(self, split: str, length: int, seed: int = 0) -> PartScenes:
        """PartScenes of the experiment's classes."""
        return PartScenes(split, length, seed, kinds=self.kinds.split("+") if self.kinds else None)

    def specification(self, split: str, length: int) -> str:
        """What names the same scenes on a command line."""
        return f"partscenes,split={split},length={length}" + (f",kinds={self.kinds}" if self.kinds else "")


@dataclass(frozen=True)
class ComparedModel:
    """A model in the experiment.

    Args:
        name (`str`): what the tables call it; its folder has that name too.
        learning_rate (`float`): see [`Budget`].
        model (`dict`): fields of [`ModelArguments`]: what it starts from.
        start (`str`, *optional*): the checkpoint that it starts from, relative to the experiment's folder; `{seed}` in
            it stands for the seed.
        warmed_up (`str`, *optional*): the preset whose encoders warm up before anything is trained; `start` is where
            they come to.
        clip_learning_rate (`float`, *optional*): the rate of its two encoders, if they have one of their own.
    """

    name: str
    learning_rate: float
    model: dict[str, Any]
    start: str | None = None
    warmed_up: str | None = None
    clip_learning_rate: float | None = None

    @classmethod
    def parse(cls, text: str, budget: Budget, after: str | None = None) -> "ComparedModel":
        """`PRESET` with random weights, warmed up if the budget says so; `PRESET@RATE` for one with a learning rate of
        its own, `PRESET@RATE/RATE` where the second is that of its encoders; `paper-PRESET` for a UniRES without any
        of the additions to the paper's model ([`ADDITIONS_OFF`]).

        Args:
            text (`str`): what stands on the command line.
            budget (`Budget`): its learning rate is that of a model without one of its own.
            after (`str`, *optional*): the folder of an experiment, relative to this one's, whose models learn on in
                place of random weights.

        Raises:
            ValueError: if a rate is no positive number.
        """
        preset, _, said = text.partition("@")
        try:
            rates = [float(rate) for rate in said.split("/")] if said else [budget.learning_rate]
        except ValueError:
            rates = []
        if len(rates) not in (1, 2) or min(rates) <= 0:
            raise ValueError(
                f"{text!r}: after the @ stands a learning rate, such as {preset}@5e-4, and after a / that of the "
                "encoders, if they have one of their own."
            )
        rate, clip_rate = [*rates, None][:2]
        # UniRES's presets do not name their model.
        name = preset if preset.startswith(BASELINES) else f"unires-{preset}"
        changes = {"config_overrides": ADDITIONS_OFF} if preset.startswith(PAPER) else {}
        preset = preset.removeprefix(PAPER)
        if after is not None:
            model, start, warmed_up = {}, f"{after}/seed-{{seed}}/{name}", None
        elif budget.warm_up_steps:
            model, start, warmed_up = changes, f"{WARM_UP}/{name}", preset
        else:
            model, start, warmed_up = {"preset": preset, **changes}, None, None
        return cls(name, rate, model, start, warmed_up, clip_rate)

    @property
    def rates(self) -> str:
        """Its learning rates, as a command line has them."""
        return "/".join(f"{rate:g}" for rate in (self.learning_rate, self.clip_learning_rate) if rate is not None)

    @property
    def is_baseline(self) -> bool:
        """Whether it is no UniRES."""
        return self.name.startswith(BASELINES)

    def folder(self, out: Path, seed: int) -> Path:
        """Where a run of it lies."""
        return out / f"seed-{seed}" / self.name

    def loaded_by(self, out: Path, seed: int) -> str:
        """What [`load_model`] knows a run by."""
        folder = self.folder(out, seed)
        return f"clipseg:{folder}" if self.name.startswith("clipseg-") else str(folder)
