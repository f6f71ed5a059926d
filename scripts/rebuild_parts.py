# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Given the objects alone, how many parts does the engine make again, and how good are they? See docs/engine.md.

On drawings, where the truth is exact:

    python scripts/rebuild_parts.py --model drawings --scenes 300

On photographs, with a model that knows them; a data set is what `unires evaluate` takes:

    python scripts/rebuild_parts.py --model photographs --data ccp,root=DIR,split=test --listener OTHER
"""

import argparse
import json
from pathlib import Path

from unires_hf.engine.intake import open_input
from unires_hf.engine.part_stage import PartsRecipe
from unires_hf.engine.verification import AgreementRecipe, Listener, ListenerRecipe
from unires_hf.experiments.rebuild import markdown, rebuild, scene_names, scene_rows, with_owners
from unires_hf.scenes import PartScenes

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="drawings", help="proposes parts, and is asked again")
parser.add_argument("--listener", help="another model; left out, the same one listens, on the whole picture")
parser.add_argument("--data", nargs="+", default=[], metavar="DATA", help="data sets with objects and parts")
parser.add_argument("--scenes", type=int, default=200, help="without --data: so many drawn scenes")
parser.add_argument("--split", default="val", help="of the drawn scenes (default: val)")
parser.add_argument("--max-images", type=int, help="of each data set")
parser.add_argument("--phrase", default="{part} of {category}", help="what is asked on the crop of the object")
parser.add_argument("--padding", type=float, default=0.25, help="of the crop, in shares of the box's longer side")
parser.add_argument("--threshold", type=float, default=0.0, help="proposals of a lower score are left out")
parser.add_argument("--iou", type=float, default=0.5, help="that the verifiers ask for")
parser.add_argument("--out", type=Path, help="a JSON file for the tables")
arguments = parser.parse_args()

recipe = PartsRecipe(
    arguments.model, arguments.threshold, phrase=arguments.phrase, padding=arguments.padding, sides=False
)
listener = Listener(ListenerRecipe(arguments.listener or arguments.model, iou=arguments.iou))
tables = {}
for name in arguments.data or ["partscenes"]:
    if arguments.data:
        rows = open_input(name)
        rows = [with_owners(rows[index]) for index in range(min(len(rows), arguments.max_images or len(rows)))]
        vocabulary = None
    else:
        rows, vocabulary = scene_rows(PartScenes(arguments.split, arguments.scenes)), scene_names()
    total = len(rows) if isinstance(rows, list) else arguments.scenes
    tables[name] = rebuild(
        rows, recipe, AgreementRecipe(iou=arguments.iou), listener, total=total, vocabulary=vocabulary
    )
    print(
        f"\n{name}: {total} images, proposed by {arguments.model}, "
        f"heard by {arguments.listener or 'the same model on the whole picture'}\n\n{markdown(tables[name])}"
    )
if arguments.out:
    arguments.out.write_text(json.dumps({"settings": vars(arguments) | {"out": None}, "tables": tables}, indent=1))
