# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The card, `README.md`, of a converted data set: counts, features, license, and the commands that made it."""

from collections.abc import Mapping
from typing import Any

from datasets import DatasetInfo, Features, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData

from unires_hf.markdown import table_of

from .schema import FEATURES

_TEXT = """---
{header}
---

# {name}

Images with the objects and parts in them, their masks, and what is said about each: one row an image.

{counts}

`boxes only` are targets without a mask. {skipped}

## Use

```python
from datasets import load_dataset
from unires_hf.data import masks

rows = load_dataset("{name}", split="{split}")  # or streaming=True
target = rows[0]["targets"][0]
print([expression["text"] for expression in target["expressions"]])
if target["mask"] is not None:
    mask = masks.decode(target["mask"])  # bool, (height, width)
```

## Features

| column | what it is |
|---|---|
| `image` | the picture file's own bytes |
| `image_id`, `source` | unique in the data set; the reader that it came through |
| `width`, `height` | pixels, as the picture is shown |
| `targets` | list of what is referred to |
| `targets.granularity` | `object` or `part` |
| `targets.category`, `targets.part` | the object's category, also for a part; the part's name or null |
| `targets.target_id`, `targets.parent_id` | unique; the id of a part's object, or null where it is not known |
| `targets.bbox` | x, y, w, h in pixels |
| `targets.mask` | COCO's compressed RLE at the picture's size; without a pixel: the expression has no target; \
null: only a box |
| `targets.expressions` | list of `expression_id` and `text` |

## How it was made

```
{commands}
```

by [unires-hf](https://pypi.org/project/unires-hf/). `manifest.json` holds the SHA-256 of every shard.

## License

`{license}`. Pictures and annotations stay under the terms of their source; those terms bind who uses or passes on \
this copy.
"""


def render(manifest: Mapping[str, Any], name: str) -> str:
    """Renders the card.

    Args:
        manifest (`Mapping`): the content of `manifest.json`.
        name (`str`): of the folder or Hub repository.

    Returns:
        `str`: Markdown with the YAML header that `load_dataset` and the Hub read.
    """
    splits = manifest["splits"]
    skipped = sum(entry["skipped"] for entry in splits.values())
    return _TEXT.format(
        header=header(manifest).to_yaml(),
        name=name,
        split=next(iter(splits)),
        counts=counts_table(splits),
        skipped=f"{skipped:,} things could not be converted; `skipped.jsonl` says which, and why." * bool(skipped)
        or "Nothing had to be left out.",
        commands="\n".join(entry["command"] for entry in splits.values()),
        license=manifest["license"],
    )


def header(manifest: Mapping[str, Any], features: Features = FEATURES) -> DatasetCardData:
    """The YAML header that `load_dataset` and the Hub read."""
    splits = manifest["splits"]
    size = sum(entry["bytes"] for entry in splits.values())
    info = DatasetInfo(
        features=features,
        splits=SplitDict(
            {name: SplitInfo(name, num_bytes=it["bytes"], num_examples=it["images"]) for name, it in splits.items()}
        ),
        dataset_size=size,
        download_size=size,
    )
    card = DatasetCardData(
        license=manifest["license"],
        task_categories=["image-segmentation"],
        tags=["referring-image-segmentation", "unires"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": f"{name}-*.parquet"} for name in splits],
            }
        ],
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(card)
    return card


def counts_table(splits: Mapping[str, Any]) -> str:
    """What is in each split, as Markdown."""
    names = ("images", "objects", "parts", "expressions", "boxes_only", "skipped")
    lines = [["split", *(name.replace("_", " ") for name in names), "MB"]]
    for split, entry in splits.items():
        lines.append([split, *(f"{entry[name]:,}" for name in names), f"{entry['bytes'] / 1e6:,.1f}"])
    return table_of(lines)
