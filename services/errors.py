"""Error responses: `{"error": {"code", "message", "field"}}` with the status that fits."""

from __future__ import annotations

import msgspec

CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    431: "headers_too_large",
    500: "internal",
    503: "not_ready",
    504: "timeout",
}
MESSAGES = {
    400: "this is no HTTP/1.1 request",
    404: "there is no such route; GET /docs.json lists them",
    405: "this route has another method; GET /docs.json lists them",
    408: "the request did not arrive in time; send it whole, at once",
    413: "the body is too large; send it in parts",
    415: "Content-Type: send the body as application/json",
    429: "too many requests at once; try again in a moment",
    431: "the request line and headers are too large; shorten them",
    500: "the service failed on this request; its log says why",
    503: "no release is loaded yet; try again in a moment (GET /readyz says when)",
    504: "the answer took too long; try again",
}


class ApiError(Exception):
    """An answer that is an error: the caller's (4xx) or ours (5xx)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """retry_after: seconds after which it may be sent again, at least 1 (header Retry-After)."""
        super().__init__(message)
        self.status, self.message, self.field = status, message, field
        self.code, self.retry_after = code or CODES[status], retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Headers of its own."""
        return {} if self.retry_after is None else {"retry-after": str(max(self.retry_after, 1))}


def error_body(code: str, message: str, field: str | None = None) -> bytes:
    """The body of an error response."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "field": field}})


def body_of_status(status: int) -> bytes:
    """The body for a status that BentoML, Starlette or uvicorn answered in another form."""
    code = CODES.get(status, "error" if status < 500 else "internal")
    return error_body(code, MESSAGES.get(status, code.replace("_", " ")))
