"""One HTTP/1.1 connection: uvicorn's own, with limits of size and time, and with refusals in our form of error.

uvicorn answers what it cannot read before any ASGI app is asked, in plain text, and it waits without end for the rest
of a request. services/service.py gives it this class by the name that BentoML's worker asks for.
"""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from features.settings import Settings
from services.access.answer import WAITING, Receive, Scope, Send
from services.access.deadline import ARRIVED
from services.errors import body_of_status
from services.metrics import metrics

MAX_HEAD = 32 << 10  # bytes of request line and headers, and of trailers
MAX_HEADERS = 100
LINGER_S = 2.0
UNREAD = "unread"  # the label of what was refused before it was read as a request


class _TooLargeError(Exception):
    pass


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings()


class LimitedProtocol(HttpToolsProtocol):
    """States: idle (nothing of a request is there), head, body; what comes is timed in the last two."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.timeout_keep_alive = _settings().keep_alive_s
        self.read_timeout_s = _settings().read_timeout_s
        self._state = "idle"
        self._head_size = 0
        self._n_headers = 0
        self._refusal = 400
        self._refused = False
        self._eof = False
        self._running: RequestResponseCycle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # ---- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for cycle in filter(None, (self._running, *(waiting for waiting, _ in self.pipeline))):
            cycle.disconnected = True  # uvicorn marks the last request alone
            cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        self._stop_timing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A client may close its side once its requests are sent; it still gets the answers (TLS cannot do that)."""
        self._eof = True
        cycle = self._unanswered()
        if self.scheme == "https" or (cycle is None and self._state == "idle"):
            return None
        if self._state != "idle" and not self._refused:  # half a request
            self._refuse(400)
        elif cycle is not None:
            cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """The client does not read: the connection is closed after a while."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.read_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        # counted here: what waits in the gate and in the app, and what has not begun
        cycle.scope[WAITING] = len(self.tasks)  # type: ignore[literal-required]
        super()._start_asgi_task(cycle, app)

    # ---- reading

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        if self._read_timer is None:
            self._time_reading()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no route is a WebSocket: the request was answered as it stands, the connection then closes
        except httptools.HttpParserError:
            self._refuse(self._refusal)
            return
        if self._state == "head":
            self._head_size += len(data)  # of a line that does not end the parser tells nothing
            if self._head_size > 2 * MAX_HEAD:
                self._refuse(431)

    def _should_upgrade(self) -> bool:
        return False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._state, self._head_size, self._n_headers = "head", 0, 0
        if self._read_timer is None:  # a second request in the same packet
            self._time_reading()

    def on_url(self, url: bytes) -> None:
        self._count(len(url), 0)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4, 1)
        if name.lower() == b"host" and not value.isascii():  # code that reads it before the gate cannot
            raise ValueError
        if self._state == "head":  # what follows the body is no header of the request
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.scope[ARRIVED] = time.perf_counter()  # type: ignore[literal-required]
        super().on_headers_complete()
        self._state, self._head_size, self._n_headers = "body", 0, 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self._time_reading()

    def on_message_complete(self) -> None:
        self._state = "idle"
        self._stop_timing()
        super().on_message_complete()

    def _count(self, n_bytes: int, n_headers: int) -> None:
        self._head_size += n_bytes
        self._n_headers += n_headers
        if self._head_size > MAX_HEAD or self._n_headers > MAX_HEADERS:
            self._refusal = 431
            raise _TooLargeError

    # ---- time

    def _time_reading(self) -> None:
        self._stop_timing()
        self._read_timer = self.loop.call_later(self.read_timeout_s, self._read_too_slow)

    def _stop_timing(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _read_too_slow(self) -> None:
        if self.flow.read_paused:  # it is we who do not read
            self._time_reading()
            return
        self._read_timer = None
        self._refuse(408)

    # ---- refusals

    def _refuse(self, status: int) -> None:
        """Answers an error and closes, after earlier requests on this connection are answered."""
        self._refused = True
        self._stop_timing()
        metrics().count_refusal(UNREAD, status)
        cycle = self._unanswered()
        if cycle is None and self._state != "body":
            self._write_error(status)
        elif cycle is None:  # the rest of a body whose request was answered
            self._close()
        elif self._state != "body":  # earlier requests are being answered
            cycle.keep_alive = False
        elif self.pipeline and self.pipeline[0][0] is cycle:  # they are, and this request waits in the queue
            cycle.keep_alive = False
            self.pipeline[0] = (cycle, _refusing(status))
        else:  # the request's body is broken, or does not come: its answer is taken out of the app's hands
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._close()
            else:
                self._write_error(status)

    def _unanswered(self) -> RequestResponseCycle | None:
        """The last request, while it has no whole answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete else cycle

    def _write_error(self, status: int) -> None:
        body = body_of_status(status)
        close = (b"connection", b"close")
        headers = [header for header in self.server_state.default_headers if header != close]  # a draining server's
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), close]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self._close()

    def _close(self) -> None:
        """Ends our side, and reads what is still on its way: closing at once would reset the answer away."""
        if self._eof or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._read_timer = self.loop.call_later(LINGER_S, self.transport.close)


def _refusing(status: int) -> Any:
    """An app that answers every request with an error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = body_of_status(status)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
