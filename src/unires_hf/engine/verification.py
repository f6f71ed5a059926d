# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Three verifiers: similarity of words and region, an independent listener, agreement under mirroring and scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForZeroShotImageClassification, AutoProcessor

from unires_hf.data import masks
from unires_hf.data.part_expressions import spoken
from unires_hf.data.schema import Row
from unires_hf.loading import find_device
from unires_hf.weights import load_whole

from .case import Case, overlap, region
from .finders import Finder, check_phrase, load_finder, loaded
from .part_stage import SIDES, PartStage, crop_corners
from .part_vocabulary import Vocabulary

GRAY = (124, 116, 104)
"""What is around the region becomes half of it: ImageNet's mean."""


@dataclass(frozen=True)
class SimilarityRecipe:
    """Words and region must be more alike than the region and what its siblings are called.

    Args:
        model (`str`): the name or folder of a CLIP or SigLIP.
        phrase (`str`): what is compared.
        margin (`float`, defaults to 0.0): how much less alike than the best sibling's name a name may be (cosine).
        padding (`float`, defaults to 0.2): of the crop, see [`PartsRecipe`].
    """

    model: str
    phrase: str = "the {part} of a {category}"
    margin: float = 0.0
    padding: float = 0.2

    def __post_init__(self):
        check_phrase(self.phrase, "part", "category")
        if self.padding < 0:
            raise ValueError(f"similarity.padding is 0 or more, got {self.padding}.")


@dataclass(frozen=True)
class ListenerRecipe:
    """An independent model must find the same pixels for the words.

    Args:
        model (`str`): as `parts.model`; another model than that one, or another training of it.
        threshold (`float`, *optional*): as `parts.threshold`.
        iou (`float`, defaults to 0.5): at least; GSSculpt's.
    """

    model: str
    threshold: float | None = None
    iou: float = 0.5


@dataclass(frozen=True)
class AgreementRecipe:
    """The model that found a part must find it again on the mirrored crop and on one of another size.

    Args:
        mirror (`bool`, defaults to `True`): ask on the mirrored crop.
        scale (`float`, *optional*, defaults to 0.7): ask on a crop with sides so many times as long; None: do not.
        iou (`float`, defaults to 0.5): at least, with each of them (our choice).
    """

    mirror: bool = True
    scale: float | None = 0.7
    iou: float = 0.5

    def __post_init__(self):
        if not self.mirror and self.scale is None:
            raise ValueError("agreement: with neither `mirror` nor `scale` there is nothing to agree with.")
        if self.scale is not None and self.scale <= 0:
            raise ValueError(f"agreement.scale is more than 0, got {self.scale}.")


class Similarity:
    """Refuses parts that look more like a sibling's name."""

    stage = "similarity"

    def __init__(self, recipe: SimilarityRecipe, vocabulary: Vocabulary):
        self.recipe, self.vocabulary = recipe, vocabulary
        kind = AutoModelForZeroShotImageClassification  # that of CLIP, SigLIP and their like
        self.model = loaded(recipe.model, lambda: load_whole(kind, recipe.model)).eval().to(find_device())
        self.processor = loaded(recipe.model, lambda: AutoProcessor.from_pretrained(recipe.model))
        self._texts: dict[str, torch.Tensor] = {}

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            judged = [it for it in proposed(case) if noun(it, self.vocabulary) in self._siblings(it)]
            seen = self.see(case, judged)
            gone = set()
            for target, pixels in zip(judged, seen, strict=True):
                own = self._siblings(target).index(noun(target, self.vocabulary))
                alike = self._said(target["category"]) @ pixels
                others = [value for index, value in enumerate(alike.tolist()) if index != own]
                lead = alike[own].item() - max(others, default=-1.0)
                if lead < -self.recipe.margin:
                    best = int(alike.argmax())
                    case.reject(
                        self.stage, "looks more like a sibling", target, self._siblings(target)[best], score=lead
                    )
                    gone.add(target["target_id"])
                else:
                    case.keep(self.stage, target["target_id"], self.recipe.model, lead)
            case.drop(gone)
        return cases

    @torch.inference_mode()
    def see(self, case: Case, targets: Sequence[Row]) -> torch.Tensor:
        """Unit vectors (targets, width) of the regions of a picture."""
        if not targets:
            return torch.zeros(0, 1)
        crops = [self._crop(case, target) for target in targets]
        inputs = self.processor(images=crops, return_tensors="pt").to(self.model.device, dtype=self.model.dtype)
        return _unit(self.model.get_image_features(pixel_values=inputs["pixel_values"]))

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors (texts, width)."""
        padding = "max_length" if self.model.config.model_type.startswith("siglip") else True  # as SigLIP was trained
        inputs = self.processor(text=list(texts), padding=padding, truncation=True, return_tensors="pt")
        return _unit(self.model.get_text_features(**inputs.to(self.model.device)))

    def _siblings(self, target: Row) -> list[str]:
        return self.vocabulary.parts(target["category"]) or []

    def _said(self, category: str) -> torch.Tensor:
        if category not in self._texts:
            parts = self.vocabulary.parts(category)
            texts = [self.recipe.phrase.format(part=part, category=spoken(category)) for part in parts]
            self._texts[category] = self.read(texts)
        return self._texts[category]

    def _crop(self, case: Case, target: Row) -> Image.Image:
        corners = crop_corners(target["bbox"], case.picture.size, self.recipe.padding)
        inside = region(target, case.picture.height, case.picture.width)
        inside = Image.fromarray(inside[corners[1] : corners[3], corners[0] : corners[2]])
        crop = case.picture.crop(corners)
        return Image.composite(crop, Image.blend(crop, Image.new("RGB", crop.size, GRAY), 0.5), inside)


class Agreement:
    """Refuses parts that the model which found them does not find again."""

    stage = "agreement"

    def __init__(self, recipe: AgreementRecipe, parts: PartStage):
        self.recipe, self.parts = recipe, parts

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            for owner in case.objects:
                mine = [it for it in proposed(case) if it["parent_id"] == owner["target_id"]]
                if mine:
                    self._judge(case, owner, mine)
        return cases

    def _judge(self, case: Case, owner: Row, mine: list[Row]) -> None:
        vocabulary = self.parts.vocabulary
        nouns = list(dict.fromkeys(noun(it, vocabulary) for it in mine))
        corners = crop_corners(owner["bbox"], case.picture.size, self.parts.recipe.padding)
        inside = region(owner, case.picture.height, case.picture.width)
        inside = inside[corners[1] : corners[3], corners[0] : corners[2]]
        first = {name: np.zeros_like(inside) for name in nouns}
        for target in mine:
            whole = masks.decode(target["mask"])
            first[noun(target, vocabulary)] |= whole[corners[1] : corners[3], corners[0] : corners[2]]
        again = [
            dict(zip(nouns, self._masks(view, owner, nouns, inside), strict=True))
            for view in self._views(case.picture.crop(corners))
        ]
        gone = set()
        for target in mine:
            name = noun(target, vocabulary)
            agreed = min(overlap(first[name], other[name] & inside) for other in again)
            if agreed < self.recipe.iou:
                case.reject(self.stage, "found elsewhere on the mirrored or rescaled crop", target, score=agreed)
                gone.add(target["target_id"])
            else:
                case.keep(self.stage, target["target_id"], self.parts.finder.name, agreed)
        case.drop(gone)

    def _views(self, crop: Image.Image) -> list[tuple[Image.Image, bool]]:
        """What is asked about in the crop's place, each with whether it is mirrored."""
        views = []
        if self.recipe.mirror:
            views.append((crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT), True))
        if self.recipe.scale:
            size = [max(1, round(side * self.recipe.scale)) for side in crop.size]
            views.append((crop.resize(size, Image.Resampling.BICUBIC), False))
        return views

    def _masks(
        self, view: tuple[Image.Image, bool], owner: Row, nouns: list[str], inside: np.ndarray
    ) -> list[np.ndarray]:
        """The masks of the nouns, brought back to the crop."""
        picture, mirrored = view
        drawn = []
        for instances in self.parts.ask(picture, owner["category"], nouns):
            mask = np.zeros(picture.size[::-1], bool)
            for one in instances:
                mask |= one.mask
            mask = mask[:, ::-1] if mirrored else mask
            if mask.shape != inside.shape:
                mask = np.asarray(
                    Image.fromarray(np.ascontiguousarray(mask)).resize(inside.shape[::-1], Image.Resampling.NEAREST)
                )
            drawn.append(mask)
        return drawn


class Listener:
    """Refuses expressions for which another model finds something else, and parts of which nothing is left to say."""

    stage = "listener"

    def __init__(self, recipe: ListenerRecipe):
        self.recipe = recipe
        self.finder: Finder = load_finder(recipe.model, recipe.threshold)

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            made = {it["about"] for it in case.provenance if it["stage"] == "words"}
            asked = [
                (target, expression)
                for target in case.row["targets"]
                for expression in target["expressions"]
                if expression["expression_id"] in made and target["mask"] is not None
            ]
            if asked:
                (heard,) = self.finder.find([case.picture], [[expression["text"] for _, expression in asked]])
                for (target, expression), found in zip(asked, heard, strict=True):
                    self._judge(case, target, expression, found)
            silent = {it["target_id"] for it in proposed(case) if not it["expressions"]}
            case.drop(silent)
        return cases

    def _judge(self, case: Case, target: Row, expression: Row, found: list) -> None:
        truth = masks.decode(target["mask"])
        iou = max((overlap(truth, one.mask) for one in found), default=0.0)
        if iou < self.recipe.iou:
            reason = "the listener finds something else" if found else "the listener finds nothing"
            case.reject(self.stage, reason, target, expression["text"], score=iou)
            target["expressions"].remove(expression)
        else:
            case.keep(self.stage, expression["expression_id"], self.finder.name, iou)


def proposed(case: Case) -> list[Row]:
    """The parts of a picture that the engine made; what was given is not judged."""
    made = {it["about"] for it in case.provenance if it["stage"] == "parts"}
    return [it for it in case.parts if it["target_id"] in made]


def noun(target: Row, vocabulary: Vocabulary) -> str:
    """What a part is called without its side."""
    side, _, bare = target["part"].partition(" ")
    return bare if side in SIDES and vocabulary.paired(bare) else target["part"]


def _unit(features) -> torch.Tensor:
    features = features.pooler_output if hasattr(features, "pooler_output") else features
    return torch.nn.functional.normalize(features.float().cpu(), dim=-1)
