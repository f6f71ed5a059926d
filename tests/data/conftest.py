# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Every source's true layout, written small from plain records, which the tests read and the fuzz test damages."""

import json
import pickle
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from datasets import Dataset, Features, List, Value
from scipy.io import savemat

from unires_hf.data import masks
from unires_hf.data.readers.sources import SOURCES
from unires_hf.data.schema import Skipped, validate_row

HEIGHT, WIDTH = 60, 80


@dataclass
class Layout:
    """A data set on disk: `records` may be changed before `write`."""

    records: dict[str, Any]
    write: Callable[[Path, dict[str, Any]], None]
    read: Callable[[Path], Iterator]
    composes: bool = False
    features: Features | None = None

    def rows(self, root: Path, records: dict[str, Any] | None = None) -> tuple[list[dict], list[Skipped]]:
        self.write(root, self.records if records is None else records)
        return sort_out(self.read(root))


def sort_out(yielded: Iterator) -> tuple[list[dict], list[Skipped]]:
    yielded = list(yielded)
    rows = [it for it in yielded if not isinstance(it, Skipped)]
    for row in rows:
        validate_row(row)
    return rows, [it for it in yielded if isinstance(it, Skipped)]


def rectangle(x: int, y: int, w: int, h: int) -> list[float]:
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def pixels(x: int, y: int, w: int, h: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + h, x : x + w] = True
    return mask


def picture(path: Path, height: int = HEIGHT, width: int = WIDTH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("RGB", (width, height), (90, 120, 60)).save(path)


def to_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def png(path: Path, box: Any) -> None:
    """A mask of a box x, y, w, h; anything else becomes a broken file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(box, list) and len(box) == 4 and all(isinstance(it, int) for it in box):
        PIL.Image.fromarray(pixels(*box).astype(np.uint8) * 255).save(path)
    else:
        path.write_bytes(repr(box).encode())


def image_record(number: int) -> dict:
    return {"id": number, "file_name": f"COCO_train2014_{number:012d}.jpg", "height": HEIGHT, "width": WIDTH}


def annotation(number: int, image: int, category: int, box: list[int], **more: Any) -> dict:
    record = {"id": number, "image_id": image, "category_id": category, "bbox": [*map(float, box)], "iscrowd": 0}
    return record | {"area": 1.0, "segmentation": [rectangle(*box)]} | more


CATEGORIES = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]


def instances() -> dict:
    return {
        "images": [image_record(7), image_record(8)],
        "annotations": [
            annotation(70, 7, 1, [5, 5, 20, 30]),
            annotation(71, 7, 18, [40, 10, 20, 20]),
            annotation(80, 8, 18, [10, 20, 30, 30]),
        ],
    }


def ref(number: int, image: int, ann: Any, category: Any, split: str, *texts: str) -> dict:
    sentences = [
        {"tokens": text.split(), "raw": text.upper(), "sent_id": number * 10 + i, "sent": text}
        for i, text in enumerate(texts)
    ]
    return {
        "sent_ids": [it["sent_id"] for it in sentences],
        "file_name": f"COCO_train2014_{image:012d}_{number}.jpg",
        "ann_id": ann,
        "ref_id": number,
        "image_id": image,
        "split": split,
        "category_id": category,
        "sentences": sentences,
    }


def write_refer(root: Path, records: dict, dataset: str = "refcoco", refs: str = "refs(unc).p") -> None:
    for number in (7, 8):
        picture(root / f"images/train2014/COCO_train2014_{number:012d}.jpg")
    rest = {key: records[key] for key in ("images", "annotations")}
    to_json(root / dataset / "instances.json", {"info": {"ä": "ö"}, **rest, "categories": CATEGORIES})
    if refs.endswith(".p"):
        (root / dataset / refs).write_bytes(pickle.dumps(records["refs"], protocol=0, fix_imports=True))
    else:
        to_json(root / dataset / refs, records["refs"])


def refer() -> Layout:
    refs = [
        ref(0, 7, 70, 1, "val", "man on the left", "left man"),
        ref(1, 7, 71, 18, "val", "brown dog"),
        ref(2, 8, 80, 18, "val", "sleeping dog"),
        ref(3, 8, 80, 18, "testA", "dog in test"),
    ]
    return Layout(instances() | {"refs": refs}, write_refer, lambda root: SOURCES["refcoco"](root, split="val"))


def grefcoco() -> Layout:
    refs = [
        ref(0, 7, [70, 71], [1, 18], "val", "man and dog"),
        ref(1, 7, [-1], [-1], "val", "a green bus"),
        ref(2, 8, [80], [18], "val", "the dog"),
    ]
    write = lambda root, records: write_refer(root, records, "grefcoco", "grefs(unc).json")  # noqa: E731
    return Layout(instances() | {"refs": refs}, write, lambda root: SOURCES["grefcoco"](root, split="val"))


def segment(number: int, image: str, box: list[int], cat: int, *texts: str) -> dict:
    sentences = [{"idx": i, "sent_id": number * 10 + i, "sent": text} for i, text in enumerate(texts)]
    x, y, w, h = box
    return {
        "bbox": [x, y, x + w, y + h],
        "cat": cat,
        "segment_id": number,
        "img_name": image,
        "sentences": sentences,
        "sentences_num": len(texts),
    }


def cris() -> Layout:
    boxes = {0: [5, 5, 20, 30], 1: [40, 10, 20, 20], 2: [10, 20, 30, 30]}
    records = [
        segment(0, "a.jpg", boxes[0], 0, "man on the left", "left man"),
        segment(1, "a.jpg", boxes[1], 16, "brown dog"),
        segment(2, "b.jpg", boxes[2], 16, "sleeping dog"),
    ]

    def write(root: Path, content: dict) -> None:
        for name in ("a", "b"):
            picture(root / f"images/train2014/{name}.jpg")
        to_json(root / "anns/refcoco/val.json", content["records"])
        for number, box in enumerate(content["boxes"]):
            png(root / f"masks/refcoco/{number}.png", box)

    return Layout({"records": records, "boxes": list(boxes.values())}, write, lambda root: SOURCES["cris"](root))


def refcocom() -> Layout:
    boxes = [[5, 5, 30, 40], [45, 5, 30, 40], [10, 8, 10, 10], [50, 8, 10, 10], [45, 30, 30, 15], [5, 5, 60, 50]]
    objects = [
        segment(0, "a.jpg", boxes[0], 16, "dog on the left"),
        segment(1, "a.jpg", boxes[1], 16, "dog on the right"),
        segment(5, "b.jpg", boxes[5], 0, "the man"),
    ]
    parts = [
        segment(2, "a.jpg", boxes[2], 16, "head of dog on the left", "left dog head"),
        segment(3, "a.jpg", boxes[3], 16, "head of right dog"),
        segment(4, "a.jpg", boxes[4], 16, "dog on the right legs", "hind legs of the right dog"),
    ]

    def write(root: Path, content: dict) -> None:
        for name in ("a", "b"):
            picture(root / f"images/{name}.jpg")
        to_json(root / "annotations/val_part_only.json", content["parts"])
        to_json(root / "annotations/val_object_part.json", content["objects"] + content["parts"])
        for number, box in enumerate(content["boxes"]):
            png(root / f"masks/{number}.png", box)

    records = {"objects": objects, "parts": parts, "boxes": boxes}
    return Layout(records, write, lambda root: SOURCES["refcocom"](root, split="val"))


def write_coco(root: Path, records: dict, **more: Any) -> None:
    for number in (7, 8):
        picture(root / f"val2017/COCO_train2014_{number:012d}.jpg")
    to_json(root / "annotations/instances_val2017.json", {**records, "categories": CATEGORIES, **more})


def coco() -> Layout:
    return Layout(instances(), write_coco, lambda root: SOURCES["coco"](root), composes=True)


PACO_CATEGORIES = [
    {"id": 3, "name": "car_(automobile)", "supercategory": "OBJECT"},
    {"id": 90, "name": "car_(automobile):wheel", "supercategory": "PART"},
    {"id": 91, "name": "car_(automobile):trunk", "supercategory": "PART"},
    {"id": 50, "name": "dog", "supercategory": "OBJECT"},
]
PACO_ATTRIBUTES = [{"id": 0, "name": "black"}, {"id": 1, "name": "dark_red"}, {"id": 2, "name": "text"}]


def paco() -> Layout:
    def image(number: int) -> dict:
        more = {"neg_category_ids": [], "not_exhaustive_category_ids": []}
        return {"id": number, "file_name": f"val2017/{number:012d}.jpg", "height": HEIGHT, "width": WIDTH} | more

    def thing(number: int, of: int, image: int, category: int, box: list[int], *attributes: int) -> dict:
        own = {"obj_ann_id": of, "attribute_ids": list(attributes), "dom_color_ids": [], "unknown_color": 0}
        return annotation(number, image, category, box, segmentation=masks.encode(pixels(*box)), **own)

    annotations = [
        thing(1, 1, 7, 3, [2, 2, 30, 40], 0, 2),
        thing(2, 2, 7, 3, [45, 2, 30, 40], 1),
        thing(3, 1, 7, 90, [4, 35, 6, 6]),
        thing(4, 1, 7, 90, [20, 35, 6, 6]),
        thing(5, 2, 7, 91, [46, 10, 8, 8]),
        thing(6, 6, 8, 50, [10, 10, 40, 40]),
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"val2017/{number:012d}.jpg")
        rest = {"categories": PACO_CATEGORIES, "attributes": PACO_ATTRIBUTES, "part_categories": []}
        to_json(root / "annotations/paco_lvis_v1_val.json", {**content, **rest})

    records = {"images": [image(7), image(8)], "annotations": annotations}
    return Layout(records, write, lambda root: SOURCES["paco"](root), composes=True)


def paco_queries() -> Layout:
    def query(number: int, level: int, text: str, structured: list, positive: list[int], negative: list[int]) -> dict:
        asked = {"id": number, "level": level, "query_string": text, "structured_query": structured}
        return {**asked, "pos_ann_ids": positive, "neg_ann_ids": [], "neg_im_ids": negative}

    records = paco().records
    records["queries"] = [
        query(0, 1, "black car", ["car_(automobile)", ["black", "car_(automobile)"]], [1], [8]),
        query(1, 2, "car with a red wheel", ["car_(automobile)", ["red", "wheel"]], [1, 2], []),
        query(2, 1, "brown dog", ["dog", ["brown", "dog"]], [6], [7]),
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"val2017/{number:012d}.jpg")
        to_json(root / "paco_lvis_v1_test.json", {**content, "categories": PACO_CATEGORIES})

    return Layout(records, write, lambda root: SOURCES["paco-queries"](root))


def objects365() -> Layout:
    names = {7: "images/v1/patch8/objects365_v1_00000007.jpg", 8: "images/v2/patch9/objects365_v2_00000008.jpg"}
    records = instances()
    for image in records["images"]:
        image |= {"file_name": names[image["id"]], "license": 5, "url": ""}
    for it in records["annotations"]:
        del it["segmentation"]
        it |= {"isfake": 0, "isreflected": 0}
    records["annotations"][0]["bbox"] = [-0.4, 5.0, 20.0, 30.0]

    def write(root: Path, content: dict) -> None:
        picture(root / "val/patch8/objects365_v1_00000007.jpg")
        picture(root / "val/patch9/objects365_v2_00000008.jpg")
        kinds = [{"id": 1, "name": "Person"}, {"id": 18, "name": "Cabinet/shelf"}]
        to_json(root / "zhiyuan_objv2_val.json", {**content, "categories": kinds})

    return Layout(records, write, lambda root: SOURCES["objects365"](root), composes=True)


def partimagenet() -> Layout:
    names = {7: "n02085620_7.JPEG", 8: "n02123045_8.JPEG"}
    images = [{"id": it, "file_name": name, "height": HEIGHT, "width": WIDTH} for it, name in names.items()]
    annotations = [
        annotation(0, 7, 0, [5, 5, 15, 15]),
        annotation(1, 7, 1, [20, 10, 30, 20]),
        annotation(4, 7, 2, [20, 30, 5, 10]),
        annotation(5, 7, 2, [40, 30, 5, 10]),
        annotation(2, 8, 0, [5, 5, 15, 15], segmentation=[[1, 2, 3, 4], rectangle(5, 5, 15, 15)]),
        annotation(3, 8, 0, [50, 5, 15, 15]),
    ]

    def write(root: Path, content: dict) -> None:
        picture(root / "images/val/n02085620/n02085620_7.JPEG")
        picture(root / "images/val/n02123045_8.JPEG")
        kinds = [
            {"id": 0, "name": "Quadruped Head", "supercategory": "Quadruped"},
            {"id": 1, "name": "Quadruped Body", "supercategory": "Quadruped"},
            {"id": 2, "name": "Quadruped Foot", "supercategory": "Quadruped"},
        ]
        to_json(root / "annotations/val/val.json", {**content, "categories": kinds})

    records = {"images": images, "annotations": annotations}
    return Layout(records, write, lambda root: SOURCES["partimagenet"](root), composes=True)


def structs(records: list[dict], fields: tuple[str, ...]) -> np.ndarray:
    """A MATLAB struct array 1 x N."""
    array = np.zeros((1, len(records)), dtype=[(name, object) for name in fields])
    for index, record in enumerate(records):
        for name in fields:
            array[0, index][name] = drawn(record.get(name, 0.0)) if isinstance(record, dict) else ""
    return array


def drawn(value: Any) -> Any:
    """What stands in a MATLAB field: four numbers are the box of a mask."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list) and len(value) == 4 and all(isinstance(it, int) for it in value):
        return pixels(*value).astype(np.uint8)
    if value == []:
        return np.zeros((0, 0))
    return value if isinstance(value, str | float) and value else "broken"


def pascal_part() -> Layout:
    files = {
        "2008_000007": [
            {
                "class": "dog",
                "class_ind": 12,
                "mask": [5, 5, 30, 40],
                "parts": [
                    {"part_name": "head", "mask": [5, 5, 10, 10]},
                    {"part_name": "lear", "mask": [5, 5, 3, 3]},
                    {"part_name": "rear", "mask": [12, 5, 3, 3]},
                ],
            },
            {"class": "bottle", "class_ind": 5, "mask": [50, 5, 10, 30], "parts": []},
        ],
        "2008_000008": [{"class": "dog", "class_ind": 12, "mask": [10, 10, 40, 40], "parts": []}],
    }

    def write(root: Path, content: dict) -> None:
        (root / "Annotations_Part").mkdir(parents=True, exist_ok=True)
        to_json(root / "ImageSets/Main/val.txt", "")
        (root / "ImageSets/Main/val.txt").write_text("2008_000007\n2008_000008\n")
        for name in files:
            picture(root / f"JPEGImages/{name}.jpg")
            objects = content.get(name)
            objects = [it if isinstance(it, dict) else {} for it in objects] if isinstance(objects, list) else []
            for it in objects:
                parts = it.get("parts")
                it["parts"] = structs(parts, ("part_name", "mask")) if isinstance(parts, list) and parts else parts
            anno = structs([{"imname": name}], ("imname", "objects"))
            anno[0, 0]["objects"] = structs(objects, ("class", "class_ind", "mask", "parts"))
            savemat(root / f"Annotations_Part/{name}.mat", {"anno": anno})

    return Layout(files, lambda root, content: write(root, deepcopy(content)), SOURCES["pascal-part"], composes=True)


def phrasecut() -> Layout:
    def task(number: int, image: int, boxes: list[list[int]], phrase: str) -> dict:
        return {
            "task_id": f"{image}__{number}",
            "image_id": image,
            "ann_ids": list(range(len(boxes))),
            "instance_boxes": boxes,
            "Polygons": [[[list(p) for p in np.reshape(rectangle(*box), (-1, 2)).tolist()]] for box in boxes],
            "phrase": phrase,
            "phrase_structure": {"name": phrase.split()[-1], "attributes": [], "type": "name"},
        }

    images = [{"image_id": it, "height": HEIGHT, "width": WIDTH, "split": "val", "coco_id": None} for it in (7, 8)]
    tasks = [
        task(0, 7, [[5, 5, 10, 10], [30, 5, 10, 10]], "two wheels"),
        task(1, 8, [[5, 5, 40, 40]], "black dog"),
        task(2, 7, [[30, 5, 10, 10]], "right wheel"),
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"images/{number}.jpg")
        to_json(root / "refer_val.json", content["tasks"])
        to_json(root / "image_data_split3000.json", content["images"])

    return Layout({"tasks": tasks, "images": images}, write, lambda root: SOURCES["phrasecut"](root))


def referit() -> Layout:
    records = {
        "queries": {"7_1": ["sky", "blue sky"], "7_2": ["the man"], "8_1": ["grass"]},
        "boxes": {"7_1": [0, 0, 80, 20], "7_2": [5, 5, 25, 35], "8_1": [0, 30, 80, 60]},
        "sizes": {"7.jpg": [WIDTH, HEIGHT], "8.jpg": [WIDTH, HEIGHT]},
    }

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"images/{number}.jpg")
        to_json(root / "referit_query_val.json", content["queries"])
        to_json(root / "referit_bbox.json", content["boxes"])
        to_json(root / "referit_imsize.json", content["sizes"])
        (root / "mask").mkdir(exist_ok=True)
        savemat(root / "mask/7_1.mat", {"segimg_t": (~pixels(0, 0, 80, 20)).astype(np.uint8)})

    return Layout(records, write, lambda root: SOURCES["referit"](root))


def label_map(boxes: Any, known: int) -> np.ndarray:
    """A map of [label, [x, y, w, h]], later ones on top; anything else becomes a map of another size."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    try:
        for label, (x, y, w, h) in boxes:
            if {type(it) for it in (label, x, y, w, h)} != {int} or not (
                0 < label <= known and min(x, y) >= 0 < w * h
            ):
                raise ValueError
            labels[pixels(x, y, w, h)] = label
    except (TypeError, ValueError):
        return np.zeros((3, 3), np.uint8)
    return labels


def clothing_co_parsing() -> Layout:
    maps = {
        "0001": [[3, [20, 10, 30, 40]], [1, [25, 0, 10, 10]], [2, [20, 50, 5, 5]], [2, [40, 50, 5, 5]]],
        "0002": [[3, [10, 10, 40, 40]]],
    }

    def write(root: Path, content: dict) -> None:
        (root / "annotations/pixel-level").mkdir(parents=True, exist_ok=True)
        names = np.array(["null", "hair", "shoes", "T-shirt"], dtype=object)
        savemat(root / "label_list.mat", {"label_list": names.reshape(1, -1)})
        for name in maps:
            picture(root / f"photos/{name}.jpg")
            labels = label_map(content[name], 9)
            savemat(root / f"annotations/pixel-level/{name}.mat", {"groundtruth": labels})

    return Layout(maps, write, lambda root: SOURCES["clothing-co-parsing"](root, split="all"), composes=True)


def fasseg() -> Layout:
    face = [[1, [10, 2, 60, 30]], [2, [20, 10, 40, 45]], [1, [25, 15, 8, 3]], [1, [45, 15, 8, 3]]]
    maps = {"frontal-train-1": [*face, [5, [25, 20, 8, 4]], [3, [36, 25, 6, 10]]], "frontal-test-1": deepcopy(face)}

    def write(root: Path, content: dict) -> None:
        (root / "labels").mkdir(parents=True, exist_ok=True)
        for name in maps:
            picture(root / f"photos/{name}.jpg")
            labels = label_map(content[name], 5)
            PIL.Image.fromarray(labels).save(root / f"labels/{name}.png")

    return Layout(maps, write, lambda root: SOURCES["fasseg"](root, split="all"), composes=True)


def figure_ground() -> Layout:
    boxes = {"horse001": [[10, 10, 40, 30]], "horse002": [[5, 5, 40, 30]]}

    def write(root: Path, content: dict) -> None:
        for name in boxes:
            picture(root / f"images/{name}.jpg")
            png(root / f"masks/{name}.png", content[name][0])

    return Layout(boxes, write, lambda root: SOURCES["figure-ground"](root, split="all"), composes=True)


def car_parts() -> Layout:
    names = ["_background_", "hood", "left_mirror", "wheel"]
    images = [
        {"id": it, "path": f"JPEGImages/train{it}.jpg", "file_name": "other.jpg", "height": HEIGHT, "width": WIDTH}
        for it in (7, 8)
    ]
    annotations = [
        annotation(1, 7, 2, [30, 10, 20, 10]),
        annotation(2, 7, 3, [60, 10, 4, 4]),
        annotation(3, 7, 4, [20, 30, 8, 8], segmentation=[rectangle(20, 30, 8, 8), rectangle(50, 30, 8, 8)]),
        annotation(4, 8, 4, [20, 30, 8, 8]),
        annotation(5, 8, 4, [50, 30, 8, 8]),
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"trainingset/JPEGImages/train{number}.jpg")
        kinds = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
        to_json(root / "trainingset/annotations.json", {**content, "categories": kinds})

    records = {"images": images, "annotations": annotations}
    return Layout(records, write, lambda root: SOURCES["car-parts"](root, split="all"), composes=True)


def facades() -> Layout:
    names = ["facade", "window", "balcony-fence", "traffic-infrastructure"]
    images = [
        {"id": it, "file_name": f"{it:04d}.jpg", "run": "001", "height": HEIGHT, "width": WIDTH} for it in (7, 8)
    ]
    annotations = [
        annotation(1, 7, 2, [10, 10, 8, 8]),
        annotation(2, 7, 2, [25, 10, 8, 8]),
        annotation(3, 7, 3, [10, 30, 12, 4]),
        annotation(4, 7, 2, [70, 10, 8, 8]),
        annotation(5, 7, 1, [5, 5, 50, 45]),
        annotation(6, 7, 4, [60, 30, 5, 25]),
        annotation(7, 8, 1, [5, 5, 60, 45]),
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"images/{number:04d}.jpg")
        kinds = [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
        to_json(root / "annotations.json", {**content, "categories": kinds})

    records = {"images": images, "annotations": annotations}
    return Layout(records, write, lambda root: SOURCES["facades"](root, split="all"), composes=True)


def folder() -> Layout:
    lines = [
        {"file_name": "a.jpg", "text": "the red truck", "mask": "masks/a.png", "category": "truck"},
        {"file_name": "a.jpg", "text": "red truck", "mask": "masks/a.png", "category": "truck"},
        {"file_name": "a.jpg", "text": "its wheel", "mask": [rectangle(4, 30, 8, 8)], "granularity": "part"},
        {"file_name": "a.jpg", "text": "a green bus", "no_target": True},
        {
            "file_name": "sub/b.jpg",
            "targets": [
                {
                    "target_id": "t",
                    "category": "truck",
                    "mask": masks.encode(pixels(2, 2, 40, 40)),
                    "expressions": ["the red truck", {"expression_id": "e7", "text": "big truck"}],
                },
                {
                    "granularity": "part",
                    "category": "truck",
                    "part": "wheel",
                    "parent_id": "t",
                    "bbox": [4, 30, 8, 8],
                    "expressions": ["wheel of red truck"],
                },
            ],
        },
    ]

    def write(root: Path, content: dict) -> None:
        picture(root / "a.jpg")
        picture(root / "sub/b.jpg")
        png(root / "masks/a.png", [2, 2, 40, 40])
        (root / "metadata.jsonl").write_text("".join(json.dumps(it) + "\n" for it in content["lines"]))

    return Layout({"lines": lines}, write, lambda root: SOURCES["folder"](root))


def interchange() -> Layout:
    layout = folder()
    layout.records = {"lines": layout.records["lines"][-1:]}
    write = layout.write

    def write_split(root: Path, content: dict) -> None:
        write(root, content)
        (root / "metadata.jsonl").rename(root / "train.jsonl")

    return Layout(layout.records, write_split, lambda root: SOURCES["interchange"](root))


def gseval() -> Layout:
    def record(number: int, name: str, kind: int, label: str, caption: str, box: list[int]) -> dict:
        x, y, w, h = box
        said = {"class_id": kind, "label": label, "caption": caption, "box": [x, y, x + w, y + h]}
        said |= {"segmentation": masks.encode(pixels(*box))}
        return {"idx": number, "image_path": f"unlabeled2017/{name}", **said}

    lines = [
        record(0, "000000000267.jpg", 1, "smoke", "A trail of white smoke.", [5, 5, 30, 20]),
        record(1, "000000000267.jpg", 2, "tail", "The tail of the plane.", [10, 10, 8, 8]),
        record(2, "000000000615.jpg", 3, "buses", "Two green buses.", [30, 20, 40, 30]),
    ]

    def write(root: Path, content: dict) -> None:
        for name in ("000000000267.jpg", "000000000615.jpg"):
            picture(root / "unlabeled2017" / name)
        (root / "GroundingSuite-Eval.jsonl").write_text("".join(json.dumps(it) + "\n" for it in content["lines"]))

    return Layout({"lines": lines}, write, lambda root: SOURCES["gseval"](root))


def instruct_part() -> Layout:
    def part(thing: str, name: str) -> dict:
        ways = ["Pour it.", "Please pour.", f"Find the {name}.", f"Hold the {name}.", f"{name} of the {thing}", "…"]
        return {"object": thing, "part": name, "affordance": "hold", "action": "pick up", "instruction": ways}

    entries = [
        {"image_path": "a.jpg", "part_list": [part("coffee cup", "handle")]},
        {"image_path": "b.jpg", "part_list": [part("knife", "blade")]},
    ]
    boxes = {"a-coffee_cup-handle": [5, 5, 10, 10], "b-knife-blade": [5, 5, 60, 8]}

    def write(root: Path, content: dict) -> None:
        for name, box in boxes.items():
            picture(root / f"test/images/{name}.jpg")
            png(root / f"test/masks/{name}.png", box)
        to_json(root / "test/data_test.json", content["entries"])

    return Layout({"entries": entries}, write, lambda root: SOURCES["instruct-part"](root))


JXU124 = Features(
    {
        "ref_id": Value("int64"),
        "image_path": Value("string"),
        "sentences": List({"raw": Value("string"), "sent": Value("string"), "sent_id": Value("int64")}),
        "raw_anns": Value("string"),
        "raw_image_info": Value("string"),
    }
)


def nulled(record: Any, kinds: dict[str, type]) -> dict:
    """The record's values of these keys, None where they are of another type."""
    record = record if isinstance(record, dict) else {}
    fits = {key: type(record.get(key)) is kind and record[key] != 10**30 for key, kind in kinds.items()}
    return {key: record[key] if fits[key] else None for key in kinds}


def hub() -> Layout:
    content = instances()
    images = {it["id"]: it for it in content["images"]}
    rows = [
        {
            "ref_id": number,
            "image_path": f"coco/train2014/{images[it['image_id']]['file_name']}",
            "sentences": [{"raw": text, "sent": text, "sent_id": number * 10}],
            "raw_anns": it,
            "raw_image_info": images[it["image_id"]],
        }
        for number, (it, text) in enumerate(
            zip(content["annotations"], ("left man", "brown dog", "a dog"), strict=True)
        )
    ]

    def write(root: Path, content: dict) -> None:
        for number in (7, 8):
            picture(root / f"train2014/COCO_train2014_{number:012d}.jpg")
        # Arrow keeps the columns' types, so damage is a null there; JSON strings may hold anything.
        kept = []
        for row in content["rows"]:
            row = row if isinstance(row, dict) else {}
            said = row.get("sentences")
            kinds = {"raw": str, "sent": str, "sent_id": int}
            kept.append(
                nulled(row, {"ref_id": int, "image_path": str})
                | {key: json.dumps(row.get(key)) for key in ("raw_anns", "raw_image_info")}
                | {"sentences": [nulled(it, kinds) for it in said] if isinstance(said, list) else None}
            )
        to_json(root / "rows.json", kept)

    def read(root: Path) -> Iterator:
        kept = json.loads((root / "rows.json").read_text())
        return SOURCES["hub"](Dataset.from_list(kept, features=JXU124), images=root)

    return Layout({"rows": rows}, write, read, features=JXU124)


LAYOUTS = {
    "refcoco": refer,
    "grefcoco": grefcoco,
    "refcocom": refcocom,
    "cris": cris,
    "paco": paco,
    "paco-queries": paco_queries,
    "pascal-part": pascal_part,
    "partimagenet": partimagenet,
    "coco": coco,
    "objects365": objects365,
    "phrasecut": phrasecut,
    "referit": referit,
    "clothing-co-parsing": clothing_co_parsing,
    "car-parts": car_parts,
    "facades": facades,
    "fasseg": fasseg,
    "figure-ground": figure_ground,
    "gseval": gseval,
    "instruct-part": instruct_part,
    "folder": folder,
    "hub": hub,
    "interchange": interchange,
}


@pytest.fixture(scope="session")
def layouts() -> dict[str, Callable[[], Layout]]:
    """Makers of `Layout`s by source."""
    return LAYOUTS


@pytest.fixture(scope="session")
def sorted_out() -> Callable[[Iterator], tuple[list[dict], list[Skipped]]]:
    """Splits what a reader yields into rows, which are checked, and skipped things."""
    return sort_out


@pytest.fixture(scope="session")
def box_pixels() -> Callable[..., np.ndarray]:
    """The mask of a box x, y, w, h in the layouts' pictures of 60 x 80."""
    return pixels


@pytest.fixture(scope="session")
def make_picture() -> Callable[..., None]:
    """Writes a picture of 60 x 80, or of (height, width)."""
    return picture


@pytest.fixture(scope="session")
def samples() -> Callable[[str], Path]:
    """The folder of a set of real photographs; skips where it is not."""

    def find(name: str) -> Path:
        path = Path(__file__).resolve().parents[2] / "../shared/data" / name
        if not path.is_dir():
            pytest.skip(f"{path} is not there: real photographs are not part of the package")
        return path

    return find
