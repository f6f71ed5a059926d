# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The readers by the names that the command line knows them by: each takes (root, split=…) and more by keyword."""

from collections.abc import Callable, Iterator
from functools import partial

from unires_hf.data.schema import Row, Skipped

from .car_parts import read_car_parts
from .clothing_co_parsing import read_clothing_co_parsing
from .coco import read_coco, read_objects365
from .cris import read_cris
from .facades import read_facades
from .fasseg import read_fasseg
from .figure_ground import read_figure_ground
from .folder import read_folder
from .grefcoco import read_grefcoco
from .gseval import read_gseval
from .hub import read_hub
from .instruct_part import read_instruct_part
from .interchange import read_interchange
from .paco import read_paco
from .paco_queries import read_paco_queries
from .partimagenet import read_partimagenet
from .pascal_part import read_pascal_part
from .phrasecut import read_phrasecut
from .refcocom import read_refcocom
from .refer import read_refer
from .referit import read_referit

SOURCES: dict[str, Callable[..., Iterator[Row | Skipped]]] = {
    "refcoco": partial(read_refer, dataset="refcoco", split_by="unc"),
    "refcoco+": partial(read_refer, dataset="refcoco+", split_by="unc"),
    "refcocog": partial(read_refer, dataset="refcocog", split_by="umd"),
    "refclef": partial(read_refer, dataset="refclef", split_by="unc"),
    "grefcoco": read_grefcoco,
    "refcocom": read_refcocom,
    "cris": read_cris,
    "paco": read_paco,
    "paco-queries": read_paco_queries,
    "pascal-part": read_pascal_part,
    "partimagenet": read_partimagenet,
    "coco": read_coco,
    "coco-parts": read_coco,
    "objects365": read_objects365,
    "phrasecut": read_phrasecut,
    "referit": read_referit,
    "clothing-co-parsing": read_clothing_co_parsing,
    "car-parts": read_car_parts,
    "facades": read_facades,
    "fasseg": read_fasseg,
    "figure-ground": read_figure_ground,
    "gseval": read_gseval,
    "instruct-part": read_instruct_part,
    "folder": read_folder,
    "hub": read_hub,
    "interchange": read_interchange,
}
