"""The app: every route of the contract as a plain route in one Starlette app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.api.endpoints import ENDPOINTS, Endpoint
from services.api.pages import console, docs_json, docs_page, prometheus
from services.api.respond import JSON, respond
from services.errors import body_of_status

SCHEMA = "schema.json"  # BentoML's own: its clients read from it which methods there are


def make_app() -> Starlette:
    """The app with all routes of the contract; `app.state.runtime` is set when the service starts."""
    routes: list[BaseRoute] = [
        Route(endpoint.path.replace("}", ":path}"), _answering(endpoint), methods=[endpoint.method])
        for endpoint in ENDPOINTS
    ]
    routes += [
        Route("/docs.json", docs_json),
        Route("/metrics", prometheus),
        Route("/docs", docs_page),
        Route("/docs/{name}", docs_page),
        Route("/", console),
        Route("/console/{name}", console),
    ]
    handlers: dict[Any, Any] = {HTTPException: _refused}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def labels_of(app: Starlette) -> dict[str, str]:
    """Path of each route → its label in the metrics; those of BentoML's methods and their list too."""
    paths = [path for path in (getattr(route, "path", "") for route in app.routes) if path and "{" not in path]
    paths += [f"/{SCHEMA}", *(endpoint.bento_path for endpoint in ENDPOINTS)]
    return {path: path.strip("/") or "console" for path in paths}


def _answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def handler(request: Request) -> Response:
        return await respond(endpoint, request, request.app.state.runtime)

    return handler


async def _refused(request: Request, error: HTTPException) -> Response:
    """The response to what the framework refuses (no such route, another method)."""
    body = body_of_status(error.status_code)
    return Response(body, error.status_code, dict(error.headers or {}), JSON)
