# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Segments what is said about a folder of pictures, as a stream that goes on where it was interrupted."""

import itertools
import json
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm.auto import tqdm

from unires_hf.data import masks
from unires_hf.loading import load_config, load_model
from unires_hf.model.image_input_unires import open_image, upright

from .segmenter import Segmenter, mask_picture

FORMATS = ("rle", "png")
Line = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What decides the masks; a folder is continued under the settings that it was begun with."""

    model: str
    format: str = "rle"
    mask_threshold: float | None = None

    def __post_init__(self):
        if self.format not in FORMATS:
            raise ValueError(f"There is no format {self.format!r}; choose from {', '.join(FORMATS)}.")
        if self.mask_threshold is not None and not 0 < self.mask_threshold < 1:
            raise ValueError(f"The mask threshold is {self.mask_threshold}: give a probability between 0 and 1.")


@dataclass(frozen=True)
class Count:
    """Pictures that were asked for, were done before, were done now, and could not be segmented."""

    pictures: int
    before: int
    done: int
    failed: int


def segment_many(
    images: str | Path,
    expressions: str | Path,
    out: str | Path,
    settings: Settings,
    batch_size: int = 8,
    num_proc: int | None = None,
) -> Count:
    """
    Writes the masks of all expressions of a file about the pictures of a folder; a picture is encoded once.

    `out/masks.jsonl` has one line a picture, as they are finished: `{"file_name": ..., "results": [{"label", "score",
    "box", "is_empty", "mask"}, ...]}`, in which a mask is COCO's compressed RLE at the picture's upright size, or with
    the format `png` the name of a PNG (0 and 255) under `out`. Called again, it goes on after the last whole line.
    What could not be segmented is in `out/errors.jsonl`, `{"file_name": ..., "reason": ...}`, and is tried again.

    Args:
        images: the folder of the pictures.
        expressions: JSON lines `{"file_name": ..., "text": "..." or ["...", ...]}`; several may be about one picture.
        out: the folder to make, or to go on with.
        settings (`Settings`): the model, a folder or a name on the Hub, and how to write.
        batch_size (`int`, *optional*, defaults to 8): pictures a pass.
        num_proc (`int`, *optional*): processes; by default one a GPU, or one that uses all cores.

    Raises:
        ValueError: a line of `expressions` that is not of this form, or an `out` that was begun with other settings or
            other expressions.
        OSError: a file that cannot be read or written.
    """
    images, out = Path(images), Path(out)
    if not images.is_dir():
        raise ValueError(f"{images} is no folder: name the one that the file names start from.")
    processes = max(1, torch.accelerator.device_count()) if num_proc is None else num_proc
    if batch_size < 1 or processes < 1:
        raise ValueError("The numbers of pictures a pass and of processes must be 1 or more.")
    load_config(settings.model)  # a wrong name is said before anything is written
    asked = _Expressions(expressions)
    out.mkdir(parents=True, exist_ok=True)
    _keep(settings, out)
    with open(out / "masks.jsonl", "a+b") as written, open(out / "errors.jsonl", "w", encoding="utf-8") as failures:
        done = _done(written, asked)
        todo = [name for name in asked.places if name not in done]
        starts = range(0, len(todo), batch_size)
        batches = ({name: asked[name] for name in todo[start : start + batch_size]} for start in starts)
        work = _work(images, out, settings, batches, min(processes, len(starts)))
        failed = 0
        with tqdm(total=len(asked.places), initial=len(done), desc="segment", unit=" pictures") as progress:
            for line in itertools.chain.from_iterable(work):
                if "reason" in line:
                    failed += 1
                    failures.write(_json(line))
                    failures.flush()
                else:
                    written.write(_json(line).encode())
                    written.flush()
                progress.update()
    if not failed:
        (out / "errors.jsonl").unlink()
    return Count(len(asked.places), len(done), len(todo) - failed, failed)


class _Expressions:
    """What is said about each picture, read when it is asked for: only the places of the lines are in memory."""

    def __init__(self, path: str | Path):
        self.file = open(path, "rb")
        self.places: dict[str, list[int]] = {}
        place = 0
        for number, line in enumerate(self.file, 1):
            if line.strip():
                try:
                    name, _ = _parse(line)
                except ValueError as error:
                    raise ValueError(f"{path}, line {number}: {error}") from None
                self.places.setdefault(name, []).append(place)
            place += len(line)
        if not self.places:
            raise ValueError(f'{path} holds no line like {{"file_name": "street.jpg", "text": ["the red truck"]}}.')

    def __getitem__(self, name: str) -> list[str]:
        texts = []
        for place in self.places[name]:
            self.file.seek(place)
            texts += _parse(self.file.readline())[1]
        return texts


def _parse(line: bytes) -> tuple[str, list[str]]:
    try:
        said = json.loads(line)
        name, text = said["file_name"], said["text"]
    except (ValueError, KeyError, TypeError):
        raise ValueError('it is not of the form {"file_name": ..., "text": ...}.') from None
    texts = [text] if isinstance(text, str) else text
    if not (isinstance(texts, list) and texts and all(isinstance(it, str) and it.strip() for it in texts)):
        raise ValueError("`text` must be an expression or a list of expressions, none of them empty.")
    # The name is also that of a folder of PNGs, which must not lie elsewhere.
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"`file_name` is {name!r}: give it relative to the folder of the pictures, and inside of it.")
    return name, texts


def _keep(settings: Settings, out: Path) -> None:
    """Writes the settings beside the masks, or compares them where there are masks already."""
    path, begun = out / "settings.json", out / "masks.jsonl"
    if begun.is_file() and begun.stat().st_size:
        if not path.is_file():
            raise ValueError(f"{begun} was not written by this command: name another folder.")
        before = json.loads(path.read_text(encoding="utf-8"))
        for name, value in asdict(settings).items():
            if before[name] != value:
                raise ValueError(
                    f"{out} was begun with {name} {before[name]!r}, not {value!r}: give that again to go on, or name "
                    "another folder."
                )
    else:
        path.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")


def _done(written: Any, asked: _Expressions) -> set[str]:
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
        if name in asked.places and [result["label"] for result in said["results"]] != asked[name]:
            raise ValueError(f"{written.name} holds other expressions about {name}: name another folder.")
        done.add(name)
        end += len(line)
    written.truncate(end)
    return done & asked.places.keys()


def _work(
    images: Path, out: Path, settings: Settings, batches: Iterable[dict[str, list[str]]], processes: int
) -> Iterator[list[Line]]:
    """The lines of each batch, in the order in which they are finished; `processes` are no more than batches."""
    if processes == 0:
        return
    if processes == 1:
        segment = _Worker(images, out, settings, 0)
        yield from map(segment, batches)
        return
    context = torch.multiprocessing.get_context("spawn")
    threads = max(1, torch.get_num_threads() // processes)
    busy = []
    for number in range(processes):
        here, there = context.Pipe()
        arguments = (there, images, out, settings, number, threads)
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


def _serve(there: Connection, images: Path, out: Path, settings: Settings, number: int, threads: int) -> None:
    """The work of one process; it ends when the other end of the pipe does, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other end is told, and closes the pipe
    torch.set_num_threads(threads)
    try:
        segment = _Worker(images, out, settings, number)
        while True:
            there.send(segment(there.recv()))
    except EOFError:
        return
    except (ValueError, OSError) as error:
        there.send(ValueError(str(error)))


class _Worker:
    """A model on its device, and what it makes of pictures: one line each."""

    def __init__(self, images: Path, out: Path, settings: Settings, number: int):
        self.images, self.out, self.settings = images, out, settings
        devices = torch.accelerator.device_count()
        device = f"{torch.accelerator.current_accelerator().type}:{number % devices}" if devices else "cpu"
        self.segmenter = Segmenter(*load_model(settings.model, device))
        self.readers = ThreadPoolExecutor()

    def __call__(self, batch: dict[str, list[str]]) -> list[Line]:
        failures, pictures = {}, {}
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
            {"file_name": name, "results": found[name]}
            if name in found
            else {"file_name": name, "reason": f"{failures[name]}" or type(failures[name]).__name__}
            for name in batch
        ]

    def _open(self, name: str) -> Image.Image | Exception:
        try:
            return upright(open_image(self.images / name))
        except Exception as error:  # decoders of broken files raise errors of many kinds
            return error

    def _segment(self, pictures: dict[str, Image.Image], batch: dict[str, list[str]]) -> dict[str, list[Line]]:
        said = self.segmenter.ask(self.segmenter.encode(pictures.values()), [batch[name] for name in pictures])
        found = self.segmenter.masks(said, mask_threshold=self.settings.mask_threshold)
        return {name: self._lines(name, results) for name, results in zip(pictures, found, strict=True)}

    def _lines(self, name: str, results: Sequence[Line]) -> list[Line]:
        lines = []
        for number, result in enumerate(results, 1):
            if self.settings.format == "rle":
                shown = masks.encode(result["mask"].numpy())
            else:
                shown = f"masks/{name}/{number}.png"
                (self.out / shown).parent.mkdir(parents=True, exist_ok=True)
                mask_picture(result).save(self.out / shown)
            said = {name: result[name] for name in ("label", "score", "box", "is_empty")}
            lines.append({**said, "score": round(result["score"], 6), "mask": shown})
        return lines


def _json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"
