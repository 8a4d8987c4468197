"""Hostile requests, the same for the same seed: bytes as they go over a socket, and what came back, read strictly."""

from __future__ import annotations

import json
import random
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

ROUTES = ("/recommend", "/similar", "/events", "/admin/rollback", "/releases", "/status", "/users", "/history")
OTHER_PATHS = (
    *(
        "/",
        "/docs.json",
        "/metrics",
        "/livez",
        "/readyz",
        "/healthz",
        "/console/console.js",
        "/console/",
        "/console/%00",
    ),
    *(
        "/schema.json",
        "/assets/%00",
        "/assets/../x",
        "/static_content/%2e%2e/x",
        "/status/",
        "//status",
        "/%2e%2e/",
        "/%",
    ),
    *("/%ff%fe", "/%00", "*", "http://127.0.0.1/status", "http://[", "/status;x", "/" + "a" * 5000, "/?" + "b" * 9000),
)
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "FOO", "")
NUMBERS = (
    "0",
    "-1",
    "501",
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "1e-400",
    "0.1",
    "1" * 20,
    "9" * 5000,
    "-0",
    "01",
    "²",
)
TEXTS = (
    *(
        "",
        " ",
        "u0001",
        "é",
        "\u202e",
        "😀",
        "null",
        "NULL",
        "nan",
        "'; drop table events; --",
        "${jndi:ldap://x}",
        "../../etc",
    ),
    *("x" * 511, "x" * 513, "x" * 100_000, "%00", "\\u0000", "\\ud800", "\\n", '\\"', "\x7f", "2026-01-31T12:00:00Z"),
    *("0000-00-00T00:00:00Z", "9999-12-31T23:59:59+23:59", "2026-01-31", "1e9", "-1", "true"),
)
VALUES = (
    *(
        "null",
        "true",
        "false",
        "{}",
        "[]",
        "[[]]",
        '""',
        "[null]",
        '{"a":{"a":{}}}',
        "[" * 2000,
        "[" * 2000 + "]" * 2000,
    ),
    *(f'"{text}"' for text in TEXTS),
    *NUMBERS,
)
FIELDS = ("user_id", "item_id", "k", "history", "exclude", "filter", "explain", "include_seen", "scenario", "events")
EVENT_FIELDS = ("user_id", "item_id", "event", "event_id", "timestamp", "value", "request_id")
HEADERS = {
    "Host": (
        "127.0.0.1",
        "localhost:3000",
        "[",
        "[::1]",
        "[::1",
        "evil.example",
        "",
        "a b",
        "127.0.0.1:x",
        "é",
        "x" * 9000,
    ),
    "Origin": ("null", "http://[", "http://127.0.0.1", "https://evil.example", "", "é", "http://127.0.0.1:99999999"),
    "Sec-Fetch-Site": ("same-origin", "cross-site", "none", "", "é"),
    "Content-Type": (
        "application/json",
        "text/plain",
        "",
        "application/json; charset=utf-16",
        "é",
        "multipart/form-data",
    ),
    "Content-Length": ("0", "-1", "1", "99999999", "9" * 5000, "1e3", "0x10", "²", ""),
    "Transfer-Encoding": ("chunked", "gzip", "chunked, chunked", "identity", ""),
    "Authorization": ("Bearer x", "Basic eDp5", "Bearer " + "k" * 9000, "é", "Bearer"),
    "X-API-Key": ("x", "é", ""),
    "X-Recops-Admin": ("1", "0", "é"),
    "X-Forwarded-For": ("1.2.3.4", "[", ",,,,", "é", "1.2.3.4:99999"),
    "X-Forwarded-Proto": ("https", "javascript", "é"),
    "Connection": ("close", "keep-alive", "Upgrade", "é", "close, Upgrade"),
    "Upgrade": ("websocket", "h2c", "é"),
    "Sec-WebSocket-Version": ("13", "é"),
    "Expect": ("100-continue", "é"),
    "Range": ("bytes=0-1", "bytes=9999999999-"),
    "Accept-Encoding": ("gzip", "é"),
    "If-None-Match": ('"x"', "é"),
    "Cookie": ("a=b; " * 500,),
    "TE": ("trailers",),
}
JUNK = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 64,
    b"\r\n" * 50,
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 200_000,
    b"GET /" + b"a" * 200_000,
    b"A" * 70_000,
)


class Hostile:
    """Requests of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __iter__(self) -> Iterator[bytes]:
        kinds = (self.plain, self.fields, self.headers, self.line, self.mutated, self.chunked, self.several, self.junk)
        while True:
            yield self.random.choices(kinds, weights=(10, 25, 20, 15, 15, 6, 5, 4))[0]()

    def plain(self) -> bytes:
        """What the service answers with 200."""
        choose, user = self.random.choice, f"u{self.random.randrange(200):04d}"
        item = f"b{self.random.randrange(150):03d}"
        events = {"events": [{"user_id": user, "item_id": item, "event": choose(("click", "view", "rate"))}]}
        return choose(
            (
                lambda: post(
                    "/recommend", json.dumps({"user_id": user, "k": self.random.randrange(1, 60), "explain": True})
                ),
                lambda: post("/similar", json.dumps({"item_id": item})),
                lambda: post("/events", json.dumps(events)),
                lambda: get(f"/history?user_id={user}"),
                lambda: get(f"/users?q={user[:3]}"),
                lambda: get(choose(("/status", "/releases", "/", "/metrics", "/docs.json", "/readyz"))),
            )
        )()

    def fields(self) -> bytes:
        """A JSON body with hostile fields and values."""
        choose = self.random.choice
        route = choose(ROUTES[:4])
        if route == "/events":
            event = ", ".join(f'"{choose(EVENT_FIELDS)}": {choose(VALUES)}' for _ in range(self.random.randrange(4)))
            base = f'"user_id": "u0001", "item_id": "b001", "event": "click", {event}'.rstrip(", ")
            return post(route, f'{{"events": [{{{choose((base, event))}}}]}}')
        pairs = [f'"{choose(FIELDS)}": {choose(VALUES)}' for _ in range(self.random.randrange(3))]
        base = {"/similar": '"item_id": "b001"', "/admin/rollback": '"why": "x"'}.get(route, '"user_id": "u0001"')
        body = "{" + ", ".join(self.random.sample([base, *pairs], self.random.randrange(len(pairs) + 1) + 1)) + "}"
        return post(route, choose((body, body, body, body[:-1], choose(VALUES))))

    def headers(self) -> bytes:
        """Headers that are added to or take the place of the right ones."""
        choose = self.random.choice
        names = self.random.sample(list(HEADERS), self.random.randrange(1, 4))
        extra = "".join(f"{name}: {choose(HEADERS[name])}\r\n" for name in names)
        host = "" if "Host" in names and self.random.random() < 0.7 else "Host: 127.0.0.1\r\n"
        method, body = choose((("GET", ""), ("POST", '{"user_id": "u0001"}')))
        length = f"Content-Length: {len(body)}\r\n" if body and "Content-Length" not in names else ""
        kind = "Content-Type: application/json\r\n" if body and "Content-Type" not in names else ""
        return f"{method} {choose(ROUTES)} HTTP/1.1\r\n{host}{extra}{length}{kind}\r\n{body}".encode()

    def line(self) -> bytes:
        """Methods, paths, queries and versions."""
        choose = self.random.choice
        path = choose((*ROUTES, *OTHER_PATHS, f"/{self.random.getrandbits(64):x}"))
        if self.random.random() < 0.4:
            name = choose(("limit", "user_id", "q", "x", ""))
            value = choose((*NUMBERS, *TEXTS[:16], "%00", "%ff", "%", "+", "&&=", "%ED%A0%80"))
            path = f"{choose(('/users', '/history'))}?user_id=u0001&{name}={value}"
        version = choose(("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "http/1.1", ""))
        return f"{choose(METHODS)} {path} {version}\r\nHost: 127.0.0.1\r\nX-Recops-Admin: 1\r\n\r\n".encode()

    def mutated(self) -> bytes:
        """A right request with bytes changed, taken out, doubled, or cut off."""
        request = bytearray(self.plain())
        for _ in range(self.random.randrange(1, 5)):
            at = self.random.randrange(len(request))
            length = self.random.randrange(1, 12)
            change = self.random.randrange(5)
            if change == 0:
                request[at] = self.random.randrange(256)
            elif change == 1:
                del request[at : at + length]
            elif change == 2:
                request[at:at] = request[at : at + length]
            elif change == 3:
                request[at:at] = self.random.randbytes(length)
            else:
                del request[max(at, 1) :]
            request = request or bytearray(b"G")
        return bytes(request)

    def chunked(self) -> bytes:
        """Bodies in chunks, right and wrong."""
        choose = self.random.choice
        body = choose(('{"user_id": "u0001"}', "{", "x" * 70_000, ""))
        size = choose((f"{len(body):x}", "0", "-1", "zz", "f" * 17, f"{len(body):x};a=b", f"{len(body) + 5:x}"))
        end = choose(("0\r\n\r\n", "0\r\nOrigin: null\r\n\r\n", "0\r\n" + "T: x\r\n" * 200 + "\r\n", "", "\r\n"))
        head = f"POST {choose(ROUTES[:3])} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        return f"{head}Transfer-Encoding: chunked\r\n\r\n{size}\r\n{body}\r\n{end}".encode()

    def several(self) -> bytes:
        """Requests sent ahead on one connection."""
        kinds = (self.plain, self.plain, self.fields, self.line, self.mutated, self.chunked)
        return b"".join(self.random.choice(kinds)() for _ in range(self.random.randrange(2, 5)))

    def junk(self) -> bytes:
        """What is no HTTP at all."""
        return self.random.choice((*JUNK, self.random.randbytes(self.random.randrange(1, 2000))))


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: str) -> bytes:
    data = body.encode("utf-8", "surrogatepass")
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Recops-Admin: 1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


@dataclass
class Outcome:
    """What came back on one connection; fault: why it is not as the contract says, or None."""

    statuses: list[int] = field(default_factory=list)
    fault: str | None = None


def exchange(port: int, request: bytes, timeout_s: float = 60) -> Outcome:
    """Sends everything, ends this side, and reads until the service ends its own."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                received += part
    except (ConnectionError, TimeoutError) as error:
        return Outcome(fault=f"{type(error).__name__} after {received[:200]!r}")
    outcome = read_answers(received)
    if not outcome.statuses and request.strip(b"\r\n"):
        outcome.fault = outcome.fault or "no answer"
    return outcome


def read_answers(received: bytes) -> Outcome:
    """Every answer, with its error body checked."""
    outcome = Outcome()
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        if match is None:
            outcome.fault = f"no answer of HTTP: {received[:200]!r}"
            return outcome
        status = int(match[1])
        if status == 100:
            received = rest
            continue
        outcome.statuses.append(status)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if length is None:
            outcome.fault = f"no length: {head[:200]!r}"
            return outcome
        is_head = not rest or rest.startswith(b"HTTP/1.1 ")  # an answer to HEAD
        body = b"" if is_head else rest[: int(length[1])]
        received = rest if is_head else rest[int(length[1]) :]
        if status >= 500:
            outcome.fault = f"{status}: {body[:300]!r}"
        elif status >= 400 and body and not _in_form(body):
            outcome.fault = f"{status} in another form: {body[:300]!r}"
    return outcome


def _in_form(body: bytes) -> bool:
    try:
        found = json.loads(body)
        error = found["error"]
        return set(error) == {"code", "message", "field"} and bool(error["code"]) and bool(error["message"])
    except (ValueError, KeyError, TypeError):
        return False
