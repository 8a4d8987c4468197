"""Requests and answers of POST /explain and POST /why_not."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from features.messages.decoding import Id
from services.api.answers import Instant


class ExplainRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /explain: the `request_id` of a list."""

    request_id: Id


class WhyNotRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /why_not: the `request_id` of a list, and an item that is not in it."""

    request_id: Id
    item_id: Id


class Contribution(msgspec.Struct):
    """What one group of features adds to a score."""

    what: str
    value: float


class RetrieverPart(msgspec.Struct):
    """What a retriever said of an item; share: of the sum of reciprocal ranks of all retrievers."""

    name: str
    rank: Annotated[int, msgspec.Meta(description="1 is the best")]
    score: float
    share: float


class BecauseOf(msgspec.Struct):
    """An item of the history; share: of the retriever's score that is lost without it, null where it has no meaning."""

    item_id: str
    title: str | None
    retriever: str
    share: float | None
    sentence: str


class ExplainedItem(msgspec.Struct):
    """A shown item. base and contributions sum to the score; moved: places up (positive) or down by the reranker or a
    draw; drawn: the chance of the item where its place was drawn, else null."""

    item_id: str
    title: str | None
    rank: int
    rank_by_score: int
    moved: int
    score: float
    drawn: float | None
    retrievers: list[RetrieverPart]
    base: float | None
    contributions: list[Contribution]
    exact: Annotated[bool, msgspec.Meta(description="Shapley values without sampling")]
    because: list[BecauseOf]


class RetrieverCheck(msgspec.Struct):
    """What a retriever gives today for the query as of the recorded log position, against the record: items that only
    the one or the other offers, and the greatest relative difference of scores."""

    name: str
    n_hits: int
    n_gone: int
    n_new: int
    greatest_difference: float
    agrees: bool


class ExplainAnswer(msgspec.Struct):
    """A recorded answer once more. same_list: whether the recorded features give the list again, to the bit (null: it
    has more than 100 items and was recorded without candidates); learned_position: of releases that learn between
    releases, number of the last event that they had learned."""

    request_id: str
    release: str
    user_id: str
    answered_at: Instant
    log_position: int
    n_events: int
    fallback: str | None
    left_out: list[str]
    stage_ms: dict[str, float]
    same_list: bool | None
    retrievers: list[RetrieverCheck]
    items: list[ExplainedItem]
    notes: list[str]
    learned_position: int | UnsetType = UNSET


class SmallestChange(msgspec.Struct):
    """kind: `retriever` (its name and the rank by it) or `features` (groups as those of a shown item); rank: the place
    in the list that the item would have had."""

    kind: Literal["retriever", "features"]
    rank: int
    retriever: str | None
    retriever_rank: int | None
    features: list[str]
    sentence: str


class WhyNotAnswer(msgspec.Struct):
    """Why an item is not in a list. kind `shown`: it is, at `rank`; `not_a_candidate`: no retriever offered it;
    `filtered`: by what `filters` names; `scored`: too low; `moved`: out of the list by diversity or a draw.

    retrievers: its rank by each, null where it has none; held_down: groups of features by how much less they add than
    for the items shown; change: the smallest that would have shown it, null where none was found;
    rank_without_filters: its place had the filters not been there; recorded: whether all its features were recorded,
    else some are those of now.
    """

    request_id: str
    item_id: str
    title: str | None
    kind: Literal["shown", "not_a_candidate", "filtered", "scored", "moved"]
    sentence: str
    rank: int | None
    filters: list[str]
    retrievers: dict[str, int | None]
    rank_by_score: int | None
    score: float | None
    least_score: float | None
    held_down: list[Contribution]
    change: SmallestChange | None
    change_sentence: str | None
    rank_without_filters: int | None
    recorded: bool
    notes: list[str]
