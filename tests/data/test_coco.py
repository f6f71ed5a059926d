# Copyright 2026 The unires-hf authors. Apache-2.0.
import json

import numpy as np
import pytest

from unires_hf.data import masks
from unires_hf.data.readers.coco import read_coco, read_objects365
from unires_hf.data.readers.paco import read_paco
from unires_hf.data.schema import Skipped


def said(row):
    return {it["target_id"]: [e["text"] for e in it["expressions"]] for it in row["targets"]}


def test_coco_objects_are_named_where_that_is_clear(layouts, tmp_path):
    layout = layouts["coco"]()
    layout.records["annotations"].append(dict(layout.records["annotations"][1], id=72))
    rows, skipped = layout.rows(tmp_path)
    assert not skipped
    assert said(rows[0]) == {"7/70": ["person"], "7/71": [], "7/72": []}
    assert said(rows[1]) == {"8/80": ["dog"]}


def test_a_crowd_and_a_broken_object_leave_a_category_unclear(layouts, tmp_path):
    layout = layouts["coco"]()
    crowd = {"size": [60, 80], "counts": [0, 60, 60 * 79]}
    layout.records["annotations"].append(dict(layout.records["annotations"][0], id=72, iscrowd=1, segmentation=crowd))
    layout.records["annotations"].append(dict(layout.records["annotations"][1], id=73, segmentation=[[1, 2]]))
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == ["annotation 73"]
    assert said(rows[0]) == {"7/70": [], "7/71": [], "7/72": []}


def test_annotations_without_an_image_and_images_twice_are_reported(layouts, tmp_path):
    layout = layouts["coco"]()
    layout.records["annotations"][0]["image_id"] = 99
    layout.records["images"].append(layout.records["images"][1])
    rows, skipped = layout.rows(tmp_path)
    assert [(it.where, it.reason) for it in skipped] == [
        ("annotation 70", "there is no image 99."),
        ("image 8", "it is listed once more, with the same record."),
    ]
    assert len(rows) == 2


def test_lvis_has_only_the_pictures_address(layouts, tmp_path):
    layout = layouts["coco"]()
    for image in layout.records["images"]:
        image["coco_url"] = f"http://images.cocodataset.org/val2017/{image.pop('file_name')}"
    rows, skipped = layout.rows(tmp_path)
    assert len(rows) == 2 and not skipped


def test_objects365_has_boxes_cut_at_the_border(layouts, tmp_path):
    rows, skipped = layouts["objects365"]().rows(tmp_path)
    assert not skipped
    person, cabinet = rows[0]["targets"]
    assert person["mask"] is None and person["bbox"] == [0.0, 5.0, 19.6, 30.0]
    assert cabinet["category"] == "Cabinet/shelf" and said(rows[0])["7/71"] == ["cabinet"]


def test_what_objects365_misspells_is_said_right(layouts, tmp_path):
    layout = layouts["objects365"]()
    layout.write(tmp_path, layout.records)
    file = tmp_path / "zhiyuan_objv2_val.json"
    file.write_text(file.read_text().replace("Cabinet/shelf", "Dinning Table").replace("Person", "Formula 1 "))
    row = next(read_objects365(tmp_path))
    assert [it["category"] for it in row["targets"]] == ["Formula 1", "Dining Table"]
    assert said(row)["7/71"] == ["dining table"]


def test_objects365_with_masks_of_a_segmenter(layouts, box_pixels, tmp_path):
    layout = layouts["objects365"]()
    layout.write(tmp_path, layout.records)
    content = json.loads((tmp_path / "zhiyuan_objv2_val.json").read_text())
    content["annotations"][1]["segmentation"] = [masks.encode(box_pixels(40, 10, 20, 20))]
    (tmp_path / "o365_res_instances.json").write_text(json.dumps(content))
    row = next(read_objects365(tmp_path, annotations=tmp_path / "o365_res_instances.json"))
    assert row["targets"][0]["mask"] is None
    assert np.array_equal(masks.decode(row["targets"][1]["mask"]), box_pixels(40, 10, 20, 20))


def test_paco_parts_are_merged_and_said_in_both_orders(layouts, box_pixels, tmp_path):
    rows, skipped = layouts["paco"]().rows(tmp_path)
    assert not skipped
    targets = {it["target_id"]: it for it in rows[0]["targets"]}
    wheels = targets["7/3"]
    assert (wheels["part"], wheels["parent_id"], wheels["category"]) == ("wheel", "7/1", "car_(automobile)")
    assert np.array_equal(masks.decode(wheels["mask"]), box_pixels(4, 35, 6, 6) | box_pixels(20, 35, 6, 6))
    assert set(targets) == {"7/1", "7/2", "7/3", "7/5"}
    assert said(rows[0]) == {
        "7/1": ["black car", "left car"],
        "7/2": ["dark red car", "right car"],
        "7/3": ["wheels of black car", "black car wheels", "wheels of left car", "left car wheels"],
        "7/5": ["trunk of dark red car", "dark red car trunk", "trunk of right car", "right car trunk"],
    }
    assert said(rows[1]) == {"8/6": ["dog"]}


def test_paco_is_silent_where_its_annotators_were_unsure(layouts, tmp_path):
    layout = layouts["paco"]()
    layout.records["images"][0]["not_exhaustive_category_ids"] = [3, 1203]
    layout.records["annotations"][-1]["unknown_color"] = 1
    rows, _ = layout.rows(tmp_path)
    assert not any(said(rows[0]).values())
    layout.records["images"][0]["not_exhaustive_category_ids"] = []
    layout.records["annotations"][0]["unknown_color"] = 1
    rows, _ = layout.rows(tmp_path)
    # The first car may be dark red too; that it is black stays true.
    assert said(rows[0])["7/1"] == ["black car", "left car"]
    assert said(rows[0])["7/2"] == ["right car"]


def test_a_broken_instance_takes_its_parts_along(layouts, tmp_path):
    layout = layouts["paco"]()
    layout.records["annotations"][3]["segmentation"]["counts"] = "0"
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == ["annotation 4", "annotations 3"]
    assert "none is sure to be whole" in skipped[1].reason
    assert set(said(rows[0])) == {"7/1", "7/2", "7/5"}


def test_parts_without_a_link_go_to_the_object_that_holds_them(layouts, tmp_path):
    layout = layouts["paco"]()
    for it in layout.records["annotations"]:
        del it["obj_ann_id"]
    layout.records["annotations"].append(dict(layout.records["annotations"][4], id=9, bbox=[30, 40, 20, 15]))
    layout.records["annotations"][-1]["segmentation"] = [[33, 40, 44, 40, 44, 58, 33, 58]]
    rows, skipped = layout.rows(tmp_path)
    assert not skipped
    parents = {it["target_id"]: it["parent_id"] for it in rows[0]["targets"]}
    assert parents == {"7/1": None, "7/2": None, "7/3": "7/1", "7/5": "7/2", "7/9": None}


def test_a_part_of_an_unknown_object_is_kept_without_it(layouts, tmp_path):
    layout = layouts["paco"]()
    layout.records["annotations"][4]["obj_ann_id"] = 77
    rows, skipped = layout.rows(tmp_path)
    assert ["the parent_id 7/77 is no object of this image. The part is kept without it."] == [
        it.reason for it in skipped
    ]
    assert {it["target_id"]: it["parent_id"] for it in rows[0]["targets"]}["7/5"] is None


def test_expressions_are_borrowed_from_the_same_objects(layouts, box_pixels, tmp_path):
    layout = layouts["paco"]()
    layout.write(tmp_path, layout.records)

    def lent(box, *texts):
        expressions = [{"expression_id": str(number), "text": text} for number, text in enumerate(texts)]
        return {"mask": masks.encode(box_pixels(*box)), "expressions": expressions}

    refer = [
        {
            "image_id": "COCO_train2014_000000000007",
            "targets": [
                lent([2, 2, 30, 38], "old car by the wall", "left"),
                lent([45, 2, 10, 10], "a car I do not overlap"),
            ],
        },
        Skipped("refcoco", "image 9", "nothing"),
    ]
    row = next(read_paco(tmp_path, refer=refer))
    assert said(row)["7/1"] == ["old car by the wall", "left"]
    assert said(row)["7/3"] == ["wheels of old car by the wall", "old car by the wall wheels"]
    assert said(row)["7/2"] == ["dark red car", "right car"]


def test_partimagenet_finds_pictures_and_names_what_can_be_of_one_object(layouts, tmp_path):
    rows, skipped = layouts["partimagenet"]().rows(tmp_path)
    assert not skipped
    assert rows[0]["image"]["path"].endswith("val/n02085620/n02085620_7.JPEG")
    assert said(rows[0]) == {
        "7/0": ["head of quadruped", "quadruped head"],
        "7/1": ["body of quadruped", "quadruped body"],
        "7/4": ["feet of quadruped", "quadruped feet"],
    }
    assert [(it["category"], it["part"]) for it in rows[0]["targets"]][-1] == ("Quadruped", "Foot")
    # Two heads are of two animals, for all one knows.
    assert not any(said(rows[1]).values()) and len(rows[1]["targets"]) == 2


def test_what_is_missing_is_fatal(layouts, tmp_path):
    with pytest.raises(ValueError, match="has none of annotations/instances_val2017.json"):
        list(read_coco(tmp_path))
    layout = layouts["coco"]()
    layout.write(tmp_path, layout.records)
    with pytest.raises(ValueError, match="no.json is missing"):
        list(read_coco(tmp_path, annotations=tmp_path / "no.json"))
    with pytest.raises(ValueError, match="pictures is missing"):
        list(read_coco(tmp_path, images=tmp_path / "pictures"))


def test_two_images_of_one_id_are_both_left_out(layouts, tmp_path):
    layout = layouts["coco"]()
    layout.records["images"].append(layout.records["images"][0] | {"id": 8})
    rows, skipped = layout.rows(tmp_path)
    assert [row["image_id"] for row in rows] == ["7"]
    assert [(it.where, it.reason) for it in skipped] == [
        ("image 8", "several images have this id: no one knows whose the annotations are.")
    ] * 2


def test_a_box_of_nothing_beside_a_mask(layouts, tmp_path):
    layout = layouts["coco"]()
    for it in layout.records["annotations"]:
        it["bbox"] = [0, 0, 0, 0]
    rows, skipped = layout.rows(tmp_path)
    assert not skipped
    assert [it["bbox"] for it in rows[0]["targets"]] == [[5, 5, 20, 30], [40, 10, 20, 20]]


@pytest.mark.parametrize("key", ["segmentation", "bbox"])
def test_shares_of_the_side_are_no_pixels(key, layouts, tmp_path):
    layout = layouts["coco"]()
    annotation = layout.records["annotations"][0]
    if key == "segmentation":
        annotation[key] = [[0.1, 0.1, 0.4, 0.1, 0.4, 0.6, 0.1, 0.6]]
    else:
        annotation |= {"segmentation": [], "bbox": [0.1, 0.1, 0.3, 0.5]}
    rows, skipped = layout.rows(tmp_path)
    assert [it.where for it in skipped] == ["annotation 70"] and "in shares of the side" in skipped[0].reason
    assert [it["target_id"] for it in rows[0]["targets"]] == ["7/71"]


def test_one_category_of_two_names_is_refused(layouts, tmp_path):
    layout = layouts["coco"]()
    layout.write(tmp_path, layout.records)
    path = tmp_path / "annotations/instances_val2017.json"
    path.write_text(path.read_text().replace('"id": 18, "name": "dog"', '"id": 1, "name": "dog"'))
    with pytest.raises(ValueError, match="id 1 is called .*person.* and .*dog"):
        list(layout.read(tmp_path))
