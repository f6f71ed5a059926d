# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The tasks of lmms-eval: their YAML is read as lmms-eval reads it, and their functions score boxes of rows."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from datasets import Dataset
from PIL import Image

import unires_hf.evaluation.lmms_eval_refcocom
from unires_hf.data.schema import FEATURES

FOLDER = Path(unires_hf.evaluation.lmms_eval_refcocom.__file__).parent


class Loader(yaml.SafeLoader):
    pass


def function(loader: Loader, node: yaml.Node):
    """`!function boxes.name`: of the file beside the YAML."""
    module, name = loader.construct_scalar(node).split(".")
    return getattr(import_module(f"unires_hf.evaluation.lmms_eval_refcocom.{module}"), name)


Loader.add_constructor("!function", function)


def task(split: str) -> dict:
    config = yaml.load((FOLDER / f"refcocom_{split}.yaml").read_text(), Loader)
    return {**yaml.load((FOLDER / config.pop("include")).read_text(), Loader), **config}


@pytest.fixture
def rows(boxes) -> Dataset:
    targets = [
        boxes.target("a", [(4, 8, 36, 40)], ["the cup", "white cup"]),
        boxes.target("p", [(30, 16, 36, 32)], ["handle of the cup"], parent="a"),
        boxes.target("n", [], ["the spoon"]),
    ]
    picture = Image.new("RGB", (boxes.size, boxes.size), "gray")
    row = {"image": picture, "image_id": "1", "source": "t", "width": boxes.size, "height": boxes.size}
    return Dataset.from_list([{**row, "targets": targets}], features=FEATURES)


@pytest.mark.parametrize("split", ["val", "testA", "testB"])
def test_each_split_has_its_task(split):
    config = task(split)
    group = yaml.safe_load((FOLDER / "refcocom.yaml").read_text())
    assert config["task"] in group["task"] and config["test_split"] == split and len(group["task"]) == 3
    assert config["output_type"] == "generate_until" and callable(config["doc_to_visual"])


def test_boxes_are_scored_by_both_protocols(rows, boxes):
    config = task("val")
    docs = config["process_docs"](rows)
    assert docs["text"] == ["the cup", "white cup", "handle of the cup"], "what has no referent has no box"
    assert docs[0]["box"] == [side / boxes.size for side in (4, 8, 36, 40)]
    assert config["doc_to_text"](docs[2]).endswith(": handle of the cup")
    assert config["doc_to_visual"](docs[0])[0].size == (boxes.size, boxes.size)
    exact, whole = (str([side / boxes.size for side in box]) for box in ((4, 8, 36, 40), (4, 8, 36, 40)))
    half = str([side / boxes.size for side in (4, 8, 20, 40)])
    answers = [f"It is here: {exact}.", half, whole]  # the last is the whole cup for its handle
    processed = [config["process_results"](doc, [said]) for doc, said in zip(docs, answers, strict=True)]
    share = 6 * 16 / 32**2
    expected = {"part_acc": 0, "all_acc": 100 / 3, "part_iou": 100 * share, "all_iou": 100 * (1 + 0.5 + share) / 3}
    for metric in config["metric_list"]:
        values = [one[metric["metric"]] for one in processed]
        assert metric["aggregation"](values) == pytest.approx(expected.pop(metric["metric"]))
    assert not expected
    for said in ("I cannot say.", "[0.1, 0.2]", "[0.9, 0.9, 0.1, 0.1]"):
        assert config["process_results"](docs[0], [said])["all_iou"] == ("object", 0.0)


def test_lmms_evals_own_evaluator_runs_the_tasks(rows, tmp_path, monkeypatch):
    pytest.importorskip("lmms_eval", reason="lmms-eval is not installed: pip install lmms-eval")
    from lmms_eval.api.model import lmms
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager

    class Exact(lmms):
        is_simple = True

        def generate_until(self, requests):
            docs = [self.task_dict[task][split][number] for *_, number, task, split in (it.args for it in requests)]
            return [str(doc["box"]) for doc in docs]

        loglikelihood = generate_until_multi_round = None

    (tmp_path / "data/refcocom").mkdir(parents=True)
    for split in ("val", "testA", "testB"):
        rows.to_parquet(tmp_path / f"data/refcocom/{split}-00000-of-00001.parquet")
    named = "".join(f"  - split: {split}\n    path: {split}-*.parquet\n" for split in ("val", "testA", "testB"))
    card = f"---\nconfigs:\n- config_name: default\n  data_files:\n{named}---\n"  # as `unires convert` writes one
    (tmp_path / "data/refcocom/README.md").write_text(card)
    monkeypatch.chdir(tmp_path)
    tasks = TaskManager(include_path=str(FOLDER))
    measured = simple_evaluate(model=Exact(), tasks=["refcocom"], task_manager=tasks, batch_size=1, device="cpu")
    for split in ("val", "testA", "testB"):
        scores = measured["results"][f"refcocom_{split}"]
        assert {scores[f"{name},none"] for name in ("part_acc", "all_acc", "part_iou", "all_iou")} == {100.0}
