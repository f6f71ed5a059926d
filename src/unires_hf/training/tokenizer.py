# Copyright 2026 The unires-hf authors. Apache-2.0.
"""A CLIP tokenizer made from the words at hand, for models that do not start from a CLIP checkpoint."""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, models, trainers
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode


def train_clip_tokenizer(texts: Iterable[str], vocab_size: int = 2048, model_max_length: int = 77) -> CLIPTokenizer:
    """
    Byte-pair encoding of `texts`, laid out as CLIP's: 256 bytes, 256 bytes that end a word, merges, two specials.

    All 512 single symbols are in, so that no text whatsoever meets the unknown token: that is the end token in CLIP,
    and would end the sentence in its middle.

    Args:
        texts (`Iterable[str]`): what the merges are learned from.
        vocab_size (`int`, *optional*, defaults to 2048): the largest vocabulary, at least 514.
        model_max_length (`int`, *optional*, defaults to 77): positions of the text encoder.

    Raises:
        ValueError: if `vocab_size` has no room for the single symbols.
    """
    alphabet = list(bytes_to_unicode().values())
    symbols = alphabet + [symbol + "</w>" for symbol in alphabet]
    if vocab_size < len(symbols) + 2:
        raise ValueError(f"`vocab_size` is {vocab_size}: {len(symbols)} symbols and 2 special tokens need more.")

    def tokenizer(merges: list[tuple[str, str]]) -> CLIPTokenizer:
        entries = dict.fromkeys(symbols + [left + right for left, right in merges])
        entries |= dict.fromkeys(["<|startoftext|>", "<|endoftext|>"])
        vocabulary = {entry: index for index, entry in enumerate(entries)}
        return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=model_max_length)

    # The learner cuts text into words as CLIP does.
    clip = tokenizer([]).backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = clip.normalizer
    learner.pre_tokenizer = clip.pre_tokenizer
    # Left to itself, the learner numbers the symbols that end a word in the order of a hash table, other in every
    # process, and decides ties between merges by these numbers.
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 2,
        special_tokens=symbols[len(alphabet) :],
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    merges = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    return tokenizer(merges[: vocab_size - len(symbols) - 2])
