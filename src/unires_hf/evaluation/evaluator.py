# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Runs a model over rows of the schema and scores every expression at original size, on any number of processes."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import datasets
import numpy as np
import pyarrow as pa
import torch
import transformers
from accelerate import PartialState
from accelerate.utils import gather_object
from torch.utils.data import Subset
from tqdm.auto import tqdm
from transformers import BatchFeature, PreTrainedModel, ProcessorMixin
from transformers.utils import ModelOutput

from unires_hf import __version__
from unires_hf.data import masks
from unires_hf.evaluation.referring_segmentation_metric.protocols import Protocol, get_protocol
from unires_hf.model.processing_unires import UniResProcessor

from .behaviors import probe_batch
from .mean_places import MeanPlaces
from .results import RECORDS, Results
from .score import overlap

Row = dict[str, Any]
CONTROLS = (
    *("all_foreground", "parent_object", "other_target", "mean_place"),
    *("other_expression", "empty_expression"),
)


class Prediction(NamedTuple):
    """A bool mask where the protocol compares, or at original size; whether the model denies that there is a referent;
    its score; and the mask at original size where it is to be kept."""

    mask: np.ndarray
    no_target: bool
    score: float | None
    kept: np.ndarray | None = None


class _Batch(NamedTuple):
    places: tuple[int, ...]
    rows: tuple[Row, ...]
    inputs: BatchFeature
    sizes: list[tuple[int, int]]


def evaluate_model(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    rows: Sequence[Row] | Iterable[Row],
    *,
    protocol: str = "unires",
    batch_size: int = 8,
    max_images: int | None = None,
    max_length: int | None = None,
    mask_threshold: float | None = None,
    controls: Collection[str] = ("all_foreground", "parent_object"),
    mean_places: MeanPlaces | None = None,
    keep_masks: bool = False,
    behaviors: bool = False,
    bootstrap: int = 1000,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Results:
    """Scores a model on every expression of the rows; all expressions of an image share one vision pass.

    Under `torchrun` or `accelerate launch` each process takes every n-th image and all of them return the same
    results, equal to those of one process. What two rows say counts twice: rows are told apart by their place.

    Args:
        model: a model with the inputs and outputs of [`UniResModel`], on its device.
        processor: its processor, with `post_process_referring_segmentation`.
        rows: rows of the schema; a `datasets.Dataset`, an `IterableDataset`, or any sequence or iterable of dicts.
            Processes read only their own images of a sequence, and all images of an iterable. Targets without a mask
            (boxes only) are left out and counted as `n_boxes_only`, but for the protocol `"boxes"`.
        protocol (`str`, *optional*, defaults to `"unires"`): a key of `PROTOCOLS`.
        batch_size (`int`, *optional*, defaults to 8): images a pass, with all that is said about them.
        max_images (`int`, *optional*): score the first so many images.
        max_length (`int`, *optional*): words are cut to so many tokens, instead of as many as the model was trained
            with.
        mask_threshold (`float`, *optional*): a pixel belongs to a mask above this probability; by default the
            protocol's, and the processor's where the protocol fixes none.
        controls (*optional*, defaults to `("all_foreground", "parent_object")`): what else to score on the same
            expressions, because a bare mIoU flatters. `"all_foreground"`: every pixel; `"parent_object"`: the mask of
            the whole object, for a part that has one; `"other_target"`: the true mask of the image's next other target
            that is spoken of; `"mean_place"`: where such a thing is on average, see `mean_places`;
            `"other_expression"`: what the model draws for an expression of the next other target of the image, where
            there is one; `"empty_expression"`: what it draws for no words.
        mean_places (`MeanPlaces`, *optional*): of the training set, for the control `"mean_place"`.
        keep_masks (`bool`, *optional*, defaults to `False`): keep the predicted masks in the records as RLE.
        behaviors (`bool`, *optional*, defaults to `False`): measure what a mean hides, see [`behavior_summary`]; three
            passes over each image instead of one. At original size only.
        bootstrap, seed: of the intervals, see [`compute_metrics`].
        settings (*optional*): what else `results.json` should say, such as model, dataset and split.

    Raises:
        ValueError: if a name is unknown, the protocol fixes another mask threshold, a mask has another size than its
            image, or there is nothing to score.
    """
    preset = get_protocol(protocol)
    unknown = sorted(set(controls) - set(CONTROLS))
    if unknown:
        raise ValueError(f"There is no control {unknown[0]!r}; choose from {', '.join(CONTROLS)}.")
    if "mean_place" in controls and mean_places is None:
        raise ValueError("The control mean_place needs the mean_places of the rows that the model was trained on.")
    if behaviors and (preset.boxes or preset.score_size is not None):
        raise ValueError(
            f"Behaviors are measured on masks at original size, but {protocol} compares elsewhere: use unires."
        )
    mask_threshold, chosen_by = _mask_threshold(preset, processor, mask_threshold)
    # Without the flag, accelerate takes a CPU process that torchrun started for the only one.
    state = PartialState(cpu=model.device.type == "cpu")
    own = _share(rows, state.process_index, state.num_processes, max_images)
    text_options = {} if max_length is None else {"max_length": max_length}
    # The tokenizer is the other thread's once it prepares batches.
    no_words = processor.tokenizer([""], return_tensors="pt") if "empty_expression" in controls else None

    was_training = model.training
    model.eval()
    tables, boxes_only = [RECORDS.empty_table()], Counter()
    progress = tqdm(desc="evaluate", unit=" expressions", disable=not state.is_main_process)
    own = map(_boxes_as_masks, own) if preset.boxes else own
    batches = _batches(_with_masks(own, boxes_only), processor, batch_size, text_options)

    def ask(rows: Sequence[Row]) -> list[list[np.ndarray]]:
        """Masks of other rows."""
        (batch,) = _batches(iter(enumerate(rows)), processor, len(rows), text_options)
        images, _, _ = _predict(model, processor, batch, preset, mask_threshold, None, False)
        return [[one.mask for one in image] for image in images]

    for batch in batches if behaviors else _ahead(batches):  # a tokenizer serves one thread
        drawn, wordless, outputs = _predict(model, processor, batch, preset, mask_threshold, no_words, keep_masks)
        records: list[Row] = []
        probes = None
        if behaviors:
            rows_seen = [row | {"image": _picture(row["image"])} for row in batch.rows]
            refine = partial(_refined, processor, outputs, batch.sizes, mask_threshold)
            refine = refine if isinstance(processor, UniResProcessor) else None  # Florence-2 has no map to refine
            probes = probe_batch(rows_seen, [[one.mask for one in image] for image in drawn], ask, refine)
        for number, (place, *scene) in enumerate(zip(batch.places, batch.rows, drawn, wordless, strict=True)):
            probed = iter(probes[number]) if probes else None
            for one in _score_row(*scene, preset, controls, mean_places):
                more = next(probed) if probed and one["predictor"] == "model" else {}
                records.append({"row": place, **one, **more})
        tables.append(pa.Table.from_pylist(records, schema=RECORDS))
        progress.update(sum(record["predictor"] == "model" for record in records))
    progress.close()
    model.train(was_training)

    settings = {
        **(settings or {}),
        "protocol": protocol,
        "scored_at": "original size" if preset.score_size is None else "{}x{}".format(*preset.score_size),
        "mask_threshold": mask_threshold,
        "mask_threshold_chosen_by": chosen_by,
        "presence_threshold": processor.presence_threshold,
        "score_temperature": processor.score_temperature,
        "score_bias": processor.score_bias,
        "input_size": "{height}x{width}".format(**dict(processor.image_processor.size)),
        "text_length": max_length or processor.text_length,
        "max_images": max_images,
        "behaviors": behaviors,
        "bootstrap": bootstrap,
        "bootstrap_seed": seed,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device.type,
        "weights_sha256": weights_digest(model),
        "versions": f"unires-hf {__version__}, torch {torch.__version__}, transformers {transformers.__version__}",
        "n_boxes_only": sum(gather_object([boxes_only.total()])),
    }
    return Results.from_records(pa.concat_tables(gather_object([pa.concat_tables(tables)])), settings)


def weights_digest(model: torch.nn.Module) -> str:
    """SHA-256 of the names and values of the weights, the same on every device."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _mask_threshold(protocol: Protocol, processor: ProcessorMixin, asked: float | None) -> tuple[float | None, str]:
    """The threshold to score at, and whose choice it is."""
    if protocol.mask_threshold is None:
        return (processor.mask_threshold, "the model") if asked is None else (asked, "request")
    if asked not in (None, protocol.mask_threshold):
        raise ValueError(
            f"The protocol {protocol.name} fixes the mask threshold at {protocol.mask_threshold}, not {asked}: leave "
            "it out, or score with the protocol unires."
        )
    return protocol.mask_threshold, "the protocol"


def _share(rows: Iterable[Row], process: int, processes: int, max_images: int | None) -> Iterable[tuple[int, Row]]:
    """A process's rows, each with its place among all."""
    if isinstance(rows, Sequence | datasets.Dataset):
        own = range(process, len(rows) if max_images is None else min(max_images, len(rows)), processes)
        return zip(own, Subset(rows, own), strict=True)
    return itertools.islice(enumerate(rows), process, max_images, processes)


def _boxes_as_masks(numbered: tuple[int, Row]) -> tuple[int, Row]:
    """The row, in which a target with a box alone has it as its mask, filled and from whole pixels to whole pixels."""
    place, row = numbered
    return place, row | {"targets": [it if it["mask"] else it | {"mask": _filled(it, row)} for it in row["targets"]]}


def _filled(target: Row, row: Row) -> masks.RLE:
    x, y, w, h = target["bbox"]
    mask = np.zeros((row["height"], row["width"]), bool)
    mask[round(y) : round(y + h), round(x) : round(x + w)] = True
    return masks.encode(mask)


def _with_masks(rows: Iterable[tuple[int, Row]], boxes_only: Counter) -> Iterator[tuple[int, Row]]:
    """The rows in which there is something to score; counts the expressions of targets that are boxes only."""
    for place, row in rows:
        for target in row["targets"]:
            boxes_only[row["source"]] += len(target["expressions"]) if target["mask"] is None else 0
        if _targets(row):
            yield place, row


def _batches(
    rows: Iterator[tuple[int, Row]], processor: ProcessorMixin, size: int, text_options: Row
) -> Iterator[_Batch]:
    while taken := list(itertools.islice(rows, size)):
        places, batch = zip(*taken, strict=True)
        inputs = processor(
            images=[_picture(row["image"]) for row in batch],
            text=[[it["text"] for target in _targets(row) for it in target["expressions"]] for row in batch],
            return_tensors="pt",
            **text_options,
        )
        sizes = [(int(height), int(width)) for height, width in inputs.pop("original_sizes")]
        for row, image_size in zip(batch, sizes, strict=True):
            _check_sizes(row, image_size)
        yield _Batch(places, batch, inputs, sizes)


def _targets(row: Row) -> list[Row]:
    """Those that can be scored."""
    return [target for target in row["targets"] if target["mask"] is not None and target["expressions"]]


def _picture(image: Any) -> Any:
    """Rows straight from a reader hold the file, not the picture."""
    return datasets.Image().decode_example(image) if isinstance(image, dict) else image


def _check_sizes(row: Row, size: tuple[int, int]) -> None:
    for target in _targets(row):
        if tuple(target["mask"]["size"]) != size:
            raise ValueError(
                f"Image {row['image_id']} is {size} (h, w) but the mask of target {target['target_id']} is "
                f"{tuple(target['mask']['size'])}; convert the data again so that masks are at original size."
            )


def _ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Prepares the next batch in a thread while the model works on this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        following = pool.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, batches, None)
            yield batch


@torch.inference_mode()
def _predict(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    batch: _Batch,
    protocol: Protocol,
    mask_threshold: float | None,
    no_words: Mapping[str, torch.Tensor] | None,
    keep_masks: bool,
) -> tuple[list[list[Prediction]], list[Prediction | None], ModelOutput]:
    """For each image what the model draws for its expressions, and what it draws for no words if that is asked; and
    the outputs for its expressions."""
    outputs = model(**batch.inputs.to(model.device, dtype=model.dtype))
    drawn = _post_process(processor, outputs, batch.sizes, protocol, mask_threshold, keep_masks)
    if no_words is None:
        return drawn, [None] * len(drawn), outputs
    images = torch.arange(len(drawn), device=model.device)
    words = {name: ids.to(model.device).repeat(len(images), 1) for name, ids in no_words.items()}
    if outputs.vision_embeds is None:  # a model whose image features depend on the words
        seen = {"pixel_values": batch.inputs["pixel_values"]}
    else:
        seen = {"vision_embeds": outputs.vision_embeds}
    wordless = model(**seen, **words, image_indices=images)
    return (
        drawn,
        [one for (one,) in _post_process(processor, wordless, batch.sizes, protocol, mask_threshold)],
        outputs,
    )


def _refined(
    processor: ProcessorMixin,
    outputs: ModelOutput,
    sizes: list[tuple[int, int]],
    mask_threshold: float | None,
    **hints: list[Any],
) -> list[list[np.ndarray]]:
    """For each image the masks of its expressions with clicks (`points`) or `boxes`; the model is not run."""
    images = processor.post_process_referring_segmentation(outputs, sizes, mask_threshold, **hints)
    return [[one["mask"].numpy() for one in image] for image in images]


def _post_process(
    processor: ProcessorMixin,
    outputs: ModelOutput,
    sizes: list[tuple[int, int]],
    protocol: Protocol,
    mask_threshold: float | None,
    keep_masks: bool = False,
) -> list[list[Prediction]]:
    options: dict[str, Any] = {"target_sizes": sizes, "mask_threshold": mask_threshold}
    # gRefCOCO wants the model's word and, apart from it, the mask that it drew all the same.
    judged = protocol.no_target_rule and outputs.presence_logits is not None
    if judged:
        options["presence_threshold"] = 0.0
        present = outputs.presence_logits.float().sigmoid() >= processor.presence_threshold
        denied = iter((~present).tolist())
    # Protocols that compare at another size threshold their maps there, not at original size.
    images = processor.post_process_referring_segmentation(outputs, **options, mask_size=protocol.score_size)
    whole = images
    if keep_masks and protocol.score_size is not None:
        whole = processor.post_process_referring_segmentation(outputs, **options)
    return [
        [
            Prediction(
                one["mask"].numpy(),
                next(denied) if judged else one["is_empty"],
                one["score"],
                kept["mask"].numpy() if keep_masks else None,
            )
            for one, kept in zip(*both, strict=True)
        ]
        for both in zip(images, whole, strict=True)
    ]


def _score_row(
    row: Row,
    drawn: list[Prediction],
    wordless: Prediction | None,
    protocol: Protocol,
    controls: Collection[str],
    mean_places: MeanPlaces | None,
) -> Iterator[Row]:
    """Yields the records of an image, one an expression and predictor."""
    targets = _targets(row)
    first = np.cumsum([0] + [len(target["expressions"]) for target in targets]).tolist()
    for place, target in enumerate(targets):
        truth = protocol.resize(masks.decode(target["mask"]))
        about_target = {
            **{name: row[name] for name in ("source", "image_id", "height", "width")},
            **{name: target[name] for name in ("target_id", "granularity", "category", "part")},
            "no_target": masks.area(target["mask"]) == 0,
        }
        constant = _constant_controls(row, target, controls, mean_places)
        for number, expression in enumerate(target["expressions"]):
            own = drawn[first[place] + number]
            kept = None if own.kept is None else masks.encode(own.kept)
            predictions = {"model": own} | constant
            other = _other(targets, place, expression["text"])
            if "other_expression" in controls and other is not None:
                predictions["other_expression"] = drawn[first[other]]
            if "other_target" in controls and other is not None:
                predictions["other_target"] = _constant(masks.decode(targets[other]["mask"]))
            if wordless is not None:
                predictions["empty_expression"] = wordless
            about = about_target | expression | {"n_words": len(expression["text"].split())}
            for predictor, prediction in predictions.items():
                yield about | {
                    "predictor": predictor,
                    "predicted_no_target": prediction.no_target,
                    "score": prediction.score,
                    **overlap(protocol.resize(prediction.mask), truth)._asdict(),
                    "prediction": kept if predictor == "model" else None,
                }


def _constant_controls(
    row: Row, target: Row, controls: Collection[str], mean_places: MeanPlaces | None
) -> dict[str, Prediction]:
    """What answers every expression of a target alike, without a model."""
    predictions = {}
    if "all_foreground" in controls:
        predictions["all_foreground"] = _constant(np.ones((row["height"], row["width"]), bool))
    # The object need not have words of its own.
    for other in row["targets"] if "parent_object" in controls else ():
        if other["target_id"] == target["parent_id"] and other["mask"] is not None:
            predictions["parent_object"] = _constant(masks.decode(other["mask"]))
    if "mean_place" in controls and (mean := mean_places.answer(row, target)) is not None:
        predictions["mean_place"] = _constant(mean)
    return predictions


def _constant(mask: np.ndarray) -> Prediction:
    return Prediction(np.ascontiguousarray(mask), False, None)


def _other(targets: list[Row], place: int, text: str) -> int | None:
    """The next target, around the corner if need be, whose first expression says something else."""
    for step in range(1, len(targets)):
        other = (place + step) % len(targets)
        if targets[other]["expressions"][0]["text"].lower() != text.lower():
            return other
    return None
