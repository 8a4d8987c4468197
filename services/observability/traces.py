"""Spans of requests and of the stages of their lists, sent to an OpenTelemetry collector by a thread.

OTLP over HTTP in its JSON form (opentelemetry.io/docs/specs/otlp), which every collector reads: no library is needed.
Nothing is sent unless an endpoint is set.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import re
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from features.resilience.repeats import RepeatLogger

repeats = RepeatLogger(logging.getLogger(__name__))

MOST_WAITING = 4096  # requests; what comes when so many are unsent is not traced
A_BATCH = 512
PAUSE_S = 1.0
SEND_S = 5.0
SERVER, INTERNAL = 2, 1  # kinds of spans
ERROR = 2
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")  # w3.org/TR/trace-context


@dataclass(frozen=True, kw_only=True)
class RequestSpan:
    """One answered request. started, ended: ns since 1970; stage_ms: its list's stages in their order, the last one
    ends with the answer; parent: trace and span of the caller."""

    route: str
    method: str
    status: int
    started: int
    ended: int
    parent: tuple[str, str] | None
    attributes: Mapping[str, Any]
    stage_ms: Mapping[str, float]


class Traces:
    """Takes the spans of requests; `record` never waits."""

    def __init__(self, endpoint: str) -> None:
        """endpoint: of the collector, `http://host:4318`; `/v1/traces` is added where it has no path."""
        self.url = endpoint if "/v1/" in endpoint else f"{endpoint.rstrip('/')}/v1/traces"
        self._waiting: queue.Queue[RequestSpan] = queue.Queue(MOST_WAITING)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def record(
        self, headers: Iterable[tuple[bytes, bytes]], method: str, route: str, status: int, seconds: float, facts: Any
    ) -> None:
        """One request that was just answered; not when its caller says that the trace is not sampled."""
        parent, is_sampled = parent_of(headers)
        if not is_sampled:
            return
        ended = time.time_ns()
        attributes = {name: value for name, value in facts.items() if isinstance(value, str)}
        span = RequestSpan(
            route=route,
            method=method,
            status=status,
            started=ended - round(seconds * 1e9),
            ended=ended,
            parent=parent,
            attributes=attributes,
            stage_ms=facts.get("stage_ms") or {},
        )
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            repeats.warning("traces: %s takes too long; requests go untraced", self.url)

    def close(self) -> None:
        """Sends what waits."""
        self._ended.set()
        self._thread.join(SEND_S + 1)

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_S):
            self._send()
        self._send()

    def _send(self) -> None:
        while spans := self._taken():
            body = msgspec.json.encode(otlp(spans))
            request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=SEND_S):  # noqa: S310
                    pass
            except OSError as error:
                repeats.warning("traces: %d requests could not be sent to %s: %s", len(spans), self.url, error)
                return

    def _taken(self) -> list[RequestSpan]:
        spans: list[RequestSpan] = []
        while len(spans) < A_BATCH:
            try:
                spans.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return spans


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str] | None, bool]:
    """Trace and span of the header `traceparent`, and whether its caller samples; None, true without one."""
    for name, value in headers:
        if name == b"traceparent" and (match := TRACEPARENT.fullmatch(value)):
            return (match[1].decode(), match[2].decode()), bool(int(match[3], 16) & 1)
    return None, True


def otlp(spans: Iterable[RequestSpan]) -> dict[str, Any]:
    """A batch as the body of an OTLP request."""
    resource = {"attributes": [_attribute("service.name", "recops")]}
    sent = [one for span in spans for one in _spans_of(span)]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "recops"}, "spans": sent}]}]}


def _spans_of(request: RequestSpan) -> Iterable[dict[str, Any]]:
    trace, parent = request.parent or (os.urandom(16).hex(), "")
    span_id = os.urandom(8).hex()
    attributes = {"http.request.method": request.method, "http.route": request.route, **request.attributes}
    yield {
        "traceId": trace,
        "spanId": span_id,
        **({"parentSpanId": parent} if parent else {}),
        "name": f"{request.method} {request.route}",
        "kind": SERVER,
        "startTimeUnixNano": str(request.started),
        "endTimeUnixNano": str(request.ended),
        "attributes": [
            {"key": "http.response.status_code", "value": {"intValue": str(request.status)}},
            *(_attribute(name, value) for name, value in attributes.items()),
        ],
        **({"status": {"code": ERROR}} if request.status >= 500 else {}),
    }
    began = request.ended - round(sum(request.stage_ms.values()) * 1e6)
    for stage, milliseconds in request.stage_ms.items():
        ended = began + round(milliseconds * 1e6)
        yield {
            "traceId": trace,
            "spanId": os.urandom(8).hex(),
            "parentSpanId": span_id,
            "name": stage,
            "kind": INTERNAL,
            "startTimeUnixNano": str(began),
            "endTimeUnixNano": str(ended),
        }
        began = ended


def _attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}
