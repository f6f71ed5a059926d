# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Puts a trained model into the package: half precision, processor, log and curve.

    python scripts/ship_checkpoint.py default runs/photographs
    python scripts/ship_checkpoint.py drawings runs/warmup runs/partscenes

With `--go-on` the run is one that went on from the model that ships: its log comes after those that are there.
The weights are stored as float16 and computed with as float32, which CPUs are quicker at. `write_model_cards.py` then
writes the card.
"""

import argparse
import json
import shutil
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from transformers import AutoModel, AutoProcessor

import unires_hf  # noqa: F401
from unires_hf.checkpoints import DRAWINGS_ONLY, SHIPPED, checkpoint_path

CARDS = Path(__file__).parents[1] / "model_cards"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=SHIPPED, help="what it is known by")
    parser.add_argument(
        "run", type=Path, nargs="+", help="folders of the runs, in their order; the last one's weights"
    )
    parser.add_argument("--go-on", action="store_true", help="the first run started from what ships: keep its log")
    arguments = parser.parse_args()
    folder, runs = Path(checkpoint_path(arguments.name)), arguments.run
    curve = f"{arguments.name}-loss.png"
    model = AutoModel.from_pretrained(runs[-1], dtype=torch.float32)
    model.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    config = json.loads((folder / "config.json").read_text())
    config |= {"dtype": "float32", "notice": DRAWINGS_ONLY if arguments.name == "drawings" else None}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    AutoProcessor.from_pretrained(runs[-1]).save_pretrained(folder)
    logs = [json.loads((run / "trainer_state.json").read_text())["log_history"] for run in runs]
    logs = [[line for line in log if "loss" in line] for log in logs]
    if arguments.go_on:
        logs = earlier(folder / "training_log.jsonl") + logs
    with open(folder / "training_log.jsonl", "w", encoding="utf-8") as file:
        for number, log in enumerate(logs, 1):
            file.writelines(json.dumps({"run": number, **line}) + "\n" for line in log)
    draw_curve(logs, folder / curve)
    shutil.copy(folder / curve, CARDS)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1e6:.1f} MB")


def earlier(path: Path) -> list[list[dict]]:
    """The logs of the runs that are behind the model that ships."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [list(run) for _, run in groupby(lines, key=itemgetter("run"))]


def draw_curve(logs: list[list[dict]], path: Path) -> None:
    """The loss over the steps of the runs, one after another."""
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    start = 0
    for log in logs:
        axes.plot([start + line["step"] for line in log], [line["loss"] for line in log], linewidth=0.8)
        start += log[-1]["step"]
    axes.set(xlabel="step", ylabel="training loss", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
