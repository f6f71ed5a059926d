# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Model cards: what every card says, the cards of the presets, and that of a checkpoint trained on PartScenes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import EvalResult, ModelCardData

from unires_hf.markdown import table_of
from unires_hf.model.configuration_unires import PRESETS_FOLDER, UniResConfig
from unires_hf.model.modeling_unires import UniResModel

INTRODUCTION = (
    'UniRES ("Unveiling Parts Beyond Objects", CVPR 2024) segments what a phrase refers to, an object or a part of\n'
    'one, such as "the red truck" or "left wheel of the red truck".'
)
CLIP = {
    "base": "openai/clip-vit-base-patch16",
    "base-32": "openai/clip-vit-base-patch32",
    "base-wide": "openai/clip-vit-base-patch16",
    "large": "openai/clip-vit-large-patch14",
    "large-336": "openai/clip-vit-large-patch14-336",
}
METRICS = {
    "with_referent_miou_object": "mIoU, objects",
    "with_referent_miou_part": "mIoU, parts",
    "with_referent_oiou_object": "oIoU, objects",
    "with_referent_oiou_part": "oIoU, parts",
    "giou": "gIoU",
    "n_acc": "N-acc",
    "t_acc": "T-acc",
}
TRIVIAL = {
    "object": {
        "all_foreground": "all foreground",
        "right_color": "right color",
        "right_class": "right class",
        "right_place": "right place",
    },
    "part": {"whole_parent": "whole parent", "right_part": "right part name"},
}

_LIMITS = """\
**Intended use:** research on referring segmentation, and tools in which a person sees the mask before anything depends
on it. **Out of scope:** decisions about people, and anything where a wrong mask does harm.

**Limits:** the model knows what its training data show, and the kind of English that they use. Its score is not a
calibrated probability. It has the biases of its data, such as whom they show and how they describe people; these were
not measured.
"""

_PRESET = """\
{header}

# UniRES, preset `{preset}`

{introduction}

This card describes a configuration. **No weights are published for it.**

## Start

```python
{start}
```

{origin}

## Architecture

| | |
|---|---|
{architecture}

`UniResConfig` documents every field, and which of them the paper leaves open.

## Results

Not measured: no model trained with this preset{exception} has been scored on any data set.

## Limits

{limits}
## Training data, cost

Training data: none yet. Environmental cost of training: not measured.
"""

_CHECKPOINT = """\
{header}

# {name}

{introduction}

**This checkpoint was trained on drawings only**: scenes of PartScenes, {side} pixels wide, of objects made of named
parts. On photographs its masks mean nothing. Use it to try the package, and to compare models at equal budget. For
photographs use `default`, or start from CLIP.

## Use

```python
import unires_hf
from transformers import pipeline
from unires_hf.checkpoints import checkpoint_path
from unires_hf.scenes import PartScenes

segmenter = pipeline("referring-segmentation", model=checkpoint_path("drawings"))
scene = PartScenes("val")[0]
text = [expression["text"] for target in scene["targets"] for expression in target["expressions"]]
results = segmenter(scene["image"], text=text)
results[0]["mask"].save("mask.png")
```

On the command line: `unires segment drawing.png "the red car" --model {name}`. A copy on the Hub loads by its name;
with `trust_remote_code=True` it also loads where unires-hf is not installed.

{limits}
## Training

| | |
|---|---|
{training}

![Training loss over the steps, a color a stage]({name}-loss.png)

The log is `training_log.jsonl`, beside the weights.

**Data:** PartScenes, drawn by `unires_hf.scenes` during training. It contains no pictures, text or weights of others.
Generator and drawings: Apache-2.0. The splits `unseen_color`, `unseen_part` and `crowded` show what training does not.

## Results

{results}

## Environmental cost

{cost}
"""


def header(name: str, results: Iterable[EvalResult] = (), **fields) -> str:
    """
    The YAML header that the Hub reads, between its lines of dashes.

    There is no `pipeline_tag`: with `image-segmentation` a `pipeline(model=...)` without a task would load the
    pipeline of another kind of model, which fails. So the task is always written out.

    Args:
        name (`str`): of the model in the results' table.
        results (`Iterable[EvalResult]`, *optional*): for `model-index`.
        fields: further ones of `ModelCardData`, such as `license`, `base_model` or `datasets`.
    """
    data = ModelCardData(
        language="en",
        library_name="transformers",
        tags=["unires", "referring-image-segmentation", "referring-expression-segmentation", "image-segmentation"],
        model_name=name,
        eval_results=list(results) or None,
        **fields,
    )
    return f"---\n{data.to_yaml()}\n---"


def use_and_limits(name: str, with_code: bool = False) -> str:
    """The section "Use" and what follows: intended use and limits.

    Args:
        name (`str`): what the example loads.
        with_code (`bool`, *optional*, defaults to `False`): the repository holds its custom code.
    """
    if with_code:
        imported, trust = "", ", trust_remote_code=True"
        hint = "With unires-hf installed, `import unires_hf` replaces `trust_remote_code=True`."
    else:
        imported, trust = "import unires_hf\n", ""
        hint = "What `unires push` uploads to the Hub also loads without unires-hf, with `trust_remote_code=True`."
    return f"""\
## Use

```python
{imported}from transformers import pipeline

segmenter = pipeline("referring-segmentation", model="{name}"{trust})
results = segmenter("street.jpg", text=["the red truck", "left wheel of the red truck"])
results[1]["mask"].save("wheel.png")
```

{hint}

{_LIMITS}"""


def table(lines: Mapping[str, Any]) -> str:
    """The rows of a Markdown table of two columns."""
    return "\n".join(f"| {key} | {value} |" for key, value in lines.items())


def short_card(name: str) -> str:
    """The card of a checkpoint that has none."""
    return "\n\n".join(
        [
            header(name),
            f"# {name}",
            INTRODUCTION,
            use_and_limits(name, with_code=True),
            "Training data and results: not stated by whoever exported this checkpoint.\n",
        ]
    )


def preset_card(preset: str) -> str:
    """The card of a preset, from its configuration."""
    config = UniResConfig.from_preset(preset)
    return _PRESET.format(
        header=header(f"unires-{preset}", license="apache-2.0", base_model=CLIP.get(preset)),
        preset=preset,
        introduction=INTRODUCTION,
        start=_start(preset, config),
        origin=_origin(preset),
        architecture=table(architecture(config)),
        exception=", except `drawings`," if preset == "tiny" else "",
        limits=_LIMITS,
    )


def checkpoint_card(folder: str | Path) -> str:
    """
    The card of a checkpoint that learned from PartScenes, from its `config.json` and, where it is, `results.json`.

    `results.json` holds `"training"` (the lines of that section), `"cost"` (`"hours"`, `"watts"` and `"machine"`) and
    `"splits"`: by split the flat keys of an evaluation's `results.json`; the same over the expressions that have a
    referent as `with_referent_<key>`, since mIoU counts the others as 0; and the mIoU of trivial answers to those as
    `trivial_<granularity>_<answer>`. What it lacks is "not measured" on the card.

    Args:
        folder: of the checkpoint, whose name is the model's.
    """
    folder = Path(folder)
    config = UniResConfig.from_pretrained(folder)
    path = folder / "results.json"
    measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    splits = measured.get("splits", {})
    return _CHECKPOINT.format(
        header=header(folder.name, model_index(splits), license="apache-2.0"),
        name=folder.name,
        introduction=INTRODUCTION,
        side=config.vision_config.image_size,
        limits=_LIMITS,
        training=table(measured.get("training", {"recipe": "not recorded"}) | architecture(config)),
        results=_results(splits) if splits else "Not measured.",
        cost=_cost(measured.get("cost")),
    )


def model_index(splits: Mapping[str, Mapping[str, Any]]) -> list[EvalResult]:
    """What the Hub lists beside a model: the scores in percent, by split of PartScenes."""
    return [
        EvalResult(
            task_type="image-segmentation",
            task_name="Referring segmentation",
            dataset_type="partscenes",
            dataset_name="PartScenes",
            dataset_split=split,
            metric_type=key,
            metric_name=METRICS[key],
            metric_value=round(summary[key], 2),
        )
        for split, summary in splits.items()
        for key in METRICS
        if key in summary
    ]


def architecture(config: UniResConfig) -> dict[str, str]:
    """What a card says of a configuration."""
    with torch.device("meta"):
        model = UniResModel(config)
    vision, text = config.vision_config, config.text_config
    return {
        "input": f"{vision.image_size} x {vision.image_size} pixels, patches of {vision.patch_size}",
        "parameters": f"{sum(weight.numel() for weight in model.parameters()) / 1e6:.1f} M",
        "vision encoder": f"{vision.num_hidden_layers} blocks of width {vision.hidden_size}",
        "text encoder": f"{text.num_hidden_layers} blocks of width {text.hidden_size}, {text.vocab_size:,} tokens",
        "group tokens": f"{config.num_low_level_group_tokens} for parts, {config.num_high_level_group_tokens} for "
        f"objects, exchanged before block {config.group_split_layer}",
        "decoders, layers x width": " and ".join(
            f"{stage.num_hidden_layers} x {stage.hidden_size}"
            for stage in (config.stage1_config, config.stage2_config)
        ),
        "mask threshold": f"{config.mask_threshold:g}",
    }


def changed_fields(preset: str) -> dict[str, Any]:
    """Fields of a preset that are neither its encoders' nor at the default of [`UniResModel.from_clip`]."""
    config = UniResConfig.from_preset(preset)
    encoders = {
        "text_config": config.text_config,
        "vision_config": config.vision_config,
        "projection_dim": config.projection_dim,
        "group_split_layer": config.vision_config.num_hidden_layers // 2,
    }
    usual, fields = UniResConfig(**encoders).to_dict(), json.loads((PRESETS_FOLDER / f"{preset}.json").read_text())
    return {
        name: value
        for name, value in fields.items()
        if (name not in encoders or name == "group_split_layer")
        and (not value.items() <= (usual[name] or {}).items() if isinstance(value, dict) else value != usual[name])
    }


def presets() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in PRESETS_FOLDER.glob("*.json"))


def _start(preset: str, config: UniResConfig) -> str:
    if preset not in CLIP:
        call = f'model = UniResModel(UniResConfig.from_preset("{preset}"))'
        return f"from unires_hf import UniResConfig, UniResModel\n\n{call}"
    lines = [f'"{CLIP[preset]}"', f"image_size={config.vision_config.image_size}"]
    lines += [f"{name}={json.dumps(value)}" for name, value in changed_fields(preset).items()]
    call = "\n".join(f"    {line}," for line in lines)
    return f"from unires_hf import UniResModel\n\nmodel = UniResModel.from_clip(\n{call}\n)"


def _origin(preset: str) -> str:
    if preset not in CLIP:
        return "All weights start at random, and the tokenizer is trained on the expressions: nothing is downloaded."
    return (
        f"Both encoders start as those of [{CLIP[preset]}](https://huggingface.co/{CLIP[preset]}),\n"
        "which OpenAI published without its training pictures: the license, biases and limits on its\n"
        "card apply here too. All other weights start at random."
    )


def _results(splits: Mapping[str, Mapping[str, Any]]) -> str:
    """The model on each split, beside what answers without understanding would score."""
    shown = [
        "Percent at original size, over expressions with a referent; in brackets the 95 % bootstrap interval over\n"
        "images. From the sixth column on: mIoU of trivial answers, where a random choice counts with its mean."
    ]
    for granularity, trivial in TRIVIAL.items():
        miou, *others = (f"with_referent_{metric}_{granularity}" for metric in ("miou", "oiou", "pr@0.5"))
        others += [f"trivial_{granularity}_{answer}" for answer in trivial]
        rows = [
            [
                split,
                f"{summary[f'with_referent_n_expressions_{granularity}']:,}",
                "**{}** [{}, {}]".format(*(_percent(summary, miou + bound) for bound in ("", "_low", "_high"))),
                *(_percent(summary, key) for key in others),
            ]
            for split, summary in splits.items()
        ]
        shown.append(table_of([[f"{granularity}s", "n", "**mIoU**", "oIoU", "Pr@0.5", *trivial.values()], *rows]))
    keys = ("giou", "n_acc", "t_acc")
    rows = [
        [split, f"{summary['n_expressions']:,}", f"{summary['n_no_target']:,}", *(_percent(summary, k) for k in keys)]
        for split, summary in splits.items()
    ]
    shown.append(
        "Over all expressions. N-acc is the share of those without a referent that the model recognized, T-acc the\n"
        "share of those with one."
    )
    shown.append(table_of([["all", "n", "without a referent", "gIoU", "N-acc", "T-acc"], *rows]))
    return "\n\n".join(shown)


def _percent(summary: Mapping[str, Any], key: str) -> str:
    return f"{summary[key]:.1f}" if key in summary else "not measured"


def _cost(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return "Not measured."
    energy = cost["hours"] * cost["watts"] / 1000
    return (
        f"Training took {cost['hours']:.1f} hours on {cost['machine']}. At an assumed {cost['watts']:g} W that is "
        f"{energy:.2f} kWh,\nand at the world's average of about 0.45 kg CO2e a kWh {0.45 * energy:.2f} kg CO2e. "
        "Power was not metered: this is an\nestimate. It does not include the experiments before this run."
    )
