# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What tiles find in big pictures that squeezing loses, and what they cost: a table of mosaics of photographs.

    python scripts/measure_tiles.py default --data data/cars,split=test data/clothes,split=test data/coco,split=test

The photographs are converted ones with words (`unires convert … --words`), from sources with unlike classes.
"""

import argparse
from pathlib import Path

from unires_hf.experiments.mosaics import measure_tiles, mosaics, tiles_table
from unires_hf.files import write_json, write_text
from unires_hf.inference.segmenter import Segmenter
from unires_hf.loading import load_rows

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="as for `unires evaluate`")
parser.add_argument(
    "--data", nargs="+", required=True, metavar="DATA", help="as for `unires evaluate`, with the split"
)
parser.add_argument("--mosaics", type=int, default=10, metavar="N", help="of 3000 x 4000 pixels (default: 10)")
parser.add_argument("--seed", type=int, default=0, help="another one mixes other photographs (default: 0)")
parser.add_argument("--device", default="auto", help="cpu, cuda, mps, … (default: auto)")
parser.add_argument("--out", type=Path, default=Path("tiles"), metavar="DIR", help="default: tiles")
arguments = parser.parse_args()

segmenter = Segmenter.from_pretrained(arguments.model, arguments.device)
records = measure_tiles(segmenter, mosaics(load_rows(arguments.data), arguments.mosaics, seed=arguments.seed))
arguments.out.mkdir(parents=True, exist_ok=True)
write_json(arguments.out / "tiles.json", records)
write_text(arguments.out / "tiles.md", table := tiles_table(records) + "\n")
print(table)
