"""Hostile requests against a real server: no status of 500 or above, no reset, one form of error, no growing memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from features.settings import Settings
from tests.support.hostile import Hostile, exchange
from tests.support.served import call, family, serving
from tests.support.small_release import release

N_CLIENTS = 8


@pytest.fixture(params=["files"])
def server(made, settings, request) -> Iterator[tuple[str, int]]:
    """Address of a server, and the process that answers; its stores are files, or PostgreSQL and Redis."""
    stores = {}
    if request.param == "servers":
        postgres, redis = request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
        stores = {"RECOPS_DATABASE_URL": postgres, "RECOPS_ONLINE_STORE": redis}
        settings = Settings(home=settings.home, database_url=postgres, online_store=redis)
    release(made, settings, "r1")
    with serving(settings.home, **stores) as (address, process):
        yield address, max(family(process.pid), key=resident)


def attack(address: str, seeds: range, n_each: int) -> Counter[int]:
    """Statuses of the answers to `n_each` requests of each seed.

    Raises:
        AssertionError: a fault, with the request that brought it.
    """
    port = int(address.rpartition(":")[2])

    def client(seed: int) -> tuple[Counter[int], list[str]]:
        statuses, faults = Counter(), []
        for number, request in enumerate(islice(Hostile(seed), n_each)):
            outcome = exchange(port, request)
            statuses.update(outcome.statuses)
            if outcome.fault is not None:
                faults.append(f"seed {seed}, request {number}: {outcome.fault} to {request[:300]!r}")
        return statuses, faults

    with ThreadPoolExecutor(N_CLIENTS) as threads:
        results = list(threads.map(client, seeds))
    faults = [fault for _, found in results for fault in found]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:20])
    return sum((statuses for statuses, _ in results), Counter())


def series(address: str) -> set[str]:
    text = str(call(address, "/metrics")[1])
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_hostile_requests_are_the_same_for_the_same_seed():
    assert list(islice(Hostile(3), 50)) == list(islice(Hostile(3), 50))
    assert list(islice(Hostile(3), 50)) != list(islice(Hostile(4), 50))


def test_hundreds_of_hostile_requests_get_no_5xx_and_no_reset(server):
    address, _ = server
    statuses = attack(address, range(N_CLIENTS), 60)
    assert {200, 400, 403, 404, 405, 415, 431} <= set(statuses)
    assert sum(statuses.values()) > 400
    before = series(address)
    for number in range(100):
        call(address, f"/nothing-{number}")
    assert series(address) == before  # a real server too, with BentoML's own metrics off
    assert not any("nothing" in line for line in before)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("server", ["files", "servers"], indirect=True)
def test_20000_hostile_requests_leave_the_memory_as_it_is(server):
    address, pid = server
    attack(address, range(100, 100 + N_CLIENTS), 2_000 // N_CLIENTS)
    held, n_series = [resident(pid)], [len(series(address))]
    for part in range(1, 5):
        first = 1_000 * part
        statuses = attack(address, range(first, first + N_CLIENTS), 5_000 // N_CLIENTS)
        held.append(resident(pid))
        n_series.append(len(series(address)))
        print(f"{part * 5_000} requests: {held[-1] / 2**20:.1f} MB, {n_series[-1]} series, {dict(statuses)}")
    print("memory after warm-up and each 5,000 [MB]:", [round(size / 2**20, 1) for size in held])
    assert max(held[1:]) <= 1.05 * held[0]
    assert held[4] <= 1.02 * held[3]
    assert n_series[4] == n_series[3]
