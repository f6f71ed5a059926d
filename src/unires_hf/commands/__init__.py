# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The subcommands of `unires`, one a module: `add_arguments`, and the function that runs it.

May import everything, inside of functions, so that help is quick; only `cli` imports it.
"""
