# Copyright 2026 The unires-hf authors. Apache-2.0.
import numpy as np
import PIL.Image
import pytest

from unires_hf.data.readers.group_splits import SPLITS, TEST, TWIN_BITS, VAL, difference_hash, in_split, twins, without
from unires_hf.data.readers.sources import SOURCES
from unires_hf.data.schema import Skipped

SAMPLES = {
    "clothing-co-parsing": "clothing_co_parsing",
    "car-parts": "car_parts",
    "facades": "building_facades",
    "coco": "coco",
    "fasseg": "faces",
    "figure-ground": "horses",
}


def photograph(path, seed, **options):
    """Clouds, unlike any of another seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clouds = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    PIL.Image.fromarray(clouds).resize((160, 120), PIL.Image.Resampling.BICUBIC).save(path, **options)
    return path


def pictures(folder, count):
    return {f"{number:03d}": photograph(folder / f"{number:03d}.png", number) for number in range(count)}


def split_of(*given, **options):
    return {name: split for split in SPLITS for name in in_split(split, *given, **options)}


def test_every_picture_is_in_one_split_and_the_shares_are_kept(tmp_path):
    own = pictures(tmp_path, 300)
    parts = {split: in_split(split, own) for split in SPLITS}
    assert sorted(sum(parts.values(), [])) == list(own) == in_split("all", own)
    assert abs(len(parts["test"]) / 300 - TEST) < 0.05 and abs(len(parts["val"]) / 300 - VAL) < 0.05


def test_a_picture_stays_where_it_is_when_more_come(tmp_path):
    own = pictures(tmp_path, 40)
    few = {name: own[name] for name in list(own)[:20]}
    assert split_of(few).items() <= split_of(own).items()


def test_a_group_is_never_divided(tmp_path):
    own = pictures(tmp_path, 60)
    groups = {name: f"run {int(name) // 6}" for name in own if int(name) < 48}
    found = split_of(own, groups)
    for group in set(groups.values()):
        assert len({found[name] for name in own if groups.get(name) == group}) == 1
    assert set(found.values()) == set(SPLITS)


def test_twins_join_and_join_their_groups(tmp_path):
    own = pictures(tmp_path, 60)
    alone = split_of(own)
    first = next(name for name in own if alone[name] == "test")
    second = next(name for name in own if alone[name] == "train" and name > first)
    third = next(name for name in own if alone[name] == "train" and name > second)
    photograph(tmp_path / "twin.jpg", int(first), quality=40)
    own[second] = tmp_path / "twin.jpg"
    found = split_of(own, {second: f"walk of {second}", third: f"walk of {second}"})
    assert found[first] == found[second] == found[third]


def test_a_missing_or_broken_picture_is_a_group_of_its_own(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    own = {"a": tmp_path / "gone.jpg", "b": tmp_path / "broken.jpg", "c": None}
    assert set(split_of(own)) == {"a", "b", "c"}


def test_a_wrong_split_is_one_sentence():
    with pytest.raises(ValueError, match="no split 'testA'; choose from train, val, test and all"):
        in_split("testA", {})


def test_photographs_of_a_benchmark_are_left_out(layouts, tmp_path):
    layout = layouts["figure-ground"]()
    layout.write(tmp_path, layout.records)
    photograph(tmp_path / "images/horse001.jpg", 1)
    PIL.Image.open(photograph(tmp_path / "one.png", 2)).resize((80, 60)).save(tmp_path / "images/horse002.jpg")
    photograph(tmp_path / "benchmark/images/x.jpg", 2, quality=50)
    PIL.Image.open(tmp_path / "images/horse001.jpg").resize((80, 60)).save(tmp_path / "images/horse001.jpg")
    row, skipped = without(SOURCES["figure-ground"](tmp_path, split="all"), [tmp_path / "benchmark"])
    assert row["image_id"] == "figure-ground-horse001" and isinstance(skipped, Skipped)
    assert skipped.where == "image figure-ground-horse002" and "it is x.jpg" in skipped.reason
    with pytest.raises(ValueError, match="masks2 holds no picture"):
        list(without([], [tmp_path / "masks2"]))


@pytest.mark.parametrize("name", SAMPLES)
def test_no_twins_and_no_run_in_two_splits_of_the_photographs(name, samples, sorted_out):
    """The photographs of the sources, where they are."""
    root = samples("photos") / SAMPLES[name]
    hashes, splits = [], []
    for split in SPLITS:
        rows, skipped = sorted_out(SOURCES[name](root, split=split))
        assert rows and not skipped
        hashes += [difference_hash(row["image"]["path"]) for row in rows]
        splits += [split] * len(rows)
    hashes = np.stack(hashes)
    assert all(splits[first] == splits[second] for first, second in twins(hashes))
    for benchmark in ("mini_refcoco", "mini_refcocom"):
        for path in (samples(benchmark) / "images").rglob("*.jpg"):
            assert ((hashes != difference_hash(path)).sum(1) > TWIN_BITS).all(), f"{path} is in {name}"
