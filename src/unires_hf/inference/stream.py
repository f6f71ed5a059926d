# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Segments what is said about many pictures, as a stream that goes on where it was interrupted."""

import itertools
import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm.auto import tqdm

import unires_hf
from unires_hf.checkpoints import checkpoint_path
from unires_hf.data import masks
from unires_hf.files import fingerprint, only_writer, write_json
from unires_hf.loading import commit_of, load_config, load_model

from .origin import made_by
from .picture_source import Folder, Rows, pictures_at
from .segmenter import Segmenter

SETTINGS = ("mask_threshold", "presence_threshold")  # what an expression may have of its own
ASKED = ("label", "expression_id", *SETTINGS)
Line = dict[str, Any]
Engine = Callable[[Path, "Settings", Iterable[dict[str, list[Line]]], int | None], Iterator[list[Line]]]


@dataclass(frozen=True)
class Settings:
    """What decides the masks beside pictures and expressions; thresholds are the processor's unless given. `tiles` as
    for [`Segmenter.segment`], `image_size` as for [`load_model`]."""

    model: str
    mask_threshold: float | None = None
    presence_threshold: float | None = None
    tiles: str = "off"
    image_size: int | None = None

    def __post_init__(self):
        for name in SETTINGS:
            value = getattr(self, name)
            if value is not None and not (0 < value < 1 if name == "mask_threshold" else 0 <= value <= 1):
                raise ValueError(f"The {name.replace('_', ' ')} is {value}: give a probability between 0 and 1.")


@dataclass(frozen=True)
class Count:
    """Pictures that were asked for, were done before, were done now, and failed; and lines that say nothing."""

    pictures: int
    before: int
    done: int
    failed: int
    bad_lines: int


def segment_many(
    images: str | Path,
    expressions: str | Path | None,
    out: str | Path,
    settings: Settings,
    batch_size: int = 8,
    num_proc: int | None = None,
    engine: Engine | None = None,
) -> Count:
    """
    Writes the masks of all expressions about the pictures of a folder or a data set; a picture is encoded once.

    `out/masks.jsonl` has one line a picture, as they are finished: `{"file_name": ..., "file": [bytes, time],
    "made_by": ..., "results": [{"label", "score", "box", "is_empty", "mask"}, ...]}`, in which a mask is COCO's
    compressed RLE at the picture's upright size. Called again, it goes on after the last whole line. What could not be
    segmented is in `out/errors.jsonl`, `{"file_name": ..., "reason": ...}`, and is tried again; lines of `expressions`
    that say nothing are there as `{"line": ..., "reason": ...}`. `out/settings.json` says what the masks were made
    from.

    Args:
        images: the folder of the pictures, or of a data set in Parquet, see [`pictures_at`].
        expressions: JSON lines `{"file_name": ..., "text": "..." or ["...", ...]}`; several may be about one picture.
            With `"mask_threshold"` or `"presence_threshold"`, a number or one an expression, they have their own. A
            picture of a data set is called by its image_id; `None` takes what the data set says, and then every
            result has its "expression_id".
        out: the folder to make, or to go on with.
        settings (`Settings`): the model, a folder or a name on the Hub, and how to write.
        batch_size (`int`, *optional*, defaults to 8): pictures a pass.
        num_proc (`int`, *optional*): processes; by default one a GPU, or one that uses all cores.
        engine (`Callable`, *optional*): runs the batches, such as [`work_with_ray`]; by default processes here.

    Raises:
        ValueError: no pictures or expressions there; an `out` that another process writes to, that was begun with
            other settings or expressions, or whose pictures have changed since.
        OSError: a file that cannot be read or written.
    """
    images, out = Path(images), Path(out)
    source = pictures_at(images)
    if batch_size < 1 or (num_proc is not None and num_proc < 1):
        raise ValueError("The numbers of pictures a pass and of processes must be 1 or more.")
    made_from = _made_from(settings, images)  # a wrong name is said before anything is written
    asked = _Said(source) if expressions is None else _Expressions(expressions)
    with only_writer(out):
        _keep(made_from, out)
        with (
            open(out / "masks.jsonl", "a+b") as written,
            open(out / "errors.jsonl", "w", encoding="utf-8") as failures,
        ):
            failures.writelines(map(_json, asked.bad_lines))
            done = _done(written, asked, source)
            todo = [name for name in asked.places if name not in done]
            starts = range(0, len(todo), batch_size)
            batches = ({name: asked[name] for name in todo[start : start + batch_size]} for start in starts)
            failed = 0
            with tqdm(total=len(asked.places), initial=len(done), desc="segment", unit=" pictures") as progress:
                for line in itertools.chain.from_iterable((engine or _work)(images, settings, batches, num_proc)):
                    if "reason" in line:
                        failed += 1
                        failures.write(_json(line))
                        failures.flush()
                    else:
                        written.write(_json(line).encode())
                        written.flush()
                    progress.update()
        if not failed and not asked.bad_lines:
            (out / "errors.jsonl").unlink()
    return Count(len(asked.places), len(done), len(todo) - failed, failed, len(asked.bad_lines))


def _made_from(settings: Settings, images: Path) -> Line:
    """The manifest of an output: whatever else would give other masks of the same expressions and picture files."""
    load_config(settings.model)
    place = checkpoint_path(settings.model)
    weights = fingerprint(place) if Path(place).is_dir() else commit_of(place)
    return {**asdict(settings), "weights": weights, "version": unires_hf.__version__, "images": str(images.resolve())}


class _Expressions:
    """What is said about each picture, read when it is asked for: only the places of the lines are in memory."""

    def __init__(self, path: str | Path):
        if Path(path).exists() and not Path(path).is_file():  # its lines are read again when they are wanted
            raise ValueError(f"{path} is no file: write the expressions into one.")
        self.file = open(path, "rb")
        self.places: dict[str, list[int]] = {}
        self.bad_lines: list[Line] = []
        place = 0
        for number, line in enumerate(self.file, 1):
            if line.strip():
                try:
                    name, _ = _parse(line)
                    self.places.setdefault(name, []).append(place)
                except ValueError as error:
                    self.bad_lines.append({"line": number, "reason": str(error)})
            place += len(line)
        if not self.places:
            reason = f" Line {self.bad_lines[0]['line']}: {self.bad_lines[0]['reason']}" if self.bad_lines else ""
            raise ValueError(
                f'{path} holds no line like {{"file_name": "street.jpg", "text": ["the red truck"]}}.{reason}'
            )

    def __getitem__(self, name: str) -> list[Line]:
        """The expressions about a picture, as dicts of "label" and the thresholds of their own."""
        said = []
        for place in self.places[name]:
            self.file.seek(place)
            said += _parse(self.file.readline())[1]
        return said


class _Said:
    """What the rows of a data set say, as [`_Expressions`]."""

    def __init__(self, source: Folder | Rows):
        if isinstance(source, Folder):
            raise ValueError(f"{source.path} is a folder of pictures: name a file that says something of them.")
        self.source, self.bad_lines = source, []
        self.places = dict.fromkeys(name for name in source.places if source.said(name))
        if not self.places:
            raise ValueError(f"{source.shown} says nothing of its pictures: name a file that does.")

    def __getitem__(self, name: str) -> list[Line]:
        return self.source.said(name)


def _parse(line: bytes) -> tuple[str, list[Line]]:
    try:
        said = json.loads(line)
        name, text = said["file_name"], said["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('it is not of the form {"file_name": ..., "text": ...}.') from None
    texts = [text] if isinstance(text, str) else text
    if not (isinstance(texts, list) and texts and all(isinstance(it, str) and it.strip() for it in texts)):
        raise ValueError("`text` must be an expression or a list of expressions, none of them empty.")
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"`file_name` is {name!r}: give it relative to the folder of the pictures, and inside of it.")
    if any("\ud800" <= character <= "\udfff" for character in "".join([name, *texts])):
        raise ValueError("it holds half of a character (a lone surrogate): write it again in UTF-8.")
    labels = [{"label": text} for text in texts]
    for key in SETTINGS:
        values = said.get(key)
        values = values if isinstance(values, list) else [values] * len(texts)
        if len(values) != len(texts):
            raise ValueError(f"`{key}` has {len(values)} numbers for {len(texts)} expressions.")
        for label, value in zip(labels, values, strict=True):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
                raise ValueError(f"`{key}` is {str(value)[:20]}: give a probability between 0 and 1.")
            label[key] = value
    return os.path.normpath(name), labels  # one name for one file


def _keep(made_from: Line, out: Path) -> None:
    """Writes what the masks are made from beside them, or compares it where there are masks already."""
    path, begun = out / "settings.json", out / "masks.jsonl"
    if begun.is_file() and begun.stat().st_size:
        if not path.is_file():
            raise ValueError(f"{begun} was not written by this command: name another folder.")
        before = json.loads(path.read_text(encoding="utf-8"))
        for name, value in made_from.items():
            if before.get(name) != value:
                raise ValueError(
                    f"{out} was begun with {name} {before.get(name)!r}, not {value!r}: give that again to go on, or "
                    "name another folder."
                )
    else:
        write_json(path, made_from)


def _done(written: Any, asked: _Expressions | _Said, source: Folder | Rows) -> set[str]:
    """The pictures of the whole lines; what an interruption left after them is cut off."""
    done, end = set(), 0
    written.seek(0)
    for line in written:
        try:
            said = json.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        name = said["file_name"]
        if name in asked.places:
            if [{key: one[key] for key in ASKED if key in one} for one in said["results"]] != asked[name]:
                raise ValueError(f"{written.name} holds other expressions about {name}: name another folder.")
            if said["file"] != source.state(name):
                raise ValueError(f"{name} has changed since {written.name} was written: name another folder.")
        done.add(name)
        end += len(line)
    written.truncate(end)
    return done & asked.places.keys()


def _work(
    images: Path, settings: Settings, batches: Iterable[dict[str, list[Line]]], processes: int | None
) -> Iterator[list[Line]]:
    """The lines of each batch, in the order in which they are finished."""
    processes = max(1, torch.accelerator.device_count()) if processes is None else processes
    first = list(itertools.islice(batches, processes))
    batches = itertools.chain(first, batches)
    processes = len(first)
    if processes == 0:
        return
    if processes == 1:
        segment = Worker(images, settings, 0)
        yield from map(segment, batches)
        return
    context = torch.multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // processes)
    busy = []
    for number in range(processes):
        here, there = context.Pipe()
        arguments = (there, images, settings, number, threads)
        context.Process(target=_serve, args=arguments, daemon=True).start()
        there.close()
        here.send(next(batches))
        busy.append(here)
    while busy:
        for process in wait(busy):
            try:
                lines = process.recv()
            except EOFError:
                raise ValueError(
                    "A process ended before its work was done, most likely for want of memory: give a smaller "
                    "--batch-size or --num-proc; what is written stays, and the same command goes on from there."
                ) from None
            if isinstance(lines, Exception):
                raise lines
            batch = next(batches, None)
            if batch is None:
                busy.remove(process)
                process.close()
            else:
                process.send(batch)
            yield lines


def _serve(there: Connection, images: Path, settings: Settings, number: int, threads: int) -> None:
    """The work of one process; it ends when the other end of the pipe does, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other end is told, and closes the pipe
    torch.set_num_threads(threads)
    try:
        segment = Worker(images, settings, number)
        while True:
            there.send(segment(there.recv()))
    except EOFError:
        return
    except (ValueError, OSError) as error:
        there.send(ValueError(str(error)))


class Worker:
    """A model on its device, and what it makes of pictures: one line each."""

    def __init__(self, images: Path, settings: Settings, number: int):
        self.source, self.settings = pictures_at(images), settings
        devices = torch.accelerator.device_count()
        device = f"{torch.accelerator.current_accelerator().type}:{number % devices}" if devices else "cpu"
        self.segmenter = Segmenter(*load_model(settings.model, device, settings.image_size))
        origin = {**asdict(settings), "revision": commit_of(settings.model)}
        self.made_by = made_by(processor=self.segmenter.processor, **origin)
        self.readers = ThreadPoolExecutor()

    def __call__(self, batch: dict[str, list[Line]]) -> list[Line]:
        failures, pictures = {}, {}
        states = {name: self.source.state(name) for name in batch}  # before they are read
        for name, opened in zip(batch, self.readers.map(self._open, batch), strict=True):
            (failures if isinstance(opened, Exception) else pictures)[name] = opened
        found = {}
        try:
            found = self._segment(pictures, batch) if pictures else {}
        except (ValueError, RuntimeError):  # one of them is at fault, or all together are too much
            for name, picture in pictures.items():
                try:
                    found |= self._segment({name: picture}, batch)
                except (ValueError, RuntimeError) as error:
                    failures[name] = error
        return [
            {"file_name": name, "file": states[name], "made_by": self.made_by, "results": found[name]}
            if name in found
            else {"file_name": name, "reason": f"{failures[name]}" or type(failures[name]).__name__}
            for name in batch
        ]

    def _open(self, name: str) -> Image.Image | Exception:
        try:
            return self.source.open(name)
        except Exception as error:  # decoders of broken files raise errors of many kinds
            return error

    def _segment(self, pictures: dict[str, Image.Image], batch: dict[str, list[Line]]) -> dict[str, list[Line]]:
        tiled = {name for name, it in pictures.items() if self.segmenter.tiles_of(it, self.settings.tiles)}
        usual = [name for name in pictures if name not in tiled]
        found: dict[str, list[Line]] = {}
        if usual:
            text = [[expression["label"] for expression in batch[name]] for name in usual]
            said = self.segmenter.ask(self.segmenter.encode([pictures[name] for name in usual]), text)
            own = self._own([expression for name in usual for expression in batch[name]])
            found |= dict(zip(usual, self.segmenter.masks(said, **own), strict=True))
        for name in tiled:
            text, own = [expression["label"] for expression in batch[name]], self._own(batch[name])
            found[name] = self.segmenter.segment(pictures[name], text, self.settings.tiles, **own)
        return {name: [_line(*both) for both in zip(batch[name], found[name], strict=True)] for name in pictures}

    def _own(self, asked: list[Line]) -> dict[str, list[float | None]]:
        """The thresholds of each expression."""
        return {
            name: [expression.get(name, getattr(self.settings, name)) for expression in asked] for name in SETTINGS
        }


def _line(asked: Line, result: Line) -> Line:
    told = {name: result[name] for name in ("score", "box", "is_empty")}
    return {**asked, **told, "score": round(result["score"], 6), "mask": masks.encode(result["mask"].numpy())}


def _json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
