# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Examples to click on: scenes of PartScenes that training never drew, with what is said about objects and parts."""

from pathlib import Path

from unires_hf.scenes import PartScenes

SIZE = 512  # pixels; the drawings are sharp at any size
# Scenes of the split `val`, by their numbers, and some of what it says about them: two objects, then two parts.
SAID = {
    4: (
        "the thing with a red sail",
        "the bus closest to the bottom",
        "hull of the purple sailboat",
        "green bus's wheels",
    ),
    6: ("the gray cat", "the green table", "the tail of the gray cat", "the fish's fins"),
    2: (
        "person with a bag",
        "woman in a striped dress",
        "the face of the man in the striped shirt",
        "the purple shoes",
    ),
    8: ("the fish", "big tree", "the gray tree's leaves", "the large flower's center"),
}


def write_examples(folder: Path) -> list[tuple[str, str]]:
    """Draws the scenes into a folder; returns each one's path and its expressions, one a line."""
    scenes = PartScenes("val", size=SIZE)
    examples = []
    for number, expressions in SAID.items():
        path = folder / f"scene-{number}.png"
        scenes[number]["image"].save(path)
        examples.append((str(path), "\n".join(expressions)))
    return examples
