# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Groups say every expression once an epoch; samples and streams are random, and the same for the same seed."""

import io
import itertools

import numpy as np
import pytest
from datasets import Dataset, IterableDataset
from PIL import Image
from torch.utils.data import DataLoader

from unires_hf.data import masks
from unires_hf.data.groups import ExpressionGroups, SampledExpressions, StreamedExpressions, training_set
from unires_hf.data.opener import Opener
from unires_hf.data.schema import FEATURES


def make_row(name: str, counts: list[int], maskless: tuple[int, ...] = (), parts: tuple[int, ...] = ()) -> dict:
    mask = np.zeros((8, 10), bool)
    mask[2:5, 3:7] = True
    targets = [
        {
            "target_id": f"{name}/{place}",
            "granularity": "part" if place in parts else "object",
            "category": "thing",
            "part": None,
            "parent_id": None,
            "bbox": [3, 2, 4, 3],
            "mask": None if place in maskless else masks.encode(mask),
            "expressions": [
                {"expression_id": f"{name}/{place}/{number}", "text": f"thing {place} {number}"}
                for number in range(count)
            ],
        }
        for place, count in enumerate(counts)
    ]
    picture = Image.new("RGB", (10, 8))
    return {"image": picture, "image_id": name, "source": "test", "width": 10, "height": 8, "targets": targets}


def said(row: dict) -> list[str]:
    return [it["expression_id"] for target in row["targets"] for it in target["expressions"]]


def ids(groups: ExpressionGroups | SampledExpressions) -> list[list[str]]:
    return [said(groups[index]) for index in range(len(groups))]


def many(name: str, count: int) -> list[dict]:
    return [make_row(f"{name}{number}", [3, 2, 4, 3], parts=(2, 3)) for number in range(count)]


@pytest.fixture
def rows() -> Dataset:
    return Dataset.from_list([make_row("a", [3, 0, 4]), make_row("b", [1]), make_row("c", [2, 2], (1,))], FEATURES)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_every_expression_once_an_epoch(rows, size):
    groups = ExpressionGroups(rows, size)
    everything = [name for group in ids(groups) for name in group]
    assert len(everything) == len(set(everything)) == groups.num_expressions == 10
    assert max(map(len, ids(groups))) <= size
    assert all(len({name.split("/")[0] for name in group}) == 1 for group in ids(groups))


def test_each_epoch_deals_anew_and_repeatably(rows):
    groups = ExpressionGroups(rows, 3, seed=5)
    first = ids(groups)
    groups.set_epoch(1)
    second = ids(groups)
    assert first != second and len(first) == len(second)
    again = ExpressionGroups(rows, 3, seed=5)
    again.set_epoch(1)
    assert ids(again) == second


def test_an_epoch_comes_in_its_own_order():
    groups = ExpressionGroups(Dataset.from_list(many("a", 20), FEATURES), 12)
    orders = []
    for epoch in (0, 1):
        groups.set_epoch(epoch)
        orders.append([row["image_id"] for row in groups])
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(f"a{number}" for number in range(20))
    assert orders[0] != orders[1] != sorted(orders[1])


def test_expressions_stay_with_their_targets(rows):
    for row in ExpressionGroups(rows, 2):
        for target in row["targets"]:
            assert all(it["expression_id"].startswith(target["target_id"] + "/") for it in target["expressions"])


def test_targets_without_masks_are_counted_and_left_out(rows, caplog):
    groups = ExpressionGroups(rows, 8)
    assert "2 expressions are left out" in caplog.text
    assert not any(name.startswith("c/1") for group in ids(groups) for name in group)


def test_nothing_to_learn_is_refused():
    rows = Dataset.from_list([make_row("a", [2], (0,))], FEATURES)
    with pytest.raises(ValueError, match="nothing can be learned"):
        ExpressionGroups(rows, 4)
    with pytest.raises(ValueError, match="at least 1"):
        ExpressionGroups(rows, 0)
    with pytest.raises(ValueError, match="there is nothing to learn"):
        SampledExpressions([rows], 4)[0]
    with pytest.raises(ValueError, match="Data set number 2 has no rows"):
        SampledExpressions([rows, []], 4)
    with pytest.raises(ValueError, match="another length is drawn: give `--train_weights` too"):
        SampledExpressions([rows], 4, length=3)


class Drawn:
    """Rows that are made when asked for, and say so."""

    def __init__(self, rows: list[dict]):
        self.rows = rows
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        self.asked.append(index)
        return self.rows[range(len(self.rows))[index]]


def test_samples_are_drawn_when_asked_for_and_each_row_once():
    drawn = Drawn(many("a", 30))
    samples = SampledExpressions([drawn, many("b", 10)], 5, seed=1)
    assert len(samples) == 40 and not drawn.asked
    rows = list(samples)
    assert {row["image_id"] for row in rows} == {f"a{number}" for number in range(30)} | {
        f"b{number}" for number in range(10)
    }
    assert [row["image_id"][0] for row in rows] != sorted(row["image_id"][0] for row in rows)
    assert all(len(set(said(row))) == 5 for row in rows)


def test_a_sample_depends_on_seed_epoch_and_place_alone():
    rows = many("a", 12)
    samples = SampledExpressions([rows], 5, seed=1)
    first = ids(samples)
    assert said(samples[7]) == first[7]
    samples.set_epoch(1)
    assert ids(samples) != first
    samples.set_epoch(0)
    assert ids(samples) == first == ids(SampledExpressions([rows], 5, seed=1)) != ids(SampledExpressions([rows], 5))


def test_weights_say_how_often_each_set_is_drawn_from():
    samples = SampledExpressions([many("a", 180), many("b", 20)], 2, weights=[1, 3])
    drawn = [row["image_id"] for row in samples]
    assert len(drawn) == 200
    assert 0.65 < np.mean([name.startswith("b") for name in drawn]) < 0.85
    assert len({name for name in drawn if name.startswith("a")}) > 30


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_share_of_parts(share):
    samples = SampledExpressions([many("a", 200)], 5, part_share=share)
    parts = [name.split("/")[1] in "23" for row in samples for name in said(row)]
    assert len(parts) == 1000 and np.mean(parts) == pytest.approx(share, abs=0.05)


def test_where_parts_are_lacking_objects_are_said():
    rows = [make_row("a", [3, 4], parts=(0,)), make_row("b", [6])]
    counts = {row["image_id"]: len(said(row)) for row in SampledExpressions([rows], 5, part_share=1.0)}
    assert counts == {"a": 5, "b": 5}


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_see_the_epoch(rows, workers):
    samples = SampledExpressions([many("a", 12)], 5)
    loader = DataLoader(samples, 4, collate_fn=list, num_workers=workers, persistent_workers=workers > 0)
    for epoch in (0, 1, 0):
        samples.set_epoch(epoch)
        assert [said(row) for batch in loader for row in batch] == ids(samples)


def test_an_unreadable_row_gives_its_place_to_the_next(caplog):
    table = Dataset.from_list(many("a", 8), FEATURES).to_list()
    table[3]["image"]["bytes"] = b"no picture"
    table[5]["targets"][1]["mask"] = masks.encode(np.ones((4, 4), bool))
    groups = ExpressionGroups(Dataset.from_list(table, FEATURES), 12)
    names = [row["image_id"] for row in groups]
    assert len(names) == 8 and set(names) == {f"a{number}" for number in range(8)} - {"a3", "a5"}
    assert groups.opener.left_out == 2
    assert "Image a3 of test cannot be read" in caplog.text and "[4, 4] (h, w), the picture [8, 10]" in caplog.text
    with pytest.raises(ValueError, match="Image a[35] of test cannot be read"):
        list(ExpressionGroups(Dataset.from_list(table, FEATURES), 12, opener=Opener(strict=True)))


def test_a_data_set_that_is_broken_throughout_stops():
    rows = [{**row, "image": {"bytes": None, "path": "/nowhere.png"}} for row in many("a", 60)]
    with pytest.raises(ValueError, match="50 in succession"):
        SampledExpressions([rows], 2)[0]


def shards(names: list[str]):
    for name in names:
        for row in many(name, 6):
            png = io.BytesIO()
            row["image"].save(png, "PNG")
            yield {**row, "image": {"bytes": png.getvalue(), "path": None}}


@pytest.fixture
def stream() -> IterableDataset:
    return IterableDataset.from_generator(shards, features=FEATURES, gen_kwargs={"names": ["a", "b", "c", "d"]})


def test_a_stream_goes_on_pass_after_pass(stream):
    rows = list(itertools.islice(StreamedExpressions(stream, 5, seed=3, buffer_size=10), 48))
    passes = [[row["image_id"] for row in rows[:24]], [row["image_id"] for row in rows[24:]]]
    assert sorted(passes[0]) == sorted(passes[1]) and len(set(passes[0])) == 24
    assert passes[0] != passes[1] and all(len(set(said(row))) == 5 for row in rows)
    again = itertools.islice(StreamedExpressions(stream, 5, seed=3, buffer_size=10), 48)
    assert [said(row) for row in again] == [said(row) for row in rows]


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_and_workers_share_a_stream(stream, processes):
    """Four shards are halved between two processes; among three, each skips what is the others'."""
    seen = []
    for process in range(processes):
        part = StreamedExpressions(stream, 5, buffer_size=4, process=process, processes=processes)
        loader = DataLoader(part, 2, collate_fn=list, num_workers=2)
        batches = itertools.islice(loader, 24 // processes // 2)
        seen.append([row["image_id"] for batch in batches for row in batch])
    assert all(len(set(names)) == 24 // processes for names in seen)
    assert len(set(itertools.chain(*seen))) == 24


def test_streams_are_mixed_by_weight(stream):
    other = IterableDataset.from_generator(shards, features=FEATURES, gen_kwargs={"names": ["x"]})
    mixed = training_set([stream, other], 5, weights=[1, 3], buffer_size=4)
    names = [row["image_id"] for row in itertools.islice(mixed, 120)]
    assert 0.6 < np.mean([name.startswith("x") for name in names]) < 0.9


def test_the_rows_decide_which_set_it_is(rows, stream):
    assert isinstance(training_set([rows, rows], 3), ExpressionGroups)
    assert isinstance(training_set([rows], 3, part_share=0.5), SampledExpressions)
    assert isinstance(training_set([rows, many("a", 2)], 3), SampledExpressions)
    assert isinstance(training_set([stream], 3), StreamedExpressions)
