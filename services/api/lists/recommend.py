"""Answers with lists: POST /recommend and POST /similar, and what is known of a user."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
import numpy as np

from models.flight.records.request_ids import new_request_id
from models.online.answer import OneAnswer
from models.recommender import LONG
from models.single_query.one_query import OneQuery
from services.access.deadline import current_deadline
from services.api.answers import HistoryAnswer, HistoryItem, RecommendAnswer, SimilarAnswer
from services.api.lists.query import query_of, warnings_of
from services.api.lists.shown import shown_items, similar_items
from services.api.schemas import RecommendRequest, SimilarRequest
from services.errors import ApiError
from services.instants import iso, iso_if_known
from services.live.serving import Serving
from services.live.users.session import Session
from services.metrics import metrics
from services.observability.request_ids import note
from services.recorder.flight import Flight, FlightRecorder, answer_of
from services.recorder.impressions import Impression, ImpressionLog

DEADLINE_FALLBACK = "deadline"


@dataclass(frozen=True, kw_only=True)
class Recorders:
    """Where answers are recorded; None: nowhere. impressions: of drawn lists; flight: what led to an answer; counted:
    whether the metrics count it."""

    impressions: ImpressionLog | None = None
    flight: FlightRecorder | None = None
    counted: bool = True


UNSEEN = Recorders(counted=False)  # of a list that nobody gets


def recommend(
    serving: Serving, request: RecommendRequest, session: Session, at: int | None, recorders: Recorders
) -> RecommendAnswer:
    """The answer of POST /recommend; `at` fixes the instant [µs], None: now."""
    started = time.perf_counter()
    instant = at if at is not None else serving.sessions.now()
    query = query_of(serving, request, session, instant)
    answer = _answer(serving, request, session, query, deadline=None if at is not None else current_deadline())
    if recorders.counted:
        metrics().count_stages(answer.stage_ms, answer.left_out)
        note(stage_ms=answer.stage_ms)
    reasons = None
    if request.explain and request.k > LONG:
        reasons = serving.recommender.explain(query.batch(), answer.slate(request.k))[0]
    elif request.explain:
        reasons = [why.sentence for why in serving.online.explain(query, answer)]
    items = shown_items(serving, answer, reasons, details=request.details)
    fallback = _fallback(session, query, answer, items[0].sources if items else [])
    if fallback and recorders.counted:
        metrics().fallbacks.labels(fallback).inc()
    if len(items) < request.k and recorders.counted:
        metrics().short.inc()
    request_id = new_request_id()
    if recorders.flight is not None:
        recorders.flight.record(
            Flight(
                request_id=request_id,
                at=instant,
                release=serving.release.release,
                log_position=session.last_seq,
                items_position=serving.sessions.items.last_seq,
                learned_position=serving.learned_position,
                n_events=query.n_events,
                n_blocked=int(np.count_nonzero(query.blocked)),
                request=request,
                fallback=fallback,
                answer=answer,
            )
        )
    logged = recorders.impressions is not None and answer.propensities is not None
    if recorders.impressions is not None and answer.propensities is not None:
        recorders.impressions.write(
            Impression(
                request_id,
                iso(instant),
                request.user_id,
                serving.release.release,
                request.scenario,
                [item.item_id for item in items],
                [float(chance) for chance in answer.propensities],
            )
        )
    warnings = warnings_of(serving, request, logged=logged)
    took_ms = round((time.perf_counter() - started) * 1000, 3)
    return RecommendAnswer(
        request_id,
        serving.release.release,
        request.user_id,
        items,
        fallback,
        took_ms,
        warnings or msgspec.UNSET,
        msgspec.UNSET if serving.learned_position is None else serving.learned_position,
    )


def _answer(
    serving: Serving, request: RecommendRequest, session: Session, query: OneQuery, deadline: float | None
) -> OneAnswer:
    if request.k > LONG:  # a few times a day, of whole catalogues: as a batch
        lookup = serving.lookup.bound([session.user_state()])
        return answer_of(serving.recommender.recommend(query.batch(), request.k, lookup=lookup))
    return serving.online.recommend(query, request.k, session.user_rows(), deadline=deadline)


def _fallback(session: Session, query: OneQuery, answer: OneAnswer, sources: list[str]) -> str | None:
    """Why the list is not the whole recommender's: the deadline, a store that is away, or a user without a history."""
    if answer.left_out:
        return DEADLINE_FALLBACK
    if session.degraded:
        return session.degraded[0]
    if query.n_events:
        return None
    return sources[0] if sources else "popular"


def similar(serving: Serving, request: SimilarRequest, at: int | None) -> SimilarAnswer:
    """The answer of POST /similar.

    Raises:
        ApiError: 404, the item is not in the release.
    """
    catalogue = serving.recommender.catalogue
    position = catalogue.vocabulary.position(request.item_id)
    if position < 0:
        raise ApiError(404, f"item '{request.item_id}' is not in the release", field="item_id", code="unknown_item")
    unavailable = serving.unavailable(at if at is not None else serving.sessions.now())
    if request.k > LONG:
        slate = serving.recommender.similar(position, request.k, unavailable=unavailable)
    else:
        blocked = np.zeros(catalogue.n_items, dtype=np.bool_) if unavailable is None else unavailable
        slate = serving.online.similar(position, request.k, blocked).slate(request.k)
    return SimilarAnswer(
        request.item_id, similar_items(serving, slate, details=request.details), serving.release.release
    )


def history(serving: Serving, session: Session, limit: int) -> HistoryAnswer:
    """What is known of a user, newest first.

    Raises:
        ApiError: 503, the online store does not answer: a part of a history is none.
    """
    if session.fault is not None:
        raise ApiError(503, f"{session.fault}; try again in a moment")
    titles, events = serving.recommender.catalogue.titles, session.history
    newest = slice(max(len(events) - limit, 0), None)
    columns = zip(
        events.item_ids(session.vocabulary, limit),
        events.positions[newest].tolist(),
        events.timestamps[newest].tolist(),
        events.positive[newest].tolist(),
        strict=True,
    )
    items = [
        HistoryItem(item_id, titles[position] if position >= 0 else None, iso_if_known(timestamp), positive)
        for item_id, position, timestamp, positive in columns
    ]
    return HistoryAnswer(session.user_id, len(events), items[::-1])
