# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A second reader, who knows English and the scene but not the package's logic, must find the same pixels."""

import re

import pytest

from unires_hf.scenes import NO_TARGET, SPLITS

COLORS = "red orange yellow green blue purple pink brown black white gray".split()
PATTERNS = "plain striped dotted checked".split()
CLASSES = {
    "man": "men", "woman": "women", "dog": "dogs", "cat": "cats", "horse": "horses", "elephant": "elephants",
    "bird": "birds", "fish": "fish", "bicycle": "bicycles", "bike": "bikes", "car": "cars", "truck": "trucks",
    "bus": "buses", "boat": "boats", "sailboat": "sailboats", "airplane": "airplanes", "plane": "planes",
    "tree": "trees", "house": "houses", "flower": "flowers", "mug": "mugs", "cup": "cups", "teapot": "teapots",
    "lamp": "lamps", "chair": "chairs", "table": "tables", "umbrella": "umbrellas",
}  # fmt: skip
SAME = {"bike": "bicycle", "sailboat": "boat", "plane": "airplane", "cup": "mug"}
FAMILIES = {
    "person": ("people", "man woman"),
    "animal": ("animals", "dog cat horse elephant bird fish"),
    "vehicle": ("vehicles", "car truck bus boat airplane"),
    "plant": ("plants", "tree flower"),
    "piece of furniture": ("pieces of furniture", "chair table"),
    "thing": ("things", "bicycle car truck bus boat airplane house mug teapot lamp chair table umbrella"),
}
NOUNS = {}
for one, many in CLASSES.items():
    NOUNS[one] = NOUNS[many] = {SAME.get(one, one)}
for one, (many, members) in FAMILIES.items():
    NOUNS[one] = NOUNS[many] = set(members.split())
PREPLACES = {
    "leftmost": (0, -1), "far left": (0, -1), "left": (0, -1), "rightmost": (0, 1), "far right": (0, 1),
    "right": (0, 1), "topmost": (1, -1), "highest": (1, -1), "upper": (1, -1), "top": (1, -1),
    "bottommost": (1, 1), "lowest": (1, 1), "lower": (1, 1), "bottom": (1, 1),
}  # fmt: skip
POSTPLACES = {
    "on the far left": (0, -1), "furthest to the left": (0, -1), "on the left": (0, -1),
    "on the far right": (0, 1), "furthest to the right": (0, 1), "on the right": (0, 1),
    "at the very top": (1, -1), "closest to the top": (1, -1), "at the top": (1, -1),
    "at the very bottom": (1, 1), "closest to the bottom": (1, 1), "at the bottom": (1, 1),
}  # fmt: skip
PAIRS_ONLY = {"left", "right", "upper", "lower", "on the left", "on the right", "at the top", "at the bottom"}
SIZES = {"biggest": 1, "largest": 1, "bigger": 1, "larger": 1, "big": 1, "large": 1}
SIZES |= {"smallest": -1, "smaller": -1, "small": -1, "little": -1}
RELATION = re.compile(
    r" ?\b((?:to the )?(?:left|right) of|above|below|in front of|behind|closest to|nearest to|nearest) the (.+)$"
)
GARMENTS = "shirt|shirts|dress|dresses|clothes"
PLURAL_PARTS = {"leaves": "leaf"}
ALWAYS = {"trousers", "handlebars", "leaves", "petals", "apples"}


class Reader:
    def __init__(self, view):
        self.view, self.things = view, view.scene.things
        self.centers = [((a + c) / 2, (b + d) / 2) for a, b, c, d in view.boxes]
        self.sizes = [(c - a) * (d - b) for a, b, c, d in view.boxes]
        self.part_names = {piece.part for piece in view.pieces}

    def mask(self, text):
        parts = self.as_part(text)
        if parts is not None:
            return self.view.mask(pieces=tuple(parts))
        return self.view.mask(things=tuple(self.objects(text)))

    # Parts

    def names(self, word, thing=None):
        """Singular and plural readings of a part's name: (name, is plural)."""
        readings = [(word, word in ALWAYS)] if word not in ("leaves",) else [("leaves", True)]
        readings.append((PLURAL_PARTS.get(word, word.removesuffix("s")), True))
        return [(n, many) for n, many in readings if n in ALL_PARTS]

    def as_part(self, text):
        owned = re.fullmatch(r"(.+)'s (?:(left|right|front|back|rear) )?(\w+)", text)
        linked = re.fullmatch(r"(?:the )?(?:(left|right|front|back|rear) )?(\w+) (?:of|on|in) the (.+)", text)
        colored = re.fullmatch(rf"(?:the )?({'|'.join(COLORS)}) (\w+)", text)
        if owned:
            return self.part_of(self.objects(owned[1]), owned[2], owned[3])
        if linked and self.names(linked[2]) and linked[2] not in NOUNS:
            return self.part_of(self.objects("the " + linked[3]), linked[1], linked[2])
        if colored and colored[2] not in NOUNS:
            found = set()
            for name, _ in self.names(colored[2]):
                found |= {
                    i
                    for i, p in enumerate(self.view.pieces)
                    if p.part == name and self.things[p.thing].own.get(name) == colored[1]
                }
            assert len({self.view.pieces[i].thing for i in found}) <= 1, "two parts of that color"
            return found
        return None

    def part_of(self, owners, side, word):
        assert len(owners) <= 1, "whose part?"
        if not owners:
            return set()
        thing = self.things[next(iter(owners))]
        for name, many in self.names(word):
            copies = [i for i, p in enumerate(self.view.pieces) if p.thing in owners and p.part == name]
            if not copies:
                continue
            copies.sort(key=lambda i: self.view.pieces[i].box[0] + self.view.pieces[i].box[2])
            if not side:
                assert many or len(copies) == 1, "which of them?"
                return set(copies)
            assert len(copies) == 2
            if side in ("front", "back", "rear"):
                assert thing.facing
                return {copies[(side == "front") == (thing.facing == "right")]}
            return {copies[side == "right"]}
        return set()

    # Objects

    def objects(self, text):
        counted = re.match(r"(all the|all|every|both|the two|the three|the four) ", text)
        text = text[counted.end() :] if counted else text.removeprefix("the ")
        noun = re.search(rf"\b({'|'.join(sorted(NOUNS, key=len, reverse=True))})\b", text)
        before, after = text[: noun.start()].strip(), text[noun.end() :].strip()
        anchors = relation = None
        for place in POSTPLACES:
            after = after.replace(place, place.replace(" ", "_"))
        related = RELATION.search(after)
        if related:
            relation, anchors = related[1], self.objects("the " + related[2].replace("_", " "))
            after = after[: related.start()]
        chosen = {i for i, thing in enumerate(self.things) if thing.kind.name in NOUNS[noun[1]]}
        chosen, before = self.adjectives(chosen, before)
        chosen, after = self.clauses(chosen, after.strip())
        chosen = self.compared(chosen, before, after)
        if relation:
            assert len(anchors) <= 1, "which one?"
            chosen = self.related(chosen, relation, anchors)
        number = {"both": 2, "the two": 2, "the three": 3, "the four": 4}.get(counted[1] if counted else "")
        assert not chosen or number is None or number == len(chosen)
        assert not chosen or (len(chosen) > 1) == bool(counted), text
        return chosen

    def adjectives(self, chosen, before):
        words = before.split()
        if words and words[-1] in COLORS:
            color = words.pop()
            chosen = {i for i in chosen if self.things[i].color == color}
        if words and words[-1] in PATTERNS:
            pattern = words.pop()
            chosen = {i for i in chosen if self.things[i].pattern == pattern}
        return chosen, " ".join(words)

    def clauses(self, chosen, after):
        def take(pattern):
            nonlocal after
            found = re.search(rf"(?:^| ){pattern}(?= |$)", after)
            if found:
                after = (after[: found.start()] + " " + after[found.end() :]).strip()
            return found

        colors, patterns = "|".join(COLORS), "|".join(PATTERNS)
        side = take(r"with (?:its|the) (?:handle|spout) on_the_(left|right)")
        side = side or take(r"(?:facing|looking|pointing) (left|right)")
        if side:
            chosen = {i for i in chosen if self.things[i].facing == side[1]}
        worn = take(rf"in (?:a |the )?(?:({patterns}) )?(?:({colors}) )?(?:{GARMENTS})")
        worn = worn or take(rf"in ()({colors})(?! (?:hat|trousers|shoes))")
        if worn:
            chosen = {i for i in chosen if not worn[1] or self.things[i].pattern == worn[1]}
            chosen = {i for i in chosen if not worn[2] or self.things[i].color == worn[2]}
        lacking = take(r"without (?:an? )?(\w+)")
        if lacking:
            chosen = {i for i in chosen if not self.has(i, lacking[1])}
        having = take(rf"(?:with|wearing|in) (?!the\b)(?:an? )?(?:({colors}) )?(\w+)")
        if having:
            chosen = {i for i in chosen if self.has(i, having[2], having[1])}
        return chosen, after.replace("_", " ")

    def has(self, thing, word, color=None):
        drawn = {shape.part for shape in self.things[thing].shapes}
        names = [name for name, _ in self.names(word) if name in drawn]
        return bool(names) and (not color or self.things[thing].own.get(names[0]) == color)

    def compared(self, chosen, before, after):
        """Size and place, before or after the noun; nothing else may be left."""
        words = after or before
        assert not (before and after), (before, after)
        if not words or not chosen:
            return chosen
        if words in SIZES:
            assert len(chosen) == 2 or words.endswith("st") and len(chosen) > 2
            return {max(chosen, key=lambda i: SIZES[words] * self.sizes[i])}
        if words in PREPLACES or words in POSTPLACES:
            axis, sign = PREPLACES.get(words) or POSTPLACES[words]
            assert len(chosen) == 2 or (len(chosen) > 2 and words not in PAIRS_ONLY), words
            return {max(chosen, key=lambda i: sign * self.centers[i][axis])}
        in_order = sorted(chosen, key=lambda i: self.centers[i][0])
        if words in ("middle", "center", "in the middle", "in the center"):
            assert len(chosen) == 3
            return {in_order[1]}
        if words.startswith("second from the"):
            assert len(chosen) > 2
            return {in_order[1 if words.endswith("left") else -2]}
        corner = re.fullmatch(r"in the (top|bottom|upper|lower) (left|right)(?: corner)?", words)
        middle = self.view.scene.size * 0.42
        x_sign, y_sign = (1 if corner[2] == "right" else -1), (1 if corner[1] in ("bottom", "lower") else -1)
        half = self.view.scene.size / 2
        return {
            i
            for i in chosen
            if x_sign * (self.centers[i][0] - half) > half - middle
            and y_sign * (self.centers[i][1] - half) > half - middle
        }

    def related(self, chosen, relation, anchors):
        if not anchors or not chosen:
            return set()
        (anchor,) = anchors
        x, y = self.centers[anchor]
        others = chosen - anchors
        if not others:
            return set()
        if relation in ("closest to", "nearest to", "nearest"):
            return {min(others, key=lambda i: (self.centers[i][0] - x) ** 2 + (self.centers[i][1] - y) ** 2)}
        slack = self.view.scene.size * 0.02
        tests = {
            "left of": lambda i: self.centers[i][0] < x - slack,
            "right of": lambda i: self.centers[i][0] > x + slack,
            "above": lambda i: self.centers[i][1] < y - slack,
            "below": lambda i: self.centers[i][1] > y + slack,
            "in front of": lambda i: self.view.hides.get((i, anchor), 0) > 0,
            "behind": lambda i: self.view.hides.get((anchor, i), 0) > 0,
        }
        return set(filter(tests[relation.removeprefix("to the ")], others))


@pytest.fixture(scope="module", autouse=True)
def all_parts(drawn):
    global ALL_PARTS
    ALL_PARTS = {s.part for scenes in drawn.values() for v, _ in scenes for t in v.scene.things for s in t.shapes}


@pytest.mark.parametrize("split", SPLITS)
def test_every_expression_means_exactly_its_mask(drawn, split):
    read = 0
    for view, expressions in drawn[split]:
        reader = Reader(view)
        for expression in expressions:
            said = view.mask(things=expression.things, pieces=expression.pieces)
            assert said.any() != (expression.kind == NO_TARGET)
            understood = reader.mask(expression.text)
            assert (said == understood).all(), expression
            read += 1
    assert read > 600
