"""Kept quotes: what retrievers said for shown items, for users who ask for reasons again without a new event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.online.per_user.asked_history import AskedHistory
from models.online.per_user.user_cache import UserCache
from models.single_query.one_query import OneQuery

MAX_BYTES = 8 << 20  # some 1,000 users with ten reasons each
OVERHEAD_BYTES = 1_000
QUOTE_BYTES = 400

Key = tuple[str, int, float]
"""Retriever, item (a position), and the score by which the retriever offered it."""


@dataclass(frozen=True)
class Quote:
    """What one retriever says for an item; without a sentence it says nothing."""

    sentence: str
    retriever: str
    named: Mapping[int, float]

    def __bool__(self) -> bool:
        return bool(self.sentence)


@dataclass(frozen=True, kw_only=True)
class _Entry:
    history: AskedHistory
    quotes: Mapping[Key, Quote]

    @property
    def n_bytes(self) -> int:
        return self.history.n_bytes + QUOTE_BYTES * len(self.quotes) + OVERHEAD_BYTES


class KeptQuotes(UserCache[_Entry]):
    """A quote is a function of the history and of its key: where the time matters to a retriever, its score tells."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(max_bytes)

    def find(self, query: OneQuery) -> Mapping[Key, Quote]:
        """The quotes of the user's last answer with reasons, where the history is the same; else none."""
        entry = self.get(query.user_id)
        return {} if entry is None or not entry.history.is_of(query) else entry.quotes

    def keep(self, query: OneQuery, quotes: Mapping[Key, Quote]) -> None:
        """Keeps the quotes of a user's answer in place of those before."""
        self.put(query.user_id, _Entry(history=AskedHistory.of(query), quotes=quotes))
