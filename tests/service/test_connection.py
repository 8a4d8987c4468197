"""Connections on a real socket: what cannot be read, comes too slowly or is too large is answered in our form."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from services.access import connection
from services.access.middleware import AccessMiddleware

READ_S, KEEP_ALIVE_S = 0.5, 1.0


class App:
    """Answers with the body that it read; /slow waits first, /stuck does so for ever, /large is 64 MB long."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return
        self.calls.append(scope["path"])
        body, more = b"", True
        while more and scope["path"] != "/unread":
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        if scope["path"] in ("/slow", "/stuck"):
            await asyncio.sleep(0.3 if scope["path"] == "/slow" else 3600)
        text = b"x" * (64 << 20) if scope["path"] == "/large" else b"read " + body
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})


PATHS = ("/", "/slow", "/stuck", "/large", "/unread")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, App, uvicorn.Server]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECOPS_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RECOPS_READ_TIMEOUT_S", str(READ_S))
        patch.setenv("RECOPS_KEEP_ALIVE_S", str(int(KEEP_ALIVE_S)))
        patch.setattr(connection, "LINGER_S", 0.3)
        connection._settings.cache_clear()
        app = App()
        gate = AccessMiddleware(app, labels={path: path for path in PATHS}, answer_s=0.8)
        config = uvicorn.Config(gate, http=connection.LimitedProtocol, port=0, log_config=None, lifespan="off")
        found = uvicorn.Server(config)
        thread = threading.Thread(target=found.run, daemon=True)
        thread.start()
        while not found.started:
            time.sleep(0.01)
        yield found.servers[0].sockets[0].getsockname()[1], app, found
        found.should_exit = True
        thread.join(10)
        connection._settings.cache_clear()


def talk(port: int, *parts: bytes, half_close: bool = False, pause: float = 0.0) -> bytes:
    """All that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(pause)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
        return received


def answers(received: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        found.append((int(lines[0].split()[1]), rest[:length]))
        received = rest[length:]
    return found


def error_of(received: bytes) -> tuple[int, str]:
    """Status and code of the one answer, which is in the contract's form."""
    ((status, body),) = answers(received)
    assert b"content-type: application/json\r\n" in received.lower()
    error = json.loads(body)["error"]
    assert set(error) == {"code", "message", "field"}
    assert error["message"]
    return status, error["code"]


GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UNREADABLE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS spoken to a plain port
    b"NONSENSE\r\n\r\n",
    b"FOO / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    GET + b"no colon\r\n\r\n",
    GET + b"X: a\x00b\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no Host
    GET + b"Host: 127.0.0.1\r\n\r\n",  # two
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\xa7\\\r\n\r\n",  # Open Telemetry, before the gate, cannot decode it
]


@pytest.mark.parametrize("request_", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_request_is_400_in_the_form_of_the_contract(server, request_):
    status, code = error_of(talk(server[0], request_))
    assert (status, code) == (400, "invalid")


def test_a_head_that_is_too_large_or_never_ends_is_431(server):
    limit = connection.MAX_HEAD
    for head in (
        GET + b"X: " + b"a" * limit + b"\r\n\r\n",
        GET + b"X: " + b"a" * 4 * limit,  # the line does not end
        b"GET /?" + b"a" * 4 * limit,
        GET + b"X: a\r\n" * (connection.MAX_HEADERS + 1) + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: a\r\n" * (connection.MAX_HEADERS + 1) + b"\r\n",
    ):
        assert error_of(talk(server[0], head)) == (431, "headers_too_large")
    large = GET + b"X: " + b"a" * (limit - 200) + b"\r\nConnection: close\r\n\r\n"
    assert answers(talk(server[0], large)) == [(200, b"read ")]


def test_what_follows_the_body_becomes_no_header(server):
    trailer = b"3\r\nabc\r\n0\r\nOrigin: http://attacker.example\r\nHost: attacker.example\r\n\r\n"
    request = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + trailer
    assert answers(talk(server[0], request)) == [(200, b"read abc")]


@pytest.mark.parametrize(
    "sent",
    [
        b"G",
        GET,
        GET + b"X: y",
        b"\r\n",
        POST + b"Content-Length: 5\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_half_a_request_is_408_after_the_read_time_out(server, sent):
    started = time.monotonic()
    assert error_of(talk(server[0], sent)) == (408, "timeout")
    assert READ_S * 0.9 <= time.monotonic() - started < READ_S + 0.5


def test_drop_by_drop_does_not_keep_a_connection_open(server):
    for first, drop in ((GET, b"X: y\r\n"), (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")):
        with socket.create_connection(("127.0.0.1", server[0]), timeout=5) as client:
            client.sendall(first)
            started = time.monotonic()
            while time.monotonic() - started < 4 * READ_S:
                try:
                    client.sendall(drop)
                except OSError:
                    break
                time.sleep(0.05)
            assert time.monotonic() - started < 3 * READ_S


def test_the_rest_of_a_body_that_nobody_reads_is_waited_for_no_longer(server):
    started = time.monotonic()
    received = talk(server[0], b"POST /unread HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nab")
    assert answers(received) == [(200, b"read ")]
    assert time.monotonic() - started < READ_S + 0.5


def test_an_idle_connection_is_closed_after_the_keep_alive_time_without_a_word(server):
    started = time.monotonic()
    assert talk(server[0]) == b""
    assert KEEP_ALIVE_S * 0.9 <= time.monotonic() - started < KEEP_ALIVE_S + 0.5
    started = time.monotonic()
    assert answers(talk(server[0], GET + b"\r\n")) == [(200, b"read ")]
    assert KEEP_ALIVE_S * 0.9 <= time.monotonic() - started < KEEP_ALIVE_S + 0.5


def test_requests_sent_ahead_are_answered_before_what_is_refused(server):
    slow = b"POST /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n1"
    assert answers(talk(server[0], slow + GET + b"\r\n" + b"NONSENSE\r\n\r\n")) == [(200, b"read 1"), (200, b"read ")]
    broken = POST + b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n"
    statuses = [status for status, _ in answers(talk(server[0], slow + broken))]
    assert statuses == [200, 400]
    statuses = [status for status, _ in answers(talk(server[0], slow, GET, pause=0.05))]
    assert statuses in ([200], [200, 408])  # half a request behind one that is being answered


def test_a_client_that_closes_its_side_still_gets_the_answer(server):
    slow = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert answers(talk(server[0], slow, half_close=True)) == [(200, b"read ")]


@pytest.mark.parametrize("half", [GET, POST + b"Content-Length: 5\r\n\r\nab", b"\x00"])
def test_a_client_that_closes_its_side_within_a_request_is_told_so(server, half):
    slow = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert error_of(talk(server[0], half, half_close=True)) == (400, "invalid")
    statuses = [status for status, _ in answers(talk(server[0], slow + half, half_close=True))]
    assert statuses[0] == 200  # what was sent whole before is answered


def test_a_client_that_leaves_with_requests_unanswered_is_no_fault_of_the_service(server, caplog):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server[0])) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 4)
            time.sleep(0.05)
    time.sleep(0.5)
    assert caplog.records == []


def test_a_client_that_does_not_read_is_let_go(server):
    port, app, running = server
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(0.2)
        assert len(running.server_state.connections) == 1
        time.sleep(READ_S + 0.5)
        assert len(running.server_state.connections) == 0


def test_an_upgrade_is_answered_as_a_plain_request(server):
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
    )
    received = talk(server[0], GET + upgrade)
    assert answers(received) == [(200, b"read ")]
    assert b"connection: close" in received.lower()


def test_an_answer_that_takes_too_long_is_504_in_the_form_of_the_contract(server):
    assert error_of(talk(server[0], b"GET /stuck HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")) == (
        504,
        "timeout",
    )
    slow = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert answers(talk(server[0], slow)) == [(200, b"read ")]


def test_a_connection_is_used_again(server):
    with socket.create_connection(("127.0.0.1", server[0]), timeout=5) as client:
        for number in range(50):
            client.sendall(POST + f"Content-Length: 2\r\n\r\n{number:02d}".encode())
            received = client.recv(65536)
            assert answers(received) == [(200, f"read {number:02d}".encode())]


def test_nothing_of_bentoml_stands_outside_of_the_gate():
    from services.service import make_asgi

    assert make_asgi().user_middleware[0].cls is AccessMiddleware
