# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A processor made offline, a model whose masks are known because its expressions spell them, and rows for both."""

import types

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from unires_hf.data import masks
from unires_hf.model.image_processing_pil_unires import UniResImageProcessorPil
from unires_hf.model.modeling_unires import UniResOutput
from unires_hf.model.processing_unires import UniResProcessor

SIZE = 64


def make_tokenizer():
    symbols = list(bytes_to_unicode().values())
    words = [*symbols, *(symbol + "</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77)


def make_processor():
    size = {"height": SIZE, "width": SIZE}
    return UniResProcessor(image_processor=UniResImageProcessorPil(size=size), tokenizer=make_tokenizer())


@pytest.fixture(scope="session")
def processor():
    return make_processor()


def spell(*boxes):
    """Boxes x0, y0, x1, y1 as words: CLIP's tokenizer takes digits apart, so 17 is "bh"."""
    return " ".join(chr(97 + number // 10) + chr(97 + number % 10) for box in boxes for number in box)


def read(text):
    numbers = [10 * (ord(word[0]) - 97) + ord(word[1]) - 97 for word in text.split() if word != "no"]
    return list(zip(*[iter(numbers)] * 4, strict=True))


class Painter(torch.nn.Module):
    """Draws the boxes that an expression spells; denies a referent to one that begins with "no".

    No words at all draw the top half. It counts its vision passes.
    """

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self):
        super().__init__()
        self.tokenizer = make_tokenizer()  # its own: the evaluator's is at work in another thread
        self.vision_passes = 0

    def forward(self, input_ids, attention_mask, image_indices, pixel_values=None, vision_embeds=None):
        if vision_embeds is None:
            self.vision_passes += len(pixel_values)
            vision_embeds = pixel_values
        assert len(vision_embeds) > image_indices.max()
        logits = torch.full((len(input_ids), SIZE, SIZE), -5.0)
        texts = self.tokenizer.batch_decode(input_ids, skip_special_tokens=True)
        for logit_map, text in zip(logits, texts, strict=True):
            for x0, y0, x1, y1 in read(text) or [(0, 0, SIZE, SIZE // 2)]:
                logit_map[y0:y1, x0:x1] = 5.0
        presence = torch.tensor([-3.0 if text.startswith("no") else 3.0 for text in texts])
        return UniResOutput(
            logits=logits, presence_logits=presence, vision_embeds=vision_embeds, image_indices=image_indices
        )


@pytest.fixture
def painter():
    return Painter()


def box_mask(*boxes):
    mask = np.zeros((SIZE, SIZE), bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def random_box(generator):
    x0, y0 = generator.integers(0, SIZE - 8, 2)
    return int(x0), int(y0), int(generator.integers(x0 + 1, SIZE + 1)), int(generator.integers(y0 + 1, SIZE + 1))


def make_target(name, boxes, texts, parent=None):
    truth = masks.encode(box_mask(*boxes))
    return {
        "target_id": name,
        "granularity": "object" if parent is None else "part",
        "category": "box",
        "part": None if parent is None else "corner",
        "parent_id": parent,
        "bbox": masks.bbox(truth),
        "mask": truth,
        "expressions": [{"expression_id": f"{name}.{index}", "text": text} for index, text in enumerate(texts)],
    }


def make_rows(count, seed=0):
    """Images of two objects, a part of the first one, and a no-target expression."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        boxes = [random_box(generator) for _ in range(4)]
        said = [spell(random_box(generator)) for _ in range(5)]
        targets = [
            make_target(f"{number}/a", boxes[:1], said[:2]),
            make_target(f"{number}/b", boxes[1:3], [spell(*boxes[1:3])]),
            make_target(f"{number}/p", boxes[3:], said[2:3], parent=f"{number}/a"),
            make_target(f"{number}/n", [], [said[3] if number % 2 else f"no {said[3]}"]),
            make_target(f"{number}/d", boxes[:1], [f"no {said[4]}"]),
        ]
        pixels = generator.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        rows.append(
            {
                "image": Image.fromarray(pixels),
                "image_id": str(number),
                "source": "boxes",
                "width": SIZE,
                "height": SIZE,
                "targets": targets,
            }
        )
    return rows


@pytest.fixture
def boxes():
    """The world of boxes, for tests that build rows of their own."""
    return types.SimpleNamespace(size=SIZE, mask=box_mask, spell=spell, read=read, target=make_target, rows=make_rows)
