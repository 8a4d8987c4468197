"""The load generator and its measures: planned instants, latency from them, percentiles, kept connections."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from itertools import islice

import pytest

from benchmarks.serving.cases import best_of, passes
from benchmarks.serving.generator import Load, Sent, arrivals, run
from benchmarks.serving.measures import Measure, measure, percentile
from benchmarks.serving.traffic import Requests, Traffic


def traffic(**changes) -> Traffic:
    given = {"users": ["a", "b", "c"], "items": ["i", "j"], "mixture": {"recommend": 0.9, "event": 0.1}} | changes
    return Traffic(**given)


async def served(handle) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]))


def load_of(port: int, **changes) -> Load:
    return Load(**{"port": port, "traffic": traffic(), "seconds": 0.5, "rate": 20.0, **changes})


def test_even_arrivals_stand_a_rate_apart_and_random_ones_have_the_rate_as_their_mean() -> None:
    assert list(arrivals(4, 1, poisson=False, seed=1)) == [0, 0.25, 0.5, 0.75]
    at_random = list(arrivals(100, 50, poisson=True, seed=1))
    assert 4_700 < len(at_random) < 5_300
    assert at_random == list(arrivals(100, 50, poisson=True, seed=1))


def test_a_server_that_stops_is_charged_with_all_who_would_have_come_meanwhile() -> None:
    """One request at a time, the first takes 0.4 s: those planned every 50 ms waited 0.4, 0.35, 0.3 … s."""

    async def main() -> Sent:
        turn, first = asyncio.Lock(), [True]

        async def handle(reader, writer):
            while True:
                await read_request(reader)
                async with turn:
                    if first.pop() if first else False:
                        await asyncio.sleep(0.4)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        server, port = await served(handle)
        async with server:
            return await run(load_of(port))

    sent = asyncio.run(main())
    assert len(sent.ms) == 10
    in_order = [milliseconds for _, milliseconds in sorted(zip(sent.due, sent.ms, strict=True))]
    assert in_order[0] >= 400
    assert in_order[4] >= 200
    assert sum(sent.ms) >= 400 + 350 + 300 + 250 + 200


def test_a_connection_that_breaks_is_an_error_and_the_next_request_opens_another() -> None:
    async def main() -> Sent:
        n_connections = [0]

        async def handle(reader, writer):
            n_connections[0] += 1
            if n_connections[0] <= 10:  # those that were opened before the first request
                await reader.readuntil(b"\r\n\r\n")
                writer.close()
                return
            while True:
                await read_request(reader)
                writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")

        server, port = await served(handle)
        async with server:
            return await run(load_of(port, seconds=0.75, connections=10))

    sent = asyncio.run(main())
    assert Counter(sent.statuses) == {0: 10, 503: 5}


def test_requests_are_drawn_by_the_mixture_and_users_by_zipfs_law() -> None:
    drawn = list(islice(Requests(traffic(zipf=2.0)), 5000))
    kinds = Counter(kind for kind, _ in drawn)
    assert 0.08 < kinds["event"] / 5000 < 0.12
    by_user = Counter(request.partition(b'"user_id": "')[2][:1] for _, request in drawn)
    most, second, third = (n for _, n in by_user.most_common())
    assert 3.2 < most / second < 4.8  # weights 1, 1/4, 1/9
    assert 1.9 < second / third < 2.7


def test_no_two_events_have_one_id() -> None:
    drawn = islice(Requests(traffic(mixture={"events_100": 1.0})), 20)
    ids = [part.split(b'"')[0] for _, request in drawn for part in request.split(b'"event_id": "')[1:]]
    assert len(ids) == len(set(ids)) == 2000


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.75, 3), (0.99, 4), (0.01, 1)])
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(share, expected) -> None:
    assert percentile([1, 2, 3, 4], share) == expected


def test_what_was_never_answered_is_infinitely_late_and_what_failed_is_no_latency() -> None:
    sent = Sent(kinds=["event"] * 3, ms=[1.0, 2.0, 0.1], statuses=[200, 200, 503], unanswered=1, seconds=2.0)
    result = measure("a load", sent, processor_s=0.3)
    assert (result.per_second, result.p50, result.p99) == (1.0, 2.0, math.inf)
    assert result.errors == {"503": 1, "unanswered": 1}
    assert result.processor_ms == pytest.approx(100)


def test_the_best_rate_is_the_highest_that_was_served_in_time_and_whole() -> None:
    def one(planned: float, p99: float, per_second: float, errors: dict[str, int] | None = None) -> Measure:
        times = dict.fromkeys(("p50", "p95", "p999", "worst", "processor_ms", "late_ms"), 1.0)
        return Measure(name="", planned=planned, per_second=per_second, p99=p99, errors=errors or {}, **times)

    tried = [one(20, 5, 20), one(40, 24, 40), one(80, 24, 60), one(60, 26, 60), one(50, 9, 50, {"429": 1})]
    assert [passes(result, 25) for result in tried] == [True, True, False, False, False]
    assert best_of(tried, 25) == tried[1]
