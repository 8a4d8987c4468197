"""Data under DVC: a folder's content is in the cache, and its .dvc file holds the content's hash."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.importing.raw_folder import recover, remove

RAW = "data/raw"
REFERENCE = "data/reference"
TUNING = "data/tuning"
NO_REFERENCE = "data/initial"


def open_repo(root: Path, *, level: int = logging.WARNING) -> Any:
    """The dvc.repo.Repo of a project, which works without git too (a download, an image).

    Raises:
        UserError: DVC cannot open it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    logging.getLogger("dvc").setLevel(level)  # after the import, which sets a level of its own
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"dvc\.")  # of its libraries: no user can act
    try:
        try:
            return Repo(str(root))
        except SCMError:
            return Repo(str(root), config={"core": {"no_scm": True}})
    except DvcException as error:
        raise UserError(
            f"{root}: DVC cannot open it: {error}; run `dvc init` there (`dvc init --no-scm` where there is no git), "
            "or clone anew"
        ) from None


def put_under_dvc(root: Path, path: str) -> None:
    """`dvc add`: the folder's content goes to the cache, `path`.dvc says which content it is; nothing is committed.

    Raises:
        UserError: DVC refuses: another of its commands is under way, the folder lies behind a link, the disk is full.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    os.chdir(root)
    with open_repo(root, level=logging.ERROR) as repo:
        try:
            repo.add(path)
        except LockError:
            raise UserError(
                f"{root}: another DVC command is under way here (`dvc push` and `dvc pull` hold the project while they "
                "transfer); wait for it to end, then do it again"
            ) from None
        except (DvcException, OSError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{root / path}: `dvc add` failed: {reason}; {_remedy(root, path)}") from error


def make_writable(root: Path, path: str) -> None:
    """What DVC keeps of a folder may be written again, also where it links files to its cache (`cache.type`)."""
    if (root / f"{path}.dvc").is_file() and (root / path).exists():
        with open_repo(root, level=logging.ERROR) as repo:
            repo.unprotect(path)


def _remedy(root: Path, path: str) -> str:
    links = [part for part in (root / path, *(root / path).parents) if part != root and root in part.parents]
    link = next((part for part in links if part.is_symlink()), None)
    if link is None:
        return "check the space and the permissions of the project and of DVC's cache"
    return (
        f"{link} is a symbolic link, behind which DVC keeps no data: make it a folder (the cache may lie on another "
        "disk: `dvc cache dir`), or mount the disk there"
    )


@contextmanager
def restored_on_failure(folders: Sequence[Path], files: Sequence[Path]) -> Iterator[None]:
    """Folders and files are as before when the block fails, in which folders are replaced whole, never in place."""
    kept_folders = {folder: folder.with_name(f".{folder.name}.{os.getpid()}.before.tmp") for folder in folders}
    kept_files = {file: file.read_bytes() if file.is_file() else None for file in files}
    try:
        for folder, kept in kept_folders.items():
            recover(folder)
            remove(kept)
            if folder.is_symlink():
                kept.symlink_to(folder.readlink())
            elif folder.is_dir():
                shutil.copytree(folder, kept, copy_function=_link)
        try:
            yield
        except BaseException:
            for folder, kept in kept_folders.items():
                _put_back(kept, folder)
            for file, content in kept_files.items():
                if content is None:
                    file.unlink(missing_ok=True)
                elif not file.is_file() or file.read_bytes() != content:
                    file.write_bytes(content)
            raise
    finally:
        for kept in kept_folders.values():
            remove(kept)


def _put_back(kept: Path, folder: Path) -> None:
    failed = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    if folder.is_dir():
        folder.rename(failed)
    if kept.is_dir():
        kept.rename(folder)
    remove(failed)


def _link(source: str, target: str) -> None:
    """A second name for a file; a copy where the disk has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
