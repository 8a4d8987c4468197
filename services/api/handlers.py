"""Handlers: each takes a checked request, asks, and returns the answer's struct."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from features.errors import UserError
from features.events.database import DatabaseError
from models.release.code import bento_folder, running_code
from models.release.rollback import UnknownReleaseError, rollback_target
from models.release.running import SUPERVISOR, running_services
from models.release.store import ReleaseError, ReleaseStore
from services.api import details, schemas
from services.api import recommend as lists
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
    UsersAnswer,
)
from services.errors import ApiError
from services.metrics import metrics
from services.runtime import Runtime

logger = logging.getLogger(__name__)


async def recommend(request: schemas.RecommendRequest, runtime: Runtime) -> RecommendAnswer:
    serving, given = runtime.serving(), request.user_id
    request.user_id = serving.stored_id(given)
    answer: RecommendAnswer = await runtime.ask(lists.recommend, serving, request, runtime.live.at, runtime.impressions)
    answer.user_id = given
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
    answer: StatusAnswer = await runtime.ask(about.status, runtime.live.store, runtime.serving(), runtime.live.at)
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
    answer: HistoryAnswer = await runtime.ask(lists.history, serving, serving.stored_id(request.user_id), request.limit)
    answer.user_id = request.user_id
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
            await asyncio.to_thread(_check_servable, runtime, target)
            changed = store.swap(target, who="http", why=request.why, expected=request.from_)
            await asyncio.to_thread(runtime.live.refresh)
    return RollbackAnswer(store.live(), changed)


def _rollback_target(store: ReleaseStore, request: schemas.RollbackRequest) -> str | None:
    try:
        return rollback_target(store, request.from_, request.to)
    except UnknownReleaseError as error:
        raise ApiError(404, f"{error.field}: {error}", field=error.field, code="unknown_release") from None
    except ReleaseError as error:
        raise ApiError(409, str(error), code="release_not_possible") from None


def _check_servable(runtime: Runtime, release: str) -> None:
    """Loads a release on trial, before the pointer names it; one of other code is loaded by workers of its own Bento.

    Raises:
        ApiError: 409 with the reason why it cannot be served.
    """
    try:
        bento_tag = runtime.live.store.read(release).bento_tag
        if not running_code().can_load(bento_tag):
            _check_other_code(runtime.settings.home, release, str(bento_tag))
            return
        runtime.live.load(release)
    except UserError as error:
        raise ApiError(409, f"release {release} cannot be served: {error}", code="release_not_possible") from error
    except Exception as error:
        logger.exception("release=%s cannot be served", release)
        message = (
            f"release {release} cannot be served ({type(error).__name__}: {error}); release anew (`recops release`)"
        )
        raise ApiError(409, message, code="release_not_possible") from error


def _check_other_code(home: Path, release: str, bento_tag: str) -> None:
    """The supervisor can start another Bento for a release.

    Raises:
        ReleaseError: this service has no supervisor, or the Bento is gone.
    """
    supervisors = {service.pid for service in running_services(home) if service.role == SUPERVISOR}
    if os.getppid() not in supervisors:
        raise ReleaseError(
            f"it needs the code of Bento {bento_tag}, and this service was not started by `recops serve`"
        )
    if not (bento_folder(home, bento_tag) / "bento.yaml").is_file():
        raise ReleaseError(f"its Bento {bento_tag} is not there any more")
