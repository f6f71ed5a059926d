# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' common tests of processors, on UniResProcessor."""

import unittest

import pytest
import transformers_suite

from unires_hf import UniResImageProcessorPil, UniResProcessor

common = transformers_suite.import_or_skip("test_processing_common")


@pytest.fixture(scope="module", autouse=True)
def _tokenizer(clip_tokenizer):
    UniResProcessorTest.tokenizer = clip_tokenizer


class UniResProcessorTest(common.ProcessorTesterMixin, unittest.TestCase):
    processor_class = UniResProcessor
    images_text_kwargs_max_length = 70  # the text encoder has 77 positions

    @classmethod
    def _setup_tokenizer(cls):
        return cls.tokenizer

    @classmethod
    def _setup_image_processor(cls):
        return UniResImageProcessorPil(size={"height": 32, "width": 32})

    @staticmethod
    def prepare_processor_dict():
        return {"mask_threshold": 0.4, "presence_threshold": 0.3}

    @unittest.skip("every expression is about an image")
    def test_processor_text_has_no_visual(self):
        pass

    @unittest.skip("text length has one owner, `model_max_length`; a tokenizer's own `max_length` is not asked")
    def test_subprocessor_defaults_preserved_by_kwargs_0_images(self):
        pass
