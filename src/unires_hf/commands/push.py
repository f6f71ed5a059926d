# Copyright 2026 The unires-hf authors. Apache-2.0.
"""`unires push`: uploads to the Hub."""

import argparse
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `push`."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="DIR",
        help="a checkpoint of UniRES, CRIS or LAVT (`default` is ours), or a folder from `unires convert`",
    )
    parser.add_argument(
        "repo", metavar="REPO", help="the repository, such as me/unires-refcoco; it is created if it does not exist"
    )
    parser.add_argument(
        "--type",
        choices=("model", "dataset", "metric", "app"),
        default="model",
        help="what to upload; metric and app become Spaces and take no DIR (default: model)",
    )
    parser.add_argument(
        "--private", action="store_true", help="make a new repository private; a new dataset repository always is"
    )
    parser.add_argument("--dry-run", action="store_true", help="list what would be uploaded, and upload nothing")
    parser.add_argument("--out", type=Path, metavar="DIR", help="with --dry-run: write the files to this new folder")


def push(arguments: argparse.Namespace) -> None:
    """Upload a checkpoint with its code and card, a data set, the metric or the app to the Hub.

    An uploaded model loads with trust_remote_code=True where this package is not installed. Log in first with
    `hf auth login`, or put a token in HF_TOKEN.
    """
    import tempfile

    from huggingface_hub.utils import validate_repo_id

    from unires_hf.publish.hub_upload import push_folder

    validate_repo_id(arguments.repo)
    of_a_folder = arguments.type in ("model", "dataset")
    if of_a_folder and arguments.folder is None:
        raise ValueError(f"Name the folder of the {arguments.type} before the repository.")
    if not of_a_folder and arguments.folder is not None:
        raise ValueError(f"--type {arguments.type} takes only the repository; leave out {arguments.folder!r}.")
    if arguments.out is not None and (not arguments.dry_run or arguments.out.exists()):
        raise ValueError(f"--out {arguments.out} needs --dry-run, and a folder that does not exist yet.")
    with tempfile.TemporaryDirectory() as scratch:
        folder, options = _prepare(arguments, Path(scratch))
        if arguments.dry_run:
            _show(folder, arguments.repo, arguments.out)
        else:
            print(f"pushed to {push_folder(folder, arguments.repo, **options)}")


def _prepare(arguments: argparse.Namespace, scratch: Path) -> tuple[Path, dict[str, Any]]:
    """The folder to upload, and the settings of its repository."""
    match arguments.type:
        case "model":
            from unires_hf.checkpoints import checkpoint_path
            from unires_hf.publish.hub_folder import export_checkpoint

            folder = export_checkpoint(checkpoint_path(arguments.folder), scratch / "model", name=arguments.repo)
            return folder, {"repo_type": "model", "private": arguments.private}
        case "dataset":
            folder = Path(arguments.folder)
            for pattern in ("*.parquet", "README.md"):
                if not any(folder.glob(pattern)):
                    raise ValueError(f"{folder} has no {pattern}: give a folder that `unires convert` made.")
            # The pictures belong to others: the uploader decides who may see them, after a look at the repository.
            return folder, {"repo_type": "dataset", "private": True}
        case "metric":
            import unires_hf.evaluation

            folder = Path(unires_hf.evaluation.__file__).with_name("referring_segmentation_metric")
            if arguments.repo.rpartition("/")[2] != folder.name:
                raise ValueError(
                    f"{arguments.repo}: `evaluate.load` expects a script with the name of the Space; call the Space "
                    f"{folder.name}."
                )
            return folder, {"repo_type": "space", "space_sdk": "static", "private": arguments.private}
        case "app":
            from unires_hf.publish.space import write_space

            write_space(scratch / "space")
            return scratch / "space", {"repo_type": "space", "space_sdk": "gradio", "private": arguments.private}


def _show(folder: Path, repo: str, out: Path | None) -> None:
    import shutil

    from unires_hf.publish.hub_upload import sent_files

    sizes = {file: (folder / file).stat().st_size for file in sent_files(folder)}
    for file, size in sizes.items():
        print(f"{size:>14,}  {file}")
        if out is not None:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file, out / file)
    print(f"{sum(sizes.values()):>14,}  bytes in {len(sizes)} files would go to {repo}")
