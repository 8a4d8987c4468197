"""Loopback never goes through a proxy: our own requests, those of Prefect's clients, and those of child processes."""

from __future__ import annotations

import http.server
import os
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from features.settings import Settings
from flows.orchestration import server
from flows.orchestration.loopback import answers, bypass_proxies, is_loopback, open_url
from flows.orchestration.notify import post
from flows.releasing.questions import Question
from flows.releasing.replay import compare

NOWHERE = "http://127.0.0.1:9"
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"items": [{"item_id": "a"}]}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(params=["upper", "lower", "all", "socks"])
def proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that nobody answers at, in the environment in one of its forms."""
    for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # made once a process, with the proxies of that moment
    chosen = {"upper": VARIABLES[0:3:2], "lower": VARIABLES[1:4:2]}.get(request.param, VARIABLES[4:])
    for name in chosen:
        monkeypatch.setenv(name, "socks5h://127.0.0.1:9" if request.param == "socks" else NOWHERE)


@pytest.mark.usefixtures("proxy")
def test_our_own_requests_reach_loopback(address: str) -> None:
    assert answers(f"{address}/readyz", timeout_s=2)
    assert answers(f"{address}/health", timeout_s=0.5)
    assert open_url(address, timeout_s=5).status == 200
    assert post(address, {"flow": "f", "run": "r", "state": "s", "message": "m", "url": None})
    assert list(compare(address, [Question("q", "u", ("a",))], 1)) == []


@pytest.mark.usefixtures("proxy")
def test_prefects_clients_reach_loopback_once_a_server_was_chosen(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{address}/api")
    for name in ("PREFECT_HOME", "PREFECT_LOGGING_LEVEL", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # put back afterwards
    assert server.choose_server(Settings(home=tmp_path)) == f"{address}/api"
    assert httpx.get(f"{address}/api/health").status_code == 200  # Prefect's HTTP client takes the environment so
    assert get_proxy(parse_uri(address.replace("http", "ws"))) is None  # and its websockets so
    assert urllib.request.urlopen(address, timeout=5).status == 200


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        (None, None, "localhost,127.0.0.1,::1"),
        ("corp.example", None, "corp.example,localhost,127.0.0.1,::1"),
        ("a.example, 127.0.0.1", "b.example,", "b.example,a.example,127.0.0.1,localhost,::1"),
        ("*", None, "*"),
        ("localhost,127.0.0.1,::1", "localhost", "localhost,127.0.0.1,::1"),
    ],
)
def test_what_was_spared_stays_spared(
    monkeypatch: pytest.MonkeyPatch, upper: str | None, lower: str | None, expected: str
) -> None:
    for name, value in (("NO_PROXY", upper), ("no_proxy", lower)):
        monkeypatch.setenv(name, value or "")
        if value is None:
            monkeypatch.delenv(name)
    bypass_proxies()
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == expected
    bypass_proxies()
    assert os.environ["NO_PROXY"] == expected


def test_which_addresses_are_loopback() -> None:
    here = [
        "http://127.0.0.1:3000/x",
        "http://127.8.9.1",
        "http://localhost",
        "https://LOCALHOST:1",
        "http://[::1]:80/",
    ]
    elsewhere = ["http://10.0.0.1", "https://hooks.example", "http://127.0.0.1.example", "no url", "http://["]
    assert [is_loopback(url) for url in here] == [True] * len(here)
    assert [is_loopback(url) for url in elsewhere] == [False] * len(elsewhere)
