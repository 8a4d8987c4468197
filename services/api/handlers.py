"""Handlers: each takes a checked request, asks, and returns the answer's struct."""

from __future__ import annotations

import asyncio
import logging

from features.events.database import DatabaseError
from models.release.rollback import UnknownReleaseError, rollback_target
from models.release.store import ReleaseError, ReleaseStore
from services.api import details, schemas
from services.api import status as about
from services.api.answers import (
    EventsAnswer,
    FiltersAnswer,
    HistoryAnswer,
    RecommendAnswer,
    ReleasesAnswer,
    RollbackAnswer,
    SimilarAnswer,
    StatusAnswer,
    UserProfileAnswer,
    UsersAnswer,
)
from services.api.lists import recommend as lists
from services.api.releases import trying
from services.api.releases.servable import check_servable
from services.errors import ApiError
from services.metrics import metrics
from services.observability.request_ids import note
from services.runtime import Runtime

logger = logging.getLogger(__name__)


async def recommend(request: schemas.RecommendRequest, runtime: Runtime) -> RecommendAnswer:
    serving, given = runtime.serving(), request.user_id
    request.user_id = serving.stored_id(given)
    answer = await trying.recommend(serving, request, runtime)
    answer.user_id = given
    note(list=answer.request_id, release=answer.release, fallback=answer.fallback)
    return answer


async def similar(request: schemas.SimilarRequest, runtime: Runtime) -> SimilarAnswer:
    answer: SimilarAnswer = await runtime.ask(lists.similar, runtime.serving(), request, runtime.live.at)
    return answer


async def events(request: schemas.EventsRequest, runtime: Runtime) -> EventsAnswer:
    runtime.check_home()
    batch = schemas.new_events(request, runtime.log.latest(), runtime.hasher())
    if runtime.live.at is not None:
        raise ApiError(409, "this service replays a fixed instant (RECOPS_AT) and records nothing", code="read_only")
    try:
        appended = await runtime.recorder.record(batch)
    except DatabaseError as error:
        raise ApiError(503, "the event log does not answer; nothing was recorded, send the batch again") from error
    for event in appended.events:
        metrics().count_event(event.event)
    metrics().duplicates.inc(appended.n_duplicates)
    return EventsAnswer(len(appended.events), appended.n_duplicates)


async def releases(request: schemas.NoQuery, runtime: Runtime) -> ReleasesAnswer:
    return about.releases(runtime.live.store, runtime.serving())


async def status(request: schemas.NoQuery, runtime: Runtime) -> StatusAnswer:
    answer: StatusAnswer = await runtime.beside(
        about.status, runtime.live.store, runtime.serving(), runtime.live.at, runtime.live.encoder.fault
    )
    return answer


async def users(request: schemas.UsersQuery, runtime: Runtime) -> UsersAnswer:
    """Ids that begin with `q`: of the release's data, then of the event log; of hashed ids a plain one whole."""
    serving, prefix = runtime.serving(), request.q
    prefix = serving.stored_id(prefix) if prefix and not "hid_".startswith(prefix[:4]) else prefix
    of_release = serving.users["user_id"]
    user_ids = of_release.filter(of_release.str.starts_with(prefix)).head(request.limit).to_list()
    if len(user_ids) < request.limit and runtime.live.at is None:
        of_log = await runtime.beside(runtime.log.users, prefix, request.limit)
        user_ids += [user_id for user_id in of_log if user_id not in user_ids]
    return UsersAnswer(user_ids[: request.limit])


async def history(request: schemas.HistoryQuery, runtime: Runtime) -> HistoryAnswer:
    serving = runtime.serving()
    session = await runtime.arrive(serving, serving.stored_id(request.user_id), in_time=False)
    answer = lists.history(serving, session, request.limit)
    answer.user_id = request.user_id
    return answer


async def user_profile(request: schemas.ProfileQuery, runtime: Runtime) -> UserProfileAnswer:
    serving = runtime.serving()
    session = await runtime.arrive(serving, serving.stored_id(request.user_id), in_time=False)
    answer: UserProfileAnswer = await runtime.beside(details.user_profile, serving, session, request.user_id)
    return answer


async def filters(request: schemas.FiltersQuery, runtime: Runtime) -> FiltersAnswer:
    return details.filters(runtime.serving(), request.limit)


async def rollback(request: schemas.RollbackRequest, runtime: Runtime) -> RollbackAnswer:
    """POST /admin/rollback: an earlier release comes back; every worker follows the pointer.

    One at a time: of several that name the same `from`, the first changes something and the others find it done.
    """
    if request.from_ is None and request.to is None:
        message = "from: is missing; send the release to go back from, or as 'to' the one to bring back (GET /releases)"
        raise ApiError(400, message, field="from")
    store = runtime.live.store
    async with runtime.rollbacks:
        target = _rollback_target(store, request)
        changed = False
        if target is not None:
            try:
                await asyncio.to_thread(check_servable, runtime, target)
                changed = store.swap(target, who="http", why=request.why, expected=request.from_)
                await asyncio.to_thread(runtime.live.refresh)
            finally:
                await asyncio.to_thread(runtime.live.forget_prepared)
    return RollbackAnswer(store.live(), changed)


def _rollback_target(store: ReleaseStore, request: schemas.RollbackRequest) -> str | None:
    try:
        return rollback_target(store, request.from_, request.to)
    except UnknownReleaseError as error:
        raise ApiError(404, f"{error.field}: {error}", field=error.field, code="unknown_release") from None
    except ReleaseError as error:
        raise ApiError(409, str(error), code="release_not_possible") from None
