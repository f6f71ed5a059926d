# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Asks `default` for things that are not in a page, a text, textures and a drawing, and keeps what it answers.

    pip install scikit-image
    python scripts/score_foreign_pictures.py

The pictures are scikit-image's, and scene 0 of PartScenes' split `val`, about which nothing is asked that it shows.
The outcome goes into the checkpoint's results.json; `write_model_cards.py` puts it on the card.
"""

import json
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from unires_hf.checkpoints import checkpoint_path
from unires_hf.inference.segmenter import Segmenter
from unires_hf.scenes import PartScenes

THINGS = """hair; person; dress; shoes; bag; car; front bumper; wheel; headlight; window; facade; horse; dog; cat; nose
mouth; eyes; bicycle; pizza; laptop"""


def main():
    things = [thing.strip() for thing in THINGS.replace("\n", ";").split(";")]
    scene = PartScenes("val", 1)[0]
    said = " ".join(it["text"] for target in scene["targets"] for it in target["expressions"])
    absent = [thing for thing in things if thing.removesuffix("s") not in said]
    pictures = {
        name: (Image.open(Path(skimage.__file__).parent / "data" / f"{name}.png").convert("RGB"), things)
        for name in ("page", "text", "brick", "grass", "gravel")
    } | {"drawn scene": (scene["image"], absent)}
    segmenter = Segmenter.from_pretrained("default")
    answers = {}
    for name, (picture, asked) in pictures.items():
        (results,) = segmenter.masks(segmenter.ask(segmenter.encode([picture]), [[f"the {it}" for it in asked]]))
        found = [it for it in results if not it["is_empty"]]
        answers[name] = {
            "n": len(results),
            "empty": len(results) - len(found),
            "score": round(float(np.mean([it["score"] for it in found])) if found else 0.0, 3),
            "area": round(float(np.mean([np.mean(np.asarray(it["mask"]) > 0) for it in found])) if found else 0.0, 3),
        }
        print(name, answers[name])
    path = Path(checkpoint_path("default")) / "results.json"
    measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(measured | {"foreign": answers}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
