"""More requests at once than a worker may hold: 429 in our form with Retry-After, the others are answered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from features.settings import Settings
from services.access.connection import LimitedProtocol
from services.access.middleware import AccessMiddleware

LIMIT, N_AT_ONCE = 4, 20
HELD_S = 0.05


class Answering:
    """Holds the loop while it answers, as a recommender does: nothing else runs meanwhile."""

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return
        time.sleep(HELD_S)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), max_concurrency=LIMIT)
    labels = {"/recommend": "recommend", "/metrics": "metrics"}
    gate = AccessMiddleware(Answering(), settings, labels=labels)
    config = uvicorn.Config(gate, http=LimitedProtocol, log_config=None, lifespan="off")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(30)


def at_once(port: int, path: str, n: int) -> list[tuple[int, str]]:
    """Status and text of `n` answers to requests that are all there before the first is answered."""
    clients = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(n)]
    time.sleep(0.2)
    for client in clients:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    answers = []
    for client in clients:
        text = b""
        while part := client.recv(65536):
            text += part
        client.close()
        answers.append((int(text.split()[1]), text.decode()))
    return answers


def test_what_comes_while_the_worker_is_full_is_429_and_the_rest_is_answered(port):
    answers = at_once(port, "/recommend", N_AT_ONCE)
    statuses = [status for status, _ in answers]
    assert set(statuses) == {200, 429}
    assert LIMIT <= statuses.count(200) < N_AT_ONCE
    refused = next(text for status, text in answers if status == 429)
    head, _, body = refused.partition("\r\n\r\n")
    assert "retry-after: 1" in head.lower()
    assert json.loads(body)["error"]["code"] == "too_many_requests"
    assert [status for status, _ in at_once(port, "/recommend", LIMIT)] == [200] * LIMIT  # it is over as soon as it is


def test_probes_and_metrics_are_answered_however_full_it_is(port):
    assert {status for status, _ in at_once(port, "/livez", N_AT_ONCE)} == {200}
    assert {status for status, _ in at_once(port, "/metrics", N_AT_ONCE)} == {200}
