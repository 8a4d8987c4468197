"""From positions of the vocabulary to the items that are sent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.data.types import Slate
from models.online.answer import OneAnswer
from services.api.answers import Item, RecommendedItem
from services.api.details import details_of
from services.live.serving import Serving


def shown_items(
    serving: Serving, answer: OneAnswer, reasons: list[str] | None, *, details: bool
) -> list[RecommendedItem]:
    """The items of a user's list; reasons: (k,) a sentence each."""
    catalogue = serving.recommender.catalogue
    item_ids, titles = catalogue.vocabulary.item_ids, catalogue.titles
    ranks = answer.candidates.ranks[answer.shown]
    # the best rank is the greatest contribution; 0 is none, and comes last
    orders = np.argsort(np.where(ranks > 0, ranks, np.iinfo(np.int32).max), axis=1, kind="stable")
    n_sources = (ranks > 0).sum(axis=1).tolist()
    columns = zip(answer.items.tolist(), answer.scores[answer.shown].tolist(), orders.tolist(), n_sources, strict=True)
    items = []
    for place, (position, score, order, n) in enumerate(columns):
        sources = [answer.retrievers[column] for column in order[:n]]
        item = RecommendedItem(item_ids[position], titles[position], place + 1, score, sources=sources)
        if reasons is not None:
            item.reason = reasons[place]
        items.append(item)
    if details:
        add_details(serving, items)
    return items


def similar_items(serving: Serving, slate: Slate, *, details: bool) -> list[Item]:
    """The items of a list of similar ones."""
    catalogue = serving.recommender.catalogue
    items = [
        Item(catalogue.vocabulary.item_ids[position], catalogue.titles[position], place + 1, score)
        for place, (position, score) in enumerate(zip(slate.items[0].tolist(), slate.scores[0].tolist(), strict=True))
        if position >= 0
    ]
    if details:
        add_details(serving, items)
    return items


def add_details(serving: Serving, items: Sequence[Item]) -> None:
    """Category, price and picture of each, in place."""
    vocabulary = serving.recommender.catalogue.vocabulary
    for item in items:
        item.category, item.price, item.picture = details_of(serving, vocabulary.position(item.item_id))
