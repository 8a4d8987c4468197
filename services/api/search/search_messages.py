"""Request and answer of POST /search."""

from __future__ import annotations

from typing import Annotated

import msgspec

from features.messages.decoding import Id
from services.api.answers import RecommendedItem
from services.api.schemas import Filter, Length

LONGEST_QUERY = 500  # characters


class SearchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /search: items that fit `query`; with `user_id`, those that fit this user come first. `details` adds
    category, price and picture of each item."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_QUERY)]
    user_id: Id | None = None
    k: Length = 10
    filter: Filter | None = None
    details: bool = False


class SearchAnswer(msgspec.Struct):
    """Items that fit a text, best first. `sources` of an item: `words` where it shares one with the query, `vectors`
    where its text is alike, then the retrievers that propose it to the user. personal: whether the user counted."""

    release: str
    query: str
    personal: bool
    items: list[RecommendedItem]
    took_ms: float
