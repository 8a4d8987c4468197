"""The description of the routes (OpenAPI 3.1), made from the structs that read the requests; served in /docs.json."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from services.api.schemas import EventsRequest, RecommendRequest, RollbackRequest, SimilarRequest

POSTS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "/recommend": (RecommendRequest, "The user's list, best first."),
    "/similar": (SimilarRequest, "Items most like one."),
    "/events": (EventsRequest, "Records what users did; durable when answered, each event_id once."),
    "/admin/rollback": (
        RollbackRequest,
        "Brings back an earlier release; sent again it changes nothing (role admin; without keys X-Recops-Admin: 1).",
    ),
}
GETS = {
    "/livez": "The process lives.",
    "/readyz": "A release is loaded.",
    "/metrics": "Prometheus text.",
    "/docs.json": "This description.",
    "/releases": "What was live when.",
    "/status": "Release, data age, counts, versions.",
    "/users": "Ids that begin with ?q=.",
    "/history": "What is known of ?user_id=, newest first.",
}
ERRORS = {
    "400": "malformed or invalid, the field is named",
    "401": "no or a wrong key",
    "403": "the key's role does not suffice; or the request comes from a page of another origin",
    "404": "unknown item",
    "408": "the request did not arrive in time",
    "409": "not possible now",
    "413": "the body is too large",
    "415": "the body is not application/json",
    "431": "request line and headers are too large",
    "503": "not ready",
    "504": "the answer took too long",
}


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The whole document."""
    kinds = [kind for kind, _ in POSTS.values()]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    components["Error"] = {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "field": {"type": ["string", "null"]},
                },
            }
        },
    }
    paths: dict[str, Any] = {}
    for (path, (_, summary)), schema in zip(POSTS.items(), schemas, strict=True):
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths[path] = {"post": {"summary": summary, "requestBody": body, "responses": _responses()}}
    for path, summary in GETS.items():
        paths[path] = {"get": {"summary": summary, "responses": _responses()}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "recops", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }


def _responses() -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failed = {status: {"description": what, "content": error} for status, what in ERRORS.items()}
    return {"200": {"description": "the answer", "content": {"application/json": {}}}, **failed}
