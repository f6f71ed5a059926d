# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Writes `model_cards/`: a card a preset, from its configuration, and one for each checkpoint that ships, which is
also its README.md, from what was measured.

    python scripts/write_model_cards.py

What evaluations of `default` on photographs found, by source, kind, part and size, is gathered with

    python scripts/write_model_cards.py --photographs runs/scores/*.json

After a training run on drawings, first gather what was measured into the checkpoint's results.json:

    unires evaluate drawings partscenes,length=500 --split val --out runs/scores/val.json   # and the other splits
    python scripts/write_model_cards.py --run runs/partscenes --evaluations runs/scores/*.json \\
        --machine "2 cores of a server's CPU" --watts 40
"""

import argparse
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unires_hf.checkpoints import checkpoint_path
from unires_hf.evaluation import Results
from unires_hf.evaluation.score_groups import GROUPS, scores_by
from unires_hf.publish.cards import checkpoint_card, preset_card, presets
from unires_hf.publish.photograph_card import photograph_card
from unires_hf.scenes import PartScenes
from unires_hf.scenes.trivial import trivial_scores

CARDS = Path(__file__).parents[1] / "model_cards"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, metavar="DIR", help="the training run that the checkpoint is from")
    parser.add_argument("--evaluations", type=Path, nargs="*", default=[], metavar="JSON", help="one a split")
    parser.add_argument("--photographs", type=Path, nargs="*", metavar="JSON", help="evaluations of `default`")
    parser.add_argument("--trivial-scenes", type=int, default=500, metavar="N", help="for trivial answers (500)")
    parser.add_argument("--hours", type=float, help="of training (default: train_runtime of the run)")
    parser.add_argument("--machine", default="a CPU", help="that it ran on")
    parser.add_argument("--watts", type=float, help="assumed for it; without them there is no estimate of the cost")
    arguments = parser.parse_args()
    if arguments.watts is not None and arguments.run is None and arguments.hours is None:
        parser.error("--watts needs --run or --hours")
    checkpoint = Path(checkpoint_path("drawings"))
    if arguments.run or arguments.evaluations or arguments.watts is not None:
        path = checkpoint / "results.json"
        measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"training": {}, "splits": {}}
        gather(arguments, measured)
        path.write_text(json.dumps(measured, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)
    cards = {CARDS / f"{preset}.md": preset_card(preset) for preset in presets()}
    if (checkpoint / "config.json").is_file():
        card = checkpoint_card(checkpoint)
        cards |= {CARDS / f"{checkpoint.name}.md": card, checkpoint / "README.md": card}
    photographs = Path(checkpoint_path("default"))
    if arguments.photographs:
        gather_photographs(arguments.photographs, photographs / "results.json")
    card = photograph_card(photographs)
    cards |= {CARDS / "default.md": card, photographs / "README.md": card}
    for path, card in cards.items():
        path.write_text(card, encoding="utf-8")
        print(path)


def gather(arguments: argparse.Namespace, measured: dict) -> None:
    """Puts what the arguments name into what `results.json` of a checkpoint holds, see [`checkpoint_card`]."""
    if arguments.run:
        training = (arguments.run / "README.md").read_text(encoding="utf-8").partition("## Training\n")[2]
        lines = re.findall(r"^\| (.+?) \| (.+) \|$", training.partition("\n## ")[0], flags=re.MULTILINE)
        measured["training"] = dict(lines)
    if arguments.watts is not None:
        hours = arguments.hours
        if hours is None:
            hours = json.loads((arguments.run / "train_results.json").read_text())["train_runtime"] / 3600
        measured["cost"] = {"hours": hours, "watts": arguments.watts, "machine": arguments.machine}
    for path in arguments.evaluations:
        summary = json.loads(path.read_text(encoding="utf-8"))
        scores = trivial_scores(PartScenes(summary["split"]), arguments.trivial_scenes)
        measured["splits"][summary["split"]] = {
            **summary,
            **{f"with_referent_{key}": value for key, value in with_referent(path, summary).items()},
            **{f"trivial_{kind}_{answer}": value for kind, it in scores.items() for answer, value in it.items()},
        }


def gather_photographs(evaluations: list[Path], path: Path) -> None:
    """Puts the scores of all evaluations, by group, into `results.json`, see [`photograph_card`]."""
    tables = [
        [pq.read_table(it.with_name(it.stem + end)) for it in evaluations] for end in (".parquet", ".controls.parquet")
    ]
    records, controls = (pa.concat_tables(found, promote_options="default") for found in tables)
    measured = json.loads(path.read_text(encoding="utf-8"))
    measured["groups"] = {group: scores_by(Results({}, records, controls), group) for group in GROUPS}
    path.write_text(json.dumps(measured, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def with_referent(path: Path, summary: dict) -> dict:
    """The numbers of an evaluation over the expressions that have a referent, from the records beside it."""
    records = pq.read_table(path.with_suffix(".parquet"))
    settings = {key: summary[key] for key in ("protocol", "bootstrap", "bootstrap_seed")}
    found = Results.from_records(records.filter(pc.invert(records["no_target"])).drop_columns("iou"), settings)
    return {key: value for key, value in found.summary.items() if key not in settings}


if __name__ == "__main__":
    main()
