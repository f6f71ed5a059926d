# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Warms up the two encoders of a preset on the names of what PartScenes shows, where no CLIP is at hand.

    python scripts/run_warmup.py --preset tiny --output_dir runs/warmup --scenes 100000 --max_steps 4000

`scripts/run_pretraining.py --model_name_or_path runs/warmup` goes on from there. Flags, or one JSON or YAML file.
"""

from unires_hf.training.recipes import warm_up_on_scenes

if __name__ == "__main__":
    warm_up_on_scenes()
