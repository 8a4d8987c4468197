"""The app: every route of the contract as a plain Starlette route in one FastAPI app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.api.handlers import (
    docs,
    events,
    history,
    page,
    prometheus,
    recommend,
    releases,
    rollback,
    similar,
    status,
    users,
)
from services.errors import ApiError, body_of_status, error_body
from services.runtime import Runtime

JSON = "application/json"
Handler = Callable[[Request], Awaitable[Response]]


def _answering(work: Callable[[Request, Runtime], Awaitable[Any]]) -> Handler:
    """The route: errors in the contract's form; the gate counts time and status."""

    async def handler(request: Request) -> Response:
        try:
            if request.method == "POST":
                _check_content_type(request)
            answer = await work(request, request.app.state.runtime)
        except ApiError as error:
            return _json(error_body(error.code, error.message, error.field), error.status)
        return answer if isinstance(answer, Response) else _json(msgspec.json.encode(answer), 200)

    return handler


def _check_content_type(request: Request) -> None:
    """A body is JSON and says so: a page of another origin cannot send that type without asking first.

    Raises:
        ApiError: 415, the type is another one, or missing although there is a body.
    """
    types = request.headers.getlist("content-type")
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if (has_body and not types) or any(kind.partition(";")[0].strip().lower() != JSON for kind in types):
        shown = f"'{types[0][:60]}'" if types else "none"
        raise ApiError(415, f"Content-Type: found {shown}; send the body as {JSON}", field="Content-Type")


def _json(body: bytes, status: int) -> Response:
    return Response(body, status_code=status, media_type=JSON)


async def _refused(request: Request, error: HTTPException) -> Response:
    """What the framework refuses by itself (no such route, another method)."""
    reply = _json(body_of_status(error.status_code), error.status_code)
    reply.headers.update(error.headers or {})
    return reply


def make_app() -> FastAPI:
    """All routes of the contract that are finished; `app.state.runtime` is set when the service starts."""
    posts = {"recommend": recommend, "events": events, "similar": similar, "admin/rollback": rollback}
    gets = {
        "releases": releases,
        "status": status,
        "users": users,
        "history": history,
        "docs.json": docs,
        "metrics": prometheus,
    }
    routes: list[BaseRoute] = [Route(f"/{name}", _answering(work), methods=["POST"]) for name, work in posts.items()]
    routes += [Route(f"/{name}", _answering(work), methods=["GET"]) for name, work in gets.items()]
    routes += [Route("/", _answering(page)), Route("/console/{name}", _answering(page))]
    handlers: dict[Any, Any] = {HTTPException: _refused}
    return FastAPI(
        routes=routes,
        exception_handlers=handlers,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )


def labels_of(app: FastAPI) -> dict[str, str]:
    """Path of each route → its label in the metrics."""
    return {path: path.strip("/") or "console" for path in (getattr(route, "path", "") for route in app.routes) if path}
