# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Segments batches of pictures on Ray Data, past one machine; needs the extra `ray`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from unires_hf.ray_pool import connect, work_in_pool

from .stream import Line, Settings, Worker


class _Actor:
    def __init__(self, images: Path, settings: Settings):
        self.segment = Worker(images, settings, 0)  # of the GPUs, Ray shows it its own

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"lines": json.dumps(self.segment(json.loads(row["batch"])))}


def work_with_ray(
    images: Path, settings: Settings, batches: Iterable[dict[str, list[Line]]], processes: int | None
) -> Iterator[list[Line]]:
    """
    The lines of each batch, in the order of the batches, so that the file has the bytes that one process writes.

    Args:
        images, settings, batches: of [`segment_many`].
        processes (`int`, *optional*): actors with a model each; by default one a GPU of the cluster, else one a core.
    """
    rows = [{"batch": json.dumps(batch)} for batch in batches]
    if not rows:
        return
    there = connect()
    gpus = 1 if there.get("GPU") else 0
    count = processes or int(there["GPU" if gpus else "CPU"])
    arguments = images.resolve(), settings
    for row in work_in_pool(_Actor, arguments, rows, count, ordered=True, num_cpus=1, num_gpus=gpus):
        yield json.loads(row["lines"])
