# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Photographs to try the model with, and what may be asked about them; ORIGIN.md says where they are from.

Everybody may import it; it imports nothing of ours.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
# The first photograph and its expressions are the demo's. The last expression of each refers to nothing.
SAID = {
    "portrait.jpg": ("the hair", "the skin", "the nose", "the mouth", "the eyes", "the dog"),
    "astronaut.jpg": ("the hair", "the skin", "the person", "the dog"),
}
