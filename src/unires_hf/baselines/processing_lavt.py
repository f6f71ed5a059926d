# Copyright 2026 The unires-hf authors. Apache-2.0.
"""LAVT's words, as published: what is too long is cut off with its [SEP]."""

from typing import Any

from unires_hf.model.processing_unires import UniResProcessor


class LavtProcessor(UniResProcessor):
    """As [`UniResProcessor`], but of a sentence that is too long BERT sees the first tokens, and no end."""

    def _tokenize(self, text: list[str], length: int, truncation: bool = False, **kwargs) -> dict[str, Any]:
        if not truncation:
            return super()._tokenize(text, length, truncation=False, **kwargs)
        tensors, padding = kwargs.pop("return_tensors", None), kwargs.pop("padding", False)
        whole = self.tokenizer(text, truncation=False, padding=False, **{**kwargs, "verbose": False})
        cut = {name: [row[:length] for row in rows] for name, rows in whole.items()}
        return self.tokenizer.pad(cut, padding=padding, max_length=length, return_tensors=tensors)
