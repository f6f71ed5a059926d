# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What labels are called: the words that surely fit one, those that somebody may use for it, and which side it is on.

An entry is a label and other names of it, or "label = names" where nobody says the label. Words of one group are told
apart by some speakers and not by others, so that a label of the group leaves it open whether another word of the group
fits: who wears "heels" wears shoes, and perhaps pumps. Nothing is said, or denied, that hangs on such a word. Our
choice, by looking at the masks.
"""

import re
from functools import cache
from typing import NamedTuple

from ..part_expressions import plural, spoken

_NAMES = """
accessories; bag; belt; blazer, jacket; blouse, top; bodysuit; boots; bra; bracelet; cape; cardigan; clogs, shoes; coat
dress; earrings; flats, shoes; glasses, eyeglasses; gloves; hair; hat; heels, high heels, shoes; hoodie; jacket; jeans
jumper, sweater; leggings; loafers, shoes; necklace; pants, trousers; pumps, shoes; purse, bag; ring; romper; sandals
scarf; shirt; shoes; shorts; skin; skirt; sneakers, shoes; socks; stockings; suit; sunglasses, shades; sweater
sweatshirt; swimwear, swimsuit; t-shirt, tee; tie, necktie; tights; top; vest; wallet; watch, wristwatch
wedges, shoes; intimate = underwear; panties
bumper; hood, bonnet; trunk; tailgate; wheel; door; mirror, side mirror, wing mirror
window; facade, building; vegetation, greenery, plants; street, road; balcony fence = balcony railing, balcony fence
fence; shop, store; traffic infrastructure
nose; mouth, lips; eyes; eyebrows; face; horse
person; bicycle, bike; car; motorcycle, motorbike; airplane, plane; bus; train; truck; boat; traffic light
fire hydrant, hydrant; stop sign; parking meter; bench; bird; cat; dog; sheep; cow; elephant; bear; zebra; giraffe
backpack; umbrella; handbag, bag; suitcase; frisbee; skis; snowboard; sports ball, ball; kite; baseball bat, bat
baseball glove; skateboard; surfboard; tennis racket, racket; bottle; wine glass; cup; fork; knife; spoon; bowl; banana
apple; sandwich; orange; broccoli; carrot; hot dog; pizza; donut, doughnut; cake; chair; couch, sofa
potted plant, plant; bed; dining table, table; toilet; tv, television; laptop; mouse, computer mouse
remote, remote control; keyboard; cell phone, phone; microwave; oven; toaster; sink; refrigerator, fridge; book; clock
vase; scissors; teddy bear; hair drier = hair dryer; toothbrush
"""
_ENDS = {
    ("light", "front"): ("headlight", "front light"),
    ("light", "back"): ("taillight", "rear light", "back light"),
    ("glass", "front"): ("windshield", "front windshield"),
    ("glass", "back"): ("rear window", "back window", "rear windshield"),
}
_GROUPS = """
top, blouse, shirt, t-shirt, tee, sweater, sweatshirt, hoodie, jumper, cardigan, vest, bodysuit, romper, cape, tunic
coat, jacket, blazer, cape, cardigan, suit, vest, hoodie, sweater, jumper, shirt, blouse, top, romper
pants, trousers, jeans, leggings, tights, stockings, suit, romper, jumper, bodysuit, shorts, skin
skirt, dress, romper, suit, shorts, top, blouse, coat, cape, jumper, t-shirt, tee, shirt, sweater
shoes, boots, heels, high heels, flats, pumps, loafers, sneakers, sandals, clogs, wedges
socks, stockings, tights, leggings
bag, purse, wallet, handbag, backpack, suitcase, accessories
glasses, eyeglasses, sunglasses, shades, accessories
accessories, bracelet, earrings, necklace, ring, watch, wristwatch, belt, tie, necktie, scarf, hat, gloves, wallet
bra, intimate = underwear, panties, swimwear, swimsuit, bodysuit, top
trunk, tailgate
fence, balcony railing, balcony fence, railing, balcony
greenery, plants, vegetation, tree, potted plant, plant
face, skin
car, truck, bus, train
chair, couch, sofa, bench, bed
cup, bowl, vase, bottle, wine glass, potted plant, plant
fork, knife, spoon
donut, doughnut, cake, sandwich, hot dog, pizza
orange, apple
tv, television, laptop
remote, remote control, cell phone, phone, mouse, computer mouse
microwave, oven, toaster
snowboard, skis, surfboard, skateboard
sports ball, ball, frisbee, orange, apple
bear, teddy bear
bicycle, bike, motorcycle, motorbike
horse, cow, sheep
tie, necktie, umbrella
"""
_ALWAYS_PLURAL = set(
    """accessories boots clogs earrings flats glasses eyeglasses gloves heels jeans leggings loafers pants trousers
    pumps sandals shoes shorts sneakers socks stockings sunglasses shades tights wedges panties eyes lips skis scissors
    plants eyebrows""".split()
) | {"high heels"}
_MASS = {"hair", "skin", "vegetation", "greenery", "broccoli", "underwear", "swimwear", "traffic infrastructure"}
WORN = set(
    """accessories belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs coat dress earrings flats glasses
    gloves hat heels hoodie jacket jeans jumper leggings loafers necklace pants pumps ring romper sandals scarf shirt
    shoes shorts skirt sneakers socks stockings suit sunglasses sweater sweatshirt swimwear t-shirt tie tights top vest
    watch wedges tee shades trousers eyeglasses necktie wristwatch swimsuit""".split()
) | {"high heels"}
FAMILIES = {
    "animal": {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"},
    "vehicle": {"car", "bus", "truck", "motorcycle"},
}
_PERHAPS_OF_FAMILY = {
    "animal": {"teddy bear", "person"},
    "vehicle": {"bicycle", "train", "airplane", "boat", "skateboard"},
}


class Label(NamedTuple):
    """What a label is called.

    Args:
        names (`tuple[str, ...]`): words that surely fit, the most usual first.
        doubtful (`frozenset[str]`): words that some would use for it.
        end (`str`): "front" or "back" of a car, or "".
        side (`str`): the car's own, "left" or "right", or "".
    """

    names: tuple[str, ...]
    doubtful: frozenset[str]
    end: str = ""
    side: str = ""


@cache
def label(name: str) -> Label:
    """The words for a label of a data set, such as "front_left_light"."""
    name = spoken(name)
    end = side = ""
    if re.search(r"\b(light|glass|bumper|door|mirror)$", name):
        *marks, last = name.split()
        end = next((it for it in marks if it in ("front", "back")), "")
        side = next((it for it in marks if it in ("left", "right")), "")
        name = " ".join(it for it in [*marks, last] if it not in ("front", "back", "left", "right"))
    names = _ENDS.get((name, end)) or _LISTED.get(name, (name,))
    doubtful = set().union(*(group for group in _TOGETHER if group & {name, *names}))
    doubtful |= {family for family, members in _PERHAPS_OF_FAMILY.items() if name in members}
    certain = {family for family, members in FAMILIES.items() if name in members}
    return Label(names, frozenset(doubtful - set(names) - certain), "" if (name, end) in _ENDS else end, side)


def families(name: str) -> list[str]:
    """The superordinates of a label: "animal" for "dog"."""
    return [family for family, members in FAMILIES.items() if spoken(name) in members]


def is_plural(word: str) -> bool:
    """Whether a word is said in the plural even of one: "shoes"."""
    return word in _ALWAYS_PLURAL


def is_mass(word: str) -> bool:
    """Whether a word has no plural: "hair"."""
    return word in _MASS


def many(word: str) -> str:
    """The word for several."""
    irregular = {"person": "people", "sheep": "sheep", "knife": "knives", "mouse": "mice", "bus": "buses"}
    return word if word in _ALWAYS_PLURAL | _MASS else irregular.get(word) or plural(word)


def _parsed() -> dict[str, tuple[str, ...]]:
    names = {}
    for entry in re.split(r"[;\n]", _NAMES.strip()):
        name, _, words = entry.rpartition("=")
        words = tuple(word.strip() for word in words.split(","))
        names[spoken(name.strip() or words[0])] = words
    return names


_LISTED = _parsed()
_TOGETHER = [{word.strip() for word in line.split(",")} for line in _GROUPS.strip().split("\n")]
