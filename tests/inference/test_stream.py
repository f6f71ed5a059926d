# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires segment --images`: as a picture at a time, once each, through interruptions and broken files."""

import errno
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image
from pycocotools.coco import COCO
from tiny_unires import tiny_config
from transformers import pipeline

from unires_hf import UniResModel, cli
from unires_hf.checkpoints import DRAWINGS_ONLY
from unires_hf.data import masks
from unires_hf.files import only_writer
from unires_hf.inference.stream import Worker
from unires_hf.training.build import fit_tokenizer, make_processor

SEGMENT = """
import sys
import unires_hf.cli
unires_hf.cli.COMMANDS = ("segment",)
sys.exit(unires_hf.cli.main(["segment", *sys.argv[1:]]))
"""
TAKE_PIPES = """
import os
isfile = os.path.isfile
os.path.isfile = lambda path: isfile(path) or str(path).endswith("4.png")
"""
POLL = 0.02  # seconds between two looks at another process, which needs the core
TEXTS = ["the red disk", "left part of the red disk", "its edge"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A tiny model of random weights that finds something about everywhere."""
    folder = tmp_path_factory.mktemp("checkpoint")
    text = {**tiny_config().text_config.to_dict(), "vocab_size": 600, "max_position_embeddings": 24}
    config = tiny_config(text_config=text, mask_threshold=0.3, presence_threshold=0.01)
    tokenizer = fit_tokenizer(config, TEXTS)
    torch.manual_seed(0)
    UniResModel(config).save_pretrained(folder)
    make_processor(config, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Six pictures of unlike sizes, one of them turned by EXIF and one in a folder of its own."""
    root, noise = tmp_path / "pictures", np.random.default_rng(0)
    (root / "more").mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(6):
        pixels = noise.integers(0, 256, (30 + number, 50, 3), np.uint8)
        name = "more/5.png" if number == 5 else f"{number}.png"
        Image.fromarray(pixels).save(root / name, exif=turned if number == 2 else None)
    return root


@pytest.fixture
def expressions(tmp_path) -> Path:
    """The second picture comes in two lines that do not follow each other."""
    said = [(f"{number}.png", TEXTS[: 1 + number % 3]) for number in range(5)]
    lines = [*said, ("more/5.png", TEXTS[0]), ("1.png", TEXTS[2])]
    path = tmp_path / "said.jsonl"
    path.write_text("".join(json.dumps({"file_name": name, "text": text}) + "\n" for name, text in lines))
    return path


@pytest.fixture
def segment(checkpoint, pictures, expressions, tmp_path):
    """Runs the command with `--out NAME`; returns the exit code."""

    def run(out: str, *words: str) -> int:
        return cli.main(["segment", *command(checkpoint, pictures, expressions, tmp_path / out), *words])

    return run


def command(checkpoint: Path, pictures: Path, expressions: Path, out: Path) -> list[str]:
    words = {"--images": pictures, "--expressions": expressions, "--out": out, "--model": checkpoint}
    return [str(word) for pair in words.items() for word in pair]


def read(path: Path) -> dict[str, dict]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({line["file_name"] for line in lines}) == len(lines), "a picture was done twice"
    return {line["file_name"]: line for line in lines}


def shown(line: dict) -> list[tuple]:
    return [(result["label"], result["box"], result["mask"]) for result in line["results"]]


def test_the_masks_are_those_of_the_pipeline(segment, checkpoint, pictures, tmp_path, capsys: pytest.CaptureFixture):
    assert segment("out", "--batch-size", "4") == 0
    assert "6 of 6 pictures segmented" in capsys.readouterr().out
    lines = read(tmp_path / "out/masks.jsonl")
    assert [result["label"] for result in lines["1.png"]["results"]] == [*TEXTS[:2], TEXTS[2]]
    segmenter = pipeline("referring-segmentation", model=str(checkpoint))
    found = 0
    for name, line in lines.items():
        expected = segmenter(str(pictures / name), text=[result["label"] for result in line["results"]])
        for result, one in zip(line["results"], expected, strict=True):
            assert np.array_equal(masks.decode(result["mask"]), np.asarray(one["mask"]) > 0)
            assert result["score"] == pytest.approx(one["score"], abs=1e-5)
            assert (result["box"], result["is_empty"]) == (one["box"], one["is_empty"])
            found += not result["is_empty"]
    assert found > 5
    assert lines["2.png"]["results"][0]["mask"]["size"] == [50, 32], "upright"
    assert not (tmp_path / "out/errors.jsonl").exists()


def test_a_picture_is_encoded_once_however_much_is_said_of_it(segment, monkeypatch, tmp_path):
    seen = []
    encode = UniResModel.get_image_features

    def count(self, pixel_values, *arguments, **options):
        seen.append(len(pixel_values))
        return encode(self, pixel_values, *arguments, **options)

    monkeypatch.setattr(UniResModel, "get_image_features", count)
    assert segment("whole") == 0
    assert sum(seen) == 6
    monkeypatch.setattr("unires_hf.model.pipeline_referring_segmentation.PASS", 2)
    assert segment("in passes of two expressions") == 0
    assert sum(seen) == 12
    assert [shown(line) for line in read(tmp_path / "whole/masks.jsonl").values()] == [
        shown(line) for line in read(tmp_path / "in passes of two expressions/masks.jsonl").values()
    ]


def test_formats_are_written_from_one_run(segment, pictures, tmp_path, monkeypatch):
    assert segment("out") == 0
    lines, out, noise = read(tmp_path / "out/masks.jsonl"), tmp_path / "out", np.random.default_rng(0)
    for line in lines.values():  # masks of many pieces and holes
        for result in line["results"]:
            mask = scipy.ndimage.gaussian_filter(noise.random(result["mask"]["size"]), 1) > 0.48
            result |= {"mask": masks.encode(mask), "is_empty": False}
    (out / "masks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines.values()))
    monkeypatch.setattr(UniResModel, "forward", lambda *_, **__: pytest.fail("it is segmented already"))
    for name in ("png", "coco", "yolo", "labelme"):
        assert segment("out", "--format", name) == 0
    full = {
        (name, number): masks.decode(result["mask"])
        for name, line in lines.items()
        for number, result in enumerate(line["results"], 1)
    }
    assert all(scipy.ndimage.label(~np.pad(mask, 1))[1] > 1 for mask in full.values()), "no hole"

    for (name, number), mask in full.items():
        pixels = np.asarray(Image.open(out / f"masks/{name}/{number}.png"))
        assert set(np.unique(pixels)) <= {0, 255} and np.array_equal(pixels > 0, mask)

    coco = COCO(out / "annotations.json")
    names = {image["id"]: image["file_name"] for image in coco.dataset["images"]}
    assert set(names.values()) == set(lines)
    seen = defaultdict(list)
    for annotation in coco.dataset["annotations"]:
        label = coco.loadCats(annotation["category_id"])[0]["name"]
        seen[names[annotation["image_id"]], label].append(coco.annToMask(annotation).astype(bool))
    for (name, number), mask in full.items():
        assert any(np.array_equal(mask, other) for other in seen[name, lines[name]["results"][number - 1]["label"]])
    assert sum(map(len, seen.values())) == len(full)

    for name, line in lines.items():
        height, width = line["results"][0]["mask"]["size"]
        own = [(number, mask) for (owner, number), mask in full.items() if owner == name]
        yolo = (out / "labels" / name).with_suffix(".txt").read_text().splitlines()
        for (_, mask), written in zip(own, yolo, strict=True):
            corners = np.array(written.split()[1:], float).reshape(-1, 2) * (width, height)
            assert np.array_equal(filled([corners.round(2)], height, width), mask)
        labelme = json.loads((out / "labelme" / name).with_suffix(".json").read_text())
        assert ((out / "labelme" / name).parent / labelme["imagePath"]).resolve() == (pictures / name).resolve()
        for number, mask in own:
            pieces = [shape["points"] for shape in labelme["shapes"] if shape["group_id"] == number]
            assert len(pieces) == scipy.ndimage.label(mask)[1]
            assert np.array_equal(filled(pieces, height, width), mask)


def test_every_file_says_what_made_it(segment, checkpoint, tmp_path):
    for name in ("png", "coco", "yolo", "labelme"):
        assert segment("out", "--mask-threshold", "0.4", "--format", name) == 0
    out, lines = tmp_path / "out", read(tmp_path / "out/masks.jsonl")
    expected = {"model": str(checkpoint), "mask_threshold": 0.4, "presence_threshold": 0.01}
    (line, *_) = lines.values()
    made_by = line["made_by"]
    assert {key: made_by[key] for key in expected} == expected and "may be wrong" in made_by["note"]
    assert all(line["made_by"] == made_by for line in lines.values())
    assert json.loads((out / "annotations.json").read_text())["info"] == made_by
    assert json.loads((out / "labelme/0.json").read_text())["made_by"] == made_by
    assert (out / "data.yaml").read_text().startswith(f"# {json.dumps(made_by)}\n")
    for path in (out / "masks/1.png/2.png", out / "overlays/1.png.png"):
        note = Image.open(path).text
        assert note["Model"] == str(checkpoint) and note["Mask threshold"] == "0.4"
        assert TEXTS[1] in note["Expression"].splitlines()


def filled(polygons: list, height: int, width: int) -> np.ndarray:
    """The pixels whose centers lie inside of polygons by the even-odd rule, written apart from what is tested."""
    inside = np.zeros((height, width), bool)
    for corners in polygons:
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            for y in range(height):
                if min(y0, y1) <= y + 0.5 < max(y0, y1):
                    inside[y] ^= np.arange(width) + 0.5 > x0 + (x1 - x0) * (y + 0.5 - y0) / (y1 - y0)
    return inside


def test_pictures_that_would_share_a_file_are_refused(segment, pictures, expressions, capsys):
    (pictures / "0.jpg").write_bytes((pictures / "0.png").read_bytes())
    said = [{"file_name": name, "text": TEXTS} for name in ("0.png", "0.jpg")]
    expressions.write_text("".join(json.dumps(line) + "\n" for line in said))
    assert segment("out", "--format", "yolo") == 2
    assert "0.png and 0.jpg would share the file 0.txt" in capsys.readouterr().err
    assert segment("out", "--format", "coco") == 0


def test_overlays_of_the_first_pictures(segment, tmp_path):
    assert segment("out", "--overlays", "2") == 0
    assert {path.name for path in (tmp_path / "out/overlays").iterdir()} == {"0.png.png", "1.png.png"}
    assert segment("none", "--overlays", "0") == 0
    assert not (tmp_path / "none/overlays").exists()


def test_an_endless_expression_is_no_endless_work(segment, expressions, tmp_path):
    """Found by the fuzz: its label was cut to fit its overlay a letter at a time."""
    expressions.write_text(json.dumps({"file_name": "0.png", "text": "9" * 5000}) + "\n")
    start = time.process_time()
    assert segment("out") == 0 and time.process_time() - start < 10
    assert (tmp_path / "out/overlays/0.png.png").exists()


def test_expressions_have_thresholds_of_their_own(segment, expressions, checkpoint, pictures, tmp_path, capsys):
    lines = [
        {"file_name": "0.png", "text": TEXTS, "mask_threshold": [0.5, None, 0.45]},
        {"file_name": "1.png", "text": TEXTS[0], "presence_threshold": 0.999},
    ]
    expressions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert segment("out") == 0
    written = read(tmp_path / "out/masks.jsonl")
    segmenter = pipeline("referring-segmentation", model=str(checkpoint))
    expected = segmenter(str(pictures / "0.png"), text=TEXTS, mask_threshold=[0.5, None, 0.45])
    for result, one in zip(written["0.png"]["results"], expected, strict=True):
        assert np.array_equal(masks.decode(result["mask"]), np.asarray(one["mask"]) > 0)
    assert len({masks.area(result["mask"]) for result in written["0.png"]["results"]}) > 1
    assert written["1.png"]["results"][0]["is_empty"]
    assert segment("out") == 0
    lines[0]["mask_threshold"] = 0.4
    expressions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert segment("out") == 2
    assert "holds other expressions about 0.png" in capsys.readouterr().err


def test_two_names_of_one_file_are_one_picture(segment, expressions, tmp_path):
    said = [("0.png", TEXTS[0]), ("./0.png", TEXTS[1]), ("more//5.png", TEXTS[2])]
    expressions.write_text("".join(json.dumps({"file_name": name, "text": text}) + "\n" for name, text in said))
    assert segment("out", "--format", "png") == 0
    lines = read(tmp_path / "out/masks.jsonl")
    assert lines.keys() == {"0.png", "more/5.png"}
    assert [result["label"] for result in lines["0.png"]["results"]] == TEXTS[:2]
    assert {path.name for path in (tmp_path / "out/masks/0.png").iterdir()} == {"1.png", "2.png"}


def test_other_pictures_or_weights_are_not_mixed_in(segment, checkpoint, pictures, tmp_path, capsys):
    assert segment("out") == 0
    before = (tmp_path / "out/masks.jsonl").read_bytes()
    shutil.copytree(pictures, tmp_path / "others")
    assert segment("out", "--images", str(tmp_path / "others")) == 2
    assert "was begun with images" in capsys.readouterr().err
    shutil.copytree(checkpoint, tmp_path / "model")
    assert segment("out", "--model", str(tmp_path / "model")) == 2
    assert "was begun with model" in capsys.readouterr().err
    Image.new("RGB", (50, 30)).save(pictures / "0.png")
    assert segment("out") == 2
    assert "0.png has changed since" in capsys.readouterr().err
    assert (tmp_path / "out/masks.jsonl").read_bytes() == before


def test_one_writer_at_a_time(segment, tmp_path, capsys):
    with only_writer(tmp_path / "out"):
        assert segment("out") == 2
    assert "Another process writes to" in capsys.readouterr().err
    assert segment("out") == 0


@pytest.mark.slow
def test_of_two_writers_one_finishes_right(checkpoint, pictures, expressions, segment, tmp_path):
    """20 pairs."""
    assert segment("whole") == 0
    expected = {name: shown(line) for name, line in read(tmp_path / "whole/masks.jsonl").items()}
    for pair in range(20):
        out = tmp_path / f"pair {pair}"
        words = [sys.executable, "-c", SEGMENT, *command(checkpoint, pictures, expressions, out)]
        both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        errors = [process.communicate(timeout=1200)[1].strip().splitlines()[-1] for process in both]
        codes = [process.returncode for process in both]
        assert 0 in codes
        for code, error in zip(codes, errors, strict=True):
            assert code == 0 or (code == 2 and "Another process writes to" in error)
        assert {name: shown(line) for name, line in read(out / "masks.jsonl").items()} == expected


def test_two_processes_write_the_same(segment, tmp_path):
    assert segment("one") == segment("two", "--num-proc", "2", "--batch-size", "2") == 0
    one, two = (read(tmp_path / name / "masks.jsonl") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(shown(one[name]) == shown(two[name]) for name in one)


def test_bad_pictures_are_listed_and_tried_again(segment, pictures, tmp_path, capsys: pytest.CaptureFixture):
    good = (pictures / "1.png").read_bytes()
    (pictures / "1.png").write_bytes(good[:200])
    (pictures / "3.png").unlink()
    assert segment("out", "--batch-size", "6") == 2
    assert "2 of 6 pictures could not be segmented" in capsys.readouterr().err
    failed = read(tmp_path / "out/errors.jsonl")
    assert failed.keys() == {"1.png", "3.png"}
    assert "No such file" in failed["3.png"]["reason"]
    assert read(tmp_path / "out/masks.jsonl").keys() == {"0.png", "2.png", "4.png", "more/5.png"}
    (pictures / "1.png").write_bytes(good)
    (pictures / "3.png").write_bytes(good)
    assert segment("out") == 0
    assert "2 of 6 pictures segmented, 4 were done before" in capsys.readouterr().out
    assert len(read(tmp_path / "out/masks.jsonl")) == 6
    assert not (tmp_path / "out/errors.jsonl").exists()


def test_a_picture_that_the_model_cannot_take_does_not_stop_its_batch(segment, monkeypatch, tmp_path):
    through = Worker._segment

    def out_of_memory(self, opened, batch):
        if "4.png" in opened:
            raise torch.OutOfMemoryError("no memory left")
        return through(self, opened, batch)

    monkeypatch.setattr(Worker, "_segment", out_of_memory)
    assert segment("out") == 2
    assert read(tmp_path / "out/errors.jsonl") == {"4.png": {"file_name": "4.png", "reason": "no memory left"}}
    assert len(read(tmp_path / "out/masks.jsonl")) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes of POSIX")
@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_killed_it_goes_on_where_it_was(
    processes, segment, checkpoint, pictures, expressions, tmp_path, monkeypatch, capsys: pytest.CaptureFixture
):
    assert segment("whole") == 0
    # Opening a named pipe waits for a writer: the run, made to take one for a file, stands still in its fifth picture.
    (tmp_path / "sitecustomize.py").write_text(TAKE_PIPES)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    picture = (pictures / "4.png").read_bytes()
    (pictures / "4.png").unlink()
    os.mkfifo(pictures / "4.png")
    words = [*command(checkpoint, pictures, expressions, tmp_path / "killed"), "--batch-size", "1"]
    process = subprocess.Popen([sys.executable, "-c", SEGMENT, *words, "--num-proc", processes])
    writer = wait_for_reader(pictures / "4.png", process)
    masks_file = tmp_path / "killed/masks.jsonl"
    while processes == "2" and masks_file.read_bytes().count(b"\n") < 5:  # the other process does all the rest
        assert process.poll() is None
        time.sleep(POLL)
    workers = children(process.pid)
    process.kill()
    process.wait()
    os.close(writer)
    assert len(workers) >= (processes == "2")
    while any(alive(worker) for worker in workers):  # no process outlives the one that was killed
        time.sleep(POLL)
    (pictures / "4.png").unlink()
    (pictures / "4.png").write_bytes(picture)
    done = read(masks_file).keys()
    assert "4.png" not in done and len(done) >= 4
    with open(masks_file, "a") as file:
        file.write('{"file_name": "4.png", "results": [{"lab')
    capsys.readouterr()
    assert segment("killed") == 0
    assert f"{6 - len(done)} of 6 pictures segmented, {len(done)} were done before" in capsys.readouterr().out
    whole, resumed = (read(tmp_path / name / "masks.jsonl") for name in ("whole", "killed"))
    assert whole.keys() == resumed.keys()
    assert all(shown(whole[name]) == shown(resumed[name]) for name in whole)


def wait_for_reader(pipe: Path, process: subprocess.Popen) -> int:
    """Opens a named pipe for writing as soon as the process reads from it."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                raise
        time.sleep(POLL)
    raise AssertionError(f"the run ended with code {process.returncode}; what it said is below")


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_done_is_done(segment, tmp_path, capsys: pytest.CaptureFixture):
    assert segment("out") == 0
    before = (tmp_path / "out/masks.jsonl").read_bytes()
    capsys.readouterr()
    assert segment("out", "--num-proc", "2") == 0
    assert "0 of 6 pictures segmented, 6 were done before" in capsys.readouterr().out
    assert (tmp_path / "out/masks.jsonl").read_bytes() == before


def test_a_folder_is_not_continued_with_something_else(segment, expressions, tmp_path, capsys: pytest.CaptureFixture):
    assert segment("out") == 0
    before = (tmp_path / "out/masks.jsonl").read_bytes()
    for words in (["--mask-threshold", "0.6"], ["--presence-threshold", "0.1"]):
        assert segment("out", *words) == 2
        assert f"was begun with {words[0][2:].replace('-', '_')}" in capsys.readouterr().err
    expressions.write_text(json.dumps({"file_name": "0.png", "text": "another thing"}))
    assert segment("out") == 2
    assert "holds other expressions about 0.png" in capsys.readouterr().err
    assert (tmp_path / "out/masks.jsonl").read_bytes() == before
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/masks.jsonl").write_text("mine\n")
    assert segment("foreign") == 2
    assert "was not written by this command" in capsys.readouterr().err
    assert (tmp_path / "foreign/masks.jsonl").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("no JSON", "it is not of the form"),
        ("[" * 100_000, "it is not of the form"),
        ('{"file_name": "0.png"}', "it is not of the form"),
        ('{"file_name": "0.png", "text": []}', "`text` must be"),
        ('{"file_name": "0.png", "text": ["a", " "]}', "`text` must be"),
        ('{"file_name": "0.png", "text": "a \\ud800"}', "half of a character"),
        ('{"file_name": "\\ud800.png", "text": "a"}', "half of a character"),
        ('{"file_name": "../0.png", "text": "a"}', "`file_name` is '../0.png'"),
        ('{"file_name": "/0.png", "text": "a"}', "`file_name` is '/0.png'"),
        ('{"file_name": "0.png", "text": "a", "mask_threshold": 1}', "`mask_threshold` is 1"),
        ('{"file_name": "0.png", "text": "a", "mask_threshold": [0.1, 0.2]}', "`mask_threshold` has 2 numbers for 1"),
        (f'{{"file_name": "0.png", "text": "a", "presence_threshold": 1{"0" * 400}}}', "`presence_threshold` is 1"),
    ],
    ids=range(12),
)
def test_a_line_that_says_nothing_is_listed_and_the_others_go_on(
    line, complaint, segment, expressions, tmp_path, capsys: pytest.CaptureFixture
):
    expressions.write_text('{"file_name": "0.png", "text": "the red disk"}\n' + line + "\n")
    assert segment("out") == 2
    assert "1 lines of" in capsys.readouterr().err
    (bad,) = map(json.loads, (tmp_path / "out/errors.jsonl").read_text().splitlines())
    assert bad["line"] == 2 and complaint in bad["reason"]
    assert read(tmp_path / "out/masks.jsonl").keys() == {"0.png"}
    expressions.write_text(line + "\n")
    assert segment("nothing") == 2
    assert "holds no line like" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--model", "/"], "config.json"),
        (["--images", "nowhere"], "nowhere is no folder"),
        (["--expressions", "nowhere"], "nowhere"),
        (["--mask-threshold", "2"], "between 0 and 1"),
        (["--batch-size", "0"], "1 or more"),
        (["picture.png", "a cat"], "no picture beside them"),
    ],
)
def test_a_mistake_is_said(words, complaint, segment, tmp_path, capsys: pytest.CaptureFixture):
    assert segment("out", *words) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_default_model_says_what_it_is_for(segment, checkpoint, pictures, tmp_path, capsys, caplog):
    words = ["segment", str(pictures / "0.png"), "the red disk", "--out", str(tmp_path / "one")]
    assert cli.main([*words, "--model", str(checkpoint)]) == 0
    assert not caplog.messages
    logging.Logger.warning_once.cache_clear()
    assert cli.main([*words, "--model", "drawings"]) == 0
    assert caplog.messages == [DRAWINGS_ONLY]
    assert segment("many") == 0
    assert DRAWINGS_ONLY not in capsys.readouterr().err
    assert segment("again", "--model", "drawings") == 0
    assert capsys.readouterr().err.startswith(DRAWINGS_ONLY + "\n")
    assert len(caplog.messages) == 1


def test_a_picture_needs_an_expression(capsys: pytest.CaptureFixture):
    assert cli.main(["segment", "picture.png"]) == 2
    assert "one expression or more" in capsys.readouterr().err
