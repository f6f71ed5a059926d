# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires app`: the model in the browser."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `app`."""
    parser.add_argument("--model", default="default", help="a folder or Hub repository; default: the one that ships")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: %(default)s)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--share", action="store_true", help="also make a public address, through gradio's servers")
    parser.add_argument("--write-space", type=Path, metavar="DIR", help="write the app as a Space there instead")


def app(arguments: argparse.Namespace) -> None:
    """Segment in the browser: a page for one's own pictures, or the same page as a folder for a Space."""
    if arguments.write_space:
        from unires_hf.publish.space import write_space

        print(write_space(arguments.write_space, arguments.model))
        return
    try:
        from unires_hf.app.page import serve
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ValueError("the app needs gradio: pip install 'unires-hf[app]'") from None
    serve(arguments.model, arguments.host, arguments.port, arguments.share)
