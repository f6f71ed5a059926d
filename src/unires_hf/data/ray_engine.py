# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Fills shards on Ray Data, past one machine; needs the extra `ray`."""

from collections.abc import Callable, Iterator

from unires_hf.ray_pool import work_in_pool


class _Worker:
    def __init__(self, work: Callable[[int], int]):
        self.work = work

    def __call__(self, row: dict[str, int]) -> dict[str, int]:
        return {"images": self.work(row["shard"])}


def fill_with_ray(work: Callable[[int], int], shards: list[int], num_proc: int) -> Iterator[int]:
    """Calls `work` with the numbers of the shards on a Ray cluster, and yields what it returns as it ends.

    Args:
        work (`Callable`): fills the shard with the given number, and returns a number of images.
        shards (`list[int]`): numbers of the shards.
        num_proc (`int`): at most so many are filled at once.
    """
    for row in work_in_pool(_Worker, (work,), [{"shard": number} for number in shards], num_proc):
        yield row["images"]
