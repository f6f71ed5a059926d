# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Segments batches of pictures on Ray Data, past one machine; needs the extra `ray`."""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import ray.data

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

    Connects to the cluster that `RAY_ADDRESS` names, else starts one on this machine. All machines must see the
    pictures and a model that is a folder at the same paths.

    Args:
        images, settings, batches: of [`segment_many`].
        processes (`int`, *optional*): actors with a model each; by default one a GPU of the cluster, else one a core.
    """
    rows = [{"batch": json.dumps(batch)} for batch in batches]
    if not rows:
        return
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    there = ray.cluster_resources()
    gpus = 1 if there.get("GPU") else 0
    count = processes or int(there["GPU" if gpus else "CPU"])
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the caller has its own
    context.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        _Actor,
        fn_constructor_args=(images.resolve(), settings),
        compute=ray.data.ActorPoolStrategy(size=min(count, len(rows)), max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        num_gpus=gpus,
    )
    for row in done.iter_rows():
        yield json.loads(row["lines"])
