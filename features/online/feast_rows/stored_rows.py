"""The protocol of a namespace's rows in a store, and what a row is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class NewRow:
    """A row to be written: its encoded key, column → value, and the instant since when it is known."""

    key: bytes
    values: dict[str, Any]
    known_at: datetime


class StoredRows(Protocol):
    """Rows of one namespace, not for several threads at once."""

    def open(self) -> None:
        """Connects, so that no request pays for it."""

    def read(self, table: str, keys: Sequence[bytes], columns: Sequence[str]) -> list[dict[str, Any] | None]:
        """Column → value of each key's row, in order; None where there is none (Redis: or a row of values not set)."""

    def held(self, table: str, key: bytes, columns: Sequence[str]) -> set[str]:
        """Those of the columns that a row has, also where their value is not set."""

    def write(self, table: str, rows: Iterable[NewRow]) -> None:
        """Puts the rows in the place of those with their keys."""

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
