# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Ray on this machine: the bytes of the loop with one and two workers, and after kill -9 of an actor or the driver;
flat memory, work that is shared, and nearly twice the speed. Quick: what an actor does, without a cluster."""

import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml
from drawn_cars import car_row
from tiny_engine import save_unires

from unires_hf.cli import main
from unires_hf.data.shards import write_rows
from unires_hf.engine.annotation import annotate
from unires_hf.engine.intake import open_input
from unires_hf.engine.recipe import Recipe, read_recipe
from unires_hf.engine.shard_work import ShardWork

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'unires-hf[ray]'")
IMAGES = 200
MANY = 10_000
HEAVY = 800


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> list[str]:
    """The words of the command, without where to write."""
    return command_on(IMAGES, 20, tmp_path_factory.mktemp("ray"))


def command_on(images: int, shard_images: int, folder: Path, parts: bool = True) -> list[str]:
    content = {"parts": {"model": save_unires(folder / "model"), "containment": 0.0, "max_share": 2.0}}
    recipe = {**(content if parts else {}), "words": {"rich": False}, "shard_images": shard_images}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (folder / "in").mkdir()
    rows = (car_row(f"{it:05d}", it % 20) for it in range(images))
    write_rows(folder / "in" / "train-00000-of-00001.parquet", rows)
    return ["annotate", str(folder / "in"), "--recipe", str(folder / "recipe.yaml"), "--gallery", "0"]


@pytest.fixture(scope="module")
def of_the_loop(asked, tmp_path_factory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("loop") / "out"
    assert main([*asked, "--out", str(out)]) == 0
    return bytes_of(out)


def bytes_of(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(it.relative_to(folder)): hashlib.sha256(it.read_bytes()).hexdigest() for it in files}


def ray_command(asked: list[str], out: Path, workers: int) -> list[str]:
    words = [*asked, "--out", str(out), "--engine", "ray", "--workers", str(workers)]
    return [sys.executable, "-m", "unires_hf.cli", *words]


def wait_for_shards(out: Path, run: subprocess.Popen, count: int) -> None:
    while len(list((out / ".annotating").glob("*.json"))) < count + 1:  # and begun.json
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)


def actors_of(run: subprocess.Popen) -> list[psutil.Process]:
    found = []
    with suppress(psutil.NoSuchProcess):  # the run has ended
        for it in psutil.Process(run.pid).children(recursive=True):
            with suppress(psutil.Error):  # it ends just now
                if any("MapWorker" in word for word in it.cmdline()):
                    found.append(it)
    return found


def test_actors_that_share_the_shards_give_the_bytes_of_the_loop(asked, of_the_loop, tmp_path):
    from unires_hf.engine.ray_workers import _Actor

    def two_actors(work, missing, progress):
        actors = [_Actor(pickle.loads(pickle.dumps(work))) for _ in range(2)]
        for place, number in reversed(list(enumerate(missing))):
            images = min(work.recipe.shard_images, len(work.rows) - number * work.recipe.shard_images)
            for _ in range(2):  # the second time as if the first one's answer was lost
                assert actors[place % 2]({"shard": number, "images": images}) == {"images": images}
            yield images

    recipe = read_recipe(asked[3])
    command = f"unires annotate {asked[1]} --recipe recipe.yaml --out out"
    annotate(open_input(asked[1]), tmp_path / "out", recipe, command=command, engine=two_actors)
    assert bytes_of(tmp_path / "out") == of_the_loop


def test_a_worker_with_more_threads_than_cores_is_refused(tmp_path, monkeypatch):
    from unires_hf.engine.ray_workers import ray_engine

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    recipe = Recipe(threads=1 + os.cpu_count())  # Ray would wait for the cores
    with pytest.raises(ValueError, match="The recipe's threads are .*, but there are .* cores"):
        annotate([car_row()], tmp_path / "out", recipe, command="test", engine=ray_engine(2))


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_the_loop(asked, of_the_loop, tmp_path):
    subprocess.run(ray_command(asked, tmp_path / "out", 2), check=True, capture_output=True)
    assert bytes_of(tmp_path / "out") == of_the_loop


@pytest.mark.slow
def test_an_actor_that_is_killed_costs_nothing_but_time(asked, of_the_loop, tmp_path):
    with subprocess.Popen(ray_command(asked, tmp_path / "out", 2), stderr=subprocess.DEVNULL) as run:
        wait_for_shards(tmp_path / "out", run, 2)
        actors_of(run)[0].send_signal(signal.SIGKILL)
        assert run.wait(300) == 0
    assert bytes_of(tmp_path / "out") == of_the_loop


@pytest.mark.slow
def test_a_driver_that_is_killed_goes_on_where_it_was(asked, of_the_loop, tmp_path):
    with subprocess.Popen(ray_command(asked, tmp_path / "out", 1), stderr=subprocess.DEVNULL) as run:
        wait_for_shards(tmp_path / "out", run, 2)
        family = psutil.Process(run.pid).children(recursive=True)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        psutil.wait_procs(family, timeout=60)
    assert not (tmp_path / "out" / "manifest.json").exists()
    subprocess.run(ray_command(asked, tmp_path / "out", 2), check=True, capture_output=True)
    assert bytes_of(tmp_path / "out") == of_the_loop


@pytest.mark.slow
def test_ten_thousand_pictures_have_the_bytes_of_the_loop_and_flat_memory(tmp_path):
    asked = command_on(MANY, 250, tmp_path, parts=False)  # what grows is the pictures, not a model
    assert main([*asked, "--out", str(tmp_path / "loop" / "out")]) == 0
    memory: dict[int, list[int]] = {}
    with subprocess.Popen(ray_command(asked, tmp_path / "ray" / "out", 2), stderr=subprocess.DEVNULL) as run:
        for shards in range(1, MANY // 250):
            wait_for_shards(tmp_path / "ray" / "out", run, shards)
            for actor in actors_of(run):
                memory.setdefault(actor.pid, []).append(actor.memory_info().rss)
        assert run.wait(1800) == 0
    assert bytes_of(tmp_path / "ray" / "out") == bytes_of(tmp_path / "loop" / "out")
    assert len(memory) == 2
    for sizes in memory.values():
        half = len(sizes) // 2
        print([round(it / 1e6) for it in sizes], "MB")
        assert max(sizes[half:]) - max(sizes[half // 2 : half]) < 50e6


@pytest.fixture(scope="module")
def heavy(tmp_path_factory) -> list[str]:
    """The words of a command that makes 20 shards, of a second and more each."""
    return command_on(HEAVY, HEAVY // 20, tmp_path_factory.mktemp("heavy"))


def held_by(actor: psutil.Process) -> set[str]:
    """The shards that an actor writes."""
    with suppress(psutil.Error):
        return {Path(it.path).name[:5] for it in actor.open_files() if it.path.endswith(".parquet.part")}
    return set()


def seconds_of_threads(pid: int) -> dict[int, float]:
    with suppress(psutil.Error):
        return {it.id: it.user_time + it.system_time for it in psutil.Process(pid).threads()}
    return {}


@pytest.mark.slow
def test_two_workers_share_the_shards_and_each_uses_one_thread(heavy, tmp_path):
    """What makes two workers twice as fast, and is true of a busy machine too."""
    together = 0
    made: dict[int, set[str]] = {}
    threads: dict[int, list[dict[int, float]]] = {}
    with subprocess.Popen(ray_command(heavy, tmp_path / "out", 2), stderr=subprocess.DEVNULL) as run:
        wait_for_shards(tmp_path / "out", run, 1)
        while run.poll() is None:
            held = {actor.pid: held_by(actor) for actor in actors_of(run)}
            together += len(list(filter(None, held.values()))) == 2
            for pid in filter(held.get, held):
                made.setdefault(pid, set()).update(held[pid])
                threads.setdefault(pid, []).append(seconds_of_threads(pid))
            time.sleep(0.2)
    assert run.returncode == 0
    print({pid: sorted(shards) for pid, shards in made.items()}, f"{together} looks found both at work")
    assert len(made) == 2 and all(len(shards) >= 6 for shards in made.values()) and together > 10
    for looks in threads.values():
        whole = [it for it in looks if it]
        spent = [it - whole[0].get(thread, 0.0) for thread, it in whole[-1].items()]
        print("seconds of processor time a thread:", sorted(spent, reverse=True)[:3])
        assert max(spent) > 0.85 * sum(spent), "another thread of the worker works too"


class TimedWork(ShardWork):
    """Notes who made each shard, and when it was done."""

    def __call__(self, number, progress=lambda images: None):
        images = super().__call__(number, progress)
        note = {"worker": os.getpid(), "end": time.time()}
        (self.out.parents[1] / f"{number:05d}.json").write_text(json.dumps(note))
        return images


def make_all(work: ShardWork, numbers: list[int]) -> None:
    for number in numbers:
        work(number)


def plain_processes(workers: int):
    """An engine of so many processes that share nothing: what the machine itself allows."""

    def run(work, missing, progress):
        spawn = multiprocessing.get_context("spawn")
        processes = [spawn.Process(target=make_all, args=(work, missing[it::workers])) for it in range(workers)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * workers
        yield len(work.rows)

    return run


def shards_a_second(engine, asked: list[str], folder: Path) -> float:
    """While all workers are at work: from when the last one has made its first shard, to when the first one has made
    its last. Starting and ending, which take longer than a small run, do not count."""

    def timed(work, missing, progress):
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # Ray's workers do not find this file
        return engine(TimedWork(work.recipe, work.rows, work.out), missing, progress)

    annotate(open_input(asked[1]), folder / "out", read_recipe(asked[3]), command="test", engine=timed)
    ray.shutdown()
    ends: dict[int, list[float]] = {}
    for note in sorted((json.loads(it.read_text()) for it in folder.glob("0*.json")), key=lambda it: it["end"]):
        ends.setdefault(note["worker"], []).append(note["end"])
    start, stop = max(it[0] for it in ends.values()), min(it[-1] for it in ends.values())
    shared = [[end for end in it if start <= end <= stop] for it in ends.values()]
    return sum((len(it) - 1) / (it[-1] - it[0]) for it in shared)


@pytest.mark.slow
@pytest.mark.skipif(psutil.cpu_count() < 2, reason="two workers need two cores")
def test_two_workers_are_faster_than_one_where_the_stage_is_heavy(heavy, tmp_path):
    """1.6 times as fast; or, where two plain processes do not gain so much either, nine tenths of what they gain."""
    from unires_hf.engine.ray_workers import ray_engine

    if (busy := psutil.cpu_percent(interval=5)) > 10:
        pytest.skip(f"the machine is busy: other processes use {busy:.0f} % of its cores")
    rates = {}
    for workers in (1, 2):
        for name, engine in (("processes", plain_processes), ("Ray", ray_engine)):
            folder = tmp_path / f"{name}-{workers}"
            folder.mkdir()
            rates[name, workers] = shards_a_second(engine(workers), heavy, folder)
            print(f"{name}, {workers}: {1 / rates[name, workers]:.3f} s a shard")
    gains = {name: rates[name, 2] / rates[name, 1] for name in ("processes", "Ray")}
    print(gains)
    assert gains["Ray"] >= min(1.6, 0.9 * gains["processes"])
