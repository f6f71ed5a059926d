# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Scoring: protocols, metrics, the evaluator that runs a model, and what it writes.

May import loading, baselines, scenes, data and model; inference and evaluation do not know each other.
"""

from unires_hf.evaluation.referring_segmentation_metric.metrics import compute_metrics
from unires_hf.evaluation.referring_segmentation_metric.protocols import PROTOCOLS, Protocol, get_protocol

from .evaluator import CONTROLS, evaluate_model
from .mean_places import MeanPlaces
from .results import RECORDS, Results
from .score import Overlap, overlap, score, truth_from_polygons
from .score_groups import macro, scores_by
from .score_table import markdown_table

__all__ = [
    "CONTROLS",
    "PROTOCOLS",
    "RECORDS",
    "MeanPlaces",
    "Overlap",
    "Protocol",
    "Results",
    "compute_metrics",
    "evaluate_model",
    "get_protocol",
    "macro",
    "markdown_table",
    "overlap",
    "score",
    "scores_by",
    "truth_from_polygons",
]
