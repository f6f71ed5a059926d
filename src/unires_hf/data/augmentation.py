# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Augmentation that respects words: what is said of a row is true of what comes out.

Words drawn after it ([`Opener`]) may follow any change. Words that stand already bear less: a crop can make another
chair the leftmost, so that their pictures are only scaled, and their colors keep their names.
"""

import io
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from . import masks
from .schema import Row

SLIVER = 0.25
"""A view cuts away less of a target's box than this leaves, or all of it (our choice)."""
HIDDEN = 0.5
"""At most so much of a target is hidden by what is pasted over it (our choice)."""
TRIES = 6


@dataclass(frozen=True)
class Augmentation:
    """
    Draws a view of an opened row, and for some rows a scene with something of a second one.

    Args:
        side (`int`): the longest side of the pictures that come out, in pixels: that of the model's input.
        scenes (`float`, *optional*, defaults to 0.3): the share of rows that become scenes of two photographs.
        least (`float`, *optional*, defaults to 0.4): the smallest share of the picture that a view shows.
        uncut (`tuple[str, ...]`, *optional*): sources whose objects are not cut out, since their masks are no outlines
            (of cars, only the parts are annotated); they stand side by side instead.
    """

    side: int
    scenes: float = 0.3
    least: float = 0.4
    uncut: tuple[str, ...] = ("car-parts", "facades", "fasseg")

    def fixed(self, row: Row, rng: random.Random) -> Row:
        """The row whose words stand: scaled to `side`, in a light that leaves colors their names."""
        whole = (0, 0, row["width"], row["height"])
        row = view(row, whole, self._size(whole))
        return {**row, "image": in_other_light(row["image"], rng, free=False)}

    def free(self, row: Row, rng: random.Random, other: Row | None = None) -> Row:
        """The row before words are drawn for it: cropped, scaled and in another light, or a scene with `other`."""
        scene = None
        if other is not None and row["source"] not in self.uncut and rng.random() < 0.5:
            row = pasted(row, other, rng) or row
        elif other is not None:
            scene = side_by_side(row, other, self.side, rng)
        if scene is None:
            box = drawn_box(row, rng, self.least)
            scene = view(row, box, self._size(box))
        return {**scene, "image": in_other_light(scene["image"], rng, free=True)}

    def _size(self, box: tuple[float, float, float, float]) -> tuple[int, int]:
        left, top, right, bottom = box
        scale = self.side / max(right - left, bottom - top)
        return max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale))


def view(
    row: Row,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    canvas: tuple[int, int] | None = None,
    corner: tuple[int, int] = (0, 0),
) -> Row:
    """
    What a box of the picture shows, scaled, and of each target what is seen of it.

    Args:
        row (`Row`): its picture decoded.
        box: left, top, right, bottom in pixels of the picture.
        size: height and width that it is scaled to.
        canvas, corner (*optional*): height and width of a larger picture, and the row and column of it that the upper
            left corner of the view comes to. The rest is empty, and black.

    Returns:
        `Row`: without the targets that are not seen; those that had no pixel before, of no-target expressions, stay.
    """
    height, width = canvas or size
    rows, columns = _both_lines(box, size, (height, width), corner, row)
    # PIL's own choice of filter for photographs; where the box is far larger, the picture is halved first.
    image = _rgb(row["image"]).resize(size[::-1], Image.Resampling.BICUBIC, box, reducing_gap=2.0)
    if canvas is not None:
        image, patch = Image.new("RGB", (width, height)), image
        image.paste(patch, corner[::-1])
    targets = []
    for target in row["targets"]:
        if target["mask"] is None:
            continue
        mask = masks.resample(target["mask"], rows, columns)
        if masks.area(mask) or not masks.area(target["mask"]):
            targets.append({**target, "mask": mask, "bbox": masks.bbox(mask)})
    return {**row, "image": image, "height": height, "width": width, "targets": targets}


def drawn_box(row: Row, rng: random.Random, least: float) -> tuple[float, float, float, float]:
    """
    A box of `least` to all of the picture that cuts no target down to a sliver, or the whole picture.

    A sliver of a horse cannot be told for one, and yet the horse is not absent.
    """
    width, height = row["width"], row["height"]
    boxes = np.array([it["bbox"] for it in row["targets"] if it["mask"] is not None and it["bbox"][2] > 0])
    boxes = boxes.reshape(-1, 4)
    for _ in range(TRIES):
        # Between the picture's own shape and a square, which fills the model's input.
        share, stretch = rng.uniform(least, 1.0), math.exp(rng.uniform(-0.2, 0.2))
        stretch *= (height / width) ** rng.uniform(0, 0.4)
        w, h = min(1.0, math.sqrt(share) * stretch) * width, min(1.0, math.sqrt(share) / stretch) * height
        left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
        across = np.minimum(boxes[:, 0] + boxes[:, 2], left + w) - np.maximum(boxes[:, 0], left)
        down = np.minimum(boxes[:, 1] + boxes[:, 3], top + h) - np.maximum(boxes[:, 1], top)
        seen = across.clip(0) * down.clip(0) / (boxes[:, 2] * boxes[:, 3])
        # A third of the targets, so that there is something to say.
        if not ((seen > 0) & (seen < SLIVER)).any() and (seen > 0).mean() >= 1 / 3:
            return left, top, left + w, top + h
    return 0, 0, width, height


def side_by_side(row: Row, other: Row, side: int, rng: random.Random) -> Row | None:
    """
    Two photographs as one picture of at most `side` pixels, next to each other, or one above the other.

    Returns:
        `Row` or None if one would be less than a quarter as high or wide as the picture.
    """
    pair = [row, _renamed(other)]
    rng.shuffle(pair)
    portrait = sum(it["height"] / it["width"] for it in pair) / 2
    across = rng.random() < (0.9 if portrait > 0.9 else 0.5)
    # Both as high (or as wide) as the other.
    shapes = [it["width"] / it["height"] if across else it["height"] / it["width"] for it in pair]
    common = min(side, side / sum(shapes))
    lengths = [round(common * shape) for shape in shapes]
    if min(lengths) < side / 4 or common < side / 4:
        return None
    common, total = round(common), sum(lengths)
    canvas = (common, total) if across else (total, common)
    corners = [(0, 0), (0, lengths[0]) if across else (lengths[0], 0)]
    views = []
    for it, length, corner in zip(pair, lengths, corners, strict=True):
        size = (common, length) if across else (length, common)
        views.append(view(it, (0, 0, it["width"], it["height"]), size, canvas, corner))
    size = views[1]["image"].size
    first, second = views
    first["image"].paste(second["image"].crop((*corners[1][::-1], *size)), corners[1][::-1])
    return {**first, "targets": first["targets"] + second["targets"]} | _names(row)


def pasted(row: Row, other: Row, rng: random.Random) -> Row | None:
    """
    The row with an object of another one, cut out along its mask, and its parts.

    Returns:
        `Row` or None if the other row has no object that lies whole within its picture, or no place is free enough.
    """
    donors = [it for it in other["targets"] if it["granularity"] == "object" and _lies_whole(it, other)]
    if not donors:
        return None
    donor = rng.choice(donors)
    kept = [donor, *(it for it in other["targets"] if it["parent_id"] == donor["target_id"] and it["mask"])]
    x, y, w, h = donor["bbox"]
    # As large as a fifth to nine tenths of the picture, like most of what is photographed.
    largest = min(row["width"] / w, row["height"] / h)
    scale = min(largest * rng.uniform(0.3, 0.9), 2.0)
    size = (max(1, round(h * scale)), max(1, round(w * scale)))
    canvas, box = (row["height"], row["width"]), (x, y, x + w, y + h)
    for _ in range(TRIES):
        corner = rng.randint(0, canvas[0] - size[0]), rng.randint(0, canvas[1] - size[1])
        lines = _both_lines(box, size, canvas, corner, other)
        outline = masks.resample(donor["mask"], *lines)
        below = [_behind(target, outline) for target in row["targets"]]
        if all(below):
            piece = view(_renamed({**other, "targets": kept}), box, size, canvas, corner)
            inside = [target for target in piece["targets"] if _within(target, outline)]
            edge = Image.fromarray(masks.decode(outline).astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(1))
            image = Image.composite(piece["image"], _rgb(row["image"]), edge)
            return {**row, "image": image, "targets": below + inside}
    return None


def in_other_light(image: Image.Image, rng: random.Random, free: bool) -> Image.Image:
    """
    The picture brighter or darker, with more or less contrast and color, at times blurred or from a coarse JPEG.

    Args:
        image (`Image`): RGB.
        free (`bool`): whether colors may lose their names: with a tint, or gray altogether.
    """
    strength = 1.0 if free else 0.5
    steps = np.arange(256) / 255
    gain, contrast = 1 + strength * rng.uniform(-0.25, 0.25), 1 + strength * rng.uniform(-0.3, 0.3)
    curve = steps ** math.exp(strength * rng.uniform(-0.3, 0.3))
    tints = [1 + (rng.uniform(-0.08, 0.08) if free else 0) for _ in range(3)]
    table = [((curve * gain * tint - 0.45) * contrast + 0.45) * 255 for tint in tints]
    image = image.point(np.concatenate(table).clip(0, 255).round().astype(int).tolist())
    if free and rng.random() < 0.05:
        image = image.convert("L").convert("RGB")
    elif rng.random() < 0.7:
        image = ImageEnhance.Color(image).enhance(1 + strength * rng.uniform(-0.4, 0.4))
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    if rng.random() < 0.15:
        coarse = io.BytesIO()
        image.save(coarse, "JPEG", quality=rng.randint(35, 90))
        image = Image.open(coarse)
        image.load()
    return image


def _rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def _both_lines(box, size, canvas, corner, row) -> tuple[np.ndarray, np.ndarray]:
    left, top, right, bottom = box
    rows = _lines(top, bottom, size[0], canvas[0], corner[0], row["height"])
    return rows, _lines(left, right, size[1], canvas[1], corner[1], row["width"])


def _lines(start: float, stop: float, count: int, canvas: int, corner: int, length: int) -> np.ndarray:
    """For each line of the canvas the line of the picture that its center shows; -1 before, `length` after."""
    lines = np.full(canvas, length)
    lines[:corner] = -1
    centers = start + (np.arange(count) + 0.5) * ((stop - start) / count)
    lines[corner : corner + count] = centers.astype(int).clip(0, length - 1)
    return lines


def _lies_whole(target: Row, row: Row) -> bool:
    """Whether an object neither ends where the picture does nor is too small or large to be set elsewhere."""
    if target["mask"] is None:
        return False
    x, y, w, h = target["bbox"]
    inside = x > 1 and y > 1 and x + w < row["width"] - 1 and y + h < row["height"] - 1
    return inside and min(w, h) >= 24 and w * h <= 0.7 * row["width"] * row["height"]


def _behind(target: Row, outline: masks.RLE) -> Row | None:
    """What is seen of a target behind something with this outline; None if too little."""
    if target["mask"] is None or not (before := masks.area(target["mask"])):
        return target
    mask = masks.difference(target["mask"], outline)
    if masks.area(mask) < before * (1 - HIDDEN):
        return None
    return {**target, "mask": mask, "bbox": masks.bbox(mask)}


def _within(target: Row, outline: masks.RLE) -> bool:
    """Whether a part is seen where its object was cut out; its mask then ends there."""
    outside = masks.difference(target["mask"], outline)
    target["mask"] = masks.difference(target["mask"], outside)
    target["bbox"] = masks.bbox(target["mask"])
    return masks.area(target["mask"]) > 0


def _renamed(row: Row) -> Row:
    """The second row of a scene, its ids other than those of the first, which may be the same photograph's."""
    targets = [
        {
            **target,
            "target_id": f"second/{target['target_id']}",
            "parent_id": None if target["parent_id"] is None else f"second/{target['parent_id']}",
        }
        for target in row["targets"]
    ]
    return {**row, "targets": targets}


def _names(row: Row) -> Row:
    return {name: row[name] for name in ("image_id", "source")}
