# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Models that find things, behind two calls: what a phrase means (`find`), and what lies in a box (`fill`)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from PIL.Image import Image
from transformers import AutoConfig, AutoModelForZeroShotObjectDetection, AutoProcessor, Sam2Model, Sam3Model
from transformers.image_transforms import center_to_corners_format
from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput
from transformers.utils.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from unires_hf.baselines.adapters import load_sam3
from unires_hf.loading import find_device, load_model
from unires_hf.model.geometry_unires import logits_to_mask
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.weights import load_whole

PHRASES = 32
"""So many phrases go through a decoder at once, so that memory has a bound (our choice)."""
SAM3_PHRASES = 8
"""For SAM 3, whose feature pyramid is repeated for each phrase: 0.1 GB at 1008 pixels."""
DETECTOR_NAMES = 40
"""So many names are asked of a detector at once; Grounding DINO reads 256 tokens."""


class Found(NamedTuple):
    """One thing that was found: a bool mask (height, width) of its picture, and a score between 0 and 1."""

    mask: np.ndarray
    score: float


class Box(NamedTuple):
    """One thing that was detected: [x0, y0, x1, y1] in pixels, its name among those asked, and a score."""

    corners: list[float]
    name: str
    score: float


class Finder(Protocol):
    """Finds what phrases mean."""

    name: str

    def find(self, pictures: Sequence[Image], phrases: Sequence[Sequence[str]]) -> list[list[list[Found]]]:
        """For each picture and each phrase about it, what was found, the best first; nothing is an empty list."""
        ...


def load_finder(name: str, threshold: float | None = None, **options: Any) -> Finder:
    """The finder of a name: `sam3:NAME` for every instance of a concept, else a model as `unires evaluate` takes it.

    Args:
        name (`str`): see [`load_model`].
        threshold (`float`, *optional*): what is found below this score is not found; 0.5 for SAM 3, 0 for others,
            which say themselves whether there is a referent.
    """
    if name.startswith("sam3:"):
        place = name.removeprefix("sam3:") or "facebook/sam3"
        return Sam3Finder(place, 0.5 if threshold is None else threshold, **options)
    return ReferringFinder(name, threshold or 0.0, **options)


class ReferringFinder:
    """A referring segmentation model: one mask for a phrase, or none; a picture is encoded once for all phrases."""

    def __init__(self, name: str, threshold: float = 0.0):
        self.name, self.threshold = name, threshold
        self.model, self.processor = loaded(name, lambda: load_model(name))
        self.model = self.model.to(find_device())

    @torch.inference_mode()
    def find(self, pictures: Sequence[Image], phrases: Sequence[Sequence[str]]) -> list[list[list[Found]]]:
        found: list[list[list[Found]]] = [[] for _ in pictures]
        for index, (picture, said) in enumerate(zip(pictures, phrases, strict=True)):
            seen: dict[str, Any] = {}
            for start in range(0, len(said), PHRASES):
                texts = list(said[start : start + PHRASES])
                inputs = self.processor(images=[picture], text=[texts], return_tensors="pt")
                inputs.pop("original_sizes")
                inputs = inputs.to(self.model.device, dtype=self.model.dtype)
                if seen:
                    del inputs["pixel_values"]
                outputs = self.model(**inputs, **seen)
                seen = {} if outputs.vision_embeds is None else {"vision_embeds": outputs.vision_embeds}
                (results,) = self.processor.post_process_referring_segmentation(outputs, [picture.size[::-1]])
                found[index] += [self._kept(result) for result in results]
        return found

    def _kept(self, result: dict[str, Any]) -> list[Found]:
        score = 1.0 if result["score"] is None else result["score"]
        return [] if result["is_empty"] or score < self.threshold else [Found(result["mask"].numpy(), score)]


class Sam3Finder:
    """SAM 3: every instance of a concept; a picture is encoded once for all phrases."""

    def __init__(self, name: str, threshold: float = 0.5, image_size: int = 1008):
        self.name, self.threshold = f"sam3:{name}", threshold
        self.model, self.processor = loaded(self.name, lambda: load_sam3(name, image_size))
        self.model = self.model.to(find_device())

    @torch.inference_mode()
    def find(self, pictures: Sequence[Image], phrases: Sequence[Sequence[str]]) -> list[list[list[Found]]]:
        return [
            self._find(picture, list(said)) if said else [] for picture, said in zip(pictures, phrases, strict=True)
        ]

    def _find(self, picture: Image, phrases: list[str]) -> list[list[Found]]:
        inputs = self.processor(images=[picture], text=[phrases], return_tensors="pt").to(self.model.device)
        vision = self.model.get_vision_features(inputs["pixel_values"].to(self.model.dtype))
        found: list[list[Found]] = []
        for start in range(0, len(phrases), SAM3_PHRASES):
            words = {name: inputs[name][start : start + SAM3_PHRASES] for name in ("input_ids", "attention_mask")}
            count = len(words["input_ids"])
            repeated = Sam3VisionEncoderOutput(
                fpn_hidden_states=tuple(level.expand(count, -1, -1, -1) for level in vision.fpn_hidden_states),
                fpn_position_encoding=tuple(
                    level[:1].expand(count, -1, -1, -1) for level in vision.fpn_position_encoding
                ),
            )
            outputs = Sam3Model.forward(self.model, vision_embeds=repeated, **words)
            scores = (outputs.pred_logits.sigmoid() * outputs.presence_logits.sigmoid()).float().cpu()
            found += [self._instances(picture, *it) for it in zip(outputs.pred_masks, scores, strict=True)]
        return found

    def _instances(self, picture: Image, logits: torch.Tensor, scores: torch.Tensor) -> list[Found]:
        order = [index for index in scores.argsort(descending=True).tolist() if scores[index] >= self.threshold]
        binary = _masks(logits[order], picture)
        return [Found(mask, scores[index].item()) for mask, index in zip(binary, order, strict=True) if mask.any()]


class Sam2Filler:
    """SAM 2 with a box as prompt: the mask of what lies in each box."""

    def __init__(self, name: str, image_size: int | None = None):
        self.name = name
        self.model = loaded(name, lambda: _load_sam2(name)).eval().to(find_device())
        self.side = image_size or self.model.prompt_encoder.input_image_size
        self.image_processor = UniResImageProcessorPil(
            size={"height": self.side, "width": self.side},
            resize_mode="squash",
            image_mean=IMAGENET_DEFAULT_MEAN,
            image_std=IMAGENET_DEFAULT_STD,
        )

    @torch.inference_mode()
    def fill(self, picture: Image, boxes: Sequence[Sequence[float]]) -> list[Found]:
        """One mask a box, [x0, y0, x1, y1] in pixels, with SAM 2's own estimate of its IoU as score."""
        if not boxes:
            return []
        pixels = self.image_processor([picture], return_tensors="pt")["pixel_values"]
        maps = self.model.get_image_embeddings(pixels.to(self.model.device, self.model.dtype))
        scale = torch.tensor([self.side / picture.width, self.side / picture.height] * 2)
        prompts = (torch.tensor(boxes, dtype=torch.float32) * scale)[None].to(self.model.device, self.model.dtype)
        outputs = self.model(image_embeddings=list(maps), input_boxes=prompts, multimask_output=False)
        binary = _masks(outputs.pred_masks[0, :, 0], picture)
        scores = outputs.iou_scores[0, :, 0].float().clamp(0, 1).tolist()
        return [Found(mask, score) for mask, score in zip(binary, scores, strict=True)]


class Detector:
    """An open-vocabulary detector: Grounding DINO, OWLv2, or another of `AutoModelForZeroShotObjectDetection`."""

    def __init__(self, name: str, threshold: float = 0.3):
        self.name, self.threshold = name, threshold
        self.model = loaded(name, lambda: load_whole(AutoModelForZeroShotObjectDetection, name))
        self.model = self.model.eval().to(find_device())
        self.processor = loaded(name, lambda: AutoProcessor.from_pretrained(name))

    @torch.inference_mode()
    def detect(self, picture: Image, names: Sequence[str]) -> list[Box]:
        """The things of these names, the best first."""
        boxes = []
        for start in range(0, len(names), DETECTOR_NAMES):
            asked = [name.lower() for name in names[start : start + DETECTOR_NAMES]]
            inputs = self.processor(images=picture, text=[asked], return_tensors="pt").to(self.model.device)
            outputs = self.model(**inputs)
            own = self._of_names if self.model.config.model_type == "grounding-dino" else self._of_labels
            for corners, index, score in own(outputs, inputs, picture, asked):
                x0, y0, x1, y1 = corners.tolist()
                inside = [max(x0, 0.0), max(y0, 0.0), min(x1, picture.width), min(y1, picture.height)]
                if inside[2] - inside[0] >= 1 and inside[3] - inside[1] >= 1:
                    boxes.append(Box(inside, names[start + index], score.item()))
        return sorted(boxes, key=lambda box: -box.score)

    def _of_labels(self, outputs: Any, inputs: Any, picture: Image, asked: list[str]) -> Iterator[tuple]:
        (result,) = self.processor.post_process_grounded_object_detection(
            outputs, threshold=self.threshold, target_sizes=[picture.size[::-1]]
        )
        yield from zip(result["boxes"], result["labels"].tolist(), result["scores"], strict=True)

    def _of_names(self, outputs: Any, inputs: Any, picture: Image, asked: list[str]) -> Iterator[tuple]:
        """Grounding DINO scores tokens; transformers joins those above a threshold, of whatever names, to a label.
        Here a box has the name of its best token: names stand one after another, each ended by a full stop."""
        stop = self.processor.tokenizer.convert_tokens_to_ids(".")
        ids = inputs["input_ids"][0].tolist()
        name_of = np.cumsum([0] + [token == stop for token in ids])[:-1]
        words = [
            place for place, token in enumerate(ids) if token != stop and 0 < place and name_of[place] < len(asked)
        ]
        scores, best = outputs.logits[0, :, words].sigmoid().max(-1)
        boxes = center_to_corners_format(outputs.pred_boxes[0]) * torch.tensor(
            [picture.width, picture.height] * 2, device=scores.device
        )
        for query in (scores > self.threshold).nonzero().flatten().tolist():
            yield boxes[query], int(name_of[words[best[query]]]), scores[query]


def _load_sam2(name: str) -> Sam2Model:
    kind = AutoConfig.from_pretrained(name).model_type
    if not kind.startswith("sam2"):  # published ones are "sam2_video"
        raise ValueError(f"it is no SAM 2, but of type {kind}")
    return load_whole(Sam2Model, name)


def check_phrase(phrase: str, *names: str) -> None:
    """
    Raises:
        ValueError: if a phrase of a recipe names anything in braces but these names.
    """
    try:
        phrase.format(**dict.fromkeys(names, "it"))
    except (LookupError, ValueError, AttributeError) as error:
        may = " and ".join(f"{{{name}}}" for name in names)
        raise ValueError(f"the phrase {phrase!r} may name {may} in braces, and nothing else.") from error


def loaded(name: str, load: Callable[[], Any]) -> Any:
    """What `load` returns.

    Raises:
        ValueError: if the model is missing, is gated, or cannot be reached, in one sentence.
    """
    try:
        return load()
    except (OSError, ValueError) as error:
        chain = [type(it).__name__ for it in _causes(error)]
        if "GatedRepoError" in chain:
            raise ValueError(
                f"The model {name} is gated: accept its terms on its page, then `hf auth login`."
            ) from error
        first = str(error).strip().splitlines()[0].rstrip(".")
        if "HFValidationError" in chain:  # a path, of which it says that no repository is called so
            first = "there is no such folder, and no repository can have this name"
        raise ValueError(f"The model {name} cannot be loaded: {first}.") from error


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _masks(logits: torch.Tensor, picture: Image) -> list[np.ndarray]:
    """Logit maps (n, h, w) of a picture that was squashed, as bool masks at its own size."""
    extent = (float(logits.shape[-2]), float(logits.shape[-1]))
    return [logits_to_mask(it, extent, picture.size[::-1], 0.0)[0].numpy() for it in logits.float().cpu()]
