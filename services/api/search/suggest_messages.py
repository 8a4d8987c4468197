"""Request and answer of GET /suggest."""

from __future__ import annotations

from typing import Annotated

import msgspec

from services.api.schemas import Length


class SuggestQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /suggest: titles with words that begin with those of `q`, then items with such keywords; `limit` of them."""

    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    limit: Length = 10


class Suggestion(msgspec.Struct):
    """An item that may be offered now, and its title."""

    item_id: str
    title: str


class SuggestAnswer(msgspec.Struct):
    """mended: whether a word of `q` that begins none of any title or keyword was read as one a letter away."""

    release: str
    suggestions: Annotated[
        list[Suggestion], msgspec.Meta(description="by title, then by keyword, each most popular first")
    ]
    mended: bool
