# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Ray on this machine: the bytes of the loop with one and two workers, and after kill -9 of an actor or the driver."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from drawn_cars import car_row
from tiny_engine import save_unires

from unires_hf.cli import main
from unires_hf.data.shards import write_rows

pytest.importorskip("ray", reason="Ray is not installed: pip install 'unires-hf[ray]'")
IMAGES = 60


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> list[str]:
    """The words of the command, without where to write."""
    folder = tmp_path_factory.mktemp("ray")
    content = {"parts": {"model": save_unires(folder / "model"), "containment": 0.0, "max_share": 2.0}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content | {"shard_images": 5}))
    (folder / "in").mkdir()
    rows = (car_row(f"{it:05d}", it % 20) for it in range(IMAGES))
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
    family = psutil.Process(run.pid).children(recursive=True)
    return [it for it in family if any("MapWorker" in word for word in it.cmdline())]


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
