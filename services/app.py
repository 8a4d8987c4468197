"""The app: every route of the contract as a plain Starlette route in one FastAPI app."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.api.handlers import docs, events, history, page, recommend, releases, rollback, similar, status, users
from services.errors import ApiError, body_of_status, error_body
from services.metrics import metrics
from services.runtime import Runtime

Handler = Callable[[Request], Awaitable[Response]]


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
