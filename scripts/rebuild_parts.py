# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Given the objects alone, how many parts does the engine make again, and how good are they? See docs/engine.md.

On drawings, where the truth is exact:

    python scripts/rebuild_parts.py --model drawings --scenes 300 --phrase "{part} of {category}" --padding 0.5

On photographs; how strict the verifiers are is chosen on the split val, and measured on the split test:

    python scripts/rebuild_parts.py --model default --data photographs/cars photographs/ccp photographs/facades
"""

import argparse
import dataclasses
from pathlib import Path

from unires_hf.engine.intake import open_input
from unires_hf.engine.part_stage import PartsRecipe
from unires_hf.engine.part_vocabulary import Vocabulary
from unires_hf.engine.verification import Listener, ListenerRecipe, Similarity, SimilarityRecipe
from unires_hf.experiments.rebuild import (
    Rebuilt,
    as_labeled,
    markdown,
    names_of,
    rebuild,
    scene_names,
    scene_rows,
    with_owners,
)
from unires_hf.files import write_json
from unires_hf.scenes import PartScenes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="proposes parts, and is asked again")
    parser.add_argument("--listener", help="another model; left out, the same one listens, on the whole picture")
    parser.add_argument("--similarity", help="a CLIP or a SigLIP; left out, that verifier is not in the table")
    parser.add_argument("--data", nargs="+", default=[], metavar="DATA", help="data sets with objects and parts")
    parser.add_argument("--tune-split", default="val", help="where strictness is chosen; none: not at all")
    parser.add_argument("--scenes", type=int, default=200, help="without --data: so many drawn scenes a split")
    parser.add_argument("--max-images", type=int, help="of each split")
    parser.add_argument("--phrase", default="{part}", help="what is asked on the crop of the object")
    parser.add_argument("--plurals", action="store_true", help="ask for the plural too; what scores higher is taken")
    parser.add_argument("--padding", type=float, default=0.1, help="of the crop, in shares of the box's longer side")
    parser.add_argument("--out", type=Path, help="a JSON file for the tables and all proposals")
    arguments = parser.parse_args()

    asked = {"phrase": arguments.phrase, "padding": arguments.padding, "plurals": arguments.plurals}
    recipe = PartsRecipe(arguments.model, 0.0, sides=False, **asked)
    listener = Listener(ListenerRecipe(arguments.listener or arguments.model, iou=0.0))
    tables, content = {}, {"settings": {**vars(arguments), "out": None}}
    for name in arguments.data or ["partscenes"]:
        # Drawn scenes have no val of their own for this: what is published is measured on val, and chosen on train.
        measured, tuned_on = ("test", arguments.tune_split) if arguments.data else ("val", "train")
        splits = [measured] if arguments.tune_split == "none" else [measured, tuned_on]
        opened = {split: _rows(arguments, name, split) for split in splits}
        vocabulary = names_of(row for rows in opened.values() for row in rows) if arguments.data else scene_names()
        made = {
            split: _rebuilt(rows, recipe, listener, arguments.similarity, vocabulary) for split, rows in opened.items()
        }
        chosen = made[tuned_on].strictest_needed() if len(made) > 1 else None
        label = Path(name.partition(",")[0]).name
        tables[label] = made[measured].table(chosen)
        content[name] = {"table": tables[label], **{split: dataclasses.asdict(it) for split, it in made.items()}}
        if chosen is not None:
            print(f"\n{label}: chosen on {tuned_on}: {dataclasses.asdict(chosen)}")
        print(f"{label}: {len(opened[measured])} images\n\n{markdown({label: tables[label]})}\n", flush=True)
        if arguments.out:
            write_json(arguments.out, content)
    print(markdown(tables))


def _rows(arguments: argparse.Namespace, name: str, split: str) -> list:
    if not arguments.data:
        return list(scene_rows(PartScenes(split, arguments.scenes)))
    rows = open_input(f"{name},split={split}")
    return [with_owners(as_labeled(rows[index])) for index in range(min(len(rows), arguments.max_images or len(rows)))]


def _rebuilt(
    rows: list, recipe: PartsRecipe, listener: Listener, similarity: str | None, names: Vocabulary
) -> Rebuilt:
    judge = Similarity(SimilarityRecipe(similarity, margin=2.0), names) if similarity else None
    return rebuild(rows, recipe, listener, judge, len(rows), names)


if __name__ == "__main__":
    main()
