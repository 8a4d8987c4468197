"""The cases of load: closed loop, open loop at given rates, with and without reasons, and the highest rate in time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.serving.freshness import Probing
from benchmarks.serving.generator import Load
from benchmarks.serving.measures import Measure, measure, percentile
from benchmarks.serving.served import Served
from benchmarks.serving.traffic import Traffic

RECOMMEND = {"recommend": 1.0}
MIXED = {"recommend": 0.9, "event": 0.1}
WARM_UP_S = 1.5


def traffic(served: Served, mixture: dict[str, float], *, zipf: float = 1.0, k: int = 10, seed: int = 1) -> Traffic:
    """Requests of the release's users for its items; no two loads share an event id."""
    run = f"{time.time_ns():x}"
    return Traffic(users=served.users, items=served.items, mixture=mixture, zipf=zipf, k=k, seed=seed, run=run)


def closed(served: Served, seconds: float, connections: int) -> Iterator[Measure]:
    """As fast as it goes, by kind of request; events last, so that known users are those of the release."""
    for name, kind, n_connections in (
        ("/recommend, one connection", "recommend", 1),
        (f"/recommend, known users, {connections} connections", "recommend", connections),
        (f"/recommend, new users, {connections} connections", "new_user", connections),
        (f"/events, one each (durable), {connections} connections", "event", connections),
        (f"/events, 100 each (durable), {connections} connections", "events_100", connections),
    ):
        asked = traffic(served, {kind: 1.0}, zipf=0)
        load = Load(port=served.port, traffic=asked, seconds=WARM_UP_S, connections=n_connections)
        served.run(load)
        sent, processor_s = served.run(_again(served, load, seconds))
        yield measure(name, sent, processor_s)


def open_loop(
    served: Served,
    name: str,
    rate: float,
    seconds: float,
    mixture: dict[str, float],
    *,
    zipf: float = 1.0,
    k: int = 10,
    poisson: bool = False,
    warm_up: bool = True,
) -> list[Measure]:
    """Requests at planned instants: the whole load, then each kind of it where there are several.

    The processor time is that of all requests together.
    """
    asked = traffic(served, mixture, zipf=zipf, k=k)
    load = Load(port=served.port, traffic=asked, seconds=WARM_UP_S, rate=rate, poisson=poisson)
    if warm_up:
        served.run(load)
    sent, processor_s = served.run(_again(served, load, seconds))
    results = [measure(name, sent, processor_s, rate)]
    if len(mixture) > 1:
        results += [measure(f"  {kind}", sent, processor_s, rate * mixture[kind], kind) for kind in mixture]
    return results


def explained(served: Served, rate: float, seconds: float, repeats: int = 3) -> list[Measure]:
    """The same rate without and with reasons in turn, `repeats` times; the median of each by processor time."""
    results: dict[str, list[Measure]] = {"recommend": [], "explain": []}
    for _ in range(repeats):
        for kind, measures in results.items():
            measures += open_loop(served, kind, rate, seconds, {kind: 1.0})
    return [sorted(measures, key=lambda one: one.processor_ms)[repeats // 2] for measures in results.values()]


def highest_rate(
    served: Served, limit_ms: float, seconds: float, mixture: dict[str, float], *, first: float = 20, steps: int = 6
) -> Iterator[Measure]:
    """Rates by bisection, up to the highest whose p99 is below the limit: doubled from `first` until one is not, then
    `steps` times the middle. A rate also fails by an error, or when fewer than 97 % of its requests are answered a
    second. The last measure that passed is the answer."""
    low, high, rate = 0.0, 0.0, first
    for _ in range(12 + steps):
        result = open_loop(served, "mixed" if len(mixture) > 1 else "recommend", rate, seconds, mixture)[0]
        yield result
        if passes(result, limit_ms):
            low = rate
        else:
            high = rate
        if not high:
            rate *= 2
            continue
        steps -= 1
        if steps < 0 or high - low < max(1.0, 0.03 * high):
            return
        rate = round((low + high) / 2, 1)


def fresh(served: Served, rate: float, seconds: float) -> str:
    """From an accepted event to the changed list, while `rate` events a second come in, as a line."""
    n_probes = min(len(served.users) // 2, 1000)
    others = {"users": served.users[n_probes:]}
    asked = traffic(served, {"event": 1.0})
    load = Load(port=served.port, traffic=type(asked)(**{**vars(asked), **others}), seconds=seconds, rate=rate)
    probed = served.probe(Probing(load=load, probes=served.users[:n_probes]))
    accepted, sent = sorted(probed.accepted_ms), sorted(probed.sent_ms)
    at_once = sum(n == 1 for n in probed.asked)
    return (
        f"event accepted → changed list, {rate:g} events/s beside: p50 {percentile(accepted, 0.5):.1f} ms, p99 "
        f"{percentile(accepted, 0.99):.1f} ms ({len(accepted)} probes, {at_once} at the first list, {probed.never} "
        f"never, {probed.failed} failed); from the event's sending p99 {percentile(sent, 0.99):.1f} ms"
    )


def passes(result: Measure, limit_ms: float) -> bool:
    """Whether a rate was served in time."""
    in_time = result.p99 < limit_ms and result.per_second >= 0.97 * (result.planned or 0)
    return in_time and not result.errors


def best_of(results: Sequence[Measure], limit_ms: float) -> Measure | None:
    """The highest rate that passed."""
    good = [result for result in results if passes(result, limit_ms)]
    return max(good, key=lambda result: result.planned or 0) if good else None


def _again(served: Served, load: Load, seconds: float) -> Load:
    """The load after its warm-up: other draws, other event ids."""
    asked = traffic(served, load.traffic.mixture, zipf=load.traffic.zipf, k=load.traffic.k, seed=2)
    return Load(
        port=load.port,
        traffic=asked,
        seconds=seconds,
        rate=load.rate,
        poisson=load.poisson,
        connections=load.connections,
    )
