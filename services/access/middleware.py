"""The gate before every route: keys and roles, body size, and one form of error whatever failed below."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from features.settings import Settings
from services.access.keys import Keys, is_loopback, key_in, may, role_for
from services.errors import MESSAGES, ApiError, body_of_status, error_body

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 4 << 20


class _TooLargeError(Exception):
    pass


class AccessMiddleware:
    """A plain ASGI class (Starlette's BaseHTTPMiddleware costs more than a whole answer)."""

    def __init__(self, app: App, settings: Settings | None = None, max_body: int = MAX_BODY) -> None:
        self.app = app
        self.keys = Keys.of(settings or Settings())
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            self._check(scope)
            await self.app(scope, _limited(receive, self.max_body, answer), answer.send)
        except ApiError as error:
            await answer.fail(error.status, error_body(error.code, error.message, error.field))
        except _TooLargeError:
            await answer.fail(413, body_of_status(413))
        except Exception:
            logger.exception("method=%s path=%r failed", scope["method"], scope["path"])
            await answer.fail(500, body_of_status(500))

    def _check(self, scope: Scope) -> None:
        """Who asks, from where, and how much they send.

        Raises:
            ApiError: 401, 403 or 413.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        said = dict(headers)
        length = said.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.max_body:
            raise ApiError(413, MESSAGES[413])
        host = said.get(b"host", b"").decode("latin-1")
        origin = said.get(b"origin", b"").decode("latin-1")
        if origin and origin != "null" and urlsplit(origin).netloc.lower() != host.lower():
            raise ApiError(403, "requests from pages of another origin are not answered")
        if not self.keys.roles:
            # a page of another site must not reach a service without keys through a name of its own (DNS rebinding)
            server, port = scope.get("server") or ("localhost", 0)
            if port is None:  # a socket file of this machine
                return
            if not (is_loopback(urlsplit(f"//{host}").hostname or "localhost") and is_loopback(server)):
                raise ApiError(403, "without RECOPS_API_KEYS the service answers on loopback only")
            return
        needed = role_for(scope["method"], scope["path"])
        if needed is None:
            return
        key = key_in(headers)
        role = self.keys.role_of(key) if key else None
        if role is None:
            what = "a wrong key" if key else "no key"
            raise ApiError(401, f"{what}; send Authorization: Bearer KEY or X-API-Key: KEY")
        if not may(role, needed):
            raise ApiError(403, f"the key's role is {role}; this route needs {needed}")
        scope.setdefault("state", {})["role"] = role


def _limited(receive: Receive, max_body: int, answer: _Answer) -> Receive:
    """A receive that stops a body without a declared length at the limit, whatever the app then makes of it."""
    n_bytes = 0

    async def limited() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > max_body:
            answer.instead = 413
            raise _TooLargeError
        return message

    return limited


class _Answer:
    """Sends what the app sends; an error in another form (plain text of BentoML or Starlette) gets our body."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False
        self._replaced = False
        self.instead: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_json = any(
                name == b"content-type" and value.startswith(b"application/json") for name, value in message["headers"]
            )
            if self.instead or (message["status"] >= 400 and not is_json):
                self._replaced = True
                status = self.instead or message["status"]
                allow = [(name, value) for name, value in message["headers"] if name == b"allow"]
                await self.fail(status, body_of_status(status), allow)
                return
            self._started = True
        if not self._replaced:
            await self._send(message)

    async def fail(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        if self._started:
            return
        self._started = True
        length = str(len(body)).encode()
        kept = [(b"content-type", b"application/json"), (b"content-length", length), *(headers or [])]
        if status == 401:
            kept.append((b"www-authenticate", b"Bearer"))
        await self._send({"type": "http.response.start", "status": status, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})
