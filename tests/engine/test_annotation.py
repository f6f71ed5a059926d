# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Whole runs: the same bytes however often they are stopped and by whom they are made, and whatever is broken said."""

import hashlib
import json
import pickle
import resource
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import yaml
from datasets import Dataset, Features, Image, Value, load_dataset
from drawn_cars import car_row, draw_car, png
from tiny_engine import save_unires

from unires_hf.cli import main
from unires_hf.data.leaks import HeldOut
from unires_hf.data.schema import FEATURES, validate_row
from unires_hf.data.shards import write_rows
from unires_hf.engine.annotation import annotate, plain_loop
from unires_hf.engine.intake import Table, check_ids, open_input
from unires_hf.engine.part_stage import PartsRecipe
from unires_hf.engine.recipe import STAGES, Recipe, read_recipe
from unires_hf.engine.word_stage import WordsRecipe
from unires_hf.loading import load_held_out, load_rows


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {"parts": save_unires(folder / "parts"), "listener": save_unires(folder / "listener", seed=1)}


@pytest.fixture
def recipe_file(tmp_path, models) -> Path:
    content = {
        "parts": {"model": models["parts"], "containment": 0.0, "max_share": 2.0, "max_overlap": 1.0},
        "agreement": {"iou": 0.0},
        "listener": {"model": models["listener"], "iou": 0.01},
        "negatives": {"an_image": 1},
        "batch_size": 2,
        "shard_images": 3,
        "license": "cc0-1.0",
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


class Cars(Sequence):
    """Drawn cars, made when asked for."""

    def __init__(self, count: int):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return car_row(f"{index:05d}", index % 20)


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_makes_rows_that_load_with_license_and_provenance(tmp_path, recipe_file):
    manifest = annotate(Cars(7), tmp_path / "out", read_recipe(recipe_file), command="test")
    rows = load_dataset(str(tmp_path / "out"), split="train")
    assert len(rows) == 7 and set(rows.column_names) == {*FEATURES, "license", "provenance"}
    for row in rows:
        validate_row(row)
        assert row["license"] == "cc0-1.0"
        there = {it["target_id"] for it in row["targets"]}
        there |= {e["expression_id"] for it in row["targets"] for e in it["expressions"]}
        assert {it["about"] for it in row["provenance"]} == there
    assert load_rows([str(tmp_path / "out")]).column_names == list(FEATURES)  # what training reads
    assert {"pictures", "objects", "parts", "words", "agreement", "listener"} <= set(manifest["yields"])
    for it in manifest["yields"].values():
        assert it["in"] == it["out"] + sum(it["rejected"].values())
    refused = [json.loads(line) for path in (tmp_path / "out/rejected").iterdir() for line in open(path)]
    assert len(refused) == sum(sum(it["rejected"].values()) for it in manifest["yields"].values())
    assert not (tmp_path / "out/.annotating").exists()


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(tmp_path, recipe_file):
    recipe = read_recipe(recipe_file)
    annotate(Cars(7), tmp_path / "whole" / "out", recipe, command="test")

    class Broken(Cars):
        def __getitem__(self, index):
            if index == 4:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    with pytest.raises(KeyboardInterrupt):
        annotate(Broken(7), tmp_path / "halves" / "out", recipe, command="test")
    staging = tmp_path / "halves" / "out" / ".annotating"
    first = (staging / "00000.json").stat().st_mtime_ns
    assert not (staging / "00001.json").exists()
    annotate(Cars(7), tmp_path / "halves" / "out", recipe, command="test")
    assert bytes_of(tmp_path / "whole" / "out") == bytes_of(tmp_path / "halves" / "out") and first
    with pytest.raises(ValueError, match="another recipe"):
        annotate(Cars(7), tmp_path / "whole" / "out", Recipe(), command="test")
    with pytest.raises(ValueError, match="other pictures"):
        annotate(Cars(8), tmp_path / "whole" / "out", recipe, command="test")


def test_broken_pictures_are_rejected_rows_and_their_neighbors_stay(tmp_path, recipe_file):
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw_car().save(folder / "a.png")
    (folder / "b.png").write_bytes(png(draw_car())[:200])
    (folder / "c.jpg").write_text("no picture")
    draw_car(9).save(folder / "d.png")
    manifest = annotate(open_input(str(folder)), tmp_path / "out", read_recipe(recipe_file), command="test")
    assert [row["image_id"] for row in load_dataset(str(tmp_path / "out"), split="train")] == ["a", "d"]
    refused = [json.loads(line) for line in (tmp_path / "out/rejected/00000.jsonl").read_text().splitlines()]
    lost = {it["image_id"]: it["reason"] for it in refused if it["stage"] == "pictures"}
    assert set(lost) == {"b", "c"} and lost["c"] == "the picture is of no format that Pillow knows"
    assert manifest["splits"]["train"]["skipped"] == 2


def test_a_table_of_pictures_alone_is_read_and_one_without_pictures_refused(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    pictures = [{"bytes": png(draw_car(size)), "path": None} for size in (7, 9)]
    Dataset.from_dict({"id": [3, 8], "image": pictures}, Features(id=Value("int32"), image=Image())).to_parquet(
        folder / "train.parquet"
    )
    rows = open_input(str(folder))
    assert rows.ids == [row["image_id"] for row in rows] == ["3", "8"]
    assert rows[1]["image"]["bytes"] == pictures[1]["bytes"] and rows[1]["targets"] == []
    Dataset.from_dict({"id": [3, 8], "caption": ["a", "b"]}).to_parquet(folder / "train.parquet")
    with pytest.raises(ValueError, match="has no column 'image'; its columns are id, caption"):
        open_input(str(folder))


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"category": None}, "the category is None"),
        ({"mask": None, "bbox": None}, "the bbox None"),
        ({"mask": None, "bbox": [500.0, 500.0, 9.0, 9.0]}, "does not lie in the image"),
        ({"mask": {"size": [10, 10], "counts": "T3"}}, "the mask is [10, 10] (h, w), the image is [64, 96]"),
        ({"mask": {"size": [64, 96], "counts": "zz\x01"}}, "the RLE are cut off or hold foreign characters"),
    ],
)
def test_what_is_known_of_a_picture_may_be_broken_too(tmp_path, recipe_file, known, reason):
    rows = [car_row("good"), car_row("bad"), {**car_row("bare"), "targets": None}]
    rows[1]["targets"][0].update(known)
    manifest = annotate(rows, tmp_path / "out", read_recipe(recipe_file), command="test")
    assert manifest["splits"]["train"]["images"] == 2
    refused = [json.loads(line) for line in (tmp_path / "out/rejected/00000.jsonl").read_text().splitlines()]
    ((image_id, said),) = [(it["image_id"], it["reason"]) for it in refused if it["stage"] == "pictures"]
    assert image_id == "bad" and reason in said


@pytest.mark.parametrize("known", ["a list", "all", "objects"])
def test_an_id_of_two_pictures_is_refused(tmp_path, known):
    rows = [car_row("a"), car_row("b"), car_row("a", 9)]
    if known != "a list":
        write_rows(tmp_path / "train-00000-of-00001.parquet", rows)
        rows = open_input(str(tmp_path), known)
    with pytest.raises(ValueError, match="Two pictures have the id 'a'"):
        annotate(rows, tmp_path / "out", Recipe(), command="test")
    assert not (tmp_path / "out").exists()


def test_pictures_without_ids_are_numbered():
    pictures = [row["image"] for row in (car_row(), car_row())]
    assert Table(Dataset.from_dict({"image": pictures}), "bare").ids == ["000000000", "000000001"]
    with pytest.raises(ValueError, match="Two pictures have the id '7'"):
        check_ids(Table(Dataset.from_dict({"image": pictures, "id": [7, 7]}), "bare"))


def test_a_recipe_that_made_nothing_may_be_corrected(tmp_path, recipe_file):
    wrong = Recipe(parts=PartsRecipe(str(tmp_path / "nowhere")))
    with pytest.raises(ValueError, match="nowhere cannot be loaded: there is no such folder"):
        annotate(Cars(2), tmp_path / "out", wrong, command="test")
    assert annotate(Cars(2), tmp_path / "out", read_recipe(recipe_file), command="test")


def test_the_command(tmp_path, recipe_file, capsys):
    (tmp_path / "in").mkdir()
    write_rows(tmp_path / "in" / "train-00000-of-00001.parquet", [car_row(str(it), it) for it in range(3)])
    words = ["annotate", str(tmp_path / "in"), "--recipe", str(recipe_file), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "3 of 3 images" in shown and "| listener |" in shown
    assert (tmp_path / "out" / "gallery.png").stat().st_size > 1000
    assert main(words) == 0  # done already
    assert main([*words[:3], str(tmp_path / "none.yaml"), *words[4:]]) == 2
    assert capsys.readouterr().err.count("\n") < 30


def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(tmp_path, recipe_file, capsys):
    (tmp_path / "in").mkdir()
    write_rows(tmp_path / "in" / "train-00000-of-00001.parquet", [car_row(str(it), it) for it in range(4)])
    words = ["annotate", str(tmp_path / "in"), "--recipe", str(recipe_file), "--gallery", "0", "--out"]
    assert main([*words, str(tmp_path / "whole" / "out")]) == 0
    capsys.readouterr()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))  # no file may grow: what a full disk does, EFBIG
    try:
        assert main([*words, str(tmp_path / "full" / "out")]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("unires: ")]
    assert len(said) == 1 and "too large" in said[0]
    assert [path.name for path in (tmp_path / "full" / "out").iterdir()] == [".annotating"]
    staged = {path.name for path in (tmp_path / "full" / "out" / ".annotating").iterdir()}
    assert staged <= {"begun.json", "00000.parquet.part", "00000.jsonl.part"}  # nothing that would load
    assert main([*words, str(tmp_path / "full" / "out")]) == 0
    assert bytes_of(tmp_path / "full" / "out") == bytes_of(tmp_path / "whole" / "out")


def test_without_a_network_it_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    draw_car().save(tmp_path / "a.png")
    (tmp_path / "recipe.yaml").write_text("parts: {model: someone/who-is-not-here}")
    words = ["annotate", str(tmp_path), "--recipe", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("unires: ")]
    assert "The model someone/who-is-not-here cannot be loaded" in said and "connect" in said
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_an_unknown_category_is_a_rejected_object_of_a_kept_row(tmp_path, recipe_file):
    row = car_row()
    row["targets"][0]["category"] = "zeppelin"
    manifest = annotate([row], tmp_path / "out", read_recipe(recipe_file), command="test")
    assert manifest["yields"]["parts"]["rejected"] == {"the vocabulary does not know the category": 1}
    assert manifest["splits"]["train"]["images"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("parts: [", "is no YAML"),
        ("part: {}", "the recipe has no 'part'; it has objects, parts"),
        ("parts: {}", "parts lacks 'model'"),
        ("parts: {model: a, size: 3}", "parts has no 'size'"),
        ("parts: {model: 3}", "parts.model is of type str, got 3"),
        ("objects: {method: guess}", "there is no method 'guess'"),
        ("objects: {method: sam3}", "needs a `model`"),
        ("objects: {names: car}", "objects.names is a list of names"),
        ("agreement:", "the recipe has no parts"),
        ("{parts: {model: a}, negatives: }", "negatives need"),
        ("{parts: {model: a}, listener: {model: a}}", "must be another model"),
        ("batch_size: 0", "are 1 or more"),
        ("parts: {model: a, phrase: '{parts}'}", "may name {part} and {category} in braces, and nothing else"),
        ("words: {prompt: 'Name it: {'}", "may name {category} in braces, and nothing else"),
        ("parts: {model: a, padding: -1}", "parts.padding is 0 or more"),
        ("{parts: {model: a}, agreement: {scale: 0}}", "agreement.scale is more than 0"),
        ("words: {limit: 0}", "words.limit are 1 or more"),
        ("batch_size: true", "batch_size is of type int"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(tmp_path, content, said):
    (tmp_path / "recipe.yaml").write_text(content)
    with pytest.raises(ValueError, match="recipe.yaml") as error:
        read_recipe(tmp_path / "recipe.yaml")
    assert said in str(error.value) and "\n" not in str(error.value)


def test_held_out_pictures_are_refused_by_their_coco_id():
    held_out = HeldOut({42}, [])
    row = car_row("7")
    assert held_out.reason(row) is None
    assert "COCO's picture 42" in held_out.reason({**row, "image_id": "42", "source": "coco"})
    assert "COCO's picture 42" in held_out.reason({**row, "image": {"bytes": b"", "path": "000000000042.jpg"}})
    assert "COCO's picture 42" in held_out.reason({**row, "image_id": "COCO_train2014_000000000042"})
    assert held_out.reason({**row, "image_id": "42"}) is None  # another source's number


def test_the_val_and_test_pictures_of_a_folder_of_annotations_are_held_out(tmp_path):
    splits = {7: "train", 8: "val", 9: "testA", 10: "testB"}
    refs = [{"image_id": image_id, "split": split, "ref_id": image_id} for image_id, split in splits.items()]
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=0))
    (tmp_path / "more").mkdir()
    write_rows(tmp_path / "more" / "val-00000-of-00001.parquet", [car_row("x", 15)])
    held_out = load_held_out([str(tmp_path), f"{tmp_path / 'more'},split=validation"])
    assert held_out.coco_ids == {8, 9, 10}
    row = {**car_row("000000000008"), "source": "objects365"}
    assert held_out.reason(row) == "held out: COCO's picture 8 is measured on"
    assert held_out.reason({**car_row("000000000007"), "source": "objects365"}) is None
    assert "looks like" in held_out.reason(car_row("again", 15))
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps({"refs": refs}, protocol=0))
    with pytest.raises(ValueError, match="is no list of refs"):
        load_held_out([str(tmp_path)])


def test_held_out_twins_are_rejected_rows(tmp_path, recipe_file):
    (tmp_path / "measured").mkdir()
    write_rows(tmp_path / "measured" / "val-00000-of-00001.parquet", [car_row("x", 15)])
    held_out = HeldOut.of(load_rows([f"{tmp_path / 'measured'},split=validation"]))
    pictures = [car_row("again", 15), car_row("1", 0)]
    recipe = read_recipe(recipe_file)
    manifest = annotate(pictures, tmp_path / "out", recipe, command="test", held_out=held_out)
    assert manifest["yields"]["pictures"]["rejected"] == {"held out": 1}
    assert manifest["splits"]["train"]["images"] == 1


def test_held_out_pictures_are_not_trained_on(tmp_path):
    write_rows(tmp_path / "train-00000-of-00001.parquet", [car_row("again", 15), car_row("1", 0)])
    rows = load_rows([str(tmp_path)])
    assert HeldOut.of(rows.select([0])).kept(rows)["image_id"][:] == ["1"]
    with pytest.raises(ValueError, match="nothing is left"):
        HeldOut.of(rows).kept(rows)


def test_the_recipe_of_the_docs_is_one(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "engine.md"
    (tmp_path / "recipe.yaml").write_text(page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    recipe = read_recipe(tmp_path / "recipe.yaml")
    assert all(getattr(recipe, stage) is not None for stage in STAGES)


@pytest.mark.slow
@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
def test_memory_of_the_loop_is_flat_over_ten_thousand_pictures(tmp_path, rich):
    memory, process = [], psutil.Process()

    def watched(work, missing, progress):
        for number in plain_loop(work, missing, progress):
            memory.append(process.memory_info().rss)
            yield number

    (tmp_path / "in").mkdir()
    rows = (car_row(f"{it:05d}", it % 20) for it in range(10_000))
    write_rows(tmp_path / "in" / "train-00000-of-00001.parquet", rows)
    rows = open_input(str(tmp_path / "in"))
    recipe = Recipe(words=WordsRecipe(rich=rich), shard_images=500)
    manifest = annotate(rows, tmp_path / "out", recipe, command="test", engine=watched)
    assert manifest["splits"]["train"]["images"] == 10_000 and len(memory) == 20
    print({500 * (place + 1): f"{size / 1e6:.0f} MB" for place, size in enumerate(memory)})
    assert max(memory[10:]) - max(memory[2:10]) < 50e6
