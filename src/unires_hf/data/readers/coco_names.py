# Copyright 2026 The unires-hf authors. Apache-2.0.
"""COCO's 80 categories, for the layouts that give only their numbers."""

_NAMES = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote,
keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
hair drier, toothbrush
"""
_UNUSED_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}

BY_INDEX: dict[int, str] = {index: name.strip() for index, name in enumerate(_NAMES.split(","))}
"""Names by CRIS's `cat`: 0 to 79, in the order of COCO's ids."""

BY_ID: dict[int, str] = dict(zip((it for it in range(1, 91) if it not in _UNUSED_IDS), BY_INDEX.values(), strict=True))
"""Names by COCO's own `category_id`: 1 to 90 with gaps."""
