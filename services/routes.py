"""Routes: each reads its request, asks, and sends JSON; plain Starlette routes with msgspec in one FastAPI app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from features.errors import UserError
from features.events import DatabaseError, EventLog
from features.settings import Settings
from services import about, answers
from services.errors import ApiError, body_of_status, error_body
from services.live import Live, Serving
from services.metrics import metrics
from services.openapi import openapi
from services.recording import Recorder
from services.schemas import EventsRequest, RecommendRequest, RollbackRequest, SimilarRequest, decode, new_events
from services.shown import Shown

CONSOLE = Path(__file__).parent / "console"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

Handler = Callable[[Request], Awaitable[Response]]


class Runtime:
    """What one worker holds: the event log, its writer, the live release, and the thread that answers.

    Where both stores are local files a request is answered on the loop itself (a few ms of arrays); where they are
    servers on a network, in one thread beside it, so that a slow server never stops the loop.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = EventLog(settings.events_url)
        self.recorder = Recorder(self.log)
        self.live = Live(settings, self.log, on_load=_count_load)
        self.shown = None if settings.at else Shown(settings.home / "shown")
        local = not settings.database_url.startswith("postgres") and settings.online_store == "sqlite"
        self._thread = None if local else ThreadPoolExecutor(1, thread_name_prefix="answers")

    async def ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function that only one request runs at a time."""
        if self._thread is None:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def serving(self) -> Serving:
        """The release that answers this request.

        Raises:
            ApiError: 503, none is loaded.
        """
        if self.live.current is None:
            raise ApiError(503, "no release is loaded; release one (`recops release`) or see the service's log")
        return self.live.current

    def close(self) -> None:
        self.live.stop()
        self.recorder.close()
        if self._thread is not None:
            self._thread.shutdown()
        self.log.close()


def _count_load(outcome: str, serving: Serving | None) -> None:
    found = metrics()
    found.loads.labels(outcome).inc()
    if serving is not None:
        found.loaded_at.set(serving.loaded_at / 1e6)
        found.data_until.set(serving.release.data_until / 1e6)


async def recommend(request: Request, runtime: Runtime) -> Any:
    asked = decode(await request.body(), RecommendRequest)
    return await runtime.ask(answers.recommend, runtime.serving(), asked, runtime.live.at, runtime.shown)


async def similar(request: Request, runtime: Runtime) -> Any:
    asked = decode(await request.body(), SimilarRequest)
    return await runtime.ask(answers.similar, runtime.serving(), asked, runtime.live.at)


async def events(request: Request, runtime: Runtime) -> Any:
    batch = new_events(decode(await request.body(), EventsRequest))
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


async def users(request: Request, runtime: Runtime) -> Any:
    """Ids that begin with `q`: of the release's data, then of the event log."""
    prefix, limit = request.query_params.get("q", ""), _limit(request, 20)
    known = runtime.serving().users["user_id"]
    found = known.filter(known.str.starts_with(prefix)).head(limit).to_list()
    if len(found) < limit and runtime.live.at is None:
        found += [user_id for user_id in runtime.log.users(prefix, limit) if user_id not in set(found)]
    return {"users": found[:limit]}


async def history(request: Request, runtime: Runtime) -> Any:
    user_id = request.query_params.get("user_id", "")
    if not user_id:
        raise ApiError(400, "user_id: is missing; add ?user_id=…", field="user_id")
    return await runtime.ask(answers.history, runtime.serving(), user_id, _limit(request, 50))


async def rollback(request: Request, runtime: Runtime) -> Any:
    """POST /admin/rollback: the pointer goes back to the release before; every worker follows it."""
    asked = decode(await request.body() or b"{}", RollbackRequest)
    store = runtime.live.store
    wanted = store.previous()
    if wanted is None:
        raise ApiError(409, "there is no release before the live one", code="release_not_possible")
    try:
        await asyncio.to_thread(runtime.live.load, wanted)
    except UserError as error:
        raise ApiError(409, f"release {wanted} cannot be served: {error}", code="release_not_possible") from error
    store.swap(wanted, who="http", why=asked.why)
    await asyncio.to_thread(runtime.live.refresh)
    return {"release": wanted}


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
    found = request.query_params.get("limit", str(default))
    if not found.isdigit() or not 1 <= int(found) <= 500:
        raise ApiError(400, f"limit: '{found[:20]}' is no number from 1 to 500", field="limit")
    return int(found)


def _answering(name: str, work: Callable[[Request, Runtime], Awaitable[Any]]) -> Handler:
    """The route: errors in the contract's form, time and status counted."""

    async def handler(request: Request) -> Response:
        started = time.perf_counter()
        try:
            found = await work(request, request.app.state.runtime)
            reply = found if isinstance(found, Response) else _json(msgspec.json.encode(found), 200)
        except ApiError as error:
            reply = _json(error_body(error.code, error.message, error.field), error.status)
        metrics().requests.labels(name, str(reply.status_code)).inc()
        metrics().seconds.labels(name).observe(time.perf_counter() - started)
        return reply

    return handler


def _json(body: bytes, status: int) -> Response:
    return Response(body, status_code=status, media_type="application/json")


async def _refused(request: Request, error: HTTPException) -> Response:
    """What the framework refuses by itself (no such route, another method)."""
    reply = _json(body_of_status(error.status_code), error.status_code)
    reply.headers.update(error.headers or {})
    return reply


def make_app() -> FastAPI:
    """All routes of the contract that are finished; `app.state.runtime` is set when the service starts."""
    posts = {"recommend": recommend, "events": events, "similar": similar, "admin/rollback": rollback}
    gets = {"releases": releases, "status": status, "users": users, "history": history, "docs.json": docs}
    routes: list[BaseRoute] = [
        Route(f"/{name}", _answering(name, work), methods=["POST"]) for name, work in posts.items()
    ]
    routes += [Route(f"/{name}", _answering(name, work), methods=["GET"]) for name, work in gets.items()]
    routes += [Route("/", _answering("console", page)), Route("/console/{name}", _answering("console", page))]
    handlers: dict[Any, Any] = {HTTPException: _refused}
    return FastAPI(routes=routes, exception_handlers=handlers, docs_url=None, redoc_url=None, openapi_url=None)
