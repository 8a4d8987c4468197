"""Swaps under load: two releases change places while requests come in; nothing may fail, and no list may be mixed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.serving.cases import RECOMMEND, traffic
from benchmarks.serving.generator import Load, Sent
from benchmarks.serving.measures import percentile
from benchmarks.serving.served import Served
from flows.orchestration.loopback import open_url
from models.release.store import ReleaseStore

SETTLE_S = 4.0  # before the first swap: what p99 is without one
A_SWAP_S = 6.0  # from one swap to the next
FOLLOW_S = 60.0
USERS = 100


@dataclass(frozen=True, kw_only=True)
class Swapped:
    """followed_s: from the swap of the pointer to the first answer of the other release; mixed: lists that are that of
    neither release, or of another than they name; p99 [ms] of the requests planned before the first swap, and of those
    planned between a swap and the moment when it was followed."""

    swaps: int
    requests: int
    failed: int
    mixed: int
    p99_before: float
    p99_during: float
    worst: float
    followed_s: list[float]

    def line(self) -> str:
        followed = f"{max(self.followed_s):.1f}" if self.followed_s else "never"
        return (
            f"{self.swaps} swaps, {self.requests} requests: {self.failed} failed, {self.mixed} mixed; p99 "
            f"{self.p99_before:.1f} ms before, {self.p99_during:.1f} ms during "
            f"({self.p99_during / self.p99_before:.1f} times), worst {self.worst:.1f} ms; followed within {followed} s"
        )


def swap_under_load(served: Served, other: str, rate: float, n_swaps: int) -> Swapped:
    """n_swaps swaps between the live release and another of the same home, at `rate` requests a second.

    The service must answer as of a fixed instant (RECOPS_AT), so that a user's list depends on the release alone.
    """
    store, users = ReleaseStore(served.home), served.users[:USERS]
    own: dict[str, dict[str, list[str]]] = {}
    for release in (other, served.release):  # ends with the live one
        _swap(store, served, release)
        own[release] = {user_id: _list(served, user_id)[1] for user_id in users}

    asked = traffic(served, RECOMMEND, zipf=0)
    seconds = SETTLE_S + n_swaps * A_SWAP_S
    load = Load(
        port=served.port,
        traffic=type(asked)(**{**vars(asked), "users": users}),
        seconds=seconds,
        rate=rate,
        keep=True,
    )
    outcome: list[Sent] = []
    sender = threading.Thread(target=lambda: outcome.append(served.run(load)[0]))
    begun = time.time()
    sender.start()
    time.sleep(SETTLE_S)
    spans = []
    for number in range(n_swaps):
        at = time.time()
        followed = _swap(store, served, (other, served.release)[number % 2])
        spans.append((at, at + followed))
        time.sleep(max(0.0, begun + SETTLE_S + (number + 1) * A_SWAP_S - time.time()))
    sender.join()
    sent = outcome[0]
    instants = [sent.started_at + due for due in sent.due]
    during = sorted(ms for ms, at in zip(sent.ms, instants, strict=True) if _within(at, spans))
    before = sorted(ms for ms, at in zip(sent.ms, instants, strict=True) if at < spans[0][0])
    return Swapped(
        swaps=n_swaps,
        requests=len(sent.ms) + sent.unanswered,
        failed=sum(status != 200 for status in sent.statuses) + sent.unanswered,
        mixed=sum(1 for body in _lists(sent) if own.get(body[0], {}).get(body[1]) != body[2]),
        p99_before=percentile(before, 0.99),
        p99_during=percentile(during, 0.99),
        worst=max(sent.ms),
        followed_s=[end - start for start, end in spans],
    )


def _lists(sent: Sent) -> Iterator[tuple[str, str, list[str]]]:
    """(release, user, items) of each answer."""
    for body, status in zip(sent.bodies, sent.statuses, strict=True):
        if status == 200:
            answer = json.loads(body)
            yield answer["release"], answer["user_id"], [item["item_id"] for item in answer["items"]]


def _within(at: float, spans: list[tuple[float, float]]) -> bool:
    """Whether a request was planned during a swap, or within half a second after it."""
    return any(start <= at <= end + 0.5 for start, end in spans)


def _swap(store: ReleaseStore, served: Served, release: str) -> float:
    """Puts a release live and waits until it answers; seconds."""
    store.swap(release, who="benchmark", why="under load")
    begun = time.perf_counter()
    while _list(served, served.users[0])[0] != release:
        if time.perf_counter() - begun > FOLLOW_S:
            raise SystemExit(f"release {release} was not followed within {FOLLOW_S:.0f} s")
        time.sleep(0.05)
    return time.perf_counter() - begun


def _list(served: Served, user_id: str) -> tuple[str, list[str]]:
    import urllib.request

    body = json.dumps({"user_id": user_id, "k": 10}).encode()
    request = urllib.request.Request(  # noqa: S310
        f"http://127.0.0.1:{served.port}/recommend", body, {"Content-Type": "application/json"}
    )
    with open_url(request, timeout_s=30) as reply:
        answer = json.loads(reply.read())
    return answer["release"], [item["item_id"] for item in answer["items"]]
