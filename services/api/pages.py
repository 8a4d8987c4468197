"""Pages and texts: the console, the page of the routes, their description, metrics."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.api.openapi import openapi
from services.api.respond import JSON
from services.errors import body_of_status
from services.metrics import exposition

CONSOLE = Path(__file__).resolve().parents[1] / "console"
CONSOLE_FILES = ("console.css", "console.js", "format.js")
DOCS_FILES = ("docs.css", "docs.js")
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")  # Swagger UI as BentoML carries it (Apache-2.0)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:{images}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def console(request: Request) -> Response:
    """The console; a page of it may load pictures from elsewhere only where items of the release have some."""
    name = request.path_params.get("name")
    if name is None:
        current = request.app.state.runtime.live.current
        images = " https:" if current is not None and current.pictures else ""
        return _file(CONSOLE / "index.html", images=images)
    return _file(CONSOLE / name) if name in CONSOLE_FILES else _missing()


async def docs_page(request: Request) -> Response:
    """The page of the routes (Swagger UI), with nothing from elsewhere."""
    name = request.path_params.get("name")
    if name in SWAGGER_FILES:
        path = swagger_folder() / name
        return _file(path) if path.is_file() else _missing()
    if name is not None:
        return _file(CONSOLE / name) if name in DOCS_FILES else _missing()
    return _file(CONSOLE / "docs.html", styles=" 'unsafe-inline'")  # Swagger UI sets styles of elements


async def docs_json(request: Request) -> Response:
    """The routes as OpenAPI; BentoML's own page of that name knows only routes made of pydantic models."""
    return Response(_description(), media_type=JSON)


async def prometheus(request: Request) -> Response:
    """The metrics of all workers; read in a thread, they lie in files."""
    releases = request.app.state.runtime.live.releases()
    text, content_type = await asyncio.to_thread(exposition, releases)
    return Response(text, media_type=content_type)


def swagger_folder() -> Path:
    """Where BentoML keeps the files of its own page."""
    import bentoml

    return Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"


@lru_cache(maxsize=1)
def _description() -> bytes:
    return msgspec.json.encode(openapi())


def _missing() -> Response:
    return Response(body_of_status(404), status_code=404, media_type=JSON)


def _file(path: Path, *, styles: str = "", images: str = "") -> Response:
    headers = {
        "Content-Security-Policy": POLICY.format(styles=styles, images=images),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Response(path.read_bytes(), media_type=TYPES[path.suffix], headers=headers)
