# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What is known of a source beyond its masks: what it labels to the last one, and what never occurs in it.

From the sources' own descriptions and from looking at their photographs. Of a source that is not listed nothing is
known: nothing absent is said of it, and nothing of several.
"""

from dataclasses import dataclass


def _set(names: str) -> frozenset[str]:
    return frozenset(name.strip() for name in names.split(",") if name.strip())


@dataclass(frozen=True)
class Facts:
    """What is known of a source.

    Args:
        complete (`frozenset[str]`): labels of which every instance has a mask: "all the windows" are these.
        main (`frozenset[str]`): objects of which the main one has a mask, while others behind it may have none.
        absent (`frozenset[str]`): labels that are not in the picture where no target has them.
        absent_parts (`frozenset[str]`): labels that the main object lacks where no target has them.
        never (`frozenset[str]`): what no photograph of the source shows.
    """

    complete: frozenset[str] = frozenset()
    main: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    absent_parts: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


_ODD = _set(
    "zebra, giraffe, elephant, bear, cow, sheep, pizza, banana, toilet, bed, oven, microwave, refrigerator, airplane, "
    "surfboard, snowboard, keyboard, donut, cake, carrot, broccoli, train, sink, toaster, laptop"
)
# Things that are rarely overlooked, and hardly taken for others.
_COCO = _set(
    "airplane, train, bus, boat, fire hydrant, stop sign, parking meter, bird, cat, dog, horse, sheep, cow, elephant, "
    "bear, zebra, giraffe, umbrella, suitcase, skis, snowboard, kite, baseball bat, baseball glove, skateboard, "
    "surfboard, tennis racket, banana, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, couch, bed, "
    "toilet, tv, laptop, keyboard, microwave, oven, sink, refrigerator, teddy bear, motorcycle, bicycle"
)
_COCO_COMPLETE = _COCO | _set(
    "person, car, truck, traffic light, bench, backpack, handbag, tie, frisbee, sports ball, wine glass, cup, bowl, "
    "apple, chair, potted plant, mouse, remote, cell phone, toaster, clock, vase, scissors, hair drier, toothbrush"
)
FACTS: dict[str, Facts] = {
    "clothing-co-parsing": Facts(
        main=_set("person"),
        absent_parts=_set("hat, sunglasses, dress, skirt, coat, jeans, shorts, scarf, bag, suit, boots, gloves, tie"),
        never=_ODD - _set("cake, train"),
    ),
    "car-parts": Facts(
        complete=_set("wheel, mirror, headlight, taillight"),
        main=_set("car"),
        never=_ODD - _set("train"),
    ),
    "facades": Facts(
        complete=_set("window, balcony fence"),
        absent=_set("car, shop"),
        never=_ODD - _set("train, toaster, sink, laptop, bed"),
    ),
    "fasseg": Facts(
        complete=_set("person"),
        absent_parts=_set("hat, sunglasses, glasses, scarf, gloves, bag"),
        never=_ODD | _set("car, dog, cat, horse, bicycle, umbrella, hat, sunglasses, glasses, gloves"),
    ),
    "figure-ground": Facts(
        complete=_set("horse"),
        main=_set("horse"),
        never=_ODD - _set("cow, sheep") | _set("motorcycle, bicycle, sunglasses"),
    ),
    "coco": Facts(complete=_COCO_COMPLETE, absent=_COCO),
}
UNKNOWN = Facts()
"""Of a source that is not listed."""
SIBLINGS = (
    _set("bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe"),
    _set("bicycle, motorcycle, airplane, bus, train, boat, truck, car"),
    _set("banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake"),
    _set("microwave, oven, toaster, sink, refrigerator"),
    _set("tv, laptop, mouse, remote, keyboard, cell phone"),
    _set("chair, couch, potted plant, bed, dining table, toilet"),
    _set("frisbee, skis, snowboard, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket"),
    _set("umbrella, handbag, backpack, suitcase"),
    _set("fire hydrant, stop sign, parking meter, bench, traffic light"),
)
"""Labels that are found in one place: what is hard to deny."""
