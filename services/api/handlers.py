"""Handlers: each reads its request, asks, and returns what is sent as JSON."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from features.errors import UserError
from features.events.database import DatabaseError
from models.release.code import bento_folder, running_code
from models.release.rollback import UnknownReleaseError, rollback_target
from models.release.running import SUPERVISOR, running_services
from models.release.store import ReleaseError, ReleaseStore
from services.api import recommend as answers
from services.api import status as about
from services.api.openapi import openapi
from services.api.schemas import (
    EventsRequest,
    RecommendRequest,
    RollbackRequest,
    SimilarRequest,
    checked_text,
    decode,
    new_events,
)
from services.errors import ApiError
from services.metrics import exposition, metrics
from services.runtime import Runtime

logger = logging.getLogger(__name__)

CONSOLE = Path(__file__).resolve().parents[1] / "console"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


async def recommend(request: Request, runtime: Runtime) -> Any:
    asked, serving = decode(await request.body(), RecommendRequest), runtime.serving()
    given, asked.user_id = asked.user_id, serving.stored_id(asked.user_id)
    answer = await runtime.ask(answers.recommend, serving, asked, runtime.live.at, runtime.impressions)
    return {**answer, "user_id": given}


async def similar(request: Request, runtime: Runtime) -> Any:
    asked = decode(await request.body(), SimilarRequest)
    return await runtime.ask(answers.similar, runtime.serving(), asked, runtime.live.at)


async def events(request: Request, runtime: Runtime) -> Any:
    asked = decode(await request.body(), EventsRequest)
    runtime.check_home()
    batch = new_events(asked, runtime.log.latest(), runtime.hasher())
    if runtime.live.at is not None:
        raise ApiError(409, "this service replays a fixed instant (RECOPS_AT) and records nothing", code="read_only")
    try:
        appended = await runtime.recorder.record(batch)
    except DatabaseError as error:
        raise ApiError(503, "the event log does not answer; nothing was recorded, send the batch again") from error
    for event in appended.events:
        metrics().count_event(event.event)
    metrics().duplicates.inc(appended.n_duplicates)
    return {"accepted": len(appended.events), "duplicates": appended.n_duplicates}


async def releases(request: Request, runtime: Runtime) -> Any:
    return about.releases(runtime.live.store, runtime.serving())


async def status(request: Request, runtime: Runtime) -> Any:
    return await runtime.ask(about.status, runtime.live.store, runtime.serving(), runtime.live.at)


async def docs(request: Request, runtime: Runtime) -> Any:
    """The routes as OpenAPI; BentoML's own page of that name knows only routes made of pydantic models."""
    return openapi()


async def prometheus(request: Request, runtime: Runtime) -> Any:
    """The metrics of all workers; read in a thread, they lie in files."""
    text, content_type = await asyncio.to_thread(exposition)
    return Response(text, media_type=content_type)


async def users(request: Request, runtime: Runtime) -> Any:
    """Ids that begin with `q`: of the release's data, then of the event log; of hashed ids a plain one whole."""
    prefix, limit = checked_text(request.query_params.get("q", ""), "q", "q"), _limit(request, 20)
    serving = runtime.serving()
    prefix = serving.stored_id(prefix) if prefix and not "hid_".startswith(prefix[:4]) else prefix
    of_release = serving.users["user_id"]
    user_ids = of_release.filter(of_release.str.starts_with(prefix)).head(limit).to_list()
    if len(user_ids) < limit and runtime.live.at is None:
        of_log = await runtime.beside(runtime.log.users, prefix, limit)
        user_ids += [user_id for user_id in of_log if user_id not in user_ids]
    return {"users": user_ids[:limit]}


async def history(request: Request, runtime: Runtime) -> Any:
    user_id = request.query_params.get("user_id", "")
    if not user_id:
        raise ApiError(400, "user_id: is missing; add ?user_id=…", field="user_id")
    user_id = checked_text(user_id, "user_id", "user_id")
    serving = runtime.serving()
    answer = await runtime.ask(answers.history, serving, serving.stored_id(user_id), _limit(request, 50))
    return {**answer, "user_id": user_id}


async def rollback(request: Request, runtime: Runtime) -> Any:
    """POST /admin/rollback: an earlier release comes back; every worker follows the pointer.

    One at a time: of several that name the same `from`, the first changes something and the others find it done.
    """
    wanted = decode(await request.body() or b"{}", RollbackRequest)
    if wanted.from_ is None and wanted.to is None:
        message = "from: is missing; send the release to go back from, or as 'to' the one to bring back (GET /releases)"
        raise ApiError(400, message, field="from")
    store = runtime.live.store
    async with runtime.rollbacks:
        target = _rollback_target(store, wanted)
        changed = False
        if target is not None:
            await asyncio.to_thread(_check_servable, runtime, target)
            changed = store.swap(target, who="http", why=wanted.why, expected=wanted.from_)
            await asyncio.to_thread(runtime.live.refresh)
    return {"release": store.live(), "changed": changed}


def _rollback_target(store: ReleaseStore, wanted: RollbackRequest) -> str | None:
    try:
        return rollback_target(store, wanted.from_, wanted.to)
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


async def page(request: Request, runtime: Runtime) -> Any:
    """The console: three files, nothing from elsewhere."""
    name = request.path_params.get("name", "index.html")
    path = CONSOLE / name
    if name not in {"index.html", "console.css", "console.js"}:
        raise ApiError(404, f"there is no file {name}")
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Response(path.read_bytes(), media_type=TYPES[path.suffix], headers=headers)


def _limit(request: Request, default: int) -> int:
    text = request.query_params.get("limit", str(default))
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= 500:
        raise ApiError(400, f"limit: '{text[:20]}' is no number from 1 to 500", field="limit")
    return int(text)
