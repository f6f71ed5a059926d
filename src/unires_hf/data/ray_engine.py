# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Fills shards on Ray Data, past one machine; needs the extra `ray`."""

import logging
from collections.abc import Callable, Iterator

import ray.data


def fill_with_ray(work: Callable[[int], int], shards: list[int], num_proc: int) -> Iterator[int]:
    """Calls `work` with the numbers of the shards on a Ray cluster, and yields what it returns as it ends.

    Connects to the cluster that `RAY_ADDRESS` names, else starts one on this machine. All machines must see the
    pictures and the folder at the same paths.

    Args:
        work (`Callable`): fills the shard with the given number, and returns a number of images.
        shards (`list[int]`): numbers of the shards.
        num_proc (`int`): at most so many are filled at once.
    """
    if not shards:
        return
    ray.data.DataContext.get_current().enable_progress_bars = False  # the converter has its own
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    numbers = ray.data.from_items([{"shard": number} for number in shards], override_num_blocks=len(shards))
    pool = ray.data.TaskPoolStrategy(size=min(num_proc, len(shards)))
    done = numbers.map(lambda row: {"images": work(row["shard"])}, compute=pool)
    for row in done.iter_rows():
        yield row["images"]
