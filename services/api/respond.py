"""From a request to its answer: read by the endpoint's struct, answered, refused in the contract's form."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.api import schemas
from services.api.endpoints import Endpoint
from services.errors import ApiError, error_body
from services.runtime import Runtime

JSON = "application/json"


async def respond(endpoint: Endpoint, request: Request, runtime: Runtime) -> Response:
    """The answer, or an error in the contract's form; the gate counts time and status."""
    try:
        if request.method == "POST":
            message = await _from_body(endpoint, request)
        else:
            given = {**request.query_params, **request.path_params}
            message = schemas.from_query(given, endpoint.request)
        answer = await endpoint.work(message, runtime)
        return answer if isinstance(answer, Response) else Response(msgspec.json.encode(answer), media_type=JSON)
    except ApiError as error:
        body = error_body(error.code, error.message, error.field)
        return Response(body, status_code=error.status, headers=error.headers, media_type=JSON)


async def _from_body(endpoint: Endpoint, request: Request) -> msgspec.Struct:
    """The request in a body; it is JSON and says so: a page of another origin cannot send that type unasked.

    Raises:
        ApiError: 415, the type is another one, or missing although there is a body; 400, see `decode`.
    """
    types = request.headers.getlist("content-type")
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if (has_body and not types) or any(kind.partition(";")[0].strip().lower() != JSON for kind in types):
        shown = f"'{types[0][:60]}'" if types else "none"
        raise ApiError(415, f"Content-Type: found {shown}; send the body as {JSON}", field="Content-Type")
    body = await request.body()
    return schemas.decode(body if body or not endpoint.body_is_optional else b"{}", endpoint.request)
