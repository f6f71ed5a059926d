# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Statistics of a converted folder: what is counted, what the paper says of it, and that the drawings show it."""

import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from unires_hf.data import masks
from unires_hf.data.convert import convert
from unires_hf.report import Statistics, count, write_report
from unires_hf.report.expected import PAPERS, compare
from unires_hf.report.samples import COLORS, WIDTH, draw_row
from unires_hf.report.samples import HEIGHT as CELL_HEIGHT
from unires_hf.report.statistics import AREA_EDGES

H, W = 100, 200


def picture() -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (W, H), (128, 128, 128)).save(stream, "PNG")
    return stream.getvalue()


def target(own_id: str, box: list[int] | None, texts: list[str], part: str | None = None, masked: bool = True) -> dict:
    mask = np.zeros((H, W), bool)
    x, y, w, h = box or [0, 0, 0, 0]
    mask[y : y + h, x : x + w] = True
    return {
        "target_id": own_id,
        "granularity": "part" if part else "object",
        "category": "dog",
        "part": part,
        "parent_id": None,
        "bbox": [float(side) for side in (x, y, w, h)],
        "mask": masks.encode(mask) if masked else None,
        "expressions": [{"expression_id": f"{own_id}/{n}", "text": text} for n, text in enumerate(texts)],
    }


def row(image_id: str, targets: list[dict]) -> dict:
    image = {"bytes": picture(), "path": None}
    return {"image": image, "image_id": image_id, "source": "s", "width": W, "height": H, "targets": targets}


DOG = target("d", [20, 10, 100, 50], ["the dog", "a big brown dog"])
HEAD = target("h", [20, 10, 20, 20], ["head of the dog"], part="head")
BOX = target("b", [0, 0, 10, 10], ["dog in a box"], masked=False)
NOTHING = target("n", None, ["a green bus"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    convert([row("1", [DOG, HEAD, NOTHING]), row("2", [DOG])], tmp_path / "out", "train", command="t")
    convert([row("1", [DOG, BOX])], tmp_path / "out", "val", command="v")
    return tmp_path / "out"


def test_what_is_counted(folder: Path) -> None:
    counted = count(folder)
    assert list(counted) == ["train", "val"]
    assert counted["train"].summary() == {
        "images": 2,
        "objects": 2,
        "parts": 1,
        "targets_without_mask": 0,
        "expressions": 6,
        "object_expressions": 4,
        "part_expressions": 1,
        "no_target_expressions": 1,
        "mean_words": pytest.approx((2 + 4 + 2 + 4 + 4 + 3) / 6),
        "object_mean_words": pytest.approx((2 + 4 + 2 + 4 + 3) / 5),
        "part_mean_words": 4,
        "object_categories": 1,
        "part_categories": 1,
        "part_names": 1,
    }
    whole = sum(counted.values(), Statistics())
    assert whole.summary()["images"] == 2, "image 1 is in both splits"
    assert whole.summary()["targets_without_mask"] == 1
    histograms = whole.histograms()
    assert histograms["expressions_by_object_category"] == {"dog": 7}
    assert histograms["expressions_by_part_category"] == {"dog head": 1}
    assert histograms["images_by_targets"] == {1: 1, 2: 2}
    assert sum(histograms["masks_by_area"]["object"]) == 3
    (bin_of_head,) = np.flatnonzero(histograms["masks_by_area"]["part"])
    assert AREA_EDGES[bin_of_head] <= 20 * 20 / (H * W) < AREA_EDGES[bin_of_head + 1]


def test_the_area_of_a_whole_picture_is_counted() -> None:
    statistics = Statistics()
    statistics.add(row("1", [target("d", [0, 0, W, H], ["all"]), target("p", [0, 0, 1, 1], ["dot"])]))
    assert statistics.areas["object"][-1] == 1
    assert statistics.areas["object"].sum() == 2


def test_only_some_splits(folder: Path) -> None:
    assert list(count(folder, ["val"])) == ["val"]
    with pytest.raises(ValueError, match="no split 'test'; it has train, val"):
        count(folder, ["test"])
    with pytest.raises(ValueError, match="holds no shards"):
        count(folder / "nothing")


def of_size(expressions: int) -> Statistics:
    return Statistics(expressions=Counter(object=expressions), words={"object": Counter(), "part": Counter()})


def test_agreement_with_the_paper() -> None:
    splits = {"val": of_size(10_834), "testA": of_size(5_656)}
    verdicts = {(it["key"], it["split"]): it for it in compare("refcoco", splits, of_size(0))}
    assert verdicts["expressions", "val"]["agrees"] is True
    assert verdicts["expressions", "testA"]["agrees"] is False
    assert verdicts["expressions", "testB"]["agrees"] is None
    assert verdicts["expressions", None]["note"] == "not here: train, testB"
    with pytest.raises(ValueError, match="has no counts of 'coco'"):
        compare("coco", splits, of_size(0))


@pytest.mark.parametrize(("expressions", "agrees"), [(32_249_999, True), (32_250_001, False)])
def test_the_paper_rounds(expressions: int, agrees: bool) -> None:
    whole = of_size(expressions)
    (verdict,) = [it for it in compare("mres-32m", {"train": whole}, whole) if it["key"] == "expressions"]
    assert verdict["agrees"] is agrees


def test_every_expected_number_is_counted() -> None:
    keys = Statistics().summary()
    for paper in PAPERS.values():
        assert all(number.key in keys for number in paper.numbers)
        assert all(number.split is None or number.split in paper.splits for number in paper.numbers)


def test_the_report(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `report` is not installed")
    pytest.importorskip("wordcloud", reason="the extra `report` is not installed")
    written = write_report(folder, tmp_path / "report", expect="refcoco")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "report").iterdir()}
    numbers = json.loads((tmp_path / "report/statistics.json").read_text())
    assert numbers["splits"]["all"]["expressions"] == 9
    assert {it["agrees"] for it in numbers["expected"]} == {False, None}
    table = (tmp_path / "report/statistics.md").read_text()
    assert "| expressions | 6 | 3 | 9 |" in table
    assert "| dog head | 1 |" in table
    assert "| expressions | val | 10,834 | 3 | no |" in table
    for path in written:
        if path.suffix == ".png":
            assert np.asarray(PIL.Image.open(path).convert("L")).std() > 10, f"{path.name} is blank"
    again = write_report(folder, tmp_path / "again", expect="refcoco")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]


def test_a_sample_shows_masks_where_they_are() -> None:
    cell = np.asarray(draw_row(row("1", [DOG, HEAD]))).astype(int)
    scale = min(WIDTH / W, CELL_HEIGHT / H)
    left = (WIDTH - round(W * scale)) // 2

    def at(x: int, y: int) -> np.ndarray:
        return cell[int(y * scale), left + int(x * scale)]

    def leaning(color: np.ndarray) -> int:
        """The color that gray was tinted towards."""
        return int(np.argmax([(color - 128) @ (np.array(it) - 128) for it in COLORS]))

    assert (at(180, 80) == 128).all(), "nothing is there"
    assert leaning(at(90, 40)) == 0, "the dog"
    assert leaning(at(30, 20)) == 1, "its head lies on it"


def test_a_sample_without_words_has_no_caption() -> None:
    bare = draw_row(row("1", [target("d", [20, 10, 100, 50], [])]))
    spoken = draw_row(row("1", [DOG]))
    assert spoken.height > bare.height
