# Copyright 2026 The unires-hf authors. Apache-2.0.
"""From a folder on this machine to a repository on the Hub."""

from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.utils import filter_repo_objects, httpx

IGNORED = [".*", "*/.*", "*.part", "*.pyc"]  # what is hidden, half-written or compiled


def push_folder(folder: str | Path, repo: str, **options) -> str:
    """
    Sends a folder as it is, without what is hidden, half-written or compiled.

    Args:
        folder: what to send.
        repo (`str`): such as `me/unires-refcoco`; it is made if it does not exist.
        options: of `HfApi.create_repo`: `repo_type`, `private`, `space_sdk`.

    Returns:
        `str`: the repository's address.

    Raises:
        ValueError: if the Hub cannot be reached.
        OSError: if the Hub refuses; `huggingface_hub` says why.
    """
    api = HfApi()
    try:
        url = api.create_repo(repo, exist_ok=True, **options)
        api.upload_folder(
            repo_id=url.repo_id,
            repo_type=url.repo_type,
            folder_path=folder,
            ignore_patterns=list(IGNORED),
            commit_message="Upload with unires-hf",
        )
    except httpx.TransportError as error:
        raise ValueError(f"The Hub at {api.endpoint} cannot be reached: {error}.") from error
    return str(url)


def sent_files(folder: str | Path) -> list[Path]:
    """What [`push_folder`] sends of a folder, sorted, relative to it."""
    paths = sorted(path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
    return list(filter_repo_objects(paths, ignore_patterns=IGNORED, key=lambda path: path.as_posix()))
