# Copyright 2026 The unires-hf authors. All rights reserved.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Torchvision image processor of UniRES, for tensors on any device."""

from transformers.image_processing_backends import TorchvisionBackend
from transformers.processing_utils import Unpack
from transformers.utils import auto_docstring, requires_backends

from .image_input_unires import UniResImageInputs, UniResImageProcessorKwargs


@auto_docstring(custom_intro="Prepares pictures and masks for [`UniResModel`] with torchvision.")
class UniResImageProcessor(UniResImageInputs, TorchvisionBackend):
    valid_kwargs = UniResImageProcessorKwargs

    def __init__(self, **kwargs: Unpack[UniResImageProcessorKwargs]):
        requires_backends(self, "torchvision")
        super().__init__(**kwargs)
