# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The checkpoints that ship, by the names that every command and `pipeline` know them by.

`default` was trained on photographs, `drawings` on PartScenes. Everybody may import it; it imports nothing of ours.
"""

from functools import wraps
from logging import LogRecord
from pathlib import Path
from typing import Any

SHIPPED = ("default", "drawings")

DRAWINGS_ONLY = "This model was trained on drawings only; for photographs use `default`."


def checkpoint_path(name: str) -> str:
    """The folder of a checkpoint that ships; any other name, a folder's or the Hub's, as it is."""
    return str(Path(__file__).with_name(name)) if name in SHIPPED else name


def explain_names(*classes: type) -> None:
    """Makes `from_pretrained` of classes say at once what these names are; the Hub would be asked in vain."""
    for one in classes:
        load = one.from_pretrained
        if not hasattr(load, "explains_names"):
            one.from_pretrained = classmethod(_explaining(load.__func__))


def _explaining(load: Any) -> Any:
    @wraps(load)
    def from_pretrained(cls: type, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        name = pretrained_model_name_or_path
        if isinstance(name, str) and name in SHIPPED and not Path(name).exists():
            raise OSError(
                f"{name!r} is a checkpoint that unires_hf ships, not a repository of the Hub: write "
                f"{cls.__name__}.from_pretrained(checkpoint_path({name!r})), after `from unires_hf.checkpoints import "
                "checkpoint_path`."
            )
        return load(cls, name, *args, **kwargs)

    from_pretrained.explains_names = True
    return from_pretrained


def no_model_named(record: LogRecord) -> bool:
    """Whether a record of transformers' pipelines says more than that the default is the default."""
    return checkpoint_path("default") not in record.getMessage()
