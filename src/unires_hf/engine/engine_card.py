# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The card of what the engine made: counts, yields, recipe, provenance, license, and what to be wary of."""

from collections.abc import Mapping
from typing import Any

import yaml

from unires_hf.data.dataset_card import counts_table, header

from .case import ENGINE_FEATURES

_TEXT = """---
{header}
---

# {name}

Pictures with objects, parts, their masks and what is said about each, one row a picture, **made by models** and
verified by models. Nobody has looked at all of them.

{counts}

## Yield of each stage

{yields}

`rejected/` holds every refusal: the stage, the reason, the score, the mask.

## Use

```python
from datasets import load_dataset

rows = load_dataset("{name}", split="{split}")  # or streaming=True
```

The columns are those of every data set of [unires-hf](https://pypi.org/project/unires-hf/), and two more: `license`,
and `provenance`, a list of `about` (a target_id or expression_id), `stage`, `maker` (a model or a rule) and `score`.

## How it was made

```
{command}
```

with the recipe

```yaml
{recipe}```

## What to be wary of

- A mask that passed is one on which models agree; what all of them get wrong passes too.
- Left and right are the viewer's.
- An expression without a referent is what one model found and another did not; it was not looked at.
- The masks and words inherit the terms of the models that made them.

## License

`{license}` for the pictures, which stay under the terms of their source; those terms bind who uses or passes on this
copy.
"""


def render(manifest: Mapping[str, Any], name: str, yields: str) -> str:
    """Renders the card: Markdown with the YAML header that `load_dataset` and the Hub read.

    Args:
        manifest (`Mapping`): the content of `manifest.json`.
        name (`str`): of the folder or Hub repository.
        yields (`str`): the table of yields.
    """
    split, entry = next(iter(manifest["splits"].items()))
    return _TEXT.format(
        header=header(manifest, ENGINE_FEATURES).to_yaml(),
        name=name,
        split=split,
        counts=counts_table(manifest["splits"]),
        yields=yields,
        command=entry["command"],
        recipe=yaml.safe_dump(_plain(manifest["recipe"]), sort_keys=False),
        license=manifest["license"],
    )


def _plain(value: Any) -> Any:
    """Tuples as lists, as YAML has no tuples."""
    if isinstance(value, Mapping):
        return {name: _plain(it) for name, it in value.items()}
    return [_plain(it) for it in value] if isinstance(value, list | tuple) else value
