"""Outgoing responses: one form for all errors, and the status for the metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from services.errors import ApiError, body_of_status, error_body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WAITING = "recops.waiting"  # in a scope: requests that this worker held when this one came (connection.py counts)
HEADERS = {401: ((b"www-authenticate", b"Bearer"),), 429: ((b"retry-after", b"1"),)}


class Answer:
    """Passes the app's response on; an error in another form (plain text of BentoML or Starlette) gets our body.

    status: of the response, None before it starts; on_start is called when the answer begins.
    """

    def __init__(self, send: Send, on_start: Callable[[], None]) -> None:
        self._send = send
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
        if not self._replaced:
            await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Sends an ApiError, unless a response has begun."""
        await self.fail(error.status, error_body(error.code, error.message, error.field))

    async def fail(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """Sends an error body, unless a response has begun."""
        if self.status is not None:
            return
        self._begin(status)
        length = str(len(body)).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", length), *(headers or [])]
        sent += HEADERS.get(status, ())
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body})

    def _begin(self, status: int) -> None:
        self.status = status
        self._on_start()
