# Copyright 2026 The unires-hf authors. Apache-2.0.
"""One shard: rows in, a Parquet file and the list of what was rejected out; the same bytes each time, whole or not."""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from unires_hf.data.leaks import HeldOut
from unires_hf.data.schema import Row, validate_row
from unires_hf.files import whole, write_json

from .case import ENGINE_FEATURES, Case, open_case
from .recipe import Recipe, Stages

logger = logging.getLogger(__name__)

SCHEMA = ENGINE_FEATURES.arrow_schema
COUNTS = ("images", "objects", "parts", "expressions", "boxes_only")


class ShardWork:
    """What a worker does: it loads the models once, and then makes the shard of each number.

    Args:
        recipe (`Recipe`): the stages.
        rows (`Sequence`): all rows of the input.
        out (`Path`): the folder of the shards that are not yet published.
        held_out (`HeldOut`, *optional*): pictures that must not be trained on.
    """

    def __init__(self, recipe: Recipe, rows: Sequence[Row], out: Path, held_out: HeldOut | None = None):
        self.recipe, self.rows, self.out, self.held_out = recipe, rows, out, held_out
        self._stages: Stages | None = None

    def __call__(self, number: int, progress: Callable[[int], Any] = lambda images: None) -> int:
        """Makes one shard and leaves its receipt, which comes last.

        Args:
            number (`int`): of the shard.
            progress (`Callable`): told how many more images are done.

        Returns:
            `int`: the number of images.
        """
        torch.set_num_threads(self.recipe.threads)
        if self._stages is None:
            self._stages = Stages(self.recipe)
        first = number * self.recipe.shard_images
        indices = range(first, min(first + self.recipe.shard_images, len(self.rows)))
        counts, verdicts = Counter(dict.fromkeys(COUNTS, 0)), Counter()
        started = time.perf_counter()
        with whole(self.out / f"{number:05d}.parquet") as part, whole(self.out / f"{number:05d}.jsonl") as refused:
            with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer, open(refused, "w") as lines:
                for start in range(indices.start, indices.stop, self.recipe.batch_size):
                    batch = range(start, min(start + self.recipe.batch_size, indices.stop))
                    cases, lost = self._annotated(batch)
                    for line in lost:
                        verdicts["pictures", line["reason"].partition(":")[0]] += 1
                        lines.write(_json(line))
                    kept = [self._row(case) for case in cases]
                    writer.write_table(pa.Table.from_pylist(kept, schema=SCHEMA))
                    for case in cases:
                        verdicts["pictures", "kept"] += 1
                        verdicts += case.verdicts
                        counts += Counter(_counts(case.row))
                        lines.writelines(_json({"image_id": case.row["image_id"], **it}) for it in case.rejected)
                    progress(len(batch))
            with open(part, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = part.stat().st_size
        yields = sorted([stage, verdict, count] for (stage, verdict), count in verdicts.items())
        receipt = {**{name: counts[name] for name in COUNTS}, "bytes": size, "sha256": digest, "yields": yields}
        write_json(self.out / f"{number:05d}.json", receipt)
        logger.info("shard %d: %d images in %.1f s", number, len(indices), time.perf_counter() - started)
        return len(indices)

    def _annotated(self, batch: Sequence[int]) -> tuple[list[Case], list[Row]]:
        """The cases of a batch, and what could not be annotated."""
        cases, lost = [], []
        for index in batch:
            row = {"image_id": f"row {index}"}
            try:
                row = self.rows[index]
                case = open_case(row)
                if self.held_out is not None and (reason := self.held_out.reason(case.row, case.picture)):
                    raise ValueError(reason)
                cases.append((index, case))
            except (ValueError, OSError) as error:
                lost.append(_lost(row, error))
        try:
            return list(self._sound([case for _, case in cases])), lost
        except (ValueError, RuntimeError) as error:
            if len(cases) == 1:
                return [], [*lost, _lost(cases[0][1].row, error)]
        done: list[Case] = []  # one of them is at fault, or all together are too much
        for index, _ in cases:
            one, more = self._annotated([index])
            done, lost = done + one, lost + more
        return done, lost

    def _sound(self, cases: list[Case]) -> Iterator[Case]:
        for case in self._stages(cases) if cases else []:
            validate_row(case.row)
            yield case

    def _row(self, case: Case) -> Row:
        return {**case.row, "license": self.recipe.license, "provenance": _of(case)}


def _of(case: Case) -> list[Row]:
    """The provenance of what is still there."""
    targets = case.row["targets"]
    there = {it["target_id"] for it in targets} | {e["expression_id"] for it in targets for e in it["expressions"]}
    return [it for it in case.provenance if it["about"] in there]


def _lost(row: Row, error: Exception) -> Row:
    reason = " ".join(str(error).split()) or type(error).__name__
    return {"image_id": row["image_id"], "stage": "pictures", "reason": reason}


def _counts(row: Row) -> dict[str, int]:
    targets = row["targets"]
    objects = sum(it["granularity"] == "object" for it in targets)
    return {
        "images": 1,
        "objects": objects,
        "parts": len(targets) - objects,
        "expressions": sum(len(it["expressions"]) for it in targets),
        "boxes_only": sum(it["mask"] is None for it in targets),
    }


def _json(line: Row) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
