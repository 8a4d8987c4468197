"""Freshness: from an accepted event to a list that has changed, while other events come in at a steady rate.

    (a process of its own, as the load generator: a plan on standard input, what happened on standard output)

A probe asks for a user's list, sends an event on its first item, and from the acknowledgement on asks until the item is
gone, which it must be: what a user has chosen is not shown again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

from benchmarks.serving.connections import Pool
from benchmarks.serving.generator import Load, Sent, open_loop
from benchmarks.serving.traffic import Requests, Traffic

PATIENCE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Probing:
    """probes: users that only probes ask for, one each; probe_rate: probes a second; load: the events beside them."""

    load: Load
    probes: list[str]
    probe_rate: float = 10.0


@dataclass
class Probed:
    """One entry a probe [ms]: from its event's acknowledgement, and from its sending, to the changed list; asked: how
    often it asked until then; never: lists that did not change in time; events: what became of the others."""

    accepted_ms: list[float] = field(default_factory=list)
    sent_ms: list[float] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    never: int = 0
    failed: int = 0
    events: dict[str, Any] = field(default_factory=dict)


async def run(probing: Probing) -> Probed:
    """Probes and events at their planned instants."""
    load, probed, sent = probing.load, Probed(), Sent()
    pool, probe_pool = (Pool(load.host, load.port, load.connections) for _ in range(2))
    await asyncio.gather(pool.open(8), probe_pool.open(8))
    requests = Requests(dataclasses.replace(load.traffic, run=f"{load.traffic.run}-probe"))
    gc.collect()
    gc.freeze()
    async with asyncio.TaskGroup() as group:
        group.create_task(open_loop(load, pool, sent))
        start = time.perf_counter()
        for number, user_id in enumerate(itertools.islice(probing.probes, int(load.seconds * probing.probe_rate))):
            await asyncio.sleep(max(0.0, start + number / probing.probe_rate - time.perf_counter()))
            group.create_task(_probe(requests, probe_pool, user_id, probed))
    probed.events = dataclasses.asdict(sent)
    return probed


async def _probe(requests: Requests, pool: Pool, user_id: str, probed: Probed) -> None:
    ask = requests.bytes_of("/recommend", {"user_id": user_id, "k": 10})
    first = await pool.ask(ask)
    if first.status != 200:
        probed.failed += 1
        return
    item_id = first.json()["items"][0]["item_id"]
    event = requests.bytes_of("/events", {"events": [requests.event(user_id, item_id)]})
    sent_at = time.perf_counter()
    acknowledged = await pool.ask(event)
    accepted_at = time.perf_counter()
    if acknowledged.status != 200:
        probed.failed += 1
        return
    for asked in itertools.count(1):
        answer = await pool.ask(ask)
        now = time.perf_counter()
        if answer.status == 200 and item_id not in {item["item_id"] for item in answer.json()["items"]}:
            probed.accepted_ms.append((now - accepted_at) * 1000)
            probed.sent_ms.append((now - sent_at) * 1000)
            probed.asked.append(asked)
            return
        if now - accepted_at > PATIENCE_S:
            probed.never += 1
            return


def main() -> None:
    plan = json.load(sys.stdin)
    load = Load(**{**plan["load"], "traffic": Traffic(**plan["load"]["traffic"])})
    gc.disable()
    json.dump(dataclasses.asdict(uvloop.run(run(Probing(**{**plan, "load": load})))), sys.stdout)


if __name__ == "__main__":
    main()
