# Copyright 2026 The unires-hf authors. Apache-2.0.
"""How much of what came in went out of each stage, and why the rest did not."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .case import KEPT
from .recipe import STAGES


def summed(receipts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By stage, in their order: `in`, `out`, and `rejected`, the numbers by reason, the most frequent first."""
    verdicts: Counter = Counter()
    for receipt in receipts:
        for stage, verdict, count in receipt["yields"]:
            verdicts[stage, verdict] += count
    table = {}
    for stage in ("pictures", *STAGES):
        counts = Counter({verdict: count for (name, verdict), count in verdicts.items() if name == stage})
        if counts:
            kept = counts.pop(KEPT, 0)
            rejected = dict(sorted(counts.items(), key=lambda it: (-it[1], it[0])))
            table[stage] = {"in": kept + sum(rejected.values()), "out": kept, "rejected": rejected}
    return table


def markdown(table: dict[str, dict[str, Any]]) -> str:
    """The yields as a table."""
    lines = ["| stage | in | out | yield | rejected |", "|---|---:|---:|---:|---|"]
    for stage, it in table.items():
        reasons = "; ".join(f"{reason}: {count:,}" for reason, count in it["rejected"].items()) or "–"
        lines.append(f"| {stage} | {it['in']:,} | {it['out']:,} | {100 * it['out'] / it['in']:.1f} % | {reasons} |")
    return "\n".join(lines)
