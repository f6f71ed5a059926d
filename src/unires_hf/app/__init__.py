# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The app: ask a model about a picture in the browser. Only `page` needs gradio.

May import every folder below commands but experiments; only commands import it.
"""

from unires_hf.publish.space import write_space

__all__ = ["write_space"]
