"""Users whose records were erased: readers leave them out, whatever a file still holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa

from features.errors import UserError
from features.files import locked, write_text

FILE = "erased.json"


class ErasedUsers:
    """Digest of an erased user's id → the instant of the erasure [µs]; later answers to them are recorded again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._read: tuple[int, dict[str, int]] = (0, {})

    def until(self) -> dict[str, int]:
        """All of them; read again when another process has changed the file."""
        try:
            version = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if version != self._read[0]:
            self._read = (version, dict(json.loads(self._path.read_text(encoding="utf-8"))))
        return self._read[1]

    def holds(self, user_id: str, answered_at: int) -> bool:
        """Whether an answer to a user at an instant [µs] was erased."""
        return self.until().get(digest_of(user_id), -1) >= answered_at

    def add(self, user_id: str, now: int) -> None:
        """From now [µs] on no record of the user up to now is read."""

        def refusal(holder: str) -> UserError:
            return UserError(f"{self._path} is held by process {holder}; try again in a moment")

        with locked(self._path.with_name(f".{FILE}.lock"), refusal, wait_s=10, note=True):
            write_text(json.dumps(self.until() | {digest_of(user_id): now}, sort_keys=True) + "\n", self._path)

    def drop_before(self, instant: int) -> None:
        """Forgets erasures before an instant [µs], of which no file can hold a record any more."""
        erased = self.until()
        kept = {digest: at for digest, at in erased.items() if at >= instant}
        if len(kept) < len(erased):
            write_text(json.dumps(kept, sort_keys=True) + "\n", self._path)

    def without(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that are not erased."""
        erased = self.until()
        if not erased:
            return batch
        answered = batch.column("answered_at").cast(pa.int64()).to_pylist()
        users = batch.column("user_id").to_pylist()
        kept = [erased.get(digest_of(user), -1) < at for user, at in zip(users, answered, strict=True)]
        return batch if all(kept) else batch.filter(pa.array(kept))


def digest_of(user_id: str) -> str:
    """SHA-256 of an id, so that the list of erased users names nobody."""
    return hashlib.sha256(user_id.encode("utf-8", "surrogateescape")).hexdigest()
