# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Conversion: what is written, that nothing is lost in silence, and that no interruption leaves a trace."""

import gc
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import PIL.Image
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from unires_hf.data import masks
from unires_hf.data.convert import convert
from unires_hf.data.readers.interchange import read_interchange
from unires_hf.data.readers.refcocom import read_refcocom
from unires_hf.data.readers.refer import read_refer
from unires_hf.data.schema import Skipped
from unires_hf.data.shards import GROUP_ROWS, Broken
from unires_hf.files import fingerprint, only_writer

HEIGHT, WIDTH = 24, 32


def write_source(root: Path, images: int = 7) -> Path:
    """A JSONL source: an object with a mask, its part with a box, and an expression without a referent an image."""
    root.mkdir(parents=True)
    noise = np.random.default_rng(0)
    lines = []
    for number in range(images):
        name = f"{number:03d}.jpg"
        PIL.Image.fromarray(noise.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(root / name)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[2 : 5 + number % 9, 3:20] = True
        targets = [
            {"target_id": "t", "category": "truck", "mask": masks.encode(mask), "expressions": ["truck", "a truck"]},
            {"granularity": "part", "category": "truck", "part": "wheel", "parent_id": "t", "bbox": [3, 2, 4, 4]}
            | {"expressions": ["truck wheel"]},
            {"no_target": True, "expressions": ["a green bus"]},
        ]
        lines.append({"file_name": name, "targets": targets})
    (root / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path / "source")


def run(source: Path, out: Path, **options) -> dict:
    return convert(read_interchange(source), out, "train", **{"command": "c", "shard_rows": 3, **options})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(it.relative_to(folder)): it.read_bytes() for it in sorted(folder.rglob("*")) if it.is_file()}


def lost(out: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in (out / "skipped.jsonl").read_text().splitlines()]
    return [(line["where"], line["reason"]) for line in lines]


@pytest.mark.parametrize("streaming", [False, True])
def test_load_dataset_gives_what_the_reader_gave(source: Path, tmp_path: Path, streaming: bool) -> None:
    run(source, tmp_path / "out")
    rows = datasets.load_dataset(
        str(tmp_path / "out"), split="train", streaming=streaming, cache_dir=str(tmp_path / "cache")
    )
    read = list(read_interchange(source))
    loaded = list(rows.cast_column("image", datasets.Image(decode=False)))
    assert len(loaded) == len(read) == 7
    for given_row, row in zip(read, loaded, strict=True):
        picture = Path(given_row["image"]["path"])
        assert row["image"] == {"bytes": picture.read_bytes(), "path": picture.name}
        assert {**row, "image": None} == {**given_row, "image": None}
    assert loaded[0]["targets"][1]["mask"] is None
    assert masks.area(loaded[0]["targets"][2]["mask"]) == 0
    assert next(iter(rows))["image"].size == (WIDTH, HEIGHT)


def test_the_folder_says_what_is_in_it(source: Path, tmp_path: Path) -> None:
    done = run(source, tmp_path / "out", license="cc-by-4.0", command="unires convert …")
    names = [f"train-{number:05d}-of-00003.parquet" for number in range(3)]
    assert sorted(contents(tmp_path / "out")) == sorted(["README.md", "manifest.json", "skipped.jsonl", *names])
    assert (done["images"], done["objects"], done["parts"], done["expressions"]) == (7, 14, 7, 28)
    assert (done["boxes_only"], done["skipped"]) == (7, 0)
    assert [shard["images"] for shard in done["shards"]] == [3, 3, 1]
    assert json.loads((tmp_path / "out/manifest.json").read_text())["splits"]["train"] == done
    card = (tmp_path / "out/README.md").read_text()
    assert (
        "license: cc-by-4.0" in card and "unires convert …" in card and "| train | 7 | 14 | 7 | 28 | 7 | 0 |" in card
    )


def test_splits_join_one_folder(source: Path, tmp_path: Path) -> None:
    for split in ("testA", "val"):
        convert(read_interchange(source), tmp_path / "out", split, command=f"c {split}", shard_rows=4)
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in found.items()} == {"testA": 7, "val": 7}


def test_threads_make_the_same_bytes(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "a/out", num_proc=1)
    run(source, tmp_path / "b/out", num_proc=4)
    assert contents(tmp_path / "a/out") == contents(tmp_path / "b/out")


def test_ray_makes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from unires_hf.data.ray_engine import fill_with_ray

    (source / "002.jpg").write_bytes((source / "002.jpg").read_bytes()[:300])
    run(source, tmp_path / "a/out")
    run(source, tmp_path / "b/out", engine=fill_with_ray, num_proc=2)
    assert contents(tmp_path / "a/out") == contents(tmp_path / "b/out")
    assert [where for where, _ in lost(tmp_path / "b/out")] == ["image 002.jpg"]


KILLED_EVERYWHERE = """
    import os, signal, sys
    from pathlib import Path
    import PIL.Image
    from unires_hf.data import dataset_card
    from unires_hf.data.convert import COUNTS, convert
    from unires_hf.data.readers.interchange import read_interchange

    source, base = sys.argv[1:]
    PIL.Image.init()  # what each child would have to import
    nothing = dict.fromkeys((*COUNTS, "skipped"), 0) | {"command": ""}
    dataset_card.render({"license": "other", "splits": {"train": nothing}}, "")
    os.fsync = lambda file: None  # slow, and for a loss of power: what a killed process wrote stays

    def child(work):
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                work()
            except BaseException:
                os._exit(1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def run(out):
        convert(read_interchange(source), out, "train", command="c", shard_rows=3, num_proc=2)

    def killed(out, last):
        seen = 0

        def watch(event, arguments):  # every file that Python opens to write, moves, makes or deletes
            nonlocal seen
            writes = event == "open" and arguments[1] not in ("r", "rb", None)
            if writes or event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
                seen += 1
                if seen == last:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        run(out)

    def contents(folder):
        return {str(it.relative_to(folder)): it.read_bytes() for it in folder.rglob("*") if it.is_file()}

    base = Path(base)
    assert child(lambda: run(base / "whole/out")) == 0
    expected = contents(base / "whole/out")
    number = 1
    while (code := child(lambda: killed(base / f"{number}/out", number))) == -signal.SIGKILL:
        out = base / f"{number}/out"
        shown = {it.name: it.read_bytes() for it in out.glob("*") if it.is_file()}
        shown = {name: it for name, it in shown.items() if name != ".lock" and not name.endswith(".part")}
        for name, content in shown.items():
            assert expected[name] == content, (number, name)
        assert child(lambda: run(out)) == 0, number
        assert contents(out) == expected, number
        number += 1
    assert code == 0 and contents(base / f"{number}/out") == expected
    print(number - 1)
"""


def test_killed_anywhere_it_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", images=5)
    (source / "002.jpg").write_bytes(b"no picture")
    (source / "004.jpg").write_bytes((source / "004.jpg").read_bytes()[:300])
    script = tmp_path / "killed_everywhere.py"
    script.write_text(textwrap.dedent(KILLED_EVERYWHERE))
    done = subprocess.run(
        [sys.executable, str(script), str(source), str(tmp_path / "outs")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30  # kills


def test_what_is_broken_is_skipped_by_name_and_counted(source: Path, tmp_path: Path) -> None:
    (source / "000.jpg").unlink()
    (source / "001.jpg").write_bytes((source / "001.jpg").read_bytes()[:300])
    PIL.Image.new("RGB", (WIDTH, HEIGHT + 1)).save(source / "003.jpg")
    lines = (source / "train.jsonl").read_text().splitlines()
    broken = json.loads(lines[4])
    broken["targets"][0]["mask"]["counts"] = "0"
    lines[4] = json.dumps(broken)
    (source / "train.jsonl").write_text("\n".join(lines) + "\nnonsense\n")
    done = run(source, tmp_path / "out")
    assert done["images"] == 5
    assert done["skipped"] == len(lost(tmp_path / "out"))
    places = " ".join(where for where, _ in lost(tmp_path / "out"))
    assert all(name in places for name in ("000.jpg", "001.jpg", "003.jpg", "004.jpg", "line 8"))
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert list(rows["image_id"]) == ["002.jpg", "003.jpg", "004.jpg", "005.jpg", "006.jpg"]


@pytest.mark.parametrize("damage", ["line", "picture"])
def test_strict_stops_and_shows_nothing(source: Path, tmp_path: Path, damage: str) -> None:
    if damage == "line":
        (source / "train.jsonl").write_text((source / "train.jsonl").read_text() + "nonsense\n")
    else:
        (source / "005.jpg").write_bytes((source / "005.jpg").read_bytes()[:300])
    with pytest.raises(Broken, match="line 8" if damage == "line" else "image 005.jpg"):
        run(source, tmp_path / "out", strict=True)
    assert not list((tmp_path / "out").glob("[!.]*"))
    run(source, tmp_path / "out")
    assert len(lost(tmp_path / "out")) == 1
    with pytest.raises(ValueError, match="without 1 things"):
        run(source, tmp_path / "out", strict=True)


def refuse_to_read() -> Iterator:
    raise AssertionError("the source was read again")
    yield


def test_a_finished_conversion_is_left_alone(source: Path, tmp_path: Path) -> None:
    done = run(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    assert convert(refuse_to_read(), tmp_path / "out", "train", command="c", shard_rows=3) == done
    assert contents(tmp_path / "out") == before
    with pytest.raises(ValueError, match="another conversion, `c`"):
        run(source, tmp_path / "out", command="d")


def test_a_changed_source_is_not_mixed_with_what_was_made_of_it_before(source: Path, tmp_path: Path) -> None:
    other = write_source(tmp_path / "other", images=2)
    converted(source, tmp_path / "out", made_of=fingerprint(source))
    before = contents(tmp_path / "out")
    for source_now in (fingerprint(other), mended(source)):
        with pytest.raises(ValueError, match="out holds a conversion of another source, or of this one before"):
            converted(source, tmp_path / "out", made_of=source_now)
    assert contents(tmp_path / "out") == before
    assert converted(source, tmp_path / "anew", made_of=fingerprint(source))["expressions"] == 28 + 7


def converted(source: Path, out: Path, made_of: str, **options) -> dict:
    return convert(read_interchange(source), out, "train", command="c", source=made_of, **options)


def mended(source: Path) -> str:
    lines = source / "train.jsonl"
    lines.write_text(lines.read_text().replace('"a truck"', '"a truck", "the truck"'))
    return fingerprint(source)


def test_an_interrupted_conversion_does_not_go_on_with_a_changed_source(source: Path, tmp_path: Path) -> None:
    def interrupted(work, shards, num_proc):
        yield work(shards[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted(source, tmp_path / "out", made_of=fingerprint(source), engine=interrupted)
    with pytest.raises(ValueError, match="converting-train holds a conversion of another source, or of this one"):
        converted(source, tmp_path / "out", made_of=mended(source))


def test_the_output_is_no_part_of_the_source(source: Path) -> None:
    before = fingerprint(source, without=source / "out")
    run(source, source / "out")
    assert fingerprint(source, without=source / "out") == before != fingerprint(source)


@pytest.mark.parametrize("split", ["val-hard", "val*", "../val", ""])
def test_names_that_would_hide_a_split_are_refused(split: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name a split"):
        convert(read_interchange(source), tmp_path / "out", split, command="c")
    assert not (tmp_path / "out").exists()


def test_two_images_of_one_name_are_one_row_and_a_line(source: Path, tmp_path: Path) -> None:
    rows = list(read_interchange(source))
    done = convert([*rows, rows[1]], tmp_path / "out", "train", command="c")
    assert (done["images"], done["skipped"]) == (7, 1)
    assert "another image before it is called 001.jpg" in lost(tmp_path / "out")[0][1]


WRITER = """
    import contextlib, io, json, sys
    from unires_hf.cli import main

    print("ready", flush=True)
    for out in sys.stdin:
        words = ["convert", "interchange", "--root", sys.argv[1], "--split", "train", "--out", out.strip()]
        with contextlib.redirect_stderr(io.StringIO()) as errors, contextlib.redirect_stdout(io.StringIO()):
            code = main([*words, "--shard-rows", "3"])
        print(json.dumps([code, errors.getvalue()]), flush=True)
"""


@pytest.mark.parametrize("pairs", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_of_two_writers_one_is_refused(pairs: int, source: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", textwrap.dedent(WRITER), str(source)]
    both = [subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    assert [writer.stdout.readline() for writer in both] == ["ready\n"] * 2
    refused = 0
    for number in range(pairs):
        out = tmp_path / f"{number}"
        for writer in both:
            writer.stdin.write(f"{out}\n")
            writer.stdin.flush()
        for code, errors in [json.loads(writer.stdout.readline()) for writer in both]:
            assert code == 0 or (code == 2 and f"unires: Another process writes to {out}: wait" in errors), errors
            refused += code == 2
        entry = json.loads((out / "manifest.json").read_text())["splits"]["train"]
        for shard in entry["shards"]:
            assert hashlib.sha256((out / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
        kept = sorted(it.name for it in out.iterdir() if it.suffix != ".parquet")
        assert kept == ["README.md", "manifest.json", "skipped.jsonl"] and len(entry["shards"]) == 3
    for writer in both:
        writer.communicate()
    assert refused, "the two never met, so the test showed nothing"


def test_while_another_writes_one_is_refused(source: Path, tmp_path: Path) -> None:
    with only_writer(tmp_path / "out"):
        with pytest.raises(ValueError, match="Another process writes to .*out: wait"):
            run(source, tmp_path / "out")
    assert run(source, tmp_path / "out")["images"] == 7


def test_shards_of_nobody_are_not_mixed_in(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "out")
    (tmp_path / "out/manifest.json").unlink()
    with pytest.raises(ValueError, match="no manifest knows"):
        run(source, tmp_path / "out", shard_rows=2)


def test_nothing_to_convert(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="image 1"):
        convert([Skipped("s", "image 1", "it is gone.")], tmp_path / "out", "train", command="c")
    with pytest.raises(ValueError, match="has neither"):
        convert(read_interchange(tmp_path), tmp_path / "other", "train", command="c")
    assert not (tmp_path / "other").exists()


def test_rows_that_break_the_rules_are_skipped(source: Path, tmp_path: Path) -> None:
    rows = list(read_interchange(source))
    rows[2]["targets"][1]["target_id"] = rows[2]["targets"][0]["target_id"]
    done = convert(rows, tmp_path / "out", "train", command="c")
    assert done["images"] == 6
    assert [where for where, _ in lost(tmp_path / "out")] == ["image 002.jpg"]


class Tracked(dict):
    """A row that can be counted while it lives."""

    alive = 0
    most = 0

    def __init__(self, row: dict):
        super().__init__(row)
        Tracked.alive += 1
        Tracked.most = max(Tracked.most, Tracked.alive)

    def __del__(self):
        Tracked.alive -= 1


def test_rows_are_never_held_all_at_once(source: Path, tmp_path: Path) -> None:
    row = next(read_interchange(source))
    gc.collect()
    rows = (Tracked({**row, "image_id": str(number)}) for number in range(6 * GROUP_ROWS))
    assert convert(rows, tmp_path / "out", "train", command="c")["images"] == 6 * GROUP_ROWS
    assert 0 < Tracked.most <= GROUP_ROWS + 2


def test_pictures_that_come_with_the_row_are_kept(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "once/out")
    again = convert(
        read_interchange(tmp_path / "once/out"), tmp_path / "twice/out", "train", command="c", shard_rows=3
    )
    assert again["skipped"] == 0
    for name, content in contents(tmp_path / "once/out").items():
        if name.endswith(".parquet"):
            assert (tmp_path / "twice/out" / name).read_bytes() == content


def noise_picture() -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(stream, format="JPEG")
    return stream.getvalue()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_picture_is_a_row_or_a_line(data: st.DataObject) -> None:
    content = bytearray(noise_picture())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=30))
    row = {
        "image": {"bytes": bytes(content), "path": None},
        "image_id": "1",
        "source": "s",
        "width": WIDTH,
        "height": HEIGHT,
        "targets": [],
    }
    sound = row | {"image_id": "2", "image": {"bytes": noise_picture(), "path": None}}
    with tempfile.TemporaryDirectory() as folder:
        done = convert([row, sound], folder, "train", command="c")
        shard = pq.read_table(Path(folder) / "train-00000-of-00001.parquet")
        assert shard["image_id"].to_pylist() == (["1", "2"] if not done["skipped"] else ["2"])
        assert [where for where, _ in lost(Path(folder))] == ["image 1"] * done["skipped"]
        for image in shard["image"].to_pylist():
            PIL.Image.open(io.BytesIO(image["bytes"])).load()


def test_real_masks_equal_pycocotools_unions(samples, tmp_path: Path) -> None:
    root = samples("mini_refcoco")
    for split in ("val", "testA", "testB"):
        convert(read_refer(root, "refcoco", "unc", split), tmp_path / "out", split, command=split, shard_rows=2)
    annotations = {it["id"]: it for it in json.loads((root / "refcoco/instances.json").read_text())["annotations"]}
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    rows = [row for split in found.values() for row in split]
    assert len(rows) == 9
    assert sum(len(row["targets"]) for row in rows) == 25
    assert sum(len(target["expressions"]) for row in rows for target in row["targets"]) == 71
    seen = 0
    for row in rows:
        unions = []
        for annotation in annotations.values():
            if str(annotation["image_id"]) == row["image_id"] and isinstance(annotation["segmentation"], list):
                rles = coco_mask.frPyObjects(annotation["segmentation"], row["height"], row["width"])
                unions.append(coco_mask.decode(rles).any(axis=2))
        for target in row["targets"]:
            seen += any(np.array_equal(masks.decode(target["mask"]), union) for union in unions)
        assert row["image"].size == (row["width"], row["height"])
    assert seen == 25


def test_real_parts_convert(samples, tmp_path: Path) -> None:
    root = samples("mini_refcocom")
    done = [
        convert(read_refcocom(root, split=split), tmp_path / "out", split, command=split)
        for split in ("val", "testA", "testB")
    ]
    assert [sum(it[key] for it in done) for key in ("images", "objects", "parts", "skipped")] == [4, 9, 28, 0]
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    truths = [np.asarray(PIL.Image.open(it)) > 0 for it in (root / "masks").glob("*.png")]
    for row in (row for split in found.values() for row in split):
        for target in row["targets"]:
            mask = masks.decode(target["mask"])
            assert any(np.array_equal(mask, truth) for truth in truths if truth.shape == mask.shape)
