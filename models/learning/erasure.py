"""Erasure of a user from what a release learns from."""

from __future__ import annotations

from pathlib import Path

from features.errors import UserError
from features.files import locked
from models.learning.base import FOLDER, base_without, read_base, write_base
from models.learning.user_rows import key_of
from models.release.plan import load_catalogue, read_part


def forget_learned(release: Path, user_id: str) -> int:
    """Takes a user out of a release's folder `learning`, as if the user had never been there; 1 when there was one.

    Raises:
        UserError: another process is at it for too long.
    """
    if not (release / FOLDER).is_dir():
        return 0

    def refusal(holder: str) -> UserError:
        return UserError(f"{release / FOLDER}: process {holder} is erasing another user; try again in a moment")

    with locked(release / f".{FOLDER}.lock", refusal, wait_s=600):
        base = read_base(release / FOLDER)
        if base is None or base.rows.place(key_of(user_id)) < 0:
            return 0
        bundle = release / "bundle"
        retrievers = {name: read_part("retriever", name, bundle / "retrievers" / name) for name in base.sums}
        without = base_without(base, key_of(user_id), retrievers, load_catalogue(bundle))
        assert without is not None
        write_base(without, release / FOLDER)
    return 1
