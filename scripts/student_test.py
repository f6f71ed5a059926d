# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Do the engine's labels teach? A student is trained on half of the human labels, on these and the engine's labels of
the other half, and on all human labels; how much of the gap does the engine close?

    python scripts/student_test.py --data photographs/ccp photographs/cars --out runs/student -- \\
        --preset small --backbone efficientnet-lite0 --image_size 256 --max_steps 300 --learning_rate 1e-3

The engine's model and its listener are trained on the first half alone, with two seeds; what ships saw both halves.
Everything after `--` goes to `run_finetuning.py`, the same for all five trainings; words are drawn anew each time.
Twins stay in one half. Data sets are folders that `unires convert` made, with the splits train and test.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import yaml
from datasets import Image, concatenate_datasets

from unires_hf.data.readers.group_splits import in_split
from unires_hf.data.schema import FEATURES, Row
from unires_hf.data.shards import write_rows
from unires_hf.engine.annotation import annotate
from unires_hf.engine.intake import Known, Table
from unires_hf.engine.recipe import read_recipe
from unires_hf.experiments.rebuild import names_of, with_owners
from unires_hf.loading import load_rows

STUDENTS = ("half", "engine", "all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True, type=Path, help="folders of Parquet")
    parser.add_argument("--out", required=True, type=Path, help="the folder to make")
    parser.add_argument("training", nargs=argparse.REMAINDER, help="after --: flags of run_finetuning.py")
    arguments = parser.parse_args()
    out, flags = arguments.out, [it for it in arguments.training if it != "--"]
    halves(arguments.data, out)
    train(out / "teacher", [out / "human_a"], [*flags, "--seed", "1"])
    train(out / "listener", [out / "human_a"], [*flags, "--seed", "2"])
    engine_labels(out)
    data = {"half": ["human_a"], "engine": ["human_a", "engine_b"], "all": ["human_a", "human_b"]}
    for name in STUDENTS:
        train(out / name, [out / it for it in data[name]], [*flags, "--seed", "3"])
    models = [str(out / name) for name in ("engine", "half", "all")]
    words = ["compare", "--models", *models, "--dataset", str(out / "test"), "--split", "test", "--no-costs"]
    subprocess.run([sys.executable, "-m", "unires_hf.cli", *words, "--out", str(out / "compared")], check=True)


def halves(folders: list[Path], out: Path) -> None:
    """Writes `human_a`, `human_b` (silent: words are drawn in training) and `test`."""
    rows = concatenate_datasets([load_rows([f"{it},split=train"]) for it in folders])
    rows = rows.cast_column("image", Image(decode=False))
    pictures = {str(number): row["image"]["bytes"] for number, row in enumerate(rows.select_columns(["image"]))}
    first = set(in_split("test", pictures, test=0.5))
    for name, wanted in (("human_a", True), ("human_b", False)):
        chosen = (silent(with_owners(row)) for number, row in enumerate(rows) if (str(number) in first) is wanted)
        write(out / name, "train", chosen)
    tested = concatenate_datasets([load_rows([f"{it},split=test"]) for it in folders])
    write(out / "test", "test", iter(tested.cast_column("image", Image(decode=False))))


def engine_labels(out: Path) -> None:
    """Writes `engine_b`: the objects of the second half, and what the engine finds in them."""
    known = load_rows([str(out / "human_a")])
    content = {"categories": dict(names_of(known).categories), "sources": {"given": "the first half's labels"}}
    (out / "names.json").write_text(json.dumps({**content, "aliases": {}, "pairs": [], "plurals": []}))
    recipe = {
        "parts": {"model": str(out / "teacher"), "sides": False},
        "words": {"rich": False},
        "agreement": {},
        "listener": {"model": str(out / "listener")},
        "vocabulary": str(out / "names.json"),
    }
    (out / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    objects = Known(Table(load_rows([str(out / "human_b")]), "human_b"), "objects")
    annotate(objects, out / "annotated", read_recipe(out / "recipe.yaml"), command="scripts/student_test.py")
    made = load_rows([str(out / "annotated")]).cast_column("image", Image(decode=False))
    write(out / "engine_b", "train", (silent(row) for row in made))


def silent(row: Row) -> Row:
    """The row without words, so that those of all students are drawn in the same way."""
    return {**row, "targets": [{**it, "expressions": []} for it in row["targets"]]}


def write(folder: Path, split: str, rows) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / f"{split}-00000-of-00001.parquet", ({name: row[name] for name in FEATURES} for row in rows))


def train(out: Path, data: list[Path], flags: list[str]) -> None:
    """One training, unless it was done before."""
    if not (out / "model.safetensors").exists():
        script = Path(__file__).with_name("run_finetuning.py")
        words = ["--train_data", *map(str, data), "--draw_expressions", "true", "--output_dir", str(out), *flags]
        subprocess.run([sys.executable, str(script), *words], check=True)


if __name__ == "__main__":
    main()
