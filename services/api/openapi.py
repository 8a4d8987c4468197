"""The description of the routes (OpenAPI 3.1), made from the structs that read and answer; served as /docs.json."""

from __future__ import annotations

from functools import lru_cache
from inspect import cleandoc
from typing import Any

import msgspec

from services.access.keys import ADMIN_HEADER, role_for
from services.api.answers import ErrorAnswer
from services.api.endpoints import ENDPOINTS, Endpoint
from services.api.examples import EXAMPLES, example_of
from services.api.respond import JSON

REF = "#/components/schemas/{name}"
SECURITY: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}, {}]
# what any of the routes may answer; 408 and 431 come from the connection
ERRORS = {
    400: "malformed or invalid; `field` names what is at fault",
    401: "no key, or a wrong one",
    403: "the key's role does not suffice; or the request comes from a page of another origin",
    408: "the request did not arrive in time",
    413: "the body is too large",
    415: "the body is not application/json",
    429: "too many requests at once, or the key has used its quota; try again after Retry-After seconds",
    431: "request line and headers are too large",
    503: "not ready, a store does not answer, or the turn would come too late; try again after Retry-After seconds",
    504: "the answer took too long",
}
MORE_ERRORS = {404: "not known in this release", 409: "not possible now"}
# method, path → operationId, summary, content type of what is no struct
TEXTS = {
    "/livez": ("livez", "The process lives.", "text/plain"),
    "/readyz": ("readyz", "200 when a release is loaded, else 503.", "text/plain"),
    "/metrics": ("metrics", "Counters and times in Prometheus' text form.", "text/plain"),
    "/docs.json": ("openapi", "This description.", JSON),
    "/docs": ("docs", "This description as a page.", "text/html"),
}
DESCRIPTION = """Lists for users, similar items, and the record of what users do.

Every error is `{"error": {"code", "message", "field"}}`. With keys (RECOPS_API_KEYS) send `X-API-Key: KEY` or
`Authorization: Bearer KEY`; a role includes those before it: reader, client, operator, admin. Without keys the service
answers on loopback only. BentoML's clients call the same routes below `/bento` (POST, the fields as JSON)."""


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The whole document."""
    kinds = [kind for endpoint in ENDPOINTS for kind in (endpoint.request, endpoint.answer)] + [ErrorAnswer]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    schema_of = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        operation = _operation(endpoint, schema_of, components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    for path, (name, summary, content_type) in TEXTS.items():
        kind = "object" if content_type == JSON else "string"
        answer = {"description": summary, "content": {content_type: {"schema": {"type": kind}}}}
        operation = {"operationId": name, "summary": summary, "tags": ["service"], "security": []}
        paths[path] = {"get": {**operation, "responses": {"200": answer}}}
    for endpoint in ENDPOINTS:
        if endpoint.method != "POST":  # described as parameters
            components.pop(endpoint.request.__name__, None)
    for schema in components.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "recops", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "lists"},
            {"name": "events"},
            {"name": "items"},
            {"name": "records"},
            {"name": "service"},
            {"name": "admin"},
        ],
        "security": SECURITY,
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _schemes()},
    }


def _operation(
    endpoint: Endpoint, schema_of: dict[type[msgspec.Struct], Any], components: dict[str, Any]
) -> dict[str, Any]:
    request, answer = EXAMPLES[endpoint.name]
    content: dict[str, Any] = {JSON: {"schema": schema_of[endpoint.answer], "example": example_of(answer)}}
    role = role_for(endpoint.method, endpoint.path)
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Role: {role}.",
        "tags": [endpoint.tag],
        "responses": {"200": {"description": "the answer", "content": content}, **_errors(endpoint)},
    }
    if role == "admin":
        operation["parameters"] = [_admin_header()]
    if endpoint.method != "POST":
        operation["parameters"] = list(_parameters(components[endpoint.request.__name__], request, endpoint.path))
    else:
        body: dict[str, Any] = {"schema": schema_of[endpoint.request]}
        if request is not None:
            body["example"] = example_of(request)
        operation["requestBody"] = {"required": not endpoint.body_is_optional, "content": {JSON: body}}
    return operation


def _parameters(schema: dict[str, Any], request: msgspec.Struct | None, path: str) -> Any:
    """The fields of a struct as parameters of the query, or of the path that names them."""
    examples: Any = example_of(request) if request is not None else {}
    for name, described in schema.get("properties", {}).items():
        within = "path" if f"{{{name}" in path else "query"
        parameter = {"name": name, "in": within, "required": name in schema.get("required", ()), "schema": described}
        yield {**parameter, "example": examples[name]} if name in examples else parameter


def _admin_header() -> dict[str, Any]:
    return {
        "name": ADMIN_HEADER,
        "in": "header",
        "required": False,
        "description": "`1` where the service has no keys",
        "schema": {"type": "string"},
    }


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    statuses = {**ERRORS, **{status: MORE_ERRORS[status] for status in endpoint.errors}}
    content = {JSON: {"schema": {"$ref": REF.format(name="ErrorAnswer")}}}
    described: dict[str, Any] = {
        str(status): {"description": statuses[status], "content": content} for status in sorted(statuses)
    }
    seconds = {"description": "seconds to wait", "schema": {"type": "integer"}}
    for status in ("429", "503"):
        described[status]["headers"] = {"Retry-After": seconds}
    return described


def _schemes() -> dict[str, Any]:
    return {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "Bearer": {"type": "http", "scheme": "bearer"},
    }
