# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`python -m unires_hf.data.photo_expressions FOLDER …`: what is said in converted folders, counted and told by a
digest, as JSON. With `--check` it says whether that is what `frozen.json` says, which was written before any model was
trained on photographs.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet

from .frozen import MEASURED, digest
from .speaking import kind_of

FROZEN = Path(__file__).with_name("frozen.json")


def main() -> None:
    """Prints the words' digests, or compares them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a folder of `unires convert`")
    parser.add_argument("--check", action="store_true", help="compare with the words that were frozen")
    arguments = parser.parse_args()
    found = {
        f"{rows[0]['source']}/{split}": _told(rows)
        for folder in arguments.folders
        for split in MEASURED
        if (rows := _rows(folder, split))
    }
    if not arguments.check:
        print(json.dumps(found, indent=2))
        return
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    changed = [name for name in found if found[name] != frozen.get(name)]
    print("\n".join(f"{name}: {'changed' if name in changed else 'as frozen'}" for name in found))
    sys.exit(bool(changed))


def _rows(folder: Path, split: str) -> list[dict]:
    columns = ["image_id", "source", "targets"]
    return [
        row
        for path in sorted(folder.glob(f"{split}-*.parquet"))
        for row in pyarrow.parquet.read_table(path, columns=columns).to_pylist()
    ]


def _told(rows: list[dict]) -> dict:
    kinds = Counter(
        kind_of(it["expression_id"]) for row in rows for target in row["targets"] for it in target["expressions"]
    )
    return {"sha256": digest(rows), "images": len(rows), "kinds": dict(sorted(kinds.items()))}


if __name__ == "__main__":
    main()
