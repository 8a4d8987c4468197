"""Handlers of the routes that explain recorded answers; their work runs beside the answers."""

from __future__ import annotations

import asyncio
import time

from msgspec import UNSET

from features.arrays import Bool
from features.events.event_log import Event
from models.flight.as_known import AsKnown, state_as_of
from models.flight.explained import Explanation, explained
from models.flight.recomputed import recomputed
from models.flight.records.record import FlightRecord
from models.flight.records.request_ids import milliseconds_of
from models.flight.replay import replayed
from models.flight.sentences import because_sentence, change_sentence, why_not_sentence
from models.flight.smallest_change import Change
from models.flight.why_not import why_not
from models.recommender import LONG
from services.api.flight import flight_messages as messages
from services.errors import ApiError
from services.instants import iso
from services.live.serving import Serving
from services.recorder.flight import A_BATCH_S
from services.runtime import Runtime

MOST_LATER = 50_000  # events of the user since the answer
WAIT_MS = 3_000  # another worker has written an answer within this time


async def explain(request: messages.ExplainRequest, runtime: Runtime) -> messages.ExplainAnswer:
    """POST /explain: what led to a recorded list."""
    record = await _record(request.request_id, runtime)
    serving, known = await _as_known(record, runtime)
    answer: messages.ExplainAnswer = await runtime.beside(_explain, serving, known)
    return answer


async def why_not_shown(request: messages.WhyNotRequest, runtime: Runtime) -> messages.WhyNotAnswer:
    """POST /why_not: what kept an item out of a recorded list."""
    record = await _record(request.request_id, runtime)
    serving, known = await _as_known(record, runtime)
    item = serving.recommender.catalogue.vocabulary.position(request.item_id)
    if item < 0:
        message = f"item '{request.item_id}' is not in release {record.release}, which answered"
        raise ApiError(404, message, field="item_id", code="unknown_item")
    answer: messages.WhyNotAnswer = await runtime.beside(_why_not, serving, known, item)
    return answer


async def _record(request_id: str, runtime: Runtime) -> FlightRecord:
    """The record of an answer of any worker.

    Raises:
        ApiError: 404, there is none.
    """
    flight, made_ms = runtime.flight, milliseconds_of(request_id)
    while flight is not None and made_ms is not None:
        record: FlightRecord | None = await runtime.beside(flight.find, request_id)
        if record is not None:
            return record
        if time.time() * 1000 - made_ms > WAIT_MS:
            break
        await asyncio.sleep(A_BATCH_S)
    why = "this service records no answers" if flight is None else "it was not recorded, is too old, or was erased"
    message = f"there is no record of request '{request_id[:80]}': {why}"
    raise ApiError(404, message, field="request_id", code="unknown_request")


async def _as_known(record: FlightRecord, runtime: Runtime) -> tuple[Serving, AsKnown]:
    """The release that answered, and what it knew.

    Raises:
        ApiError: 409, that release cannot be loaded any more.
    """
    serving: Serving = await runtime.beside(runtime.past.serving, record.release)
    session = await runtime.arrive(serving, record.user_id, in_time=False)
    if session.fault is not None:
        raise ApiError(503, f"{session.fault}; try again in a moment")
    state = session.user_state()
    unavailable: Bool | None = await runtime.ask(serving.unavailable, record.at)
    later: list[Event] = await runtime.beside(runtime.log.of_user, record.user_id, record.log_position, MOST_LATER)
    recommender = serving.recommender
    if record.learned_position is not None and record.learned_position != serving.learned_position:
        recommender = await runtime.beside(serving.growth.as_of, recommender, record.learned_position)
    known = AsKnown(
        record=record,
        recommender=recommender,
        lookup=serving.lookup.bound([state]),
        state=state_as_of(state, [event for event in later if event.seq <= state.last_seq]),
        unavailable=unavailable,
    )
    return serving, known


def _explain(serving: Serving, known: AsKnown) -> messages.ExplainAnswer:
    record = known.record
    return messages.ExplainAnswer(
        request_id=record.request_id,
        release=record.release,
        user_id=record.user_id,
        answered_at=iso(record.answered_at),
        log_position=record.log_position,
        n_events=record.n_events,
        fallback=record.fallback,
        left_out=list(record.left_out),
        stage_ms={stage: round(ms, 3) for stage, ms in record.stage_ms.items()},
        same_list=None if record.k > LONG else replayed(record, known.recommender).same,
        retrievers=[
            messages.RetrieverCheck(one.name, one.n_hits, one.n_gone, one.n_new, one.greatest, one.agrees)
            for one in (recomputed(known) if record.k <= LONG else [])
        ],
        items=[_item(serving, one) for one in explained(known)],
        notes=_notes(known),
        learned_position=UNSET if record.learned_position is None else record.learned_position,
    )


def _item(serving: Serving, one: Explanation) -> messages.ExplainedItem:
    catalogue = serving.recommender.catalogue
    return messages.ExplainedItem(
        item_id=catalogue.vocabulary.item_ids[one.item],
        title=catalogue.titles[one.item],
        rank=one.place,
        rank_by_score=one.place_by_score,
        moved=one.moved,
        score=one.score,
        drawn=one.drawn,
        retrievers=[
            messages.RetrieverPart(part.retriever, part.rank, part.score, part.share) for part in one.proposals
        ],
        base=one.base,
        contributions=[messages.Contribution(what, value) for what, value in one.groups],
        exact=one.exact,
        because=[
            messages.BecauseOf(
                item_id=catalogue.vocabulary.item_ids[past.item],
                title=catalogue.titles[past.item],
                retriever=past.retriever,
                share=past.share,
                sentence=because_sentence(past, lambda item: _name(serving, item)),
            )
            for past in one.because
        ],
    )


def _why_not(serving: Serving, known: AsKnown, item: int) -> messages.WhyNotAnswer:
    catalogue, record = serving.recommender.catalogue, known.record
    if record.k > LONG:
        message = f"lists of more than {LONG} items are recorded without their candidates"
        raise ApiError(409, message, field="request_id")
    answer = why_not(known, item)
    searched = answer.kind in {"not_a_candidate", "scored", "moved"}
    sentence = change_sentence(answer.change, record, lambda one: _name(serving, one)) if searched else None
    return messages.WhyNotAnswer(
        request_id=record.request_id,
        item_id=catalogue.vocabulary.item_ids[item],
        title=catalogue.titles[item],
        kind=answer.kind,
        sentence=why_not_sentence(answer, len(record.shown)),
        rank=answer.place,
        filters=list(answer.filters),
        retrievers=answer.ranks,
        rank_by_score=answer.place_by_score,
        score=answer.score,
        least_score=answer.least_score,
        held_down=[messages.Contribution(what, value) for what, value in answer.held_down],
        change=_change(answer.change, sentence),
        change_sentence=sentence,
        rank_without_filters=answer.place_without_filters,
        recorded=answer.recorded,
        notes=_notes(known),
    )


def _change(change: Change | None, sentence: str | None) -> messages.SmallestChange | None:
    if change is None or sentence is None:
        return None
    return messages.SmallestChange(
        kind=change.kind,
        rank=change.place,
        retriever=change.retriever,
        retriever_rank=change.rank,
        features=list(change.groups),
        sentence=sentence,
    )


def _notes(known: AsKnown) -> list[str]:
    """What may make a recomputation differ from the record."""
    n_events = known.query().history.n_events
    if n_events == known.record.n_events:
        return []
    return [f"the history as of the answer has {n_events} events today; the answer knew {known.record.n_events}"]


def _name(serving: Serving, item: int) -> str:
    catalogue = serving.recommender.catalogue
    return f"“{catalogue.titles[item] or catalogue.vocabulary.item_ids[item]}”"
