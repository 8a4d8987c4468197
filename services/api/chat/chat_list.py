"""The list of a conversation: the ordinary recommender under an intent, filters first, then its order and likeness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Bool, Float64, Int32, Int64
from models.language.conversation.constraints import Constraint, constraints_of, fitting
from models.language.intent.intent import Intent
from models.language.search.text_index import best_first
from services.access.deadline import current_deadline
from services.api.answers import RecommendedItem
from services.api.lists.query import positions
from services.api.search.searching import listed
from services.live.catalogue_texts import CatalogueWords
from services.live.serving import Serving
from services.live.users.session import Session

CONSIDERED = 100  # items of each order that are mixed
LIKED = 3  # of the liked items, the newest, whose like is looked for
FUSION = 20  # the constant of reciprocal rank fusion
OWN_SHARE, TEXT_SHARE, LIKE_SHARE = 1.0, 1.0, 1.0  # what each order counts; benchmarks/chat.py prints what others give


@dataclass(frozen=True, kw_only=True)
class ChatList:
    """What is shown. gone: the constraints that gave way."""

    items: list[RecommendedItem]
    gone: list[Constraint]


def chat_list(
    serving: Serving,
    words: CatalogueWords,
    said: Intent,
    intent: Intent,
    session: Session,
    at: int,
    left_out: Sequence[str],
    k: int,
) -> ChatList:
    """The k best items that pass the intent, at an instant [µs].

    said: by the newest message; left_out: ids of items that are not shown again.
    """
    catalogue = serving.recommender.catalogue
    session = session.within(catalogue.n_items)
    offered = ~session.blocked(serving.unavailable(at), _positions(serving, [*intent.dislike, *intent.like]))
    constraints = constraints_of(intent, words.lexicon, said)
    fresh = offered.copy()
    fresh[_positions(serving, left_out)] = False
    passing, gone = fitting(constraints, fresh)
    if gone:
        passing, gone = fitting(constraints, offered)
    query = session.query(at, unavailable=~passing, include_seen=True)
    deadline = current_deadline() if intent.understood_by == "local" else None  # a model takes longer than lists may
    answer = serving.online.recommend(query, max(k, CONSIDERED), session.user_rows(), deadline=deadline)
    own = answer.items.astype(np.int64)
    own = own[passing[own]]
    fit = words.search.fit(" ".join([intent.text, *intent.include]))
    orders = [
        (OWN_SHARE, own),
        (TEXT_SHARE, best_first(fit.scores, passing, max(k, CONSIDERED))),
        *((LIKE_SHARE, order) for order in _like(serving, intent, passing)),
    ]
    best, scores = mixed(orders, passing)
    if len(best) < k:
        rest = np.flatnonzero(passing)
        rest = rest[~np.isin(rest, best)]
        best, scores = np.concatenate([best, rest]), np.concatenate([scores, np.zeros(len(rest))])
    return ChatList(items=listed(serving, fit, best[:k], scores[:k].astype(np.float32), answer), gone=gone)


def mixed(orders: Sequence[tuple[float, Int64]], passing: Bool) -> tuple[Int64, Float64]:
    """Items that pass and their scores, by the sum of share / (constant + rank) over the orders; ties by position."""
    scores = np.zeros(len(passing))
    for share, order in orders:
        scores[order] += share / (FUSION + np.arange(1, len(order) + 1))
    found = np.flatnonzero((scores > 0) & passing)
    best = found[np.argsort(-scores[found], kind="stable")].astype(np.int64)
    return best, scores[best]


def _like(serving: Serving, intent: Intent, passing: Bool) -> list[Int64]:
    """What is like the liked items, an order for each."""
    orders = []
    for item in _positions(serving, intent.like[-LIKED:]).tolist():
        order = serving.online.similar(item, CONSIDERED, ~passing).items.astype(np.int64)
        orders.append(order[passing[order]])
    return orders


def _positions(serving: Serving, item_ids: Sequence[str]) -> Int32:
    return positions(serving.recommender.catalogue.vocabulary, list(item_ids))
