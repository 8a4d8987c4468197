"""Data under DVC: a folder's content goes to the cache, its .dvc file says which it is."""

from __future__ import annotations

import os
from pathlib import Path

RAW = "data/raw"
REFERENCE = "data/reference"
NO_REFERENCE = "data/initial"


def put_under_dvc(root: Path, path: str) -> None:
    """`dvc add`: the folder's content goes to the cache, `path`.dvc says which content it is; nothing is committed."""
    import logging

    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)  # after the import, which sets a level of its own

    os.chdir(root)
    with Repo(str(root)) as repo:
        repo.add(path)
