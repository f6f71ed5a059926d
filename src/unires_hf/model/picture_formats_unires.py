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
"""Which picture files are opened, and which color is no part of a mask: known to the processors and to the readers."""

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
"""Those that Pillow decodes itself. Others it hands to programs of the system: an EPS file would reach Ghostscript."""
VOID = (224, 224, 192)
"""The color of PASCAL VOC's index 255: a border that belongs to nothing."""
