# Copyright 2026 The unires-hf authors. Apache-2.0.
"""What a Hub repository may carry: flat files that import nothing of ours outside this folder."""
