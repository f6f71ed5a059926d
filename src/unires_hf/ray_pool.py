# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Rows through a fixed pool of workers on Ray Data, past one machine; needs the extra `ray`."""

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import ray.data


def connect() -> dict[str, float]:
    """Connects to the cluster that `RAY_ADDRESS` names, else starts one on this machine.

    All machines must see the files that a worker reads and writes at the same paths.

    Returns:
        `dict[str, float]`: how much there is of each resource, such as `"CPU"` and `"GPU"`.
    """
    os.environ.setdefault("RAY_worker_niceness", "0")  # by default its workers give way to all that runs beside
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    ray.data.DataContext.get_current().enable_progress_bars = False  # commands have their own
    return ray.cluster_resources()


def work_in_pool(
    worker: type,
    arguments: tuple,
    rows: Sequence[dict[str, Any]],
    workers: int,
    ordered: bool = False,
    **resources: Any,
) -> Iterator[dict[str, Any]]:
    """What a pool of workers makes of each row, as it ends.

    A worker at work already has its next row, or it would wait for Ray after each one. A row whose worker dies goes to
    another.

    Args:
        worker (`type`): called with a row; it is made once for each worker of the pool.
        arguments (`tuple`): what it is made with.
        rows (`Sequence[dict]`): they travel, so they should name what to do, and not hold it.
        workers (`int`): their greatest number.
        ordered (`bool`, *optional*): whether to wait for the first row's result before the second's.
        resources (*optional*): `num_cpus` and `num_gpus` of each worker.
    """
    if not rows:
        return
    connect()
    ray.data.DataContext.get_current().execution_options.preserve_order = ordered
    pool = ray.data.ActorPoolStrategy(size=min(workers, len(rows)), max_tasks_in_flight_per_actor=2)
    items = ray.data.from_items(rows, override_num_blocks=len(rows))
    yield from items.map(worker, fn_constructor_args=arguments, compute=pool, **resources).iter_rows()
