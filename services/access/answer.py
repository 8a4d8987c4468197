"""Outgoing responses: one form for all errors, and the status for the metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from services.errors import ApiError, body_of_status, error_body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WAITING = "recops.waiting"  # in a scope: requests that this worker held when this one came (connection.py counts)
BEARER = (b"www-authenticate", b"Bearer")
RETRY_AFTER = (b"retry-after", b"1")
USUAL_HEADERS = {401: BEARER, 429: RETRY_AFTER, 503: RETRY_AFTER}  # of a status, where an answer has no other
REQUEST_ID = b"x-request-id"


class Answer:
    """Passes the app's response on; an error in another form (plain text of BentoML or Starlette) gets our body.

    status: of the response, None before it starts; on_start is called when the answer begins; request_id: is sent back.
    """

    def __init__(self, send: Send, on_start: Callable[[], None], request_id: str) -> None:
        self._send = send
        self._request_id = (REQUEST_ID, request_id.encode())
        self._on_start = on_start
        self._replaced = False
        self.status: int | None = None
        self.override: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_json = any(
                name == b"content-type" and value.startswith(b"application/json") for name, value in message["headers"]
            )
            if self.override or (message["status"] >= 400 and not is_json):
                self._replaced = True
                status = self.override or message["status"]
                allow = [(name, value) for name, value in message["headers"] if name == b"allow"]
                await self.fail(status, body_of_status(status), allow)
                return
            self._begin(message["status"])
            message["headers"] = self._completed(message["status"], message["headers"])
        if not self._replaced:
            await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Sends an ApiError, unless a response has begun."""
        headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        await self.fail(error.status, error_body(error.code, error.message, error.field), headers)

    async def fail(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Sends an error body, unless a response has begun."""
        if self.status is not None:
            return
        self._begin(status)
        length = str(len(body)).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", length), *(headers or [])]
        await self._send({"type": "http.response.start", "status": status, "headers": self._completed(status, sent)})
        await self._send({"type": "http.response.body", "body": body})

    def _completed(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Headers with the request's id, and with the usual one of the status."""
        sent = [*headers, self._request_id]
        usual = USUAL_HEADERS.get(status)
        if usual is not None and all(name != usual[0] for name, _ in sent):
            sent.append(usual)
        return sent

    def _begin(self, status: int) -> None:
        self.status = status
        self._on_start()
