"""Answers: from a checked request to what is sent back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import msgspec
import numpy as np

from features.arrays import Bool
from features.states.user_state import UserState
from models.data.queries import one_query
from models.data.types import Queries, Slate
from services.api.answers import HistoryAnswer, HistoryItem, Item, RecommendAnswer, RecommendedItem, SimilarAnswer
from services.api.details import details_of
from services.api.schemas import Filter, RecommendRequest, SimilarRequest
from services.errors import ApiError
from services.instants import iso, iso_if_known
from services.live.release import Serving
from services.metrics import metrics
from services.recorder.impressions import Impression, ImpressionLog


def recommend(
    serving: Serving, request: RecommendRequest, at: int | None, impressions: ImpressionLog | None = None
) -> RecommendAnswer:
    """The answer of POST /recommend; `at` fixes the instant [µs], None: now; impressions: log of drawn lists."""
    started = time.perf_counter()
    recommender = serving.recommender
    state = serving.sessions.state(request.user_id)
    instant = at if at is not None else serving.sessions.now()
    query = _query(serving, request, state, instant)
    slate = recommender.recommend(query, request.k, lookup=serving.lookup.bound([state]))
    reasons = recommender.explain(query, slate)[0] if request.explain else None
    items = _items(serving, slate, reasons, request.details)
    known = query.history.n_events
    fallback = None if known else (items[0].sources[0] if items and items[0].sources else "popular")
    if fallback:
        metrics().fallbacks.labels(fallback).inc()
    if len(items) < request.k:
        metrics().short.inc()
    request_id = uuid.uuid4().hex
    logged = impressions is not None and slate.propensities is not None
    if impressions is not None and slate.propensities is not None:
        impressions.write(
            Impression(
                request_id,
                iso(instant),
                request.user_id,
                serving.release.release,
                request.scenario,
                [item.item_id for item in items],
                [float(chance) for chance in slate.propensities[0, : len(items)]],
            )
        )
    warnings = _warnings(serving, request, logged=logged)
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    return RecommendAnswer(
        request_id, serving.release.release, request.user_id, items, fallback, took_ms, warnings or msgspec.UNSET
    )


def similar(serving: Serving, request: SimilarRequest, at: int | None) -> SimilarAnswer:
    """The answer of POST /similar.

    Raises:
        ApiError: 404, the item is not in the release.
    """
    vocabulary = serving.recommender.catalogue.vocabulary
    position = vocabulary.position(request.item_id)
    if position < 0:
        raise ApiError(404, f"item '{request.item_id}' is not in the release", field="item_id", code="unknown_item")
    unavailable = serving.recommender.available(at if at is not None else serving.sessions.now())
    slate = serving.recommender.similar(position, request.k, unavailable=unavailable)
    catalogue = serving.recommender.catalogue
    items = [
        Item(vocabulary.item_ids[position], catalogue.titles[position], place + 1, float(slate.scores[0, place]))
        for place, position in enumerate(slate.items[0].tolist())
        if position >= 0
    ]
    if request.details:
        _add_details(serving, items)
    return SimilarAnswer(request.item_id, items, serving.release.release)


def history(serving: Serving, user_id: str, limit: int) -> HistoryAnswer:
    """What is known of a user, newest first."""
    state = serving.sessions.state(user_id)
    catalogue = serving.recommender.catalogue
    positions = catalogue.vocabulary.positions(state.item_ids)
    newest = range(len(state.item_ids) - 1, max(len(state.item_ids) - 1 - limit, -1), -1)
    items = [
        HistoryItem(
            state.item_ids[place],
            catalogue.titles[positions[place]] if positions[place] >= 0 else None,
            iso_if_known(int(state.timestamps[place])),
            bool(state.positive[place]),
        )
        for place in newest
    ]
    return HistoryAnswer(user_id, len(state.item_ids), items)


def _query(serving: Serving, request: RecommendRequest, state: UserState, at: int) -> Queries:
    vocabulary = serving.recommender.catalogue.vocabulary
    unavailable = _unavailable(serving, request.filter, at)
    excluded_ids = [*request.exclude, *state.refused_ids()]  # what was refused stays out, whatever else is asked for
    if request.history is None:
        return one_query(
            request.user_id,
            at,
            state.item_ids,
            state.timestamps,
            vocabulary,
            positive=state.positive.tolist(),
            excluded_ids=excluded_ids,
            unavailable=unavailable,
            include_seen=request.include_seen,
        )
    known = [item_id for item_id in request.history if item_id in vocabulary]
    metrics().unknown_items.inc(len(request.history) - len(known))
    # given oldest first, as if each came a second after the one before
    times = np.arange(at - len(known) * 1_000_000, at, 1_000_000, dtype=np.int64)
    return one_query(
        request.user_id,
        at,
        known,
        times,
        vocabulary,
        excluded_ids=excluded_ids,
        unavailable=unavailable,
        include_seen=request.include_seen,
    )


def _unavailable(serving: Serving, wanted: Filter | None, at: int) -> Bool | None:
    """Items that may not be offered: not yet there, or outside the request's filter."""
    unavailable = serving.recommender.available(at)
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


def _warnings(serving: Serving, request: RecommendRequest, *, logged: bool) -> list[str]:
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


def _items(serving: Serving, slate: Slate, reasons: list[str] | None, details: bool) -> list[RecommendedItem]:
    catalogue = serving.recommender.catalogue
    items = []
    for place, position in enumerate(slate.items[0].tolist()):
        if position < 0:
            break
        shares = slate.sources[0, place]
        order = [column for column in np.argsort(-shares, kind="stable").tolist() if not np.isnan(shares[column])]
        item = RecommendedItem(
            catalogue.vocabulary.item_ids[position],
            catalogue.titles[position],
            place + 1,
            float(slate.scores[0, place]),
            sources=[slate.retrievers[column] for column in order],
        )
        if reasons is not None:
            item.reason = reasons[place]
        items.append(item)
    if details:
        _add_details(serving, items)
    return items


def _add_details(serving: Serving, items: Sequence[Item]) -> None:
    vocabulary = serving.recommender.catalogue.vocabulary
    for item in items:
        item.category, item.price, item.picture = details_of(serving, vocabulary.position(item.item_id))
