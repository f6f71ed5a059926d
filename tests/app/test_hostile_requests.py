# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A real server on this machine, and requests that a page never sends: nothing outside its own folders is touched."""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from unires_hf.app.examples import write_examples
from unires_hf.inference.segmenter import Segmenter

pytest.importorskip("gradio", reason="the page needs gradio: pip install 'unires-hf[app]'")

import httpx
from gradio_client import Client, handle_file

from unires_hf.app.page import build_page, open_page

WORDS = "the dark side\nits edge"
SECRET = (231, 17, 93)


class Served(NamedTuple):
    """A server: its address, its own folder, a folder beside it that is nobody's business, and the model."""

    address: str
    folder: Path
    outside: Path
    segmenter: Segmenter


@pytest.fixture(scope="module")
def served(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("root")
    folder, outside = root / "app", root / "outside"
    folder.mkdir()
    outside.mkdir()
    Image.new("RGB", (40, 30), SECRET).save(outside / "secret.png")
    os.mkfifo(outside / "pipe.png")
    segmenter = Segmenter.from_pretrained(str(checkpoint), "cpu")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patched.setattr("unires_hf.app.page.LARGEST", "3mb")
        page = build_page(segmenter, "a tiny model", write_examples(folder), folder, {})
        address = open_page(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
        yield Served(address, folder, outside, segmenter)
        page.close()


@pytest.fixture(scope="module")
def http(served: Served) -> Iterator[httpx.Client]:
    # One connection a request, since after an error the server reads no more from it.
    with httpx.Client(base_url=served.address, timeout=600, headers={"Connection": "close"}) as client:
        yield client


@pytest.fixture(scope="module")
def functions(http: httpx.Client) -> dict[str, int]:
    """The numbers of the page's functions, by what they take."""
    found = {}
    for dependency in http.get("config").json()["dependencies"]:
        kind = "ask" if dependency["api_name"] == "segment" else f"other {dependency['id']}"
        found[kind] = dependency["id"]
    return found


@pytest.fixture(scope="module")
def upload(http: httpx.Client) -> str:
    return sent_upload(http, "picture.png", png(Image.linear_gradient("L").resize((50, 30))))


def png(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def sent_upload(http: httpx.Client, name: str, content: bytes) -> str:
    (path,) = http.post("gradio_api/upload", files={"files": (name, content)}).raise_for_status().json()
    return path


def file_data(path: Any, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def body_of(functions: dict[str, int], session: Any, *data: Any) -> dict[str, Any]:
    """A request to segment."""
    return {"data": list(data), "fn_index": functions["ask"], "session_hash": session}


def answered(http: httpx.Client, body: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """What the queue answers a request, `None` if it took none, and the warnings on the way there."""
    headers = {"Content-Type": "application/json"}
    joined = http.post("gradio_api/queue/join", content=json.dumps(body), headers=headers)
    if joined.status_code != 200:
        return None, []
    warnings = []
    with http.stream("GET", "gradio_api/queue/data", params={"session_hash": body["session_hash"]}) as stream:
        for line in stream.iter_lines():
            said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {"msg": None}
            if said["msg"] == "log":
                warnings.append(said["log"])
            if said["msg"] == "process_completed":
                return said["output"], warnings
            if said["msg"] in ("unexpected_error", "close_stream"):
                return None, warnings
    return None, warnings


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def foreign_pictures(served: Served, upload: str) -> list[Any]:
    secret = str(served.outside / "secret.png")
    uploads = served.folder / "uploads"
    there = os.path.relpath(secret, uploads)
    return [
        file_data(secret),
        {"path": secret},
        file_data(f"{uploads}/{there}"),
        file_data(f"{Path(upload).parent}/../../../outside/secret.png"),
        file_data(there),
        file_data(os.path.relpath(secret)),
        file_data(f"file://{secret}"),
        file_data(f"{served.address}gradio_api/file={secret}"),
        file_data("http://127.0.0.1:9/secret.png"),
        file_data(upload, url=f"file://{secret}") | {"path": secret},
        file_data(secret, is_stream=True),
        file_data(secret, orig_name=upload),
        {"path": secret, "meta": {"_type": "gradio.Other"}},
        {"path": secret, "meta": None},
        file_data(str(served.outside / "pipe.png")),
        {"path": str(served.outside / "pipe.png")},
        file_data(str(served.outside)),
        file_data(str(served.folder / "portrait.jpg")),
        file_data("/etc/passwd"),
        file_data("/proc/self/environ"),
        file_data("/dev/zero"),
        {"path": "/dev/zero"},
        file_data("/dev/stdin"),
        file_data("~/secret.png"),
        file_data("$HOME/secret.png"),
        file_data("\\\\server\\share\\secret.png"),
        file_data(f"{upload}\0.png"),
        file_data("a" * 100_000),
        file_data(""),
        file_data(None),
        file_data(3),
        file_data([secret]),
        file_data({"path": secret}),
        secret,
        3,
        True,
        [secret],
        [file_data(secret)],
        {},
        None,
    ]


def strange_words() -> list[Any]:
    return [
        *(None, 3, True, [], {}, ["a dog"], {"text": "a dog"}, "", " \n \n", "\n" * 100_000, "a dog\n" * 33),
        *("a" * 1001, "a dog " * 300_000, "\ud800", "a\ud800b", "\0"),
    ]


def strange_thresholds() -> list[Any]:
    return [None, "0.5", "x", [], {}, [0.5], True, -1, 0, 1, 2, 1e308, 10**400, float("nan"), float("inf")]


def strange_sessions(served: Served) -> list[Any]:
    return [
        *("../../outside/x", f"{served.outside}/x", "..", ".", "a/../../../outside/x", "%2e%2e%2fx", "..\\..\\x"),
        *("a" * 10_000, "a\0b", "\n", "<b>", "~", "$(touch x)"),
    ]


def test_foreign_pictures_are_not_read(served: Served, http, functions, upload) -> None:
    before, asked = tree(served.outside), foreign_pictures(served, upload)
    assert len(asked) == 40
    for number, file in enumerate(asked):
        body = body_of(functions, f"pictures{number}", file, WORDS, 0.3)
        output, warnings = answered(http, body)
        data = (output or {}).get("data")
        assert not data or (data[1:3] == [None, None] and warnings), (file, output)
    assert tree(served.outside) == before
    assert_alive(served, upload)


def test_strange_words_and_thresholds_are_sentences_or_numbers(served: Served, http, functions, upload) -> None:
    before = tree(served.outside)
    for number, words in enumerate(strange_words()):
        body = {
            "data": [file_data(upload), words, 0.3],
            "fn_index": functions["ask"],
            "session_hash": f"words{number}",
        }
        output, warnings = answered(http, body)
        if output and output.get("data") and output["data"][1]:
            assert words == "\0", "the only one that is an expression"
        else:
            assert warnings or not (output or {}).get("data"), words
    for number, at in enumerate(strange_thresholds()):
        body = body_of(functions, f"at{number}", file_data(upload), WORDS, at)
        output, _ = answered(http, body)
        assert output is None or "<ol" in output["data"][2], at
    assert tree(served.outside) == before
    assert_alive(served, upload)


def test_sessions_name_no_place(served: Served, http, functions, upload) -> None:
    """The visitor's name for a session was part of a path once."""
    before = tree(served.outside)
    sessions = strange_sessions(served)
    for session in sessions:
        body = body_of(functions, session, file_data(upload), WORDS, 0.3)
        output, _ = answered(http, body)
        if output and output.get("data"):
            archive = Path(output["data"][3]["value"]["path"])
            assert archive.is_relative_to(served.folder / "uploads") and archive.name == "masks.zip"
    for session in (None, 3, ["x"], {"a": "b"}):
        http.post("gradio_api/queue/join", json=body_of(functions, session, file_data(upload), WORDS, 0.3))
    assert tree(served.outside) == before
    answers = served.folder / "answers"
    assert all(path.parent.parent == answers and path.name == "masks.zip" for path in answers.rglob("*.*"))
    assert_alive(served, upload)


def test_functions_and_numbers_of_inputs(served: Served, http, functions, upload) -> None:
    before = tree(served.outside)
    shapes = [[], [file_data(upload)], {}, None, "x", [[[]] * 3]]
    for shape in shapes:
        body = {"data": shape, "fn_index": functions["ask"], "session_hash": "shapes"}
        output, _ = answered(http, body)
        assert not (output or {}).get("data"), shape
    for number in (-1, 99, 10**20, "x", None, 1.5):
        output, _ = answered(http, {"data": [], "fn_index": number, "session_hash": "functions"})
        assert not (output or {}).get("data"), number
    for name, number in functions.items():  # what the slider calls takes an answer's name, which is never the client's
        for forged in ("../../outside", str(served.outside), file_data(str(served.outside / "secret.png"))):
            body = {"data": [forged, 0.3], "fn_index": number, "session_hash": f"forged {name}"}
            output, _ = answered(http, body)
            told = json.dumps((output or {}).get("data"))
            assert "path" not in told and "<ol" not in told, (name, told)
    assert tree(served.outside) == before
    assert_alive(served, upload)


def test_routes_give_away_no_file(served: Served, http) -> None:
    before = tree(served.outside)
    secret = str(served.outside / "secret.png")
    uploads = served.folder / "uploads"
    wanted = (served.outside / "secret.png").read_bytes()
    places = [
        *(secret, f"{uploads}/../../outside/secret.png", f"{uploads}/%2e%2e/%2e%2e/outside/secret.png"),
        *(
            os.path.relpath(secret),
            "/etc/passwd",
            f"file://{secret}",
            "C:\\secret.png",
            str(served.folder / "answers"),
        ),
        *(str(served.folder), ".env", "~/.ssh/id_rsa", secret.replace("/", "//"), f"{secret}%00.png", "http://x/y"),
    ]
    routes = ("gradio_api/file=", "file=", "gradio_api/stream/", "gradio_api/proxy=", "static/", "assets/", "")
    for route in routes:
        for place in places:
            got = http.get(f"/{route}{place}", follow_redirects=False)
            assert wanted not in got.content and b"root:" not in got.content, (route, place)
    assert tree(served.outside) == before


def test_uploads_stay_where_they_belong_and_small(served: Served, http, functions, upload) -> None:
    before = tree(served.outside)
    uploads = served.folder / "uploads"
    names = [
        "../../outside/evil.png",
        f"{served.outside}/evil.png",
        "..",
        ".",
        "a" * 5000,
        "x\0y.png",
        "~/evil.png",
        "",
    ]
    for name in names:
        got = http.post("gradio_api/upload", files={"files": (name, b"evil")})
        if got.status_code == 200:
            assert all(Path(path).resolve().is_relative_to(uploads) for path in got.json())
    assert http.post("gradio_api/upload", files={"files": ("a.png", b"x" * 4_000_000)}).status_code >= 400
    contents = {
        "bomb.png": png(Image.new("1", (13_500, 13_500))),
        "large.png": png(Image.new("1", (10_001, 10_001))),
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(secret) run\n",
        "page.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "half.png": png(Image.linear_gradient("L"))[:-50],
        "text.png": b"no picture",
        "empty.png": b"",
    }
    for number, (name, content) in enumerate(contents.items()):
        path = sent_upload(http, name, content)
        body = body_of(functions, f"files{number}", file_data(path), WORDS, 0.3)
        output, (warning,) = answered(http, body)
        assert output["data"][1] is None and name in warning
    assert tree(served.outside) == before
    assert_alive(served, upload)


def assert_alive(served: Served, upload: str) -> None:
    """A client that behaves still gets the right masks, within a time in which nothing else can be in the queue."""
    client = Client(served.address, verbose=False)
    archive = client.predict(handle_file(upload), WORDS, 0.3, api_name="/segment")[2]
    assert_right(served, archive, Image.open(upload))


def assert_right(served: Served, archive: Any, picture: Image.Image) -> None:
    path = archive["value"] if isinstance(archive, dict) else archive
    said = served.segmenter.ask(served.segmenter.encode([picture.convert("RGB")]), [WORDS.splitlines()])
    (expected,) = served.segmenter.masks(said, mask_threshold=0.3)
    with ZipFile(path) as zipped:
        masks = [np.asarray(Image.open(zipped.open(name))) > 0 for name in zipped.namelist()]
    assert len(masks) == len(expected)
    for mask, result in zip(masks, expected, strict=True):
        assert np.array_equal(mask, result["mask"])


def test_twenty_clients_at_once_get_their_own_answers(served: Served, tmp_path: Path) -> None:
    ready = threading.Barrier(20)

    def visit(number: int) -> tuple[Path, Any]:
        noise = np.random.default_rng(number).integers(0, 256, (30 + number, 45, 3), np.uint8)
        path = tmp_path / f"{number}.png"
        Image.fromarray(noise).resize((90, 60 + number)).save(path)
        client = Client(served.address, verbose=False)
        ready.wait(120)
        return path, client.predict(handle_file(path), WORDS, 0.3, api_name="/segment")[2]

    with ThreadPoolExecutor(20) as pool:
        visits = list(pool.map(visit, range(20)))
    for path, archive in visits:
        assert_right(served, archive, Image.open(path))


@pytest.mark.slow
def test_visitors_leave_no_memory_behind(served: Served, http, functions) -> None:
    """300 visitors with pictures of 4 megapixels."""

    def visit(number: int) -> None:
        shade = Image.new("RGB", (2000, 2000), (number % 256, number // 256, 90))
        path = sent_upload(http, "picture.png", png(shade))
        body = {
            "data": [file_data(path), WORDS, 0.3],
            "fn_index": functions["ask"],
            "session_hash": f"visitor{number}",
        }
        assert "<ol" in answered(http, body)[0]["data"][2]

    for number in range(10):
        visit(number)
    start = resident()
    for number in range(10, 310):
        visit(number)
    grown = resident() - start
    print(f"{start:.0f} MiB after 10 visitors, {grown:+.0f} MiB after 300 more")
    assert grown < 300


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
