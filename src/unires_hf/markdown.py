# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Tables as Markdown has them."""

from collections.abc import Iterable, Sequence


def table_of(lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """
    The lines as a table, the first as its head.

    Args:
        lines: cells, as many in each line.
        words (`int`, *optional*, defaults to 1): columns to the left that hold words; the others hold numbers.
    """
    head, *rest = lines
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rest))
