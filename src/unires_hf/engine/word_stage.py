# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Words: the rules of `part_expressions`, in both orders of the paper; a captioner may name the objects."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from unires_hf.data.part_expressions import Traits, compose, spoken
from unires_hf.data.photo_expressions import speak
from unires_hf.data.schema import Row
from unires_hf.loading import find_device
from unires_hf.weights import load_whole

from .case import Case, is_nothing
from .finders import check_phrase, loaded
from .part_stage import crop_corners
from .part_vocabulary import Vocabulary

STAGE = "words"
MOST_WORDS = 8
"""A longer caption is a sentence, no name (our choice; the paper's expressions have 4.6 words on average)."""


@dataclass(frozen=True)
class WordsRecipe:
    """How things are called.

    Args:
        captioner (`str`, *optional*): the name or folder of an image-text-to-text model, which names each object.
        prompt (`str`): what the captioner is asked.
        max_new_tokens (`int`, defaults to 16): of its answer.
        limit (`int`, defaults to 32): expressions a picture, as MRES-32M has on average.
        rich (`bool`, defaults to `True`): where room is left, also speak of colors, sizes, places and relations, as
            measured on the picture; see [`unires_hf.data.photo_expressions.speak`].
    """

    captioner: str | None = None
    prompt: str = "Name the {category} in this picture in at most five words, such as: red {category} with white roof."
    max_new_tokens: int = 16
    limit: int = 32
    rich: bool = True

    def __post_init__(self):
        check_phrase(self.prompt, "category")
        if min(self.max_new_tokens, self.limit) < 1:
            raise ValueError("words.max_new_tokens and words.limit are 1 or more.")


class WordStage:
    """Gives every target that has none its expressions; what holds for two things of the picture is not said."""

    def __init__(self, recipe: WordsRecipe, vocabulary: Vocabulary):
        self.recipe, self.vocabulary = recipe, vocabulary
        self.captioner = Captioner(recipe) if recipe.captioner else None

    def __call__(self, cases: Sequence[Case]) -> Sequence[Case]:
        for case in cases:
            silent = [it for it in case.row["targets"] if not it["expressions"]]
            captioned = self._caption(case) if self.captioner else set()
            compose(case.row["targets"], case.picture.width, self._traits(case))
            self._shorten(silent)
            if self.recipe.rich:
                silent += self._enrich(case, silent)
            for target in silent:
                for expression in target["expressions"]:
                    own = expression["text"] in captioned
                    case.keep(STAGE, expression["expression_id"], self.captioner.name if own else "rules")
                if not target["expressions"]:
                    case.reject(STAGE, "nothing can be said of it alone", target)
        return cases

    def _caption(self, case: Case) -> set[str]:
        """Gives objects what the captioner calls them, where it names the category and no two are called alike."""
        silent = [it for it in case.objects if not it["expressions"]]
        crops = [case.picture.crop(crop_corners(it["bbox"], case.picture.size, 0.1)) for it in silent]
        texts = [self.captioner.name_it(crop, it["category"]) for crop, it in zip(crops, silent, strict=True)]
        said = Counter(texts)
        for target, text in zip(silent, texts, strict=True):
            if spoken(target["category"]).split()[-1] not in text.split() or len(text.split()) > MOST_WORDS:
                case.reject(STAGE, "the caption does not name the object", target, text)
            elif said[text] > 1:
                case.reject(STAGE, "the caption is of two objects", target, text)
            else:
                target["expressions"] = [{"expression_id": f"{target['target_id']}/caption", "text": text}]
        return set(texts)

    def _traits(self, case: Case) -> dict[str, Traits]:
        """Parts that are seen twice, or were found by the plural: this is then what they are called."""
        ids = {it["target_id"] for it in case.parts}
        return {
            it["target_id"]: Traits(instances=2)
            for it in case.parts
            if it["target_id"] in case.several or it["parent_id"] and f"{it['parent_id']}/left {it['part']}" in ids
        }

    def _enrich(self, case: Case, silent: Sequence[Row]) -> list[Row]:
        """Says more of the silent targets, and of several at once, which become targets of their own."""
        room = self.recipe.limit - sum(len(it["expressions"]) for it in silent)
        if room < 1 or any(it["mask"] is None for it in case.objects):
            return []
        plain = {it["target_id"]: it for it in silent}
        said = {e["text"] for it in case.row["targets"] for e in it["expressions"]}
        several = []
        for spoken_of in speak(case.row, case.picture, Random(f"words/{case.row['image_id']}"), room):
            if is_nothing(spoken_of):  # the stage for negatives says what is not there
                continue
            # Another object may have the part too, and the engine missed it there: "the stem" needs its flower.
            heads = spoken(spoken_of["category"]).split()[-1:] if spoken_of["part"] else []
            new = [it for it in spoken_of["expressions"] if it["text"] not in said]
            new = [it for it in new if all(re.search(rf"\b{re.escape(head)}(s|'s)?\b", it["text"]) for head in heads)]
            if not new:
                continue
            known = plain.get(spoken_of["target_id"])
            if known is not None:
                known["expressions"] = [*known["expressions"], *new]
            elif all(spoken_of["target_id"] != it["target_id"] for it in case.row["targets"]):
                several.append({**spoken_of, "expressions": new})
        case.row["targets"] += several
        return several

    def _shorten(self, silent: Sequence[Row]) -> None:
        """Keeps `limit` expressions of the picture, in turn: the first of every target, then the second ones …"""
        turns = sorted((turn, place) for place, it in enumerate(silent) for turn in range(len(it["expressions"])))
        kept = Counter(place for _, place in turns[: self.recipe.limit])
        for place, target in enumerate(silent):
            target["expressions"] = target["expressions"][: kept[place]]


class Captioner:
    """An image-text-to-text model, asked for the name of what a crop shows."""

    def __init__(self, recipe: WordsRecipe):
        self.recipe, self.name = recipe, recipe.captioner
        self.model = loaded(self.name, lambda: load_whole(AutoModelForImageTextToText, self.name))
        self.model = self.model.eval().to(find_device())
        self.processor = loaded(self.name, lambda: AutoProcessor.from_pretrained(self.name))

    @torch.inference_mode()
    def name_it(self, crop, category: str) -> str:
        """The answer's first line, in small letters, without an article or a full stop."""
        prompt = self.recipe.prompt.format(category=spoken(category))
        content = [{"type": "image", "image": crop}, {"type": "text", "text": prompt}]
        inputs = self.processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self.model.device, dtype=self.model.dtype)
        tokens = self.model.generate(**inputs, max_new_tokens=self.recipe.max_new_tokens, do_sample=False)
        answer = self.processor.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        line = (answer.strip().splitlines() or [""])[0].lower()
        return re.sub(r"^(the|a|an) ", "", " ".join(re.findall(r"[\w'-]+", line)))
