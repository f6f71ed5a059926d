# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A tokenizer of one's own behaves as CLIP's does."""

import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from unires_hf.training.tokenizer import train_clip_tokenizer

TEXTS = ["the red truck", "left wheel of the red truck", "the truck's wheel"] * 20


@pytest.fixture(scope="module")
def tokenizer():
    return train_clip_tokenizer(TEXTS, vocab_size=560, model_max_length=24)


def test_frequent_words_are_one_token(tokenizer):
    assert tokenizer.tokenize("the red truck") == ["the</w>", "red</w>", "truck</w>"]


def test_every_text_comes_back_and_ends_once(tokenizer):
    for text in ("the red truck", "zzz dog", "été 😀", "x"):
        ids = tokenizer(text)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id and ids[-1] == tokenizer.eos_token_id
        assert ids.count(tokenizer.eos_token_id) == 1
        assert tokenizer.decode(ids, skip_special_tokens=True).strip() == text


def test_layout_is_clips(tokenizer):
    vocabulary = tokenizer.get_vocab()
    assert sorted(vocabulary.values()) == list(range(len(tokenizer)))
    assert {tokenizer.bos_token_id, tokenizer.eos_token_id} == {len(tokenizer) - 2, len(tokenizer) - 1}
    assert sum(1 for token in vocabulary if len(token.removesuffix("</w>")) == 1) == 512
    assert len(tokenizer) <= 560


def test_survives_a_round_trip(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again("left wheel of the truck")["input_ids"] == tokenizer("left wheel of the truck")["input_ids"]
    assert again.model_max_length == 24


def test_too_small_a_vocabulary_is_refused():
    with pytest.raises(ValueError, match="512 symbols and 2 special tokens"):
        train_clip_tokenizer(TEXTS, vocab_size=513)


def test_another_process_makes_the_same_one():
    program = (
        "import sys; from unires_hf.training.tokenizer import train_clip_tokenizer; "
        "print(sorted(train_clip_tokenizer(eval(sys.argv[1]), 700).get_vocab().items()))"
    )
    # Ties between merges are what differed.
    texts = ["dot cot lot got hot pot rot not", "man can fan ban ran tan van pan", "bit hit kit lit pit sit wit fit"]
    command = [sys.executable, "-c", program, repr(texts)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert made == f"{sorted(train_clip_tokenizer(texts, 700).get_vocab().items())}\n"
