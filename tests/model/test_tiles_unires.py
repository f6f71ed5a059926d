# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Tiles cover a big picture, and what one of them is most sure of becomes the answer, at its place in the picture."""

import numpy as np
import pytest
import torch
from PIL import Image

from unires_hf.model.geometry_unires import box_of
from unires_hf.model.tiles_unires import VIEWS, segment_in_tiles, tile_boxes

SIZE = (40, 40)


class Processor:
    presence_threshold = 0.5


class Eyes:
    """Finds the color that a word names if it fills a hundredth of what is seen, surer the larger it is there. It is
    present with a probability of 0.9; "faint" things with 0.97."""

    COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "faint": (0, 0, 255)}

    def __init__(self):
        self.seen = []

    def __call__(self, pictures, text, presence_threshold=None, points=None, boxes=None):
        self.seen.append(len(pictures))
        count = len(text[0])
        least = presence_threshold or [0.5] * (count * len(pictures))
        answers = []
        for number, picture in enumerate(pictures):
            pixels = np.asarray(picture)
            results = []
            for place, word in enumerate(text[number]):
                mask = torch.from_numpy((pixels == self.COLORS[word]).all(-1))
                share, flat = mask.float().mean().item(), number * count + place
                there = (0.97 if word == "faint" else 0.9) >= least[flat] and share > 0.01
                if points and points[flat]:
                    x, y = points[flat]
                    there = there and bool(mask[int(y), int(x)])
                mask = mask if there else torch.zeros_like(mask)
                results.append({"mask": mask, "score": share if there else 0.0, "box": box_of(mask.numpy())})
            answers.append(results)
        return answers


@pytest.fixture
def picture() -> Image.Image:
    """300 x 400 pixels with a red square, a green one that only a tile can find, and two blue ones."""
    picture = Image.new("RGB", (400, 300))
    for color, box in (
        ("red", (100, 100, 260, 260)),
        ("lime", (330, 30, 342, 42)),
        ("blue", (20, 250, 40, 270)),
        ("blue", (370, 270, 385, 285)),
    ):
        picture.paste(color, box)
    return picture


@pytest.mark.parametrize("size", [(300, 400), (81, 40), (1000, 90), (97, 4000)])
def test_tiles_cover_a_picture_and_hold_what_is_a_quarter_as_long(size):
    tiles = tile_boxes(size, SIZE)
    for scale in (4, 2):
        sides = [min(scale * 40, length) for length in size]
        of_scale = [it for it in tiles if [it[3] - it[1], it[2] - it[0]] == sides]
        if sides == list(size):
            continue
        for axis, (length, side) in enumerate(zip(size[::-1], sides[::-1], strict=True)):
            spans = sorted({(it[axis], it[axis + 2]) for it in of_scale})
            assert spans[0][0] == 0 and spans[-1][1] == length
            for start in range(length - side // 4 + 1):
                assert any(low <= start and start + side // 4 <= high for low, high in spans), (scale, start)
    assert len(set(tiles)) == len(tiles) > 0


@pytest.mark.parametrize("size", [(80, 80), (40, 79), (1, 1)])
def test_up_to_twice_the_models_size_a_picture_is_seen_whole(size):
    assert tile_boxes(size, SIZE) == []


def test_the_surest_view_answers_in_the_pictures_pixels(picture):
    eyes, text = Eyes(), ["red", "green", "faint"]
    tiles = tile_boxes((300, 400), SIZE)
    red, green, faint = segment_in_tiles(eyes, Processor(), picture, text, tiles)
    pixels = np.asarray(picture)
    assert eyes([picture], [text])[0][1]["box"] is None, "the whole does not show it"
    # A tile may see a red thing alone, but with a probability that is too low among so many.
    assert np.array_equal(red["mask"].numpy(), (pixels == (255, 0, 0)).all(-1)) and red["box"] == [100, 100, 260, 260]
    assert green["box"] is None and not green["mask"].any()
    assert faint["box"] == [20, 250, 40, 270] and faint["mask"].sum() == 400, "the larger one, in the smallest tile"
    assert max(eyes.seen) == VIEWS and sum(eyes.seen) == 2 + len(tiles)
    (green,) = segment_in_tiles(Eyes(), Processor(), picture, ["green"], tiles, presence_threshold=0.0)
    assert green["box"] == [330, 30, 342, 42] and green["mask"].sum() == 144


def test_a_click_counts_where_it_is_seen(picture):
    tiles = tile_boxes((300, 400), SIZE)
    for click, box in (((375.5, 280.0), [370, 270, 385, 285]), ((30.0, 260.0), [20, 250, 40, 270]), ((5, 5), None)):
        (blue,) = segment_in_tiles(Eyes(), Processor(), picture, ["faint"], tiles, points=[click])
        assert blue["box"] == box
