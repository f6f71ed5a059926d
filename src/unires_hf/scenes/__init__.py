# Copyright 2026 The unires-hf authors. Apache-2.0.
"""PartScenes: a procedural world of objects made of named parts, with masks and expressions that are known exactly.

It trains the checkpoint `drawings`, and compares models at an equal budget. May import data; knows no model. A scene
is a pure function of its split, seed and number:

    scene graph (`scene`, `objects`, `splits`) -> picture and visible pixels (`canvas`, `render`, `backdrops`)
                                               -> expressions and what they mean (`expressions`, `phrases`, `english`)
                                               -> a row in the schema of `unires_hf.data` (`dataset`)

**Objects.** 23 classes, 68 part names, 11 colors, 4 patterns, 5 families of backdrops. A part's mask holds the
pixels that are seen: what another object hides belongs to that object. "Left" and "right" are always the picture's,
also for a person's arms; vehicles and animals have a front and a back besides.

**Expressions.** Each is checked against the scene with three values, yes, no and borderline, and said only if nothing
is borderline (a "leftmost" one is clearly further left than the next), if it means exactly its mask, and if it would
mean something else without any one of its conditions. Objects that are asked for show at least 150 of 128 x 128
pixels, parts 40. An expression's kind is the last field of its `expression_id` (`kind_of`):

| kind | example |
|---|---|
| `class` | "the horse" |
| `attribute` | "the dotted red lamp", "the man in a striped shirt", "the fish facing left" |
| `location` | "leftmost yellow lamp", "the car in the top left corner" |
| `relation` | "the black mug left of the pink mug", "the dog closest to the tree" |
| `size` | "the smallest boat" |
| `part_attribute` | "bicycle with black wheels", "the woman without a hat" |
| `superordinate` | "the purple thing", "animal on the far right" |
| `several` | "all the mugs", "both striped birds" |
| `part` | "the handle of the green mug", "green mug's handle" |
| `part_side` | "front wheel of the left bus", "the cat's right paw" |
| `part_merged` | "the wheels of the white bicycle" |
| `part_color` | "the red hat", whosever it is |
| `no_target` | any of these with one word changed, so that it means nothing here |

**Splits.** Each asks one question; all but the last mix the kinds alike, about one expression in ten meaning nothing.

| split | question |
|---|---|
| `train`, `val` | 4 to 6 objects of a few shared classes and colors |
| `unseen_color` | class-color pairs that training neither draws nor names; every target is one, or a part of one |
| `unseen_part` | parts of classes that training draws but never labels nor names; every part target is one |
| `crowded` | 7 to 10 objects |
| `no_target` | half of the expressions mean nothing |

**No shortcuts.** The objects of a scene share their classes and colors, and at most a third of the expressions name a
color, so that color, class or place alone does not find the referent; `trivial_scores` says how far each would get.

From the command line: `unires scenes {sheet,trivial,write,speed} --help`.
"""

from .dataset import PartScenes, kind_of
from .expressions import NO_TARGET, OBJECT_KINDS, PART_KINDS
from .splits import SPLITS, UNSEEN_COLORS, UNSEEN_PARTS
from .trivial import trivial_scores

__all__ = [
    "NO_TARGET",
    "OBJECT_KINDS",
    "PART_KINDS",
    "SPLITS",
    "UNSEEN_COLORS",
    "UNSEEN_PARTS",
    "PartScenes",
    "kind_of",
    "trivial_scores",
]
