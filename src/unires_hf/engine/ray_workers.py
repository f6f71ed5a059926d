# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Many workers on Ray Data; needs the extra `ray`.

All stages of a picture are one operator, a fixed pool of actors: what passes between workers is the number of a shard.
Models load once an actor, no stage can starve or overtake another, and no picture lies decoded in the object store. A
shard is written whole by whoever makes it, and always the same: an actor that dies costs the time of its shard only.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unires_hf.ray_pool import work_in_pool

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

    Raises:
        ValueError: if the recipe has more threads than this machine has cores, and there is no other.
    """

    def run(work: ShardWork, missing: Sequence[int], progress: Callable[[int], Any]) -> Iterator[int]:
        if not missing:
            return
        if "RAY_ADDRESS" not in os.environ and work.recipe.threads > os.cpu_count():
            raise ValueError(f"The recipe's threads are {work.recipe.threads}, but there are {os.cpu_count()} cores.")
        size = work.recipe.shard_images
        shards = [{"shard": it, "images": min(size, len(work.rows) - size * it)} for it in missing]
        done = work_in_pool(_Actor, (work,), shards, workers, num_cpus=work.recipe.threads, num_gpus=gpus or None)
        for row in done:
            progress(row["images"])
            yield row["images"]

    return run
