"""With RECOPS_OTEL_ENDPOINT a collector gets a span of each request, and of each stage of a list."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.observability.traces import RequestSpan, otlp, parent_of
from tests.support.small_release import release
from tests.support.waiting import wait_for

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[dict]]]:
    """Address of a collector, and the spans that came."""
    spans: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/traces"
            spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()


def test_stages_lie_below_the_request_in_the_callers_trace(made, settings, start, collector):
    address, spans = collector
    release(made, settings, "r1")
    client = start(RECOPS_OTEL_ENDPOINT=address)
    user_id = client.get("/users", params={"limit": 1}, headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    user_id = user_id.json()["users"][0]
    client.post("/recommend", json={"user_id": user_id}, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert wait_for(lambda: len(spans) >= 5, 30)
    names = {span["name"]: span for span in spans}
    assert set(names) == {"POST recommend", "retrieve", "features", "rank", "rerank"}  # the first was not sampled
    whole = names["POST recommend"]
    assert (whole["traceId"], whole["parentSpanId"], whole["kind"]) == (TRACE, SPAN, 2)
    for stage in ("retrieve", "features", "rank", "rerank"):
        assert (names[stage]["traceId"], names[stage]["parentSpanId"]) == (TRACE, whole["spanId"])
    assert user_id not in json.dumps(spans)


def test_stages_follow_each_other_and_the_last_ends_with_the_answer():
    span = RequestSpan(
        route="recommend",
        method="POST",
        status=500,
        started=1_000_000,
        ended=10_000_000,
        parent=None,
        attributes={},
        stage_ms={"retrieve": 4.0, "rank": 1.0},
    )
    whole, retrieve, rank = otlp([span])["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (whole["startTimeUnixNano"], whole["endTimeUnixNano"]) == ("1000000", "10000000")
    assert whole["status"] == {"code": 2}
    assert (retrieve["startTimeUnixNano"], retrieve["endTimeUnixNano"]) == ("5000000", "9000000")
    assert (rank["startTimeUnixNano"], rank["endTimeUnixNano"]) == ("9000000", "10000000")


@pytest.mark.parametrize("value", [b"", b"00-xyz", b"00-" + TRACE.encode() + b"-" + SPAN.encode()])
def test_a_broken_traceparent_begins_a_trace_of_its_own(value):
    assert parent_of([(b"traceparent", value)]) == (None, True)
