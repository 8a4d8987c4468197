"""The load generator, a process of its own: a plan on standard input, what happened on standard output, both JSON.

Open loop: every request has its instant, and its latency counts from there, so that a server that stops for a while
is charged with all who would have come meanwhile (no coordinated omission). Closed loop: each connection asks again
when it has its answer.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

from benchmarks.serving.connections import Answer, Pool
from benchmarks.serving.traffic import Requests, Traffic

PATIENCE_S = 20.0  # after the last planned instant


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load. rate: requests a second (None: closed loop); poisson: arrivals at random instants, else at even ones;
    connections: at most so many requests under way; keep: also the bodies of the answers."""

    port: int
    traffic: Traffic
    seconds: float
    rate: float | None = None
    poisson: bool = False
    connections: int = 100
    keep: bool = False
    host: str = "127.0.0.1"


@dataclass
class Sent:
    """One entry a request, in the order of the answers: kind, latency [ms], status (0: the connection broke), planned
    instant [s from the start]; bodies where they are kept; unanswered: how many never got one; late_ms: how much later
    than planned the generator itself was; started_at: the start [s since 1970]."""

    kinds: list[str] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    started_at: float = 0.0
    seconds: float = 0.0


def arrivals(rate: float, seconds: float, *, poisson: bool, seed: int) -> Iterator[float]:
    """Instants of arrival [s], ascending, below `seconds`."""
    rng, at = random.Random(seed), 0.0
    for number in itertools.count(1):
        if at >= seconds:
            return
        yield at
        at = at + rng.expovariate(rate) if poisson else number / rate


async def open_loop(load: Load, pool: Pool, sent: Sent) -> None:
    """Sends each request at its instant, whatever became of those before it."""
    assert load.rate is not None
    times = list(arrivals(load.rate, load.seconds, poisson=load.poisson, seed=load.traffic.seed))
    requests = list(itertools.islice(Requests(load.traffic), len(times)))
    gc.collect()
    gc.freeze()
    start = time.perf_counter() + 0.05
    sent.started_at = time.time() + 0.05
    all_answered = asyncio.Event()

    def note(kind: str, due: float, answer: Answer) -> None:
        _note(sent, load, kind, due, time.perf_counter() - start - due, answer)
        if len(sent.ms) == len(times):
            all_answered.set()

    for due, (kind, request) in zip(times, requests, strict=True):
        delay = start + due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        sent.late_ms.append(max(0.0, (time.perf_counter() - start - due) * 1000))
        pool.send(request, lambda answer, kind=kind, due=due: note(kind, due, answer))
    try:
        await asyncio.wait_for(all_answered.wait(), PATIENCE_S + load.seconds - (time.perf_counter() - start))
    except TimeoutError:
        sent.unanswered = len(times) - len(sent.ms)
    sent.seconds = load.seconds


async def closed_loop(load: Load, pool: Pool, sent: Sent) -> None:
    """As many requests under way as there are connections, until the time is over."""
    requests = iter(Requests(load.traffic))
    start = time.perf_counter()

    async def one_connection() -> None:
        while (begun := time.perf_counter()) < start + load.seconds:
            kind, request = next(requests)
            answer = await pool.ask(request)
            _note(sent, load, kind, begun - start, time.perf_counter() - begun, answer)

    await asyncio.gather(*(one_connection() for _ in range(load.connections)))
    sent.seconds = time.perf_counter() - start


def _note(sent: Sent, load: Load, kind: str, due: float, seconds: float, answer: Answer) -> None:
    sent.kinds.append(kind)
    sent.ms.append(seconds * 1000)
    sent.statuses.append(answer.status)
    sent.due.append(due)
    if load.keep:
        sent.bodies.append(answer.body.decode(errors="replace"))


async def run(load: Load) -> Sent:
    """Sends a load and says what became of it."""
    pool, sent = Pool(load.host, load.port, load.connections), Sent()
    await pool.open(min(load.connections, 16))
    await (closed_loop if load.rate is None else open_loop)(load, pool, sent)
    pool.close()
    return sent


def main() -> None:
    plan = json.load(sys.stdin)
    load = Load(**{**plan, "traffic": Traffic(**plan["traffic"])})
    gc.disable()
    sent = uvloop.run(run(load))
    json.dump(dataclasses.asdict(sent), sys.stdout)


if __name__ == "__main__":
    main()
