"""The served live release under load: latency, processor time and memory, client and server on the same machine.

    python -m benchmarks.serving [CASE ...] [--rates 20,120] [--seconds 10] [--workers 1]

It serves the live release of RECOPS_HOME (make one with `recops run && recops release`) on a free port, from a copy of
the home: nothing is added to the real one. The load comes from a process of its own.

closed      each connection asks again when it has its answer: requests a second at the limit, by kind of request
open        requests at planned instants, latency from these: 90 % /recommend for users drawn by Zipf's law, 10 %
            events; one line a rate, then one a kind
highest     the highest rate whose p99 is below --limit-ms, by bisection
explain     the first rate without and with reasons, in turn
fresh       from an accepted event to the changed list, at --event-rate events a second
memory      what each worker holds alone and shares, beside an empty worker of the same server; see --workers
swap        --swaps swaps between the live release and another one of the home (`recops release` twice), under the first
            rate: failures, mixed lists, p99 before and during
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.serving.cases import MIXED, RECOMMEND, best_of, closed, explained, fresh, highest_rate, open_loop
from benchmarks.serving.measures import HEAD, Measure, line
from benchmarks.serving.memory import memory
from benchmarks.serving.served import Served, serving
from benchmarks.serving.swapping import swap_under_load
from features.settings import Settings
from models.release.store import ReleaseStore

CASES = ("closed", "open", "highest", "explain", "fresh", "memory", "swap")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=["closed", "open"], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rates", default="20,50", help="requests a second of the open loop, comma separated")
    parser.add_argument("--seconds", type=float, default=10, help="of each load, after 1.5 s of warm-up")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, default=16, help="of the closed loop")
    parser.add_argument("--limit-ms", type=float, default=25, help="p99 that counts as in time")
    parser.add_argument("--event-rate", type=float, default=100, help="events a second beside the probes of `fresh`")
    parser.add_argument("--swaps", type=int, default=10)
    parser.add_argument("--k", type=int, default=10, help="length of the lists")
    parser.add_argument("--zipf", type=float, default=1.0, help="the n-th user is drawn with weight n^-zipf")
    parser.add_argument("--poisson", action="store_true", help="arrivals at random instants instead of even ones")
    parser.add_argument("--only-recommend", action="store_true", help="open, highest: no events among the requests")
    parser.add_argument("--working-tree", action="store_true", help="this code instead of the release's Bento")
    parser.add_argument("--json", type=Path, help="also write every figure there")
    given = parser.parse_args()
    if unknown := [case for case in given.cases if case not in CASES]:
        parser.error(f"no case {unknown}; there are {', '.join(CASES)}")
    return given


def results(served: Served, given: argparse.Namespace) -> Iterator[Measure]:
    """Every measure of the wanted cases, as it is made."""
    rates = [float(rate) for rate in given.rates.split(",")]
    mixture = RECOMMEND if given.only_recommend else MIXED
    if "closed" in given.cases:
        yield from closed(served, given.seconds, given.connections)
    if "open" in given.cases:
        for rate in rates:
            name = f"open loop, {' + '.join(mixture)}"
            yield from open_loop(
                served, name, rate, given.seconds, mixture, zipf=given.zipf, k=given.k, poisson=given.poisson
            )
    if "explain" in given.cases:
        yield from explained(served, rates[0], given.seconds)
    if "highest" in given.cases:
        tried = []
        for result in highest_rate(served, given.limit_ms, given.seconds, mixture, first=rates[0]):
            tried.append(result)
            yield result
        best = best_of(tried, given.limit_ms)
        rate = "none" if best is None else f"{best.planned:.0f}/s (p99 {best.p99:.1f} ms)"
        print(f"highest rate with p99 < {given.limit_ms:g} ms: {rate}", flush=True)


def swap(given: argparse.Namespace) -> None:
    """The case `swap`, on a service of its own that answers as of a fixed instant."""
    store = ReleaseStore(Settings().home)
    live = store.live()
    others = [release for release in store.list() if release.release != live]
    if live is None or not others:
        raise SystemExit(f"{store.root}: swap needs a live release and another one; run `recops release` once more")
    until = max(release.data_until or 0 for release in (store.read(live), others[-1]))
    environment = {"RECOPS_AT": datetime.fromtimestamp(until / 1e6, UTC).isoformat()}
    with serving(
        store.root.parent, workers=given.workers, working_tree=given.working_tree, environment=environment
    ) as served:
        rate = float(given.rates.split(",")[0])
        print(swap_under_load(served, others[-1].release, rate, given.swaps).line(), flush=True)


def main() -> None:
    given = arguments()
    measures = []
    if given.cases == ["swap"]:
        swap(given)
        return
    with serving(Settings().home, workers=given.workers, working_tree=given.working_tree) as served:
        sizes = f"{len(served.users)} users, {len(served.items)} items"
        print(
            f"release {served.release}: {sizes}; {given.workers} worker(s), {os.cpu_count()} cores; ready in ", end=""
        )
        print(f"{served.ready_s:.1f} s\n{HEAD}", flush=True)
        for result in results(served, given):
            measures.append(result.as_json())
            print(line(result), flush=True)
        if "fresh" in given.cases:
            print(fresh(served, given.event_rate, given.seconds), flush=True)
        if "memory" in given.cases:
            for text in memory(served, given.seconds):
                print(text, flush=True)
    if "swap" in given.cases:
        swap(given)
    if given.json:
        given.json.write_text(json.dumps(measures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
