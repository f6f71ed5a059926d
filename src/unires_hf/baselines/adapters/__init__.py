# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Adapters that give models of transformers the calls of UniRES, so that one evaluator runs them all."""

from .clipseg import ReferringCLIPSeg, load_clipseg
from .florence2 import ReferringFlorence2, load_florence2
from .grounded_sam2 import GroundedSam2, load_grounded_sam2
from .sam3 import ReferringSam3, load_sam3

__all__ = [
    "GroundedSam2",
    "ReferringCLIPSeg",
    "ReferringFlorence2",
    "ReferringSam3",
    "load_clipseg",
    "load_florence2",
    "load_grounded_sam2",
    "load_sam3",
]
