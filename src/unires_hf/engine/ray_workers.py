# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Many workers on Ray Data; needs the extra `ray`.

All stages of a picture are one operator, a fixed pool of actors: what passes between workers is the number of a shard.
Models load once an actor, no stage can starve or overtake another, and no picture lies decoded in the object store. An
actor at work already has the number of its next shard, or it would wait for Ray after each one. A shard is written
whole by whoever makes it, and always the same: an actor that dies costs the time of its shard only.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray.data

from .shard_work import ShardWork


class _Actor:
    def __init__(self, work: ShardWork):
        self.work = work

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        receipt = self.work.out / f"{row['shard']:05d}.json"  # an earlier try may have ended after all
        return {"images": row["images"] if receipt.exists() else self.work(row["shard"])}


def ray_engine(workers: int, gpus: float = 0.0) -> Callable[..., Iterator[int]]:
    """An engine for [`annotate`]: a pool of `workers` actors, each with so many GPUs, and a core for each of the
    recipe's threads.

    Connects to the cluster that `RAY_ADDRESS` names, else starts one on this machine. All machines must see the
    pictures and the output folder at the same paths.

    Raises:
        ValueError: if the recipe has more threads than this machine has cores, and there is no other.
    """

    def run(work: ShardWork, missing: Sequence[int], progress: Callable[[int], Any]) -> Iterator[int]:
        if not missing:
            return
        if "RAY_ADDRESS" not in os.environ and work.recipe.threads > os.cpu_count():
            raise ValueError(f"The recipe's threads are {work.recipe.threads}, but there are {os.cpu_count()} cores.")
        os.environ.setdefault("RAY_worker_niceness", "0")  # by default its workers give way to all that runs beside
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False  # the caller has its own
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        size = work.recipe.shard_images
        shards = [{"shard": it, "images": min(size, len(work.rows) - size * it)} for it in missing]
        numbers = ray.data.from_items(shards, override_num_blocks=len(shards))
        pool = ray.data.ActorPoolStrategy(size=min(workers, len(shards)), max_tasks_in_flight_per_actor=2)
        done = numbers.map(
            _Actor,
            fn_constructor_args=(work,),
            compute=pool,
            num_cpus=work.recipe.threads,
            num_gpus=gpus or None,
        )
        for row in done.iter_rows():
            progress(row["images"])
            yield row["images"]

    return run
