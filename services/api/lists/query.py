"""From a checked request to the query: what is known of its user, and what must not be offered."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Int32
from models.data.vocabulary import Vocabulary
from models.single_query.one_query import OneQuery
from services.api.schemas import Filter, RecommendRequest
from services.live.serving import Serving
from services.live.users.session import Session
from services.metrics import metrics

SECOND = 1_000_000  # µs


def query_of(serving: Serving, request: RecommendRequest, session: Session, at: int) -> OneQuery:
    """The query of POST /recommend at an instant [µs]. What was refused stays out, whatever else is asked for."""
    vocabulary = serving.recommender.catalogue.vocabulary
    session, unavailable = session.within(len(vocabulary)), unavailable_for(serving, request.filter, at)
    excluded = positions(vocabulary, request.exclude)
    if request.history is None:
        return session.query(at, unavailable=unavailable, excluded=excluded, include_seen=request.include_seen)
    items = positions(vocabulary, request.history)
    metrics().unknown_items.inc(len(request.history) - len(items))
    if not request.include_seen:
        excluded = np.concatenate([excluded, items])
    blocked = session.blocked(unavailable, excluded, include_seen=True)
    # given oldest first, as if each came a second after the one before
    times = np.arange(at - len(items) * SECOND, at, SECOND, dtype=np.int64)
    return OneQuery.of_events(request.user_id, at, items, times, blocked)


def positions(vocabulary: Vocabulary, item_ids: list[str]) -> Int32:
    """Of the items that the vocabulary has."""
    every = vocabulary.positions(item_ids)
    return every[every >= 0].astype(np.int32)


def unavailable_for(serving: Serving, wanted: Filter | None, at: int) -> Bool | None:
    """(n_items,) what may not be offered: not there at that instant, or outside the request's filter; None: nothing."""
    unavailable = serving.unavailable(at)
    if wanted is None:
        return unavailable
    catalogue = serving.recommender.catalogue
    out = np.zeros(catalogue.n_items, dtype=np.bool_) if unavailable is None else unavailable.copy()
    if wanted.category is not None:
        names = set(wanted.category)
        codes = [code for code, name in enumerate(catalogue.category_names) if name in names]
        out |= ~np.isin(catalogue.categories, codes)
    if wanted.price_max is not None:
        out |= ~(catalogue.prices <= wanted.price_max)  # an unknown price is NaN: out
    return out


def warnings_of(serving: Serving, request: RecommendRequest, *, logged: bool) -> list[str]:
    """What of a request had no effect, or one that its sender may not expect; each begins with the field."""
    catalogue, release = serving.recommender.catalogue, serving.release.release
    warnings = []
    if request.filter is not None and request.filter.category is not None:
        unknown = sorted(set(request.filter.category) - set(catalogue.category_names))
        warnings += [f"filter.category: '{name}' is no category of release {release}" for name in unknown]
    if request.filter is not None and request.filter.price_max is not None and np.isnan(catalogue.prices).all():
        warnings.append(f"filter.price_max: no item of release {release} has a price, so none passes")
    if request.scenario is not None and not logged:
        warnings.append("scenario: has no effect here: it is logged with the impressions of releases that draw places")
    return warnings
