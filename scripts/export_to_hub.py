# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Writes a checkpoint in the form that loads without this package, and pushes it if asked.

python scripts/export_to_hub.py MODEL_DIR OUT_DIR [--push REPO] [--private]
"""

import argparse

from unires_hf.hub import export_checkpoint, push_folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir", help="a folder with a model and its processor")
    parser.add_argument("out_dir", help="the folder to make")
    parser.add_argument("--push", metavar="REPO", help="a model repository on the Hub, such as me/unires-refcoco")
    parser.add_argument("--private", action="store_true", help="make the repository private")
    arguments = parser.parse_args()
    try:
        folder = export_checkpoint(arguments.model_dir, arguments.out_dir)
    except ValueError as error:
        parser.error(str(error))
    print(f"wrote {folder}")
    if arguments.push:
        print(f"pushed to {push_folder(folder, arguments.push, arguments.private)}")


if __name__ == "__main__":
    main()
